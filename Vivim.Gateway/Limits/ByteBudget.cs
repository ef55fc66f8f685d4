namespace Vivim.Gateway.Limits;

/// <summary>Somebody who waits for bytes.</summary>
/// <param name="Since">When the wait began.</param>
/// <param name="Outcome">Told once: true when the bytes are held, false when the wait is over without them.</param>
internal sealed record ByteWaiter(CallerAddress Address, long Bytes, TimeSpan Since, Action<bool> Outcome);

/// <summary>
/// The bytes that all answers together may occupy, shared by <see cref="FairShares"/>, and the queue of those who wait for some: first
/// come, first served within an address; of several addresses the one that holds the least comes first. It also knows what connections make
/// the server keep, and which address exceeds its share by that. A deterministic core.
/// </summary>
/// <param name="total">Bytes in all.</param>
/// <param name="maxWaiting">Waiters in all; of these, too, an address gets a share.</param>
internal sealed class ByteBudget(long total, int maxWaiting)
{
    /// <summary>For its calls under way an address may hold half of what is free.</summary>
    private const long CallDivisor = 2;

    /// <summary>
    /// For its answers an address may hold a quarter of what is free: a caller whose answers wait can still make small calls.
    /// </summary>
    private const long AnswerDivisor = 4;

    /// <summary>
    /// What the connections of an address make the server keep may be as much as is free: more than its calls and answers are granted.
    /// </summary>
    private const long KeptDivisor = 1;

    /// <summary>One in so many an address may make the server keep in any case.</summary>
    private const long SmallPart = 256;

    private const long WaiterDivisor = 4;

    // A caller holds some bytes for its call before it asks for the answer's.
    private readonly FairShares bytes = new(total, total / SmallPart);
    private readonly FairShares kept = new(total);
    private readonly FairShares places = new(maxWaiting);
    private readonly Dictionary<CallerAddress, LinkedList<ByteWaiter>> waiting = [];

    /// <summary>The most that one answer counts for: as much as it can get where nobody else has anything.</summary>
    public long LargestAnswer => total / 8;

    /// <summary>Bytes held.</summary>
    public long Used => bytes.Used;

    /// <summary>Whether more is held than there is, which can only come from <see cref="Charge"/>.</summary>
    public bool IsOverdrawn => bytes.Used > total;

    /// <summary>
    /// The address of which a connection is to be ended. Where more is held than there is, it is the address that holds the most of those
    /// with connections that keep anything; otherwise an address that <see cref="KeepsTooMuch"/>. Null for none.
    /// </summary>
    public CallerAddress? Excessive
    {
        get
        {
            if (kept.Used == 0) return null;
            if (IsOverdrawn) return bytes.Holders.First(address => kept.Held(address) > 0);
            foreach (var address in kept.Holders)
            {
                if (KeepsTooMuch(address)) return address;
            }

            return null;
        }
    }

    /// <summary>Those who wait.</summary>
    public int Waiting => (int)places.Used;

    /// <summary>Takes what a call is charged with, at once or not at all: it does not queue behind answers.</summary>
    public bool TryTakeForCall(CallerAddress address, long amount) => bytes.TryTake(address, amount, CallDivisor);

    /// <summary>Takes bytes for an answer, in turn.</summary>
    /// <returns>True when they are held; false when the waiter is in the queue; null when too many wait.</returns>
    public bool? Take(ByteWaiter waiter)
    {
        if (!waiting.ContainsKey(waiter.Address) && bytes.TryTake(waiter.Address, waiter.Bytes, AnswerDivisor)) return true;
        if (!places.TryTake(waiter.Address, 1, WaiterDivisor)) return null;
        if (!waiting.TryGetValue(waiter.Address, out var queue)) waiting[waiter.Address] = queue = [];
        queue.AddLast(waiter);
        return false;
    }

    /// <summary>Charges an address with what it occupies already.</summary>
    public void Charge(CallerAddress address, long amount) => bytes.Charge(address, amount);

    /// <summary>Charges an address with what one of its connections makes the server keep.</summary>
    public void Keep(CallerAddress address, long amount)
    {
        bytes.Charge(address, amount);
        kept.Charge(address, amount);
    }

    /// <summary>The server keeps this much less for a connection of an address.</summary>
    public void Release(CallerAddress address, long amount)
    {
        kept.Give(address, amount);
        bytes.Give(address, amount);
    }

    /// <summary>
    /// Whether the connections of an address make the server keep more than their share, which keeps others from being served.
    /// </summary>
    public bool KeepsTooMuch(CallerAddress address) =>
        kept.Held(address) > Math.Max(bytes.Share(address, KeptDivisor), total / SmallPart);

    /// <summary>Gives bytes back. <see cref="Grant"/> says who gets theirs by it.</summary>
    public void Give(CallerAddress address, long amount) => bytes.Give(address, amount);

    /// <summary>Takes a waiter out of the queue that no longer wants to wait.</summary>
    /// <returns>False where it is not in the queue any more: it has been told its outcome.</returns>
    public bool Withdraw(ByteWaiter waiter)
    {
        if (!waiting.TryGetValue(waiter.Address, out var queue) || queue.Find(waiter) is not { } node) return false;
        Remove(queue, node);
        return true;
    }

    /// <summary>Takes those out of the queue that have waited for too long.</summary>
    /// <returns>Which they are.</returns>
    public IReadOnlyList<ByteWaiter> Expire(TimeSpan now, TimeSpan limit)
    {
        var expired = waiting.Values.SelectMany(queue => queue.TakeWhile(waiter => now - waiter.Since >= limit)).ToList();
        foreach (var waiter in expired) Withdraw(waiter);
        return expired;
    }

    /// <summary>
    /// Gives those in the queue their bytes for whom there are enough now: after bytes were given back, or others have left the queue.
    /// </summary>
    /// <returns>Which they are.</returns>
    public IReadOnlyList<ByteWaiter> Grant()
    {
        var granted = new List<ByteWaiter>();
        while (waiting.Count > 0)
        {
            var heads = waiting.Values.Where(queue => Fits(queue.First!.Value)).ToList();
            if (heads.Count == 0) break;
            var next = heads.MinBy(queue => bytes.Held(queue.First!.Value.Address))!;
            var waiter = next.First!.Value;
            Remove(next, next.First);
            bytes.Charge(waiter.Address, waiter.Bytes);
            granted.Add(waiter);
        }

        return granted;
    }

    private bool Fits(ByteWaiter waiter) => bytes.Fits(waiter.Address, waiter.Bytes, AnswerDivisor);

    private void Remove(LinkedList<ByteWaiter> queue, LinkedListNode<ByteWaiter> node)
    {
        var address = node.Value.Address;
        queue.Remove(node);
        places.Give(address, 1);
        if (queue.Count == 0) waiting.Remove(address);
    }
}
