using Spectre.Console;

namespace Vivim.Simulator;

/// <summary>Draws long work on standard error.</summary>
internal static class ProgressBar
{
    private const int WidthWhenRedirected = 120;

    /// <summary>Runs <paramref name="work"/>, drawing how much of it is done; with JSON and nobody watching, nothing is drawn.</summary>
    public static async Task<T> RunAsync<T>(string name, int total, bool isJson, TextWriter error, Func<Action<int>, Task<T>> work)
    {
        if (isJson && Console.IsErrorRedirected) return await work(static _ => { });
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error), Ansi = Console.IsErrorRedirected ? AnsiSupport.No : AnsiSupport.Detect });
        if (Console.IsErrorRedirected) console.Profile.Width = WidthWhenRedirected;
        var progress = console.Progress().AutoClear(enabled: false).Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn());
        return await progress.StartAsync(context =>
        {
            var bar = context.AddTask(name, maxValue: total);
            return work(done =>
            {
                lock (bar) bar.Value = Math.Max(bar.Value, done);
            });
        });
    }
}
