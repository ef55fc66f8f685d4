using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Vivim.Cli.Load;
using Vivim.Protocol;

namespace Vivim.Tests.Cli;

public sealed class SendPlanTests
{
    private const uint MaxAhead = 4;

    private static Hash256 IdOf(Slot slot) => Hash256.Of([(byte)slot.Sender, (byte)slot.Nonce, (byte)(slot.Nonce >> 8)]);

    private static SendPlan Plan(params SenderWork[] work) => new(work, MaxAhead, maxOutstanding: 100);

    /// <summary>Takes and tracks everything that can go out now.</summary>
    private static List<Slot> TakeAll(SendPlan plan, int turnSize = 3)
    {
        var slots = new List<Slot>();
        while (plan.TryTake(turnSize, out var turn))
        {
            for (var i = 0; i < turn.Count; i++) slots.Add(new Slot(turn.Sender, turn.FirstNonce + (ulong)i));
        }

        return slots.FindAll(s => plan.Track(s, IdOf(s)));
    }

    [Fact]
    public void A_senders_first_nonce_is_the_committed_one_and_a_finished_sender_sends_nothing()
    {
        var plan = Plan(new SenderWork(5, 3), new SenderWork(4, 4));

        Assert.Equal(2, plan.Total);
        Assert.Equal([new Slot(0, 3), new Slot(0, 4)], TakeAll(plan));
        Assert.False(plan.IsDone);
    }

    [Fact]
    public void With_everything_included_there_is_nothing_to_do() => Assert.True(Plan(new SenderWork(5, 5), new SenderWork(0, 0)).IsDone);

    [Fact]
    public void Of_what_is_not_settled_that_is_asked_for_which_others_wait_for()
    {
        var plan = Plan(new SenderWork(3, 0), new SenderWork(3, 0));
        foreach (var slot in TakeAll(plan)) plan.Acknowledge(IdOf(slot));
        plan.Settle(IdOf(new Slot(0, 0)), "OK");

        Assert.Equal([IdOf(new Slot(1, 0)), IdOf(new Slot(0, 1))], plan.UnsettledIds(limit: 3).Take(2));
        Assert.DoesNotContain(IdOf(new Slot(0, 2)), plan.UnsettledIds(limit: 3));
    }

    [Fact]
    public void Senders_take_turns()
    {
        var plan = Plan(new SenderWork(4, 0), new SenderWork(2, 0));

        Assert.Equal([0, 0, 1, 1, 0, 0], TakeAll(plan, turnSize: 2).Select(s => s.Sender));
    }

    [Fact]
    public void No_nonce_goes_further_ahead_than_the_chain_allows_until_a_receipt_comes()
    {
        var plan = Plan(new SenderWork(10, 0));
        Assert.Equal([0UL, 1, 2, 3], TakeAll(plan).Select(s => s.Nonce));

        Assert.True(plan.Settle(IdOf(new Slot(0, 0)), "OK"));

        Assert.Equal([4UL], TakeAll(plan).Select(s => s.Nonce));
    }

    [Fact]
    public void No_more_is_outstanding_than_allowed()
    {
        var plan = new SendPlan([new SenderWork(50, 0)], maxNonceAhead: 1_000, maxOutstanding: 8);

        Assert.Equal(8, TakeAll(plan).Count);
        plan.Settle(IdOf(new Slot(0, 0)), "OK");
        Assert.Single(TakeAll(plan));
    }

    [Theory]
    [InlineData("NONCE_TOO_FAR")]
    [InlineData("NONCE_CONFLICT")]
    [InlineData("QUOTA_EXCEEDED")]
    [InlineData("NONCE_GAP")]
    [InlineData("REGISTRATIONS_EXCEEDED")]
    [InlineData("REGISTRATIONS_LIMITED")]
    [InlineData("POOL_FULL")]
    [InlineData("EXPIRED")]
    [InlineData("OUTCOME_UNKNOWN")]
    public void What_is_refused_for_now_goes_out_again_after_a_release_and_holds_its_sender_until_then(string reason)
    {
        var plan = Plan(new SenderWork(6, 0));
        TakeAll(plan);
        plan.Refuse(IdOf(new Slot(0, 3)), reason);
        plan.Settle(IdOf(new Slot(0, 0)), "OK");

        Assert.Empty(TakeAll(plan));
        Assert.Equal(reason, plan.WaitingFor);
        plan.Release();

        Assert.Equal([3UL, 4], TakeAll(plan).Select(s => s.Nonce));
        Assert.Null(plan.WaitingFor);
        Assert.Equal(0, plan.Rejected);
    }

