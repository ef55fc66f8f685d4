using System.CommandLine;
using Vivim.Cli.Keys;
using Vivim.Client;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;

namespace Vivim.Cli;

/// <summary>What a command works with: the terminal, the user's keys, and the node, connected to when first used.</summary>
internal sealed class CommandContext : IDisposable
{
    private const string OperatorKey = "operator";

    private readonly Lazy<VivimClient> client;

    public CommandContext(ParseResult arguments, Terminal terminal, KeyStore keys)
    {
        Arguments = arguments;
        Terminal = terminal;
        Keys = keys;
        People = new People(keys);
        Node = arguments.GetValue(GlobalOptions.Node)!;
        client = new Lazy<VivimClient>(() => VivimClient.Connect(Node));
    }

    public ParseResult Arguments { get; }

    public Terminal Terminal { get; }

    public KeyStore Keys { get; }

    public People People { get; }

    public Uri Node { get; }

    public VivimClient Client => client.Value;

    public string KeyName => Arguments.GetValue(GlobalOptions.Key)!;

    /// <summary>Reads the key to act with, by its name or, where there is a slash, from a file; the caller disposes it.</summary>
    /// <exception cref="CommandFailedException">There is none.</exception>
    public SigningKey OpenKey() => KeyName.AsSpan().ContainsAny('/', Path.DirectorySeparatorChar) ? KeyStore.OpenFile(KeyName) : Keys.Open(KeyName);

    /// <summary>
    /// Reads the operator's key: the one that --key names, else the file of VIVIM_OPERATOR_KEY, else the one of VIVIM_KEY, else the one named
    /// <c>operator</c>. The caller disposes it.
    /// </summary>
    /// <exception cref="CommandFailedException">There is none.</exception>
    public SigningKey OpenOperatorKey()
    {
        if (Arguments.GetResult(GlobalOptions.Key) is { Implicit: false }) return OpenKey();
        if (Environment.GetEnvironmentVariable("VIVIM_OPERATOR_KEY") is { Length: > 0 } file) return KeyStore.OpenFile(file);
        if (GlobalOptions.KeyOfEnvironment is not null) return OpenKey();
        return Keys.Contains(OperatorKey)
            ? Keys.Open(OperatorKey)
            : throw new CommandFailedException("OPERATOR_KEY_NOT_FOUND", "an operator's key is needed: give --key the file keys/operator.key that the node wrote into its data folder (or VIVIM_OPERATOR_KEY), or make a key named 'operator' and set it in the node's vivim.operators");
    }

    /// <summary>The did:vivim of whom the user named.</summary>
    /// <exception cref="CommandFailedException">Nobody is found.</exception>
    public Task<Did> ResolveAsync(string who, CancellationToken cancellationToken) => People.ResolveAsync(who, Client, cancellationToken);

    public void Dispose()
    {
        if (client.IsValueCreated) client.Value.Dispose();
    }
}
