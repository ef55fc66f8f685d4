using System.CommandLine;
using Vivim.Cli.Load;
using Vivim.Client;
using Vivim.Protocol;

namespace Vivim.Cli.Commands;

/// <summary><c>vivim load graph</c>: puts a social graph on the chain.</summary>
internal static class LoadCommand
{
    private const int ReadAheadBytes = 1 << 16;

    public static Command Build(VivimCommand vivim)
    {
        var file = new Argument<FileInfo?>("FILE") { Description = "An edge list: each line 'a b' is one follow, a follows b", Arity = ArgumentArity.ZeroOrOne };
        var generate = new Option<SmallWorldGraph?>("--generate")
        {
            Description = "Make a small-world graph instead: people=4039,edges=88234,seed=1",
            HelpName = "NUMBERS",
            CustomParser = static result =>
            {
                try
                {
                    return SmallWorldGraph.Parse(result.Tokens[0].Value);
                }
                catch (FormatException e)
                {
                    result.AddError(e.Message);
                    return null;
                }
            },
        };
        var graph = new Command("graph", "Load a graph; run it again to go on after an interruption. The people's keys are derived from the graph, so they are for trying things out only.") { file, generate };
        graph.Validators.Add(result =>
        {
            if (result.GetResult(file)?.Tokens.Count > 0 == (result.GetResult(generate) is not null)) result.AddError("Name a graph FILE or --generate NUMBERS, one of the two");
        });
        vivim.Run(graph, async (context, cancellationToken) =>
        {
            var source = context.Arguments.GetValue(generate)?.Generate() ?? Read(context.Arguments.GetValue(file)!);
            return await RunAsync(context, source, cancellationToken);
        });
        return new Command("load", "Load data for trying things out") { graph };
    }

    private static FollowGraph Read(FileInfo file)
    {
        try
        {
            using var text = new StreamReader(RegularFile.Open(file.FullName), bufferSize: ReadAheadBytes);
            return GraphFile.Parse(text);
        }
        catch (FileNotFoundException e)
        {
            throw new CommandFailedException("FILE_NOT_FOUND", $"there is no file {file}; name an edge list, or use --generate people=4039,edges=88234,seed=1", e);
        }
        catch (InvalidDataException e)
        {
            throw new CommandFailedException("BAD_GRAPH", $"{file} is not a graph: {e.Message}", e);
        }
    }

    private static async Task<int> RunAsync(CommandContext context, FollowGraph graph, CancellationToken cancellationToken)
    {
        await context.Client.GetStatusAsync(cancellationToken);
        using var patient = VivimClient.Connect(context.Node, Backoff.DefaultLimit);
        var load = new GraphLoad(patient, graph, TimeProvider.System);
        var result = await ProgressBars.RunAsync(context.Terminal, report => load.RunAsync(report, cancellationToken));
        context.Terminal.Show(
            result,
            ("identities", result.Identities), ("submitted", result.Submitted), ("committed", result.Committed), ("rejected", result.Rejections is { } reasons ? $"{result.Rejected}: {string.Join(", ", reasons.Select(r => $"{r.Key} {r.Value}"))}" : result.Rejected), ("lost", result.Lost),
            ("seconds", result.Seconds), ("transactions/s", result.TxPerSecond), ("height", result.Height), ("state root", result.StateRoot));
        if (result.IsComplete) return VivimCommand.Success;
        context.Terminal.Fail("NO_PROGRESS", "the node has committed nothing for five minutes; look at its log, then run the same command again to go on");
        return VivimCommand.Failure;
    }
}
