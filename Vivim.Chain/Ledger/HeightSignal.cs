namespace Vivim.Chain.Ledger;

/// <summary>Lets calls wait for the next committed height without polling. Thread-safe.</summary>
public sealed class HeightSignal
{
    private readonly Lock gate = new();
    private TaskCompletionSource advanced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ulong height;
    private bool isClosed;

    /// <summary>The last height known to be committed.</summary>
    public ulong Current
    {
        get
        {
            lock (gate) return height;
        }
    }

    /// <summary>Completes when a height above <paramref name="known"/> is committed; fails with the reason of <see cref="Close"/>.</summary>
    public async Task WaitAbove(ulong known, CancellationToken cancellation)
    {
        while (true)
        {
            Task next;
            lock (gate)
            {
                if (height > known && !isClosed) return;
                next = advanced.Task;
            }

            await next.WaitAsync(cancellation);
        }
    }

    /// <summary>The node stops: every wait, now and later, fails with this.</summary>
    public void Close(Exception reason)
    {
        lock (gate)
        {
            isClosed = true;
            advanced.TrySetException(reason);
        }
    }

    /// <summary>A height is committed: who waits for it goes on.</summary>
    public void Advance(ulong to)
    {
        TaskCompletionSource waiting;
        lock (gate)
        {
            if (isClosed) return;
            height = Math.Max(height, to);
            waiting = advanced;
            advanced = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        waiting.SetResult();
    }
}
