using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Vivim.Chain.Pool;
using Vivim.Ledger.Execution;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.State;

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
            var name = Gen.Frequency((20, Gen.Constant("submit")), (4, Gen.Constant("write")), (4, Gen.Constant("confirm")), (2, Gen.Constant("commit")), (3, Gen.Constant("hear")), (1, Gen.Constant("drop")), (1, Gen.Constant("trim")), (1, Gen.Constant("crash")));
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
