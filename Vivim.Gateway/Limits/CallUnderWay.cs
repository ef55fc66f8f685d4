using Microsoft.AspNetCore.Http.Features;

namespace Vivim.Gateway.Limits;

/// <summary>
/// One call or stream, while it is served: what it holds of the node's bytes, and whether it waits for its caller to read. Thread-safe.
/// </summary>
internal sealed class CallUnderWay(
    CallerAddress address, IFeatureCollection features, BytesInFlight bytes, LimitTally tally, TimeProvider clock)
{
    /// <summary>ENHANCE_YOUR_CALM of RFC 9113: clients show it as RESOURCE_EXHAUSTED.</summary>
    private const int EnhanceYourCalm = 0xb;

    private readonly Lock gate = new();
    private readonly IHttpRequestLifetimeFeature lifetime = features.GetRequiredFeature<IHttpRequestLifetimeFeature>();
    private readonly IHttpResetFeature? reset = features.Get<IHttpResetFeature>();
    private long held;
    private long waitingSince;
    private bool isOver;

    /// <summary>Takes bytes for an answer before it is made; waits for them in turn.</summary>
    /// <returns>
    /// To be disposed when the answer is written, at the latest it is given back when the call is over; null where there are not enough
    /// bytes.
    /// </returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async ValueTask<IDisposable?> Take(long size, CancellationToken cancellation)
    {
        if (await bytes.Take(address, size, cancellation) is not { } taken)
        {
            tally.Call(LimitRefusal.Answers.Reason);
            return null;
        }

        Hold(taken);
        return new HeldBytes(this, taken);
    }

    /// <summary>Charges the call with bytes of its answer that are made already.</summary>
    public void Charge(long size)
    {
        bytes.Charge(address, size);
        Hold(size);
    }

    /// <summary>They are written.</summary>
    public void Give(long size)
    {
        lock (gate)
        {
            if (isOver) return;
            held -= size;
        }

        bytes.Give(address, size);
    }

    /// <summary>A write waits for the caller to read.</summary>
    public void Waits() => Interlocked.Exchange(ref waitingSince, clock.GetTimestamp());

    /// <summary>The caller has read.</summary>
    public void Moves() => Interlocked.Exchange(ref waitingSince, 0);

    /// <summary>Ends the call where a write has waited for this long: an HTTP/2 stream alone, otherwise the connection.</summary>
    /// <returns>Whether it was ended now.</returns>
    public bool EndIfStalled(TimeSpan limit)
    {
        var since = Interlocked.Read(ref waitingSince);
        if (since == 0 || clock.GetElapsedTime(since) < limit) return false;
        lock (gate)
        {
            // Afterwards the features are another call's.
            if (isOver) return false;
            if (reset is not null) reset.Reset(EnhanceYourCalm);
            else lifetime.Abort();
        }

        Moves();
        return true;
    }

    /// <summary>The call is over: what it holds is given back.</summary>
    public void Over()
    {
        long left;
        lock (gate)
        {
            isOver = true;
            left = held;
            held = 0;
        }

        bytes.Give(address, left);
    }

    private void Hold(long size)
    {
        lock (gate)
        {
            if (!isOver)
            {
                held += size;
                return;
            }
        }

        bytes.Give(address, size);
    }

    private sealed class HeldBytes(CallUnderWay call, long size) : IDisposable
    {
        private int isDisposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref isDisposed, 1) == 0) call.Give(size);
        }
    }
}
