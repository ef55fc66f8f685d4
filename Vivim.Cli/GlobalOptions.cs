using System.CommandLine;
using System.CommandLine.Parsing;
using Vivim.Client;

namespace Vivim.Cli;

/// <summary>The options every command has.</summary>
internal static class GlobalOptions
{
    private const string DefaultKey = "default";

    public static readonly Option<bool> Json = new("--json") { Description = "Print JSON: one object, or one a line for streams", Recursive = true };

    public static readonly Option<Uri> Node = new("--node")
    {
        Description = "The node's gRPC address (environment: VIVIM_NODE)",
        HelpName = "URI",
        Recursive = true,
        CustomParser = ParseNode,
        DefaultValueFactory = NodeOfEnvironment,
    };

    public static readonly Option<string> Key = new("--key")
    {
        Description = "The key to act with: its name, or the path of a key file (environment: VIVIM_KEY)",
        HelpName = "NAME|FILE",
        Recursive = true,
        DefaultValueFactory = static _ => KeyOfEnvironment ?? DefaultKey,
    };

    /// <summary>What VIVIM_KEY names; null where it is not set.</summary>
    public static string? KeyOfEnvironment => Environment.GetEnvironmentVariable("VIVIM_KEY") is { Length: > 0 } name ? name : null;

    private static Uri? ParseNode(ArgumentResult result) => ParseNode(result.Tokens[0].Value, result);

    private static Uri NodeOfEnvironment(ArgumentResult result) =>
        Environment.GetEnvironmentVariable("VIVIM_NODE") is { Length: > 0 } text ? ParseNode(text, result) ?? VivimClient.DefaultNode : VivimClient.DefaultNode;

    private static Uri? ParseNode(string text, ArgumentResult result)
    {
        var isAddress = Uri.TryCreate(text, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps);
        if (isAddress && uri!.UserInfo.Length == 0) return uri;
        if (isAddress)
        {
            // Not quoted: it would be in every log that keeps what this prints.
            result.AddError("a node's address has no user and no password: leave out what stands before the @");
            return null;
        }

        result.AddError($"'{text}' is not a node's address: write e.g. {VivimClient.DefaultNode.OriginalString}");
        return null;
    }
}
