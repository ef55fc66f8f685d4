namespace Vivim.Gateway.Limits;

/// <summary>The node's <see cref="ByteBudget"/>, shared by all that serves callers. Thread-safe.</summary>
/// <param name="total">Bytes in all.</param>
internal sealed class BytesInFlight(long total, TimeProvider clock)
{
    /// <summary>How long an answer waits for bytes.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private const int MaxWaiting = 1_024;

    private readonly Lock gate = new();
    private readonly ByteBudget budget = new(total, MaxWaiting);
    private readonly long begun = clock.GetTimestamp();

    private TimeSpan Now => clock.GetElapsedTime(begun);

    /// <summary>Bytes held.</summary>
    public long Used
    {
        get
        {
            lock (gate) return budget.Used;
        }
    }

    /// <summary>The address of which a connection is to be ended, as <see cref="ByteBudget.Excessive"/> says; null for none.</summary>
    public CallerAddress? Excessive
    {
        get
        {
            lock (gate) return budget.Excessive;
        }
    }

    /// <summary>Takes what a call is charged with while it is under way, at once or not at all.</summary>
    public bool TryTakeForCall(CallerAddress address, long bytes)
    {
        lock (gate) return budget.TryTakeForCall(address, bytes);
    }

    /// <summary>Takes bytes for an answer before it is made; waits for them in turn, for at most <see cref="Patience"/>.</summary>
    /// <returns>
    /// What is taken, which is less for an answer that is larger than one may count for; null where there was not enough in time, or too
    /// many wait.
    /// </returns>
    /// <exception cref="OperationCanceledException">Cancelled; nothing is held.</exception>
    public async ValueTask<long?> Take(CallerAddress address, long bytes, CancellationToken cancellation)
    {
        var amount = Math.Min(bytes, budget.LargestAnswer);
        var outcome = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var waiter = new ByteWaiter(address, amount, Now, outcome.SetResult);
        bool? taken;
        lock (gate) taken = budget.Take(waiter);
        if (taken is null) return null;
        if (taken is false && !await Outcome(waiter, outcome.Task, cancellation)) return null;
        return amount;
    }

    /// <summary>Charges an address with what it occupies already.</summary>
    public void Charge(CallerAddress address, long bytes)
    {
        lock (gate) budget.Charge(address, bytes);
    }

    /// <summary>Charges an address with what one of its connections makes the server keep.</summary>
    /// <returns>False where that is more than its share: <see cref="Excessive"/> says whose connection is to be ended.</returns>
    public bool Keep(CallerAddress address, long bytes)
    {
        lock (gate)
        {
            budget.Keep(address, bytes);
            return !budget.KeepsTooMuch(address);
        }
    }

    /// <summary>The server keeps this much less for a connection of an address.</summary>
    public void Release(CallerAddress address, long bytes)
    {
        lock (gate) budget.Release(address, bytes);
        Grant();
    }

    /// <summary>Gives bytes back.</summary>
    public void Give(CallerAddress address, long bytes)
    {
        lock (gate) budget.Give(address, bytes);
        Grant();
    }

    /// <summary>Ends the waits that have lasted too long.</summary>
    public void Sweep()
    {
        IReadOnlyList<ByteWaiter> expired;
        lock (gate) expired = budget.Expire(Now, Patience);
        foreach (var waiter in expired) waiter.Outcome(false);
        if (expired.Count > 0) Grant();
    }

    private async Task<bool> Outcome(ByteWaiter waiter, Task<bool> outcome, CancellationToken cancellation)
    {
        try
        {
            return await outcome.WaitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            bool isWithdrawn;
            lock (gate) isWithdrawn = budget.Withdraw(waiter);
            // What it has got in the meantime is nobody's.
            if (!isWithdrawn && await outcome) Give(waiter.Address, waiter.Bytes);
            if (isWithdrawn) Grant();
            throw;
        }
    }

    private void Grant()
    {
        IReadOnlyList<ByteWaiter> granted;
        lock (gate) granted = budget.Waiting == 0 ? [] : budget.Grant();
        foreach (var waiter in granted) waiter.Outcome(true);
    }
}
