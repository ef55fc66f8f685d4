namespace Vivim.Chain.Pool;

/// <summary>
/// Who holds how many places of a partition, and who loses some when there are not enough. A queue is taken out of here before it changes and put
/// back afterwards, so that the senders with the most places are found without a walk.
/// </summary>
internal sealed class PoolSpace(PoolLimits limits)
{
    private readonly SortedSet<SenderQueue> byPlaces = new(Comparer<SenderQueue>.Create(static (a, b) => Compare(a.Places, b.Places, a, b)));
    private readonly SortedSet<SenderQueue> byParked = new(Comparer<SenderQueue>.Create(static (a, b) => Compare(a.ParkedPlaces, b.ParkedPlaces, a, b)));
    private int working;

    /// <summary>Places taken.</summary>
    public int Taken { get; private set; }

    /// <summary>Those of them that parked transactions take.</summary>
    public int Parked { get; private set; }

    /// <summary>Registrations that follow their sender's committed nonce without a gap.</summary>
    public int Registrations { get; private set; }

    /// <summary>Whether any sender has something durable that the next block could include.</summary>
    public bool HasWork => working > 0;

    /// <summary>The senders, the one with the most places first.</summary>
    public IEnumerable<SenderQueue> Senders => byPlaces.Reverse();

    /// <summary>The sender with the most parked places; null where nothing is parked.</summary>
    public SenderQueue? MostParked => byParked.Max;

    /// <summary>Takes a queue out, for it to change.</summary>
    public void TakeOut(SenderQueue queue)
    {
        if (!byPlaces.Remove(queue)) return;
        byParked.Remove(queue);
        Count(queue, -1);
    }

    /// <summary>Puts a queue back as it is now; an empty one is gone.</summary>
    public void PutBack(SenderQueue queue)
    {
        if (queue.Count == 0) return;
        byPlaces.Add(queue);
        if (queue.ParkedPlaces > 0) byParked.Add(queue);
        Count(queue, +1);
    }

    /// <summary>How many places are missing for a transaction.</summary>
    public int Missing(int places, bool isParked)
    {
        var missing = Taken + places - limits.Places;
        return isParked ? Math.Max(missing, Parked + places - limits.ParkedPlaces) : missing;
    }

    /// <summary>Whether the partition holds more than it may, as it can after a restart with smaller limits.</summary>
    public bool IsOver => Taken > limits.Places;

    /// <summary>
    /// The sender that gives up its last transactions for one of another sender: the one with the most places. It must still have as many as
    /// the other will have then, so that it cannot take them back. Every parked transaction goes before a ready one does: for a ready
    /// transaction only ready ones count here.
    /// </summary>
    /// <param name="sender">Who needs the places; null for a sender who has none yet.</param>
    /// <param name="places">How many it needs for its transaction.</param>
    /// <param name="missing">How many must become free.</param>
    /// <returns>The sender and how many of its last transactions go, of its ready ones for a ready one; null where nobody has enough.</returns>
    public (SenderQueue Queue, int Count)? GiverFor(SenderQueue? sender, int places, int missing, bool isParked)
    {
        if ((isParked ? byParked.Max : MostReady(missing)) is not { } giver) return null;
        var (end, stillMissing) = isParked ? (giver.Count, missing) : (giver.Ready, missing - Parked);
        var (freed, count) = (0, 0);
        while (freed < stillMissing && count < end) freed += giver[end - ++count].Places;
        var has = (isParked ? giver.ParkedPlaces : giver.ReadyPlaces) - freed;
        var wants = ((isParked ? sender?.ParkedPlaces : sender?.ReadyPlaces) ?? 0) + places;
        return freed >= stillMissing && has >= wants ? (giver, count) : null;
    }

    // Fewer places than are missing are parked. So one of this many senders with the most places has nothing parked, and nobody behind has more.
    private SenderQueue? MostReady(int missing) =>
        byPlaces.Reverse().Take(missing).MaxBy(queue => queue, Comparer<SenderQueue>.Create(static (a, b) => Compare(a.ReadyPlaces, b.ReadyPlaces, a, b)));

    private void Count(SenderQueue queue, int sign)
    {
        Taken += sign * queue.Places;
        Parked += sign * queue.ParkedPlaces;
        Registrations += sign * queue.Registrations;
        working += queue.HasWork ? sign : 0;
    }

    private static int Compare(int one, int other, SenderQueue a, SenderQueue b) =>
        one != other ? one.CompareTo(other) : SenderQueue.Compare(a.Sender, b.Sender);
}
