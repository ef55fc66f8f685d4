namespace Vivim.Cli;

/// <summary>A command cannot do what was asked. The message is one sentence that says what to do; the exit code is 1.</summary>
public sealed class CommandFailedException : Exception
{
    public CommandFailedException(string reason, string message, Exception? inner = null)
        : base(message, inner) => Reason = reason;

    /// <summary>Upper snake case, e.g. KEY_NOT_FOUND.</summary>
    public string Reason { get; }
}
