namespace Vivim.Actors.Messaging;

/// <summary>
/// What waits, by priority. Of <see cref="Shares"/> turns in a row each lane gets its share while it has something; a lane with nothing leaves
/// its turns to the others. So an item of the highest lane waits for those before it in its lane and at most <see cref="MostLowerTurns"/> others,
/// however many those are, and none is left waiting for ever. Each lane is bounded on its own: a flood of one refuses nothing of another.
/// Not safe for concurrent use.
/// </summary>
/// <param name="maxItems">Items that a lane holds.</param>
/// <param name="maxBytes">Bytes that a lane holds.</param>
internal sealed class PriorityLanes<T>(int maxItems, long maxBytes)
{
    /// <summary>The turns of each lane, the highest first.</summary>
    private static readonly int[] Shares = [16, 4, 1];

    private readonly Queue<(T Item, int Size)>[] lanes = [.. Shares.Select(_ => new Queue<(T, int)>())];
    private readonly long[] bytes = new long[Shares.Length];
    private readonly int[] turns = [.. Shares];

    /// <summary>How many of lower priority can be taken before one of the highest.</summary>
    public static int MostLowerTurns => Shares[1..].Sum();

    public int Count => lanes.Sum(lane => lane.Count);

    /// <summary>Puts an item at the end of its lane.</summary>
    /// <returns>False when the lane is full; the item is not held then.</returns>
    public bool TryAdd(MessagePriority priority, T item, int size)
    {
        var lane = (int)priority;
        if (lanes[lane].Count >= maxItems || bytes[lane] + size > maxBytes) return false;
        bytes[lane] += size;
        lanes[lane].Enqueue((item, size));
        return true;
    }

    /// <summary>Takes the item whose turn it is.</summary>
    /// <returns>False when nothing waits.</returns>
    public bool TryTake(out T item)
    {
        for (var round = 0; round < 2; round++)
        {
            for (var lane = 0; lane < lanes.Length; lane++)
            {
                if (turns[lane] == 0 || !lanes[lane].TryDequeue(out var taken)) continue;
                turns[lane]--;
                bytes[lane] -= taken.Size;
                item = taken.Item;
                return true;
            }

            Shares.CopyTo(turns, 0);
        }

        item = default!;
        return false;
    }
}
