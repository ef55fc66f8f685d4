using FsCheck.Xunit;
using Vivim.Chain.Queries;

namespace Vivim.Tests.Queries;

/// <summary>Turns go round by caller, whatever each of them has waiting.</summary>
public sealed class TurnRingTests
{
    private static readonly string[] Callers = ["a", "b", "c", "d"];

    [Property(MaxTest = 300)]
    public void Nobody_waits_longer_than_for_one_turn_of_each_other_caller(int seed)
    {
        var random = new Random(seed);
        var atOnce = random.Next(1, 4);
        var ring = new TurnRing<object>(atOnce);
        var waiting = Callers.ToDictionary(caller => caller, _ => new List<object>());
        var working = new Dictionary<object, string>();
        // Turns that others have had since a caller began to wait, or had its own last one.
        var passed = Callers.ToDictionary(caller => caller, _ => new List<string>());
        for (var step = 0; step < 200; step++)
        {
            var caller = Callers[Math.Min(random.Next(Callers.Length), random.Next(Callers.Length))];
            switch (random.Next(4))
            {
                case 0 or 1:
                    if (waiting[caller].Count == 0) passed[caller].Clear();
                    waiting[caller].Add(new object());
                    ring.Ask(caller, waiting[caller][^1]);
                    break;
                case 2 when working.Count > 0:
                    var done = working.Keys.ElementAt(random.Next(working.Count));
                    working.Remove(done);
                    ring.Give(done);
                    break;
                case 3 when waiting[caller].Count > 0:
                    var tired = waiting[caller][random.Next(waiting[caller].Count)];
                    waiting[caller].Remove(tired);
                    ring.Give(tired);
                    break;
            }

            while (ring.Grant() is { } next)
            {
                var granted = Callers.Single(one => waiting[one].Contains(next));
                // Of one caller's members the first comes first.
                Assert.Same(waiting[granted][0], next);
                waiting[granted].RemoveAt(0);
                working.Add(next, granted);
                passed[granted].Clear();
                foreach (var other in Callers.Where(other => other != granted && waiting[other].Count > 0))
                {
                    Assert.DoesNotContain(granted, passed[other]);
                    passed[other].Add(granted);
                }
            }

            Assert.Equal(waiting.Values.Sum(members => members.Count), ring.Waiting);
            Assert.True(working.Count == atOnce || ring.Waiting == 0, "a turn is free and somebody waits");
        }
    }

    [Fact]
    public void Two_thousand_scans_of_one_caller_take_every_other_turn_from_the_single_scan_of_another()
    {
        const int turnsEach = 5;
        var ring = new TurnRing<object>(1);
        for (var i = 0; i < 2_000; i++) ring.Ask("many", new object());
        var single = new object();
        ring.Ask("one", single);
        var had = 0;
        for (var granted = 0; granted < 2 * turnsEach; granted++)
        {
            var member = ring.Grant()!;
            ring.Give(member);
            ring.Ask(member == single ? "one" : "many", member);
            if (member == single) had++;
        }

        Assert.Equal(turnsEach, had);
    }

    [Fact]
    public async Task Who_gives_up_waiting_or_is_done_leaves_the_turn_to_the_next()
    {
        var turns = new CallerTurns(atOnce: 1);
        var turn = await turns.Next("a", CancellationToken.None);
        using var cancel = new CancellationTokenSource();
        var tired = turns.Next("a", cancel.Token);
        var next = turns.Next("b", CancellationToken.None);
        Assert.False(tired.IsCompleted || next.IsCompleted);

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => tired);
        Assert.Equal(1, turns.Waiting);
        turn.Dispose();
        turn.Dispose();
        (await next).Dispose();
        Assert.Equal(0, turns.Waiting);
    }
}
