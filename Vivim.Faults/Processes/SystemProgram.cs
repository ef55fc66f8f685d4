using System.Diagnostics;

namespace Vivim.Faults.Processes;

/// <summary>Programs of the system that do one thing and end.</summary>
internal static class SystemProgram
{
    /// <summary>Generous: it only bounds a failure.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    public static bool IsRoot { get; } = OperatingSystem.IsLinux() && Environment.UserName == "root";

    /// <summary>Where a program is: on the path or in one of <paramref name="folders"/>; null when nowhere.</summary>
    public static string? Find(string name, params IEnumerable<string> folders) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Concat(["/usr/sbin", "/sbin"]).Concat(folders)
            .Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>Runs a program to its end.</summary>
    /// <param name="command">The program and its arguments.</param>
    /// <returns>What it wrote on standard output.</returns>
    /// <exception cref="FaultsException">It is not there, took over 2 minutes or failed; with what it wrote on standard error.</exception>
    public static async Task<string> RunAsync(IReadOnlyList<string> command, IReadOnlyDictionary<string, string>? environment = null, CancellationToken cancellationToken = default)
    {
        var info = new ProcessStartInfo(command[0], command.Skip(1)) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) info.Environment[name] = value;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        using var process = Start(info);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return process.ExitCode == 0 ? await output : throw new FaultsException($"{string.Join(' ', command)} ended with {process.ExitCode}: {(await error).Trim()} {(await output).Trim()}".TrimEnd());
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            process.Kill(entireProcessTree: true);
            throw new FaultsException($"{string.Join(' ', command)} has not ended after {Limit.TotalMinutes:N0} minutes", e);
        }
    }

    /// <summary>Runs a program whose failure does not matter: what it acts on may be gone.</summary>
    public static async Task TryRunAsync(params string[] command)
    {
        try
        {
            await RunAsync(command);
        }
        catch (FaultsException)
        {
            // What is not there needs nothing done to it.
        }
    }

    /// <summary>Sends a signal, e.g. <c>STOP</c>.</summary>
    public static Task SignalAsync(string signal, int process) => RunAsync(["kill", $"-{signal}", $"{process}"]);

    /// <summary>The ids of a process's children.</summary>
    public static IReadOnlyList<int> ChildrenOf(int process) =>
        [.. File.ReadAllText($"/proc/{process}/task/{process}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];

    private static Process Start(ProcessStartInfo info)
    {
        try
        {
            return Process.Start(info)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new FaultsException($"{info.FileName} does not start: {e.Message}", e);
        }
    }
}
