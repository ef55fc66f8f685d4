using Akka.Actor;
using Grpc.Core;
using Vivim.Actors.Messaging;
using Vivim.Actors.Tasks;
using Vivim.Actors.Workers;
using Vivim.Gateway.Node;
using Vivim.Gateway.Operators;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Gateway.Rpc;

/// <summary>vivim.v1.Workers: what the proto says of each call. <see cref="OperatorInterceptor"/> stands before it.</summary>
internal sealed class WorkersService(NodeHost host, TimeProvider clock) : V1.Workers.WorkersBase
{
    private const int DefaultPage = 100;

    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan PingLimit = TimeSpan.FromSeconds(10);

    public override async Task<V1.ListWorkersResponse> List(V1.ListWorkersRequest request, ServerCallContext context)
    {
        var response = new V1.ListWorkersResponse();
        response.Workers.AddRange(await Task.WhenAll((await host.Node.Workers.Ids(context.CancellationToken)).Select(id => Describe(id, context.CancellationToken))));
        return response;
    }

    public override async Task<V1.ShowWorkerResponse> Show(V1.ShowWorkerRequest request, ServerCallContext context)
    {
        var report = await Ask<WorkerReport>(new ReadWorker(request.Worker), context.CancellationToken);
        var response = new V1.ShowWorkerResponse { Worker = WorkerMessageForms.Of(report), Config = WorkerMessageForms.Of(report.Config) };
        response.Schedules.AddRange(report.Schedules.Select(WorkerMessageForms.Of));
        response.Changes.AddRange(report.Changes.Select(WorkerMessageForms.Of));
        return response;
    }

    public override async Task<V1.RestartWorkerResponse> Restart(V1.RestartWorkerRequest request, ServerCallContext context)
    {
        var report = await Ask<WorkerReport>(new RestartWorker(request.Worker, OperatorInterceptor.OperatorOf(context).ToString()), context.CancellationToken);
        return new V1.RestartWorkerResponse { Worker = WorkerMessageForms.Of(report) };
    }

    public override async Task<V1.CrashWorkerResponse> Crash(V1.CrashWorkerRequest request, ServerCallContext context)
    {
        var report = await Ask<WorkerReport>(new CrashWorker(request.Worker, OperatorInterceptor.OperatorOf(context).ToString()), context.CancellationToken);
        return new V1.CrashWorkerResponse { Worker = WorkerMessageForms.Of(report) };
    }

    public override async Task<V1.PingWorkerResponse> Ping(V1.PingWorkerRequest request, ServerCallContext context)
    {
        await RequireKnown(request.Worker, context.CancellationToken);
        var start = clock.GetTimestamp();
        var ping = new WorkerMessage(Guid.NewGuid().ToString("n"), "gateway", request.Worker, ServiceWorker.Ping, default, MessagePriority.Normal, PingLimit, null, clock.GetUtcNow());
        try
        {
            await host.Node.Workers.Bus.Request(ping).WaitAsync(context.CancellationToken);
        }
        catch (WorkerRequestException e) when (e.Failure is RequestFailure.InboxFull or RequestFailure.Busy)
        {
            throw RpcErrors.Of(StatusCode.ResourceExhausted, "WORKER_BUSY", e.Message);
        }
        catch (WorkerRequestException e)
        {
            throw RpcErrors.Of(StatusCode.Unavailable, "WORKER_AWAY", e.Message);
        }

        return new V1.PingWorkerResponse { Took = (ulong)clock.GetElapsedTime(start).TotalMicroseconds };
    }

    public override async Task<V1.ScaleWorkersResponse> Scale(V1.ScaleWorkersRequest request, ServerCallContext context)
    {
        var registry = host.Node.Workers.Registry;
        if (registry.ScaleOf(request.Type) is null)
            throw RpcErrors.Of(StatusCode.FailedPrecondition, "WORKERS_NOT_SCALABLE", $"there is no type '{request.Type}' whose number of workers can change; such are: {string.Join(", ", registry.Scalable.DefaultIfEmpty("none in this version"))}");
        if (request.Count > ScaleLimits.MaxWorkers) throw RpcErrors.InvalidArgument($"count is at most {ScaleLimits.MaxWorkers}");
        var report = await AskRegion<ScaleReport>(new SetScale(request.Type, (int)request.Count, OperatorInterceptor.OperatorOf(context).ToString()), context.CancellationToken);
        return report.Refusal.Length == 0 ? WorkerMessageForms.Of(request.Type, report) : throw RpcErrors.InvalidArgument(report.Refusal);
    }

