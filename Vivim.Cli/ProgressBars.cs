using Spectre.Console;
using Spectre.Console.Rendering;
using Vivim.Cli.Load;
using Vivim.Protocol;

namespace Vivim.Cli;

/// <summary>Draws long work on standard error: a bar for each phase with its rate and the time left.</summary>
internal static class ProgressBars
{
    /// <summary>Runs <paramref name="work"/>, drawing what it reports.</summary>
    public static async Task<T> RunAsync<T>(Terminal terminal, Func<LoadProgress, Task<T>> work)
    {
        if (!terminal.ShowsProgress) return await work(static (_, _, _) => { });
        var progress = terminal.Progress.Progress().AutoClear(enabled: false).Columns(
            new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RateColumn(), new RemainingTimeColumn());
        return await progress.StartAsync(context =>
        {
            var gate = new Lock();
            var bars = new Dictionary<string, ProgressTask>(StringComparer.Ordinal);
            return work((phase, done, total) =>
            {
                lock (gate)
                {
                    if (!bars.TryGetValue(phase, out var bar)) bars[phase] = bar = context.AddTask(Markup.Escape(PrintableText.Of(phase)), maxValue: total);
                    bar.Value = Math.Max(bar.Value, done);
                }
            });
        });
    }

    private sealed class RateColumn : ProgressColumn
    {
        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
            new Text($"{task.Value:N0}/{task.MaxValue:N0}  {task.Speed ?? 0:N0}/s").RightJustified();
    }
}
