using FsCheck.Xunit;
using Vivim.Ledger.Execution;
using Vivim.Ledger.State;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Identity;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;

namespace Vivim.Tests.Ledger;

public sealed class RulesTests
{
    [Property(MaxTest = 30)]
    public void Random_traffic_does_what_the_rules_say(int seed)
    {
        var traffic = new RandomTraffic(seed);
        var model = new NaiveLedger(RandomTraffic.TightParameters);
        var chain = RandomTraffic.NewChain();
        var seen = new HashSet<Did>();
        for (var i = 0; i < 12; i++)
        {
            var candidates = traffic.Next(chain.NextHeight);
            var evidence = traffic.NextEvidence(chain.NextHeight);
            var expected = model.Play(candidates.Select(TestChain.Decode), evidence, chain.NextHeight);
            traffic.Included(expected.Included);

            var block = chain.Assemble(candidates, evidence);
            Assert.Equal(expected.Included.Select(t => t.Envelope), block.Transactions);
            Assert.Equal(expected.Proven, block.Evidence);
            Assert.Null(chain.Ledger.Validate(block, static _ => false));
            var result = chain.Commit(block);

            var height = block.Header.Height;
            Assert.Equal(expected.Included.Select((t, index) => (t.Id, height, (uint)index, expected.Codes[index])), result.Receipts.Select(r => (r.TransactionId, r.Height, r.Index, r.Code)));
            Assert.Equal(expected.Events, result.Events.Select(e => (e.Type, e.Actor, e.Subject)));
            Assert.Equal(Enumerable.Range(0, result.Events.Count).Select(index => new EventCursor(height, (uint)index)), result.Events.Select(e => e.Cursor));
            Assert.All(result.Receipts, r => Assert.Equal(r.EventCount, result.Events.Count(e => e.TransactionId == r.TransactionId)));

            foreach (var (at, set) in new[] { (height, chain.Ledger.Tip.LastValidators), (height + 1, chain.Ledger.Tip.Validators), (height + 2, chain.Ledger.Tip.NextValidators) })
                Assert.Equal(model.Validators[at].OrderBy(v => v.Key.Key), Enumerable.Range(0, set.Count).Select(k => KeyValuePair.Create(Did.OfKey(set[k].Key), set[k].Power)));

            seen.UnionWith(model.Accounts);
            Assert.All(seen, did => Assert.Equal((did, model.Account(did)), (did, AccountOf(chain, did))));
            Assert.Equal(model.Edges.Order(ByText), EdgesOf(chain).Order(ByText));
            Assert.Equal(seen.Sum(did => AccountOf(chain, did).Followers), model.Edges.Count());
            Assert.Equal(seen.Sum(did => AccountOf(chain, did).Following), model.Edges.Count());
        }
    }

    [Fact]
    public void The_random_traffic_leaves_no_outcome_out()
    {
        var (codes, reasons) = (new HashSet<ReceiptCode>(), new HashSet<RefusalReason>());
        for (var seed = 0; seed < 10; seed++)
        {
            var traffic = new RandomTraffic(seed);
            var chain = RandomTraffic.NewChain();
            for (var i = 0; i < 12; i++)
            {
                var candidates = traffic.Next(chain.NextHeight).ConvertAll(TestChain.Decode);
                var rules = new InclusionRules(chain.Ledger.State, TestChain.ChainId, chain.NextHeight, chain.Genesis.Parameters, chain.Ledger.Tip.Validators);
                reasons.UnionWith(candidates.Select(rules.TryInclude).OfType<Refusal>().Select(refusal => refusal.Reason));
                var block = chain.Assemble(candidates.Select(t => t.Envelope));
                traffic.Included(block.Transactions.Select(TestChain.Decode));
                codes.UnionWith(chain.Commit(block).Receipts.Select(r => r.Code));
            }
        }

        Assert.Equal(Enum.GetValues<ReceiptCode>(), codes.Order());
        RefusalReason[] ofInclusion =
        [
            RefusalReason.WrongChain, RefusalReason.SenderUnknown, RefusalReason.SignerNotAuthorized, RefusalReason.NotAnAuthority, RefusalReason.NonceStale, RefusalReason.NonceGap,
            RefusalReason.Expired, RefusalReason.ExpiryTooFar, RefusalReason.FeeNotZero, RefusalReason.QuotaExceeded, RefusalReason.RegistrationsExceeded,
        ];
        Assert.Equal(ofInclusion, reasons.Order());
    }

