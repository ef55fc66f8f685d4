using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Vivim.Chain.Pool;
using Vivim.Ledger.Execution;
using Vivim.Protocol;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;

namespace Vivim.Tests.Chain;

public sealed class PoolCoreTests
{
    /// <summary>One thing that happens to a pool.</summary>
    public sealed record Event(string Name, int Sender, int A, int B, int C)
    {
        internal void Happen(PoolModel model)
        {
            switch (Name)
            {
                case "submit":
                    model.Submit(Sender, A, B, C % 2, origin: C < 2 ? "here" : "there");
                    break;
                case "write":
                    model.WriteBatch();
                    break;
                case "confirm":
                    model.Confirm();
                    break;
                case "commit":
                    model.Commit(Sender, Math.Max(0, A - 3), B);
                    break;
                case "hear":
                    model.Hear();
                    break;
                case "drop":
                    model.DropSender(Sender);
                    break;
                case "trim":
                    model.Trim();
                    break;
                case "move":
                    model.Move(B);
                    break;
                case "crash":
                    model.Crash(C);
                    break;
            }
        }
    }

    private static class Events
    {
        public static Arbitrary<Event[]> Any()
        {
            var name = Gen.Frequency((20, Gen.Constant("submit")), (4, Gen.Constant("write")), (4, Gen.Constant("confirm")), (2, Gen.Constant("commit")), (3, Gen.Constant("hear")), (1, Gen.Constant("drop")), (2, Gen.Constant("trim")), (2, Gen.Constant("move")), (1, Gen.Constant("crash")));
            var happening = from n in name
                            from sender in Gen.Choose(0, PoolModel.SenderCount - 1)
                            from a in Gen.Choose(-1, 5)
                            from b in Gen.Choose(0, 8)
                            from c in Gen.Choose(0, 3)
                            select new Event(n, sender, a, b, c);
            return Arb.From(happening.ArrayOf(80), events => events.Select((_, dropped) => events.Where((_, i) => i != dropped).ToArray()));
        }
    }

    [Property(Arbitrary = [typeof(Events)], MaxTest = 500)]
    public void A_pool_behaves_as_one_list_of_what_waits_through_commits_crashes_and_trimming(Event[] events)
    {
        var model = new PoolModel();
        foreach (var happening in events)
        {
            happening.Happen(model);
            model.Check();
        }

        model.Settle();
    }

    [Fact]
    public void A_restart_drops_nothing_whose_place_nobody_needs()
    {
        var core = new PoolCore(PoolModel.ChainId, new ChainParameters(), new PoolLimits(200, 200 * 1_024), new PoolTip(0, 100, TestValidator.SetOf(1)));
        // More than a sender's gaps allow, and more than may be parked, as it comes about when a first nonce expires.
        for (var nonce = 1ul; nonce <= 150; nonce++) core.Recover(PoolModel.TransactionOf(0, nonce, 10, 0), AccountRecord.Empty, (long)nonce);
        Assert.Empty(core.EndRecovery());
        Assert.Equal((150, 150), core.Places);

        // Now somebody wants a parked place.
        var admission = core.Admit(PoolModel.TransactionOf(1, 1, 10, 0), new SenderState(AccountRecord.Empty, TestValidator.Key(1), IsAuthority: false));
        Assert.True(admission.Admit);
        Assert.All(admission.Dropped, gone => Assert.Equal(RefusalReason.NonceGap, gone.Reason));
        Assert.Equal((25, 25), core.Places);
    }

    /// <summary>It was acknowledged once: if the process ends now, whoever asks must still hear that it was dropped.</summary>
    [Fact]
    public void The_journal_keeps_that_a_transaction_was_dropped_until_it_says_that_it_waits_again()
    {
        var core = new PoolCore(PoolModel.ChainId, new ChainParameters(), PoolModel.Limits, new PoolTip(0, 100, TestValidator.SetOf(1)));
        var transaction = PoolModel.TransactionOf(0, 0, 10, 0);
        core.RecoverDropped([new DroppedTransaction(transaction.Id, 10, RefusalReason.PoolFull)], 5);
        core.SkipTo(7);
        Assert.Equal((7, 1), (core.SettledUpTo, core.DropsUpTo(7).Count));

        Assert.True(core.Admit(transaction, new SenderState(AccountRecord.Empty, TestValidator.Key(0), IsAuthority: false)).Admit);
        Assert.Equal((4, 0), (core.SettledUpTo, core.DropsUpTo(4).Count));

        core.MarkDurable([transaction.Id], 8);
        Assert.Equal(7, core.SettledUpTo);
    }

    [Fact]
    public void What_is_remembered_as_dropped_takes_one_place_and_is_written_again_oldest_first()
    {
        var core = new PoolCore(PoolModel.ChainId, new ChainParameters(), PoolModel.Limits, new PoolTip(0, 100, TestValidator.SetOf(1)));
        List<DroppedTransaction> all = [.. Enumerable.Range(0, 10_000).Select(i => new DroppedTransaction(Hash256.Of(BitConverter.GetBytes(i)), 10, RefusalReason.PoolFull))];
        core.RecoverDropped(all, 1);
        // Half of them stand in a second entry: nothing is forgotten for that.
        core.RecoverDropped(all[..5_000], 2);
        Assert.Equal(10_000, core.RememberedDrops);
        Assert.Equal([.. all[5_000..], .. all[..5_000]], core.DropsUpTo(2));
        core.RecoverDropped([all[0] with { TransactionId = Hash256.Of([1, 2, 3]) }], 3);
        Assert.Equal(10_000, core.RememberedDrops);
        Assert.Equal((PoolState.Unknown, PoolState.Dropped), (core.Find(all[5_000].TransactionId).State, core.Find(all[5_001].TransactionId).State));
    }

    [Fact]
    public void Senders_take_turns_in_a_block_and_its_limits_hold()
    {
        var core = new PoolCore(PoolModel.ChainId, new ChainParameters(), new PoolLimits(1_000, 1 << 20), new PoolTip(0, 100, TestValidator.SetOf(1)));
        foreach (var sender in new[] { 0, 1 })
        {
            for (var nonce = 0ul; nonce < 40; nonce++) core.Admit(PoolModel.TransactionOf(sender, nonce, 10, 0), new SenderState(AccountRecord.Empty, TestValidator.Key(sender), IsAuthority: false));
            core.MarkDurable(Enumerable.Range(0, 40).Select(nonce => PoolModel.TransactionOf(sender, (ulong)nonce, 10, 0).Id), sender + 1);
        }

        var size = PoolModel.TransactionOf(0, 0, 10, 0).Envelope.Size;
        Assert.Equal(80, core.Reap(1_000, 1 << 20).Count);
        Assert.Equal([16, 16], core.Reap(32, 1 << 20).CountBy(e => e.Signer).Select(c => c.Value));
        Assert.Equal(7, core.Reap(1_000, (size * 8) - 1).Count);
        Assert.Empty(core.Reap(0, 1 << 20));
    }
}
