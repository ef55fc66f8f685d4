using System.Diagnostics;

namespace Vivim.Benchmarks;

/// <summary>Counts a process's fsync and fdatasync calls by tracing it with strace, where that is installed.</summary>
internal static class SyncCount
{
    /// <summary>Calls made while <paramref name="meanwhile"/> runs; null without strace.</summary>
    public static async Task<int?> During(int processId, Func<Task> meanwhile)
    {
        var log = Path.GetTempFileName();
        using var strace = Start(processId, log);
        if (strace is null) return null;
        try
        {
            await Task.Delay(TimeSpan.FromSeconds(2));
            var before = Count(log);
            await meanwhile();
            return Count(log) - before;
        }
        finally
        {
            strace.Kill();
            await strace.WaitForExitAsync();
            File.Delete(log);
        }
    }

    private static int Count(string log)
    {
        using var reader = new StreamReader(new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd().Split('\n').Count(line => line.Contains("sync(", StringComparison.Ordinal));
    }

    private static Process? Start(int processId, string log)
    {
        try
        {
            return Process.Start(new ProcessStartInfo("strace", ["-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", log, "-p", $"{processId}"]) { RedirectStandardError = true, UseShellExecute = false });
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
