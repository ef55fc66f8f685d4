using System.Collections.Concurrent;
using Akka.Actor;
using Vivim.Actors;
using Vivim.Chain.BlockMaking;
using Vivim.Chain.Consensus;
using Vivim.Chain.Ledger;
using Vivim.Protocol.Keys;

namespace Vivim.Tests.Actors;

/// <summary>A validator that crashes goes on from its signer's row: with the same block, and without a second word on anything.</summary>
[Collection(Collection)]
public sealed class ValidatorActorTests : ActorTests
{
    private readonly CrashingStore signers;
    private readonly IActorRef makers;

    public ValidatorActorTests()
    {
        signers = new CrashingStore(new SqliteSignerStore(FileOf("signer")));
        signers.Create(ValidatorKey.PublicKey, SignerRow.Initial);
        var pool = Sys.ActorOf<EmptyPool>();
        makers = Sys.ActorOf(Props.Create(() => new BlockMaker(ValidatorKey.PublicKey, new BlockMakerSettings(Ledger, pool, Patience))));
        Sys.EventStream.Subscribe(TestActor, typeof(BlockCommitted));
        Sys.EventStream.Subscribe(TestActor, typeof(NodeFault));
    }

    /// <summary>Writes 1 to 3 are the proposal's, the prevote's and the precommit's row of height 1; 4 to 6 those of height 2.</summary>
    [Theory]
    [InlineData(1, true)]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(3, false)]
    [InlineData(5, true)]
    public async Task A_crash_around_a_write_of_the_row_changes_nothing_that_is_decided(int write, bool isStored)
    {
        (signers.CrashAtWrite, signers.StoresBeforeCrash) = (write, isStored);
        var keeper = CreateTestProbe();
        var first = Start(Ledger);
        await keeper.WatchAsync(first);
        await keeper.ExpectTerminatedAsync(first, Patience);
        Assert.True(signers.HasCrashed);
        Start(Ledger);
        await ExpectHeights(1, 3);
    }

    [Fact]
    public async Task A_crash_before_the_ledger_has_the_decided_block_commits_the_same_block_later()
    {
        var deaf = Sys.ActorOf(Props.Create(() => new DeafLedger(Ledger, TestActor)));
        var validator = Start(deaf);
        var lost = await ExpectMsgAsync<CommitBlock>(Patience);
        await End(validator);

        Start(Ledger);
        Assert.Equal(lost.Block.Id, (await ExpectHeights(1, 2))[0]);
    }

    [Fact]
    public async Task A_stop_between_heights_goes_on_with_the_next()
    {
        var validator = Start(Ledger);
        await ExpectHeights(1, 1);
        await End(validator);
        var next = await Ledger.Read(l => l.Tip.Height) + 1;
        while (HasMessages) await ReceiveOneAsync();
        Start(Ledger);
        await ExpectHeights(next, next + 1);
    }

    [Fact]
    public async Task A_validator_whose_block_cannot_be_stored_stops_at_once_for_its_keeper_to_start_it_again()
    {
        JournalFaults.Of("consensus").Next = static () => JournalFault.Fail;
        var validator = Start(Ledger);
        await WatchAsync(validator);
        await ExpectTerminatedAsync(validator, Patience);
    }

    [Fact]
    public async Task A_chain_that_is_older_than_what_was_signed_is_not_gone_on_with()
    {
        using var signer = new SqliteSignerStore(FileOf("signer"));
        var past = new Signer(Genesis.ChainId, ValidatorKey, signer.Require(ValidatorKey.PublicKey));
        past.SignVote(Vivim.Protocol.Consensus.VoteType.Precommit, 5, 0, null, Standing.Initial);
        signer.Record(ValidatorKey.PublicKey, past.Row);
        Start(Ledger);
        Assert.Contains("signed at height 5", (await ExpectMsgAsync<NodeFault>(Patience)).Reason, StringComparison.Ordinal);
        await ExpectNoMsgAsync(TimeSpan.FromMilliseconds(500));
    }

    [Fact]
    public async Task A_proposal_whose_block_is_lost_stops_the_node_with_a_sentence()
    {
        using var signer = new SqliteSignerStore(FileOf("signer"));
        var past = new Signer(Genesis.ChainId, ValidatorKey, signer.Require(ValidatorKey.PublicKey));
        past.SignProposal(1, 0, -1, Genesis.Hash, Standing.Initial);
        signer.Record(ValidatorKey.PublicKey, past.Row);
        Start(Ledger);
        Assert.Contains("is not in its journal", (await ExpectMsgAsync<NodeFault>(Patience)).Reason, StringComparison.Ordinal);
        await ExpectNoMsgAsync(TimeSpan.FromMilliseconds(500));
    }

    [Fact]
    public async Task A_failure_that_somebody_sends_restarts_no_validator()
    {
        var validator = Start(Ledger);
        var before = await validator.Ask<EntityStatus>(new CheckEntity("0"), Patience);
        validator.Tell(new Status.Failure(new IOException("not the validator's")));
        Assert.Equal(before.Life, (await validator.Ask<EntityStatus>(new CheckEntity("0"), Patience)).Life);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        signers.Dispose();
    }

    private IActorRef Start(IActorRef ledger)
    {
        var settings = new ValidatorSettings(ledger, makers, Sys.DeadLetters, signers, new ConsensusTimeouts(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(1), TimeSpan.Zero), TimeProvider.System);
        return Sys.ActorOf(Props.Create(() => new ValidatorActor(ValidatorKey, settings)).WithDispatcher(ValidatorActor.Dispatcher));
    }

    /// <summary>These heights are committed one after another, each with the one block that was proposed, and nothing was signed twice.</summary>
    private async Task<List<Vivim.Protocol.Hash256>> ExpectHeights(ulong first, ulong last)
    {
        var ids = new List<Vivim.Protocol.Hash256>();
        for (var height = first; height <= last; height++)
        {
            var tip = (await ExpectMsgAsync<BlockCommitted>(Patience)).Tip;
            Assert.Equal(height, tip.Height);
            ids.Add(tip.BlockId);
        }

        var rows = signers.Stored.Where(row => row.Height >= first && row.Height <= last).ToList();
        foreach (var proposals in rows.SelectMany(r => r.Proposals).GroupBy(p => (p.Height, p.Round))) Assert.Single(proposals.Distinct());
        foreach (var votes in rows.SelectMany(r => r.Votes).GroupBy(v => (v.Height, v.Round, v.Type))) Assert.Single(votes.Distinct());
        Assert.Equal(ids, rows.SelectMany(r => r.Proposals).DistinctBy(p => p.Height).OrderBy(p => p.Height).Select(p => p.BlockId));
        return ids;
    }

    /// <summary>Takes everything but the decided block, which it gives to a probe.</summary>
    private sealed class DeafLedger : ReceiveActor
    {
        public DeafLedger(IActorRef ledger, IActorRef probe)
        {
            Receive<CommitBlock>(probe.Tell);
            ReceiveAny(ledger.Forward);
        }
    }

    /// <summary>Fails one write, having kept it or not, and remembers all that were kept.</summary>
    private sealed class CrashingStore(SqliteSignerStore inner) : ISignerStore, IDisposable
    {
        private int writes;

        public int CrashAtWrite { get; set; }

        public bool StoresBeforeCrash { get; set; }

        public bool HasCrashed { get; private set; }

        public ConcurrentQueue<SignerRow> Stored { get; } = [];

        public SignerRow? Load(PublicKey key) => inner.Load(key);

        public void Create(PublicKey key, SignerRow row) => inner.Create(key, row);

        public bool CompareAndSet(PublicKey key, ulong expectedVersion, SignerRow row)
        {
            var crashes = ++writes == CrashAtWrite;
            if (!crashes || StoresBeforeCrash)
            {
                if (!inner.CompareAndSet(key, expectedVersion, row)) return false;
                Stored.Enqueue(row);
            }

            if (!crashes) return true;
            HasCrashed = true;
            throw new IOException("the power is gone");
        }

        public void Dispose() => inner.Dispose();
    }
}
