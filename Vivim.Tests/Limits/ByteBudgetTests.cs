using FsCheck.Xunit;
using Vivim.Gateway.Limits;
using static Vivim.Tests.Limits.FairSharesTests;

namespace Vivim.Tests.Limits;

/// <summary>Bytes that answers wait for.</summary>
public sealed class ByteBudgetTests
{
    private const long Total = 1_000;
    private const int MaxWaiting = 40;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Against a list of what was asked for: whatever happens in whatever order, every wish ends in one way, and nothing is lost or held for ever.</summary>
    [Property(MaxTest = 500)]
    public void Every_wish_is_granted_in_turn_or_ends_and_what_is_given_back_serves_others(byte[] steps)
    {
        var budget = new ByteBudget(Total, MaxWaiting);
        var (held, waiting) = (new List<ByteWaiter>(), new List<ByteWaiter>());
        for (var i = 0; i + 1 < steps.Length; i += 2)
        {
            var now = TimeSpan.FromSeconds(i);
            switch (steps[i] % 8)
            {
                case 0 when waiting.Count > 0:
                    var left = waiting[steps[i + 1] % waiting.Count];
                    Assert.True(budget.Withdraw(left));
                    Assert.False(budget.Withdraw(left));
                    waiting.Remove(left);
                    break;
                case 1:
                    var expired = budget.Expire(now, Patience);
                    Assert.Equal(waiting.Where(waiter => now - waiter.Since >= Patience).ToHashSet(), expired.ToHashSet());
                    waiting.RemoveAll(expired.Contains);
                    break;
                case 2 or 3 when held.Count > 0:
                    var given = held[steps[i + 1] % held.Count];
                    held.Remove(given);
                    budget.Give(given.Address, given.Bytes);
                    break;
                default:
                    var wish = new ByteWaiter(Caller(steps[i] % 5), 1 + steps[i + 1] % budget.LargestAnswer, now, _ => { });
                    if (budget.Take(wish) is not { } isHeld) Assert.True(waiting.Count > 0);
                    else (isHeld ? held : waiting).Add(wish);
                    break;
            }

            Granted(budget, held, waiting);
            Assert.Equal(held.Sum(waiter => waiter.Bytes), budget.Used);
            Assert.InRange(budget.Used, 0, Total);
            Assert.Equal(waiting.Count, budget.Waiting);
            Assert.InRange(waiting.Count, 0, MaxWaiting);
        }

        while (held.Count > 0)
        {
            budget.Give(held[0].Address, held[0].Bytes);
            held.RemoveAt(0);
            Granted(budget, held, waiting);
        }

        Assert.Equal((0, 0, 0), (budget.Used, budget.Waiting, waiting.Count));
    }

    [Fact]
    public void Of_those_who_wait_the_address_that_holds_the_least_is_next()
    {
        var budget = new ByteBudget(Total, MaxWaiting);
        var (greedy, modest) = (Caller(1), Caller(2));
        while (budget.Take(Wish(greedy, 50)) == true) continue;
        for (var i = 0; i < 5; i++) budget.Take(Wish(greedy, 50));
        budget.Charge(Caller(3), Total - budget.Used);
        Assert.False(budget.Take(Wish(modest, 50)));

        budget.Give(Caller(3), 400);

        Assert.Equal(modest, budget.Grant()[0].Address);
    }

    [Fact]
    public void Small_calls_do_not_wait_behind_the_answers_of_their_own_address()
    {
        var budget = new ByteBudget(Total, MaxWaiting);
        while (budget.Take(Wish(Caller(1), 20)) == true) continue;
        Assert.Equal(1, budget.Waiting);
        Assert.True(budget.TryTakeForCall(Caller(1), 20));
    }

    /// <summary>Whatever four addresses make the server keep, and whatever calls they have besides.</summary>
    [Property(MaxTest = 300)]
    public void What_connections_keep_never_takes_the_room_of_others(byte[] steps)
    {
        var budget = new ByteBudget(Total, MaxWaiting);
        var connections = new Dictionary<CallerAddress, List<long>>();
        for (var i = 0; i + 1 < steps.Length; i += 2)
        {
            var (address, amount) = (Caller(1 + (steps[i] % 4)), 1 + (steps[i + 1] % 40));
            if (steps[i] % 8 == 7) budget.TryTakeForCall(address, amount);
            budget.Keep(address, amount);
            if (!connections.TryGetValue(address, out var kept)) connections[address] = kept = [];
            kept.Add(amount);
            while (budget.Excessive is { } excessive)
            {
                var fullest = connections[excessive].Max();
                Assert.True(connections[excessive].Remove(fullest));
                budget.Release(excessive, fullest);
            }

            Assert.All(connections.Keys, one => Assert.False(budget.KeepsTooMuch(one)));
            // A newcomer finds room for a call, and so does the own machine.
            foreach (var other in new[] { Caller(9), CallerAddress.OwnMachine })
            {
                Assert.True(budget.TryTakeForCall(other, Total / 50));
                budget.Give(other, Total / 50);
            }
        }
    }

    /// <summary>A caller holds bytes for its call before it asks for those of the answer: it counts as one that holds nothing.</summary>
    [Fact]
    public void A_first_answer_gets_what_is_free_whatever_another_address_makes_the_server_keep()
    {
        var budget = new ByteBudget(64 << 20, MaxWaiting);
        budget.Keep(Caller(1), 21 << 20);
        Assert.True(budget.TryTakeForCall(Caller(2), 32 << 10));
        Assert.True(budget.Take(Wish(Caller(2), budget.LargestAnswer)));
        Assert.False(budget.Take(Wish(Caller(2), budget.LargestAnswer)));
    }

    private static ByteWaiter Wish(CallerAddress address, long bytes) => new(address, bytes, TimeSpan.Zero, _ => { });

    private static void Granted(ByteBudget budget, List<ByteWaiter> held, List<ByteWaiter> waiting)
    {
        foreach (var waiter in budget.Grant())
        {
            // Of an address, whoever came first.
            Assert.Equal(waiting.First(other => other.Address == waiter.Address), waiter);
            waiting.Remove(waiter);
            held.Add(waiter);
        }
    }
}
