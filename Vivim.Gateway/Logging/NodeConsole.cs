using Vivim.Protocol;

namespace Vivim.Gateway.Logging;

/// <summary>What the program says beside its log: line by line, printable whatever a setting, a file or a peer holds.</summary>
internal static class NodeConsole
{
    /// <summary>True when a person watches standard output.</summary>
    public static bool IsWatched { get; } = !Console.IsOutputRedirected;

    /// <summary>Writes a text to standard output; its line breaks are its own.</summary>
    public static void Write(string text)
    {
        foreach (var line in text.Split('\n')) Console.WriteLine(PrintableText.Of(line));
    }

    /// <summary>Says on standard error, in one line, why the program cannot do what it was started for.</summary>
    public static Task Fail(string reason) => Console.Error.WriteLineAsync($"vivim: {PrintableText.Of(reason, PrintableText.MaxFieldLength)}");
}
