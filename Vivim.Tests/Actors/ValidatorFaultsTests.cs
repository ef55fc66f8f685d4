using Vivim.Chain.Consensus;
using Vivim.Chain.Ledger;
using Vivim.Protocol;
using Vivim.Protocol.Consensus;

namespace Vivim.Tests.Actors;

/// <summary>
/// Four validators in one node, with all that can fail around them: writes of the journal and of the signer's rows, messages, the actors
/// themselves, a second incarnation, a lost journal. The simulator puts the cores through the same; this is about their shells.
/// </summary>
[Collection(Collection)]
public sealed class ValidatorFaultsTests : ActorTests
{
    private const int Validators = 4;
    private const int Quorum = 3;
    private const int Strikes = 20;
    private const int MostStrikes = 200;
    private const ulong HeightsAfterwards = 4;

    private readonly SqliteSignerStore signers;

    public ValidatorFaultsTests()
        : base(Validators)
    {
        signers = new SqliteSignerStore(FileOf("signer"));
        foreach (var key in ValidatorKeys) signers.Create(key.PublicKey, SignerRow.Initial);
        Sys.EventStream.Subscribe(TestActor, typeof(NodeFault));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Whatever_fails_around_four_validators_they_sign_nothing_twice_decide_one_chain_and_go_on_afterwards(int seed)
    {
        var fleet = new ValidatorFleet(Sys, ValidatorKeys, Ledger, signers, FileOf("journal-consensus"), seed);
        var random = new Random(seed);
        await Reaches(1);
        fleet.Spoil();
        // How threads interleave is chance: on, until everything has gone wrong once.
        for (var i = 0; i < Strikes || (!fleet.HasFailedInEveryWay && i < MostStrikes); i++)
        {
            await Task.Delay(random.Next(50, 350));
            fleet.Strike();
        }

        fleet.Heal();
        var height = await Ledger.Read(l => l.Tip.Height);
        await Reaches(height + HeightsAfterwards);

        Assert.Empty(fleet.Network.Wrongs);
        Assert.Empty(fleet.Network.Contradictions());
        AssertOneChain(fleet, height + HeightsAfterwards);
        Assert.False(HasMessages, "the node wanted to stop");
        Assert.True(fleet.HasFailedInEveryWay, "too little went wrong");
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        signers.Dispose();
    }

    /// <summary>Generous: it only bounds a failure.</summary>
    private Task Reaches(ulong height) => AwaitConditionAsync(async () => await Ledger.Read(l => l.Tip.Height) >= height, 3 * Patience, TimeSpan.FromMilliseconds(50));

    /// <summary>Each height has one decided block, whoever decided it, and every certificate for it is of a quorum.</summary>
    private void AssertOneChain(ValidatorFleet fleet, ulong last)
    {
        for (var height = 1UL; height <= last; height++)
        {
            var record = ChainReader.Read(height)!;
            Assert.InRange(CommitCertificate.FromBytes(record.Certificate).Signatures.Count, Quorum, Validators);
            var decided = fleet.Decided.Where(commit => commit.Block.Header.Height == height).ToList();
            Assert.All(decided, commit => Assert.Equal(Hash256.Of(record.Block), Hash256.Of(commit.Block.ToBytes())));
            Assert.All(decided, commit => Assert.InRange(commit.Certificate.Signatures.Count, Quorum, Validators));
            Assert.NotEmpty(decided);
        }
    }
}
