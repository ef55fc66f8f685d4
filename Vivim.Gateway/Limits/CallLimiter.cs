using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Vivim.Gateway.Configuration;

namespace Vivim.Gateway.Limits;

/// <summary>
/// Stands before every call of both ports, whatever serves it: bounds how many are under way, charges each with its bytes, and ends those
/// whose caller does not read.
/// </summary>
internal sealed class CallLimiter(
    LimitSettings settings, ConnectionLimiter connections, BytesInFlight bytes, LimitTally tally, TimeProvider clock)
{
    /// <summary>Bytes that a call is charged with while it is under way: about what the server and the service keep for it.</summary>
    public const int CallBytes = 32 * 1024;

    /// <summary>Calls beyond the limits, for operators.</summary>
    public const int Extra = 16;

    /// <summary>An address may have one in so many of the free calls under way.</summary>
    private const long Divisor = 8;

    private readonly Lock gate = new();
    private readonly FairShares shares = new(settings.MaxCalls);
    private readonly HashSet<CallUnderWay> underWay = [];
    private int extra;

    /// <summary>Calls under way.</summary>
    public int Count
    {
        get
        {
            lock (gate) return underWay.Count;
        }
    }

    /// <summary>Serves a call, where the limits have a place for it.</summary>
    /// <param name="refuse">Answers a call that is not served.</param>
    /// <param name="isOperators">Whether a call is an operator's; asked where it is beyond the limits.</param>
    public async Task Serve(HttpContext http, RequestDelegate next, Func<LimitRefusal, Task> refuse, Func<bool> isOperators)
    {
        var place = http.Features.GetRequiredFeature<ConnectionPlace>();
        if (!connections.TryBegin(place, isOperators))
        {
            // The server ends the connection when the refusal is sent.
            var connection = http.Features.Get<IConnectionLifetimeNotificationFeature>();
            http.Response.OnCompleted(() =>
            {
                connection?.RequestClose();
                return Task.CompletedTask;
            });
            await Refuse(LimitRefusal.Connections, refuse);
            return;
        }

        try
        {
            await ServeBegun(http, place.Address, next, refuse, isOperators);
        }
        finally
        {
            connections.End(place);
        }
    }

    /// <summary>Ends the calls whose callers do not read.</summary>
    public void Sweep()
    {
        List<CallUnderWay> calls;
        lock (gate) calls = [.. underWay];
        foreach (var call in calls.Where(call => call.EndIfStalled(settings.StalledAfter))) tally.Call("stalled");
    }

    private async Task ServeBegun(
        HttpContext http, CallerAddress address, RequestDelegate next, Func<LimitRefusal, Task> refuse, Func<bool> isOperators)
    {
        var call = new CallUnderWay(address, http.Features, bytes, tally, clock);
        var charged = CallBytes + RequestBytes(http);
        var refusal = TryEnter(call, address, charged);
        var isExtra = refusal is not null && TryEnterBeyond(call, address, charged, isOperators);
        if (refusal is not null && !isExtra)
        {
            await Refuse(refusal, refuse);
            return;
        }

        try
        {
            await ServePaced(http, call, next);
        }
        finally
        {
            call.Over();
            bytes.Give(address, charged);
            Leave(call, address, isExtra);
        }
    }

    private static async Task ServePaced(HttpContext http, CallUnderWay call, RequestDelegate next)
    {
        var server = http.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        var body = new PacedBody(server, call);
        http.Features.Set(call);
        http.Features.Set<IHttpResponseBodyFeature>(body);
        try
        {
            await next(http);
            await body.Finish(http.RequestAborted);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The caller has gone, or was ended.
        }
        finally
        {
            body.Drop();
            http.Features.Set(server);
        }
    }

    private async Task Refuse(LimitRefusal refusal, Func<LimitRefusal, Task> refuse)
    {
        tally.Call(refusal.Reason);
        await refuse(refusal);
    }

    /// <summary>Gives a call a place and its bytes, within the limits.</summary>
    /// <returns>Why there is none; null where it has both.</returns>
    private LimitRefusal? TryEnter(CallUnderWay call, CallerAddress address, long charged)
    {
        lock (gate)
        {
            if (!shares.TryTake(address, 1, Divisor)) return LimitRefusal.Calls;
            if (!bytes.TryTakeForCall(address, charged))
            {
                shares.Give(address, 1);
                return LimitRefusal.Answers;
            }

            underWay.Add(call);
            return null;
        }
    }

    /// <summary>Gives an operator's call a place and its bytes where the limits have none: <see cref="Extra"/> bounds both.</summary>
    private bool TryEnterBeyond(CallUnderWay call, CallerAddress address, long charged, Func<bool> isOperators)
    {
        lock (gate)
        {
            if (extra >= Extra) return false;
        }

        if (!isOperators()) return false;
        lock (gate)
        {
            if (extra >= Extra) return false;
            extra++;
            underWay.Add(call);
        }

        bytes.Charge(address, charged);
        return true;
    }

    private void Leave(CallUnderWay call, CallerAddress address, bool isExtra)
    {
        lock (gate)
        {
            underWay.Remove(call);
            if (isExtra) extra--;
            else shares.Give(address, 1);
        }
    }

    /// <summary>
    /// What the request may occupy beyond the server's counted memory: whoever reads JSON collects the body, in a buffer that doubles. A
    /// gRPC method reads its message out of the server's memory.
    /// </summary>
    private long RequestBytes(HttpContext http)
    {
        if (!CallForm.IsJson(http) || http.Features.Get<IHttpRequestBodyDetectionFeature>() is not { CanHaveBody: true }) return 0;
        return 2 * Math.Min(http.Request.ContentLength ?? settings.MaxMessageBytes, settings.MaxMessageBytes);
    }
}