    public override async Task<V1.ListTasksResponse> ListTasks(V1.ListTasksRequest request, ServerCallContext context)
    {
        if (request.PageSize > Vivim.Actors.Workers.ListTasks.MaxLimit) throw RpcErrors.InvalidArgument($"page_size is at most {Vivim.Actors.Workers.ListTasks.MaxLimit}");
        if (!Enum.IsDefined(request.Phase)) throw RpcErrors.InvalidArgument("phase is not known");
        var phase = request.Phase == V1.TaskPhase.Unspecified ? (TaskPhase?)null : (TaskPhase)request.Phase;
        var size = request.PageSize == 0 ? DefaultPage : (int)request.PageSize;
        var list = await Ask<TaskList>(new ListTasks(request.Worker, phase, request.PageToken, size), context.CancellationToken);
        var response = new V1.ListTasksResponse { NextPageToken = list.More ? list.Tasks[^1].Id : "" };
        response.Tasks.AddRange(list.Tasks.Select(WorkerMessageForms.Of));
        return response;
    }

    public override async Task<V1.SubmitTaskResponse> SubmitTask(V1.SubmitTaskRequest request, ServerCallContext context)
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var id = RequestValues.Name(request.Task, "task", WorkerTask.MaxName);
        var answer = await Ask<TaskAnswer>(new SubmitTask(request.Worker, id, request.Kind, request.Argument, now), context.CancellationToken);
        return answer.Refusal switch
        {
            TaskRefusal.None => new V1.SubmitTaskResponse { Task = WorkerMessageForms.Of(answer.Task!) },
            TaskRefusal.QueueFull => throw RpcErrors.Of(StatusCode.ResourceExhausted, "WORKER_BUSY", answer.Message),
            TaskRefusal.IdTaken => throw RpcErrors.Of(StatusCode.AlreadyExists, "TASK_ID_TAKEN", answer.Message),
            TaskRefusal.WorkerAway => throw RpcErrors.Of(StatusCode.Unavailable, "WORKER_AWAY", answer.Message),
            _ => throw RpcErrors.InvalidArgument(answer.Message),
        };
    }

    public override async Task<V1.ResolveTaskResponse> ResolveTask(V1.ResolveTaskRequest request, ServerCallContext context)
    {
        if (request.Decision is not (V1.TaskDecision.Done or V1.TaskDecision.Again)) throw RpcErrors.InvalidArgument("decision is DONE or AGAIN");
        var by = OperatorInterceptor.OperatorOf(context).ToString();
        var answer = await Ask<TaskAnswer>(new ResolveTask(request.Worker, request.Task, (TaskDecision)request.Decision, by), context.CancellationToken);
        return answer.Refusal switch
        {
            TaskRefusal.None => new V1.ResolveTaskResponse { Task = WorkerMessageForms.Of(answer.Task!) },
            TaskRefusal.UnknownTask => throw RpcErrors.Of(StatusCode.NotFound, "TASK_UNKNOWN", answer.Message),
            TaskRefusal.NotInDoubt => throw RpcErrors.Of(StatusCode.FailedPrecondition, "TASK_NOT_IN_DOUBT", answer.Message),
            TaskRefusal.WorkerAway => throw RpcErrors.Of(StatusCode.Unavailable, "WORKER_AWAY", answer.Message),
            _ => throw RpcErrors.InvalidArgument(answer.Message),
        };
    }

    private async Task<V1.Worker> Describe(string id, CancellationToken cancellation)
    {
        try
        {
            return WorkerMessageForms.Of(await host.Node.Workers.Region.Ask<WorkerReport>(new ReadWorker(id), AnswerLimit, cancellation));
        }
        catch (Exception e) when (e is AskTimeoutException or InvalidOperationException)
        {
            // Silent, or bound to a node that has just gone.
            return new V1.Worker { Worker_ = id, Type = id.Split('-')[0], Note = e is AskTimeoutException ? "does not answer" : e.Message };
        }
    }

    private async Task<T> Ask<T>(IWorkerMessage message, CancellationToken cancellation)
    {
        await RequireKnown(message.Worker, cancellation);
        return await AskRegion<T>(message, cancellation);
    }

    private async Task<T> AskRegion<T>(IWorkerMessage message, CancellationToken cancellation)
    {
        try
        {
            return await host.Node.Workers.Region.Ask<T>(message, AnswerLimit, cancellation);
        }
        catch (Exception e) when (e is AskTimeoutException or InvalidOperationException)
        {
            throw RpcErrors.Of(StatusCode.Unavailable, "WORKER_AWAY", e is AskTimeoutException ? $"{message.Worker} did not answer within {AnswerLimit.TotalSeconds} s: try again shortly" : e.Message);
        }
    }

    private async Task RequireKnown(string worker, CancellationToken cancellation)
    {
        var ids = await host.Node.Workers.Ids(cancellation);
        if (!ids.Contains(worker, StringComparer.Ordinal)) throw RpcErrors.Of(StatusCode.NotFound, "WORKER_UNKNOWN", $"there is no worker {worker}; there are: {string.Join(", ", ids)}");
    }
}