    [Property(MaxTest = 20)]
    public void A_failed_action_changes_nonce_and_quota_and_nothing_else(int seed)
    {
        var traffic = new RandomTraffic(seed);
        var chain = RandomTraffic.NewChain();
        for (var i = 0; i < 12; i++)
        {
            var block = chain.Assemble(traffic.Next(chain.NextHeight));
            traffic.Included(block.Transactions.Select(TestChain.Decode));
            var effects = new BlockEffects(chain.Ledger.State, chain.Ledger.Tip);
            foreach (var transaction in block.Transactions.Select(TestChain.Decode))
            {
                var (events, scheduled) = (effects.Events.Count, effects.Scheduled);
                var before = new Dictionary<byte[], byte[]?>(effects.State.Changes, KeyComparer.Instance);
                var account = StateKey.Account(transaction.Sender);
                var counts = Counts(effects.State.Get(account));
                if (ExecutionRules.For(1, block.Header.Height).Execute(transaction, effects) == ReceiptCode.Ok) continue;
                Assert.Equal((events, scheduled), (effects.Events.Count, effects.Scheduled));
                byte[][] charged = transaction.Action is RegisterIdentity ? [account, StateKey.Registrations] : [account];
                var changed = effects.State.Changes.Where(change => !before.TryGetValue(change.Key, out var value) || !ReferenceEquals(value, change.Value)).Select(change => change.Key);
                Assert.Equal(charged.ToHashSet(KeyComparer.Instance), changed.ToHashSet(KeyComparer.Instance));
                Assert.Equal(counts, Counts(effects.State.Get(account)));
            }

            chain.Commit(block);
        }

        static (uint Followers, uint Following) Counts(byte[]? account) => account is null ? default : AccountRecord.FromBytes(account) is var a ? (a.Followers, a.Following) : default;
    }

    [Fact]
    public void A_registration_is_kept_as_sent()
    {
        var chain = new TestChain();
        var alice = new Person("alice");
        var result = chain.Commit(alice.Register());
        Assert.Equal(ReceiptCode.Ok, result.Receipts.Single().Code);
        var identity = IdentityRecord.FromBytes(chain.Ledger.State.Get(StateKey.Identity(alice.Did))!);
        Assert.Equal((alice.Key.PublicKey, 1UL), (identity.SigningKey, identity.RegisteredAt));
        Assert.Equal([Person.RotationKeyOf(0).Key], identity.RotationKeys);
        Assert.Equal(alice.Did.Identifier.ToArray(), chain.Ledger.State.Get(StateKey.SigningKey(alice.Key.PublicKey)));
    }

    [Fact]
    public void A_follow_remembers_the_event_that_made_it()
    {
        var chain = new TestChain();
        var (alice, bob) = (new Person("alice"), new Person("bob"));
        chain.Commit(alice.Register(), bob.Register());
        var result = chain.Commit(alice.Follow(alice.Did, 0), alice.Follow(bob.Did, 1), bob.Follow(alice.Did, 0));
        Assert.Equal([ReceiptCode.SelfFollow, ReceiptCode.Ok, ReceiptCode.Ok], result.Receipts.Select(r => r.Code));
        Assert.Equal(new EventCursor(2, 0), EdgeRecord.FromBytes(chain.Ledger.State.Get(StateKey.Edge(alice.Did, bob.Did))!).Since);
        Assert.Equal(new EventCursor(2, 1), EdgeRecord.FromBytes(chain.Ledger.State.Get(StateKey.Edge(bob.Did, alice.Did))!).Since);
    }

    private static readonly Comparer<(Did Follower, Did Followee)> ByText = Comparer<(Did Follower, Did Followee)>.Create((x, y) => string.CompareOrdinal($"{x}", $"{y}"));

    private static AccountRecord AccountOf(TestChain chain, Did did) => chain.Ledger.State.Get(StateKey.Account(did)) is { } bytes ? AccountRecord.FromBytes(bytes) : AccountRecord.Empty;

    private static IEnumerable<(Did Follower, Did Followee)> EdgesOf(TestChain chain) =>
        chain.Ledger.Range("f"u8.ToArray(), [], int.MaxValue, certified: false).Select(row => StateKey.ParseEdge(row.Key));
}
