using FsCheck.Xunit;
using Vivim.Actors.Messaging;

namespace Vivim.Tests.Workers;

public sealed class PriorityLanesTests
{
    private const int MaxItems = 8;
    private const int MaxBytes = 100;

    /// <summary>Against lists: what is taken was added, once, in its lane's order; a lane holds what its bounds say, whatever is in the others.</summary>
    [Property(MaxTest = 500)]
    public void Lanes_keep_their_order_and_their_bounds(byte[] steps)
    {
        var lanes = new PriorityLanes<int>(MaxItems, MaxBytes);
        var model = Enum.GetValues<MessagePriority>().ToDictionary(priority => priority, _ => new Queue<(int Item, int Size)>());
        for (var i = 0; i < steps.Length; i++)
        {
            var priority = (MessagePriority)(steps[i] % 3);
            var size = steps[i] / 3 % 30;
            if (steps[i] >= 90)
            {
                var waiting = model[priority];
                var fits = waiting.Count < MaxItems && waiting.Sum(w => w.Size) + size <= MaxBytes;
                Assert.Equal(fits, lanes.TryAdd(priority, i, size));
                if (fits) waiting.Enqueue((i, size));
            }
            else if (lanes.TryTake(out var taken))
            {
                var lane = Assert.Single(model.Values, queue => queue.TryPeek(out var first) && first.Item == taken);
                lane.Dequeue();
            }
            else
            {
                Assert.All(model.Values, Assert.Empty);
            }

            Assert.Equal(model.Values.Sum(queue => queue.Count), lanes.Count);
        }
    }

    /// <summary>However the turns stand when it comes, and however many of the others wait.</summary>
    [Property(MaxTest = 200)]
    public void A_high_item_waits_for_few_others_and_nothing_waits_for_ever(byte[] before)
    {
        var lanes = new PriorityLanes<MessagePriority>(10_000, long.MaxValue);
        foreach (var step in before)
        {
            lanes.TryAdd((MessagePriority)(step % 3), (MessagePriority)(step % 3), 1);
            if (step % 2 == 0) lanes.TryTake(out _);
        }

        for (var i = lanes.Count; i > 0; i--) lanes.TryTake(out _);
        for (var i = 0; i < 5_000; i++)
        {
            lanes.TryAdd(MessagePriority.Normal, MessagePriority.Normal, 1);
            lanes.TryAdd(MessagePriority.Low, MessagePriority.Low, 1);
        }

        for (var i = 0; i < 200; i++)
        {
            for (var skipped = before.Length % 7; skipped > 0; skipped--) lanes.TryTake(out _);
            lanes.TryAdd(MessagePriority.High, MessagePriority.High, 1);
            var others = 0;
            while (lanes.TryTake(out var taken) && taken != MessagePriority.High) others++;
            Assert.InRange(others, 0, PriorityLanes<MessagePriority>.MostLowerTurns);
        }

        // A flood of high ones leaves the low ones their turns.
        var low = 0;
        for (var i = 0; i < 210; i++)
        {
            lanes.TryAdd(MessagePriority.High, MessagePriority.High, 1);
            lanes.TryTake(out var taken);
            if (taken == MessagePriority.Low) low++;
        }

        Assert.InRange(low, 5, 15);
    }
}