    [Fact]
    public void What_the_node_drops_after_its_acknowledgement_goes_out_again_and_is_counted_once()
    {
        var plan = Plan(new SenderWork(2, 0));
        foreach (var slot in TakeAll(plan)) plan.Acknowledge(IdOf(slot));
        Assert.Equal(2, plan.UnsettledIds(10).Count);
        plan.Drop(IdOf(new Slot(0, 1)), "POOL_FULL");
        Assert.Equal((1, 1), (plan.Submitted, plan.Unsettled));
        plan.Release();

        Assert.Equal([1UL], TakeAll(plan).Select(s => s.Nonce));
        plan.Acknowledge(IdOf(new Slot(0, 1)));
        for (var nonce = 0UL; nonce < 2; nonce++) plan.Settle(IdOf(new Slot(0, nonce)), "OK");
        Assert.True(plan.IsDone);
        Assert.Equal((2, 2, 0), (plan.Submitted, plan.Committed, plan.Rejected));
    }

    [Fact]
    public void A_used_nonce_counts_as_committed_by_an_earlier_run()
    {
        var plan = Plan(new SenderWork(1, 0));
        TakeAll(plan);

        plan.Refuse(IdOf(new Slot(0, 0)), "NONCE_STALE");

        Assert.True(plan.IsDone);
        Assert.Equal((0, 1, 0), (plan.Submitted, plan.Committed, plan.Rejected));
    }

    [Fact]
    public void A_final_refusal_rejects_all_that_stands_behind_it_once()
    {
        var plan = Plan(new SenderWork(10, 0), new SenderWork(1, 0));
        TakeAll(plan);

        plan.Refuse(IdOf(new Slot(0, 3)), "MALFORMED");
        plan.Refuse(IdOf(new Slot(0, 1)), "MALFORMED");
        plan.Refuse(IdOf(new Slot(0, 2)), "NONCE_TOO_FAR");
        plan.Settle(IdOf(new Slot(0, 0)), "OK");
        plan.Settle(IdOf(new Slot(1, 0)), "OK");
        plan.Release();

        Assert.Empty(TakeAll(plan));
        Assert.Equal((2, 9), (plan.Committed, plan.Rejected));
        Assert.Equal(9, plan.Rejections["MALFORMED"]);
        Assert.True(plan.IsDone);
    }

    [Fact]
    public void A_failed_receipt_is_rejected_and_its_nonce_used()
    {
        var plan = Plan(new SenderWork(5, 0));
        TakeAll(plan);

        plan.Settle(IdOf(new Slot(0, 0)), "ALREADY_FOLLOWING");

        Assert.Equal([4UL], TakeAll(plan).Select(s => s.Nonce));
        Assert.Equal(1, plan.Rejected);
    }

    [Fact]
    public void A_receipt_may_come_before_the_acknowledgement_and_twice()
    {
        var plan = Plan(new SenderWork(1, 0));
        TakeAll(plan);
        var id = IdOf(new Slot(0, 0));

        Assert.True(plan.Settle(id, "OK"));
        plan.Acknowledge(id);
        Assert.False(plan.Settle(id, "OK"));

        Assert.Equal((1, 1, 0), (plan.Submitted, plan.Committed, plan.Unsettled));
    }

    [Fact]
    public void What_is_acknowledged_and_has_no_receipt_is_unsettled()
    {
        var plan = Plan(new SenderWork(2, 0));
        var slots = TakeAll(plan);
        plan.Acknowledge(IdOf(slots[1]));

        Assert.Equal(1, plan.Unsettled);
    }

    [Property(MaxTest = 300, Replay = "7,9")]
    public Property Against_a_pool_that_refuses_at_random_everything_is_committed_in_order()
    {
        var cases = from work in Gen.Choose(0, 20).ListOf(5)
                    from seed in Gen.Choose(0, int.MaxValue)
                    select (Work: work, Seed: (ulong)seed);
        return Prop.ForAll(cases.ToArbitrary(), c => RunAgainstPool(c.Work, c.Seed));
    }

    private static bool RunAgainstPool(IReadOnlyList<int> work, ulong seed)
    {
        var random = new SplitMix64(seed);
        var plan = new SendPlan(work.Select(w => new SenderWork((ulong)w, 0)), MaxAhead, maxOutstanding: 10);
        var pool = new HashSet<Slot>();
        var included = new ulong[work.Count];
        for (var block = 1UL; !plan.IsDone; block++)
        {
            if (block > 5_000) return false;
            foreach (var slot in TakeAll(plan))
            {
                if (slot.Nonce >= included[slot.Sender] + MaxAhead) return false;
                if (random.Below(4) == 0)
                {
                    plan.Refuse(IdOf(slot), "POOL_FULL");
                    continue;
                }

                if (!pool.Add(slot)) return false;
                plan.Acknowledge(IdOf(slot));
            }

            for (var sender = 0; sender < included.Length; sender++)
            {
                var next = new Slot(sender, included[sender]);
                if (!pool.Remove(next)) continue;
                included[sender]++;
                plan.Settle(IdOf(next), "OK");
            }

            plan.Release();
        }

        return plan.Committed == work.Sum() && plan.Submitted == work.Sum() && plan.Unsettled == 0;
    }
}
