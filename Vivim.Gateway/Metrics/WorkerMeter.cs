using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Akka.Actor;
using Akka.Event;
using Vivim.Actors.Workers;

namespace Vivim.Gateway.Metrics;

/// <summary>The last that each worker on this node has said of itself, as figures.</summary>
internal sealed class WorkerInstruments
{
    private readonly ConcurrentDictionary<string, WorkerReport> reports = new(StringComparer.Ordinal);

    public WorkerInstruments(Meter meter)
    {
        meter.CreateObservableCounter("vivim.worker.tasks", Ended, description: "Tasks of workers on this node that are over, in all lives of the worker, by how they ended");
        meter.CreateObservableGauge("vivim.worker.in.doubt", () => Each(report => (long)report.Metrics.InDoubt), "tasks", "Tasks that wait for an operator's decision");
        meter.CreateObservableGauge("vivim.worker.waiting", () => Each(report => (long)report.Metrics.Waiting), "tasks", "Tasks that are to be done or under way");
        meter.CreateObservableCounter("vivim.worker.processing", () => Each(report => report.Metrics.Processing.TotalSeconds), "s", "Time spent on tasks in this life of the worker");
        meter.CreateObservableCounter("vivim.worker.throttled", () => Each(report => report.Metrics.Throttled.TotalSeconds), "s", "Time that tasks waited in this life of the worker, to keep it within its share of the processor");
        meter.CreateObservableCounter("vivim.worker.restarts", () => Each(report => (long)report.Metrics.Restarts), description: "Failures that the worker came back from, in all its lives");
        meter.CreateObservableGauge("vivim.worker.state", States, description: "1 for the state that the worker is in");
        meter.CreateObservableGauge("vivim.worker.health", Health, description: "1 for what the last probe of the worker found");
    }

    public void Take(WorkerReport report) => reports[report.Config.WorkerId] = report;

    public void Drop(string worker) => reports.TryRemove(worker, out _);

    private static KeyValuePair<string, object?> Label(string name, string value) => new(name, value);

    private IEnumerable<Measurement<T>> Each<T>(Func<WorkerReport, T> read)
        where T : struct => reports.Values.Select(report => new Measurement<T>(read(report), Label("worker", report.Config.WorkerId)));

    private IEnumerable<Measurement<long>> Ended() => reports.Values.SelectMany(report => (IEnumerable<Measurement<long>>)
    [
        new((long)report.Metrics.Done, Label("worker", report.Config.WorkerId), Label("outcome", "done")),
        new((long)report.Metrics.Failed, Label("worker", report.Config.WorkerId), Label("outcome", "failed")),
    ]);

    private IEnumerable<Measurement<long>> States() =>
        reports.Values.Select(report => new Measurement<long>(1, Label("worker", report.Config.WorkerId), Label("state", report.State.ToString().ToLowerInvariant())));

    private IEnumerable<Measurement<long>> Health() =>
        reports.Values.Select(report => new Measurement<long>(1, Label("worker", report.Config.WorkerId), Label("status", report.Health.Status.ToString().ToLowerInvariant())));
}

/// <summary>Hears of the workers on the node's event stream.</summary>
internal sealed class WorkerMeter : ReceiveActor
{
    public WorkerMeter(WorkerInstruments instruments)
    {
        Receive<WorkerReport>(instruments.Take);
        Receive<WorkerGone>(gone => instruments.Drop(gone.Worker));
    }

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe<WorkerReport>(Self);
        Context.System.EventStream.Subscribe<WorkerGone>(Self);
    }
}
