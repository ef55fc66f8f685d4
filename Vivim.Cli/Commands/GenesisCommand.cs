using System.CommandLine;
using System.Text.Json.Nodes;
using Vivim.Protocol;
using Vivim.Protocol.Genesis;

namespace Vivim.Cli.Commands;

/// <summary><c>vivim genesis show</c>: the file that everything else is verified against.</summary>
internal static class GenesisCommand
{
    public static Command Build(VivimCommand vivim)
    {
        var file = new Option<FileInfo?>("--output", "-o") { Description = "Write the genesis to this file", HelpName = "FILE" };
        var show = vivim.Run(new Command("show", "Show the node's genesis, or save it") { file }, async (context, cancellationToken) =>
        {
            var target = context.Arguments.GetValue(file);
            OutputFile.RequireNew(target);
            var genesis = await context.Client.GetGenesisAsync(cancellationToken);
            var json = genesis.ToJson();
            if (target is not null) OutputFile.Write(target, json);
            context.Terminal.Show(
                new { genesisHash = genesis.Hash.ToString(), file = target?.FullName, genesis = JsonNode.Parse(json) },
                text =>
                {
                    if (target is not null) text.Line($"{target.FullName}: genesis of {genesis.ChainId}, hash {genesis.Hash}");
                    else foreach (var line in System.Text.Encoding.UTF8.GetString(json).TrimEnd('\n').Split('\n')) text.Line($"{line}");
                });
            return VivimCommand.Success;
        });
        return new Command("genesis", "The chain's genesis") { show };
    }

    /// <summary>The option that names the genesis to verify against.</summary>
    public static Option<FileInfo?> Trusted() => new("--genesis") { Description = "The genesis file to trust (save one with: vivim genesis show -o FILE)", HelpName = "FILE" };

    /// <summary>The genesis of a file, else the node's, saying so.</summary>
    /// <exception cref="CommandFailedException">The file cannot be read, or is not a genesis.</exception>
    public static async Task<GenesisFile> TrustedOrNodesAsync(CommandContext context, FileInfo? file, CancellationToken cancellationToken)
    {
        if (file is not null) return Read(file);
        context.Terminal.Remark($"Using the node's own genesis; to trust nobody, name one with --genesis FILE.");
        return await context.Client.GetGenesisAsync(cancellationToken);
    }

    /// <summary>Reads a genesis file.</summary>
    /// <exception cref="CommandFailedException">It cannot be read, or is not a genesis.</exception>
    public static GenesisFile Read(FileInfo file)
    {
        try
        {
            return GenesisFile.FromJson(RegularFile.Read(file.FullName, GenesisFile.MaxSize));
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            throw new CommandFailedException("BAD_GENESIS", $"{file} cannot be used as a genesis: {e.Message}", e);
        }
    }
}
