using System.Diagnostics;

namespace Vivim.Faults.Processes;

/// <summary>A long-running program whose output goes to a file, which outlives both of them.</summary>
internal sealed class LoggedProcess : IDisposable
{
    private static readonly TimeSpan KillLimit = TimeSpan.FromSeconds(30);

    private readonly Process process;

    private LoggedProcess(Process process, string log)
    {
        this.process = process;
        Log = log;
    }

    /// <summary>The file with its standard output and error.</summary>
    public string Log { get; }

    public int Id => process.Id;

    public bool HasExited => process.HasExited;

    /// <summary>Starts a program in place of a shell, so that its process id is the one known here.</summary>
    /// <param name="command">The program and its arguments.</param>
    public static LoggedProcess Start(IReadOnlyList<string> command, string log, IReadOnlyDictionary<string, string>? environment = null)
    {
        var info = new ProcessStartInfo("sh", ["-c", """exec "$@" > "$0" 2>&1 < /dev/null""", log, .. command]) { UseShellExecute = false };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) info.Environment[name] = value;
        return new LoggedProcess(Process.Start(info)!, log);
    }

    /// <summary>Waits for the end.</summary>
    /// <returns>The exit code; 128 and the signal's number when a signal ended it.</returns>
    public async Task<int> ExitAsync(CancellationToken cancellationToken)
    {
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode;
    }

    /// <summary>SIGKILL; returns when it is gone.</summary>
    public async Task KillAsync()
    {
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync().WaitAsync(KillLimit);
    }

    public Task SignalAsync(string signal) => SystemProgram.SignalAsync(signal, Id);

    /// <summary>The end of its output in one line, for a sentence.</summary>
    public string LastLines(int count = 5) => File.Exists(Log) ? string.Join(" | ", File.ReadLines(Log).Where(l => l.Trim().Length > 0).TakeLast(count).Select(l => l.Trim())) : "it wrote nothing";

    public void Dispose() => process.Dispose();
}
