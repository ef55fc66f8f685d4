using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using Vivim.Cli.Commands;
using Vivim.Cli.Keys;
using Vivim.Client;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Keys;

namespace Vivim.Cli;

/// <summary>What a command does; the result is the exit code.</summary>
internal delegate Task<int> CommandBody(CommandContext context, CancellationToken cancellationToken);

/// <summary>The command <c>vivim</c>.</summary>
public sealed class VivimCommand
{
    /// <summary>Done as asked.</summary>
    public const int Success = 0;

    /// <summary>Refused or failed; standard error says why.</summary>
    public const int Failure = 1;

    /// <summary>The command line itself is wrong.</summary>
    public const int Usage = 2;

    private readonly KeyStore keys;
    private readonly TextWriter output;
    private readonly TextWriter error;
    private readonly RootCommand root;

    public VivimCommand(KeyStore keys, TextWriter output, TextWriter error)
    {
        this.keys = keys;
        this.output = output;
        this.error = error;
        root = new RootCommand("VIVIM: a social network's transport layer with its own chain.")
        {
            KeyCommands.Build(this),
            IdentityCommands.Build(this),
            GraphCommands.Follow(this),
            GraphCommands.Unfollow(this),
            GraphCommands.Followers(this),
            ChainCommands.Status(this),
            EventsCommand.Build(this),
            ChainCommands.Transaction(this),
            ChainCommands.Block(this),
            ValidatorCommands.Build(this),
            ClusterCommands.Build(this),
            NodeCommands.Build(this),
            SupervisionCommands.Build(this),
            LogCommands.Build(this),
            ActorCommands.Actor(this),
            ActorCommands.ClusterSharding(this),
            WorkerCommands.Build(this),
            PoolCommands.Build(this),
            BackupCommands.Build(this),
            ProofCommands.Build(this),
            ChainVerifyCommand.Build(this),
            GenesisCommand.Build(this),
            LoadCommand.Build(this),
            DemoCommand.Build(this),
            CompletionCommand.Build(this),
        };
        root.Options.Add(GlobalOptions.Json);
        root.Options.Add(GlobalOptions.Node);
        root.Options.Add(GlobalOptions.Key);
    }

    /// <summary>All commands.</summary>
    internal Command Root => root;

    /// <summary>Runs one command line.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken = default)
    {
        var parsed = root.Parse(arguments);
        var configuration = new InvocationConfiguration { Output = PrintableWriter.Of(output), Error = PrintableWriter.Of(error), EnableDefaultExceptionHandler = false };
        var isGroup = parsed.CommandResult.Command.Subcommands.Count > 0 && parsed.UnmatchedTokens.Count == 0;
        if (isGroup && !parsed.GetValue(GlobalOptions.Json)) parsed = root.Parse([.. arguments, "--help"]);
        if (parsed.Errors.Count > 0 && parsed.Action is not HelpAction) return Misused(parsed);
        return await parsed.InvokeAsync(configuration, cancellationToken);
    }

    /// <summary>Gives a command a body that calls the node with an operator's key.</summary>
    internal Command Operate<T>(Command command, Func<VivimClient, SigningKey, T> open, Func<T, CommandContext, CancellationToken, Task> body) =>
        Run(command, async (context, cancellationToken) =>
        {
            using var key = context.OpenOperatorKey();
            await body(open(context.Client, key), context, cancellationToken);
            return Success;
        });

    /// <summary>Gives a command its body, and failures their one sentence and exit code.</summary>
    internal Command Run(Command command, CommandBody body)
    {
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var terminal = new Terminal(parsed.GetValue(GlobalOptions.Json), output, error);
            using var context = new CommandContext(parsed, terminal, keys);
            try
            {
                return await body(context, cancellationToken);
            }
            catch (VivimException e)
            {
                terminal.Fail(e.Reason, e.Message);
            }
            catch (CommandFailedException e)
            {
                terminal.Fail(e.Reason, e.Message);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                terminal.Fail("CANCELLED", "stopped before the end");
            }
            catch (Exception e) when (e is InvalidDataException or MalformedException)
            {
                terminal.Fail("MALFORMED", e.Message);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                terminal.Fail("IO_ERROR", e.Message);
            }
            catch (Exception e)
            {
                // The runtime would print it with all that it quotes, past the terminal.
                terminal.Fail("UNEXPECTED", $"this is a fault of vivim, or of the node that answered: {e.GetType().Name}: {e.Message}");
            }

            return Failure;
        });
        return command;
    }

    private int Misused(ParseResult parsed)
    {
        var terminal = new Terminal(parsed.GetValue(GlobalOptions.Json), output, error);
        var names = new List<string>();
        for (var result = parsed.CommandResult; result is not null; result = result.Parent as CommandResult) names.Insert(0, result.Command.Name);
        names[0] = "vivim";
        terminal.Fail("USAGE", $"{parsed.Errors[0].Message.TrimEnd('.')}; see: {string.Join(' ', names)} --help");
        return Usage;
    }
}
