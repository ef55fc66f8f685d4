using Vivim.Chain.Consensus;
using Vivim.Chain.Sync;
using Vivim.Ledger;
using Vivim.Ledger.Execution;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Tests.Ledger;

namespace Vivim.Tests.Chain;

/// <summary>
/// Whatever anyone sends, in the right form and with good signatures of one liar: no exception leaves the cores, what they hold stays bounded,
/// each message costs little, and the height is still decided when the others say so.
/// </summary>
public sealed class HostileInputTests
{
    private const int Count = 4;

    /// <summary>Items held for a height with four validators and one that sends what it likes: so many at first, and for every round that passes.</summary>
    private const int MostHeld = 60;
    private const int MostHeldPerRound = 8;

    private static readonly SigningKey[] Keys = [.. Enumerable.Range(0, Count).Select(i => Person.KeyOf($"validator-{i}")).OrderBy(key => key.PublicKey)];
    private static readonly ConsensusTimeouts Timeouts = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(0.5));

    private readonly NodeLedger ledger = new(
        TestChain.GenesisWith(new ChainParameters()) with { Validators = [.. Keys.Select(key => new GenesisValidator(Did.OfKey(key.PublicKey).ToString(), 1))] },
        new MemoryChainStore(),
        new MemoryStateStore(),
        Ed25519Scheme.Instance);

    private long now = TestChain.GenesisTime + 1_000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_validator_that_is_sent_anything_stays_small_and_decides(int seed)
    {
        var random = new System.Random(seed);
        var liar = random.Next(Count);
        var self = (liar + 1 + random.Next(Count - 1)) % Count;
        var core = new ValidatorCore(TestChain.ChainId, Keys[self], SignerRow.Initial, Ed25519Scheme.Instance, Timeouts);
        var judged = new Queue<Block>();
        Feed(new ValidatorInput.TipReached(ledger.Tip, HasUncertifiedState: false, []));
        for (var i = 0; i < 4_000; i++)
        {
            Feed(Anything(random, liar, core));
            Assert.InRange(core.HeldItems, 0, MostHeld + MostHeldPerRound * (int)core.Round);
        }

        // The honest ones go on to a round whose proposer is honest, and say all that a decision needs.
        var round = Enumerable.Range((int)core.Round + 1, Count).Select(r => (uint)r).First(r => Keys[liar].PublicKey != ledger.Tip.Proposers.Proposer(r));
        var proposer = Array.Find(Keys, key => key.PublicKey == ledger.Tip.Proposers.Proposer(round))!;
        var block = NewBlock(round, proposer.PublicKey);
        var honest = Enumerable.Range(0, Count).Where(i => i != liar && i != self).Select(i => Keys[i]).ToList();
        var said = new List<ConsensusMessage>();
        foreach (var key in honest) said.Add(new ConsensusMessage.Voted(Vote.Sign(VoteType.Prevote, 1, round, block.Id, TestChain.ChainId, key)));
        said.Add(new ConsensusMessage.Proposed(Proposal.Sign(1, round, -1, block.Id, TestChain.ChainId, proposer), block));
        foreach (var key in honest.Append(Keys[liar])) said.Add(new ConsensusMessage.Voted(Vote.Sign(VoteType.Precommit, 1, round, block.Id, TestChain.ChainId, key)));
        Assert.Contains(said.SelectMany(message => Feed(new ValidatorInput.Received(honest[0].PublicKey, message))), output => output is ValidatorOutput.Commit);

        List<ValidatorOutput> Feed(ValidatorInput input)
        {
            var all = new List<ValidatorOutput>(core.Apply(input, now));
            Assert.InRange(all.Count, 0, 200);
            foreach (var judge in all.OfType<ValidatorOutput.Judge>().ToList())
            {
                var problem = ledger.Validate(judge.Block, static _ => false);
                all.AddRange(core.Apply(new ValidatorInput.Judged(judge.Block.Header.Height, judge.Block.Id, problem), now));
            }

            foreach (var build in all.OfType<ValidatorOutput.Build>().ToList())
                all.AddRange(core.Apply(new ValidatorInput.Built(build.Round, NewBlock(build.Round, Keys[self].PublicKey)), now));
            return all;
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_node_that_is_sent_any_blocks_stays_small_and_executes_none_that_is_not_final(int seed)
    {
        var random = new System.Random(seed);
        var core = new SyncCore(Ed25519Scheme.Instance);
        core.Apply(new SyncInput.TipReached(ledger.Tip));
        var final = NewBlock(0, ledger.Tip.Proposers.Proposer(0));
        var good = new CertifiedBlock(final, TestChain.Certify(final.Header, Keys));
        for (var i = 0; i < 5_000; i++)
        {
            var peer = new PeerId($"peer {random.Next(1_000)}");
            SyncMessage message = random.Next(3) switch
            {
                0 => new SyncMessage.Tip((ulong)random.NextInt64()),
                1 => new SyncMessage.GetBlocks((ulong)random.Next(3)),
                _ => new SyncMessage.Blocks([.. Enumerable.Range(0, random.Next(100)).Select(_ => Bad(good, random))]),
            };
            var outputs = core.Apply(new SyncInput.Received(peer, message)).Concat(random.Next(3) == 0 ? core.Apply(new SyncInput.Tick()) : []).ToList();
            // Who was asked answers with anything.
            foreach (var send in outputs.OfType<SyncOutput.Send>().ToList()) outputs.AddRange(core.Apply(new SyncInput.Received(send.To, new SyncMessage.Blocks([Bad(good, random)]))));
            Assert.DoesNotContain(outputs, output => output is SyncOutput.Commit);
            Assert.InRange(core.HeldItems, 0, SyncMessage.MaxBlocks);
        }

        // Those that were blamed are asked again some day; the last that is asked has what it says.
        var ask = Enumerable.Range(0, 1_000).SelectMany(_ => core.Apply(new SyncInput.Tick())).OfType<SyncOutput.Send>().Last();
        Assert.IsType<SyncOutput.Commit>(Assert.Single(core.Apply(new SyncInput.Received(ask.To, new SyncMessage.Blocks([good])))));
    }

    private Block NewBlock(uint round, PublicKey proposer) => ledger.Assemble([], [], round, now, proposer);

    private static CertifiedBlock Bad(CertifiedBlock good, System.Random random)
    {
        var (block, certificate) = good;
        return random.Next(5) switch
        {
            0 => new CertifiedBlock(block, certificate with { Signatures = [.. certificate.Signatures.Take(2)] }),
            1 => new CertifiedBlock(block, certificate with { Round = 1 }),
            2 => new CertifiedBlock(block with { Header = block.Header with { Time = block.Header.Time + random.Next(1, 100) } }, certificate),
            3 => new CertifiedBlock(block with { Transactions = [new Person("nobody").Register()] }, certificate),
            _ => new CertifiedBlock(block with { ParentCertificate = certificate }, certificate),
        };
    }

    private ValidatorInput Anything(System.Random random, int liar, ValidatorCore core)
    {
        now += random.Next(3);
        return random.Next(12) switch
        {
            0 => new ValidatorInput.Tick(),
            1 => new ValidatorInput.Elapsed(new ConsensusTimer.StepTimeout(Near(random, core.Height), core.Round, (Step)random.Next(1, 4))),
            2 => new ValidatorInput.Elapsed(new ConsensusTimer.BlockDue(core.Height)),
            3 => new ValidatorInput.WorkArrived(),
            4 => new ValidatorInput.Judged(core.Height, AnyHash(random), null),
            _ => new ValidatorInput.Received(Keys[random.Next(Count)].PublicKey, AnyMessage(random, liar, core)),
        };
    }

    private ConsensusMessage AnyMessage(System.Random random, int liar, ValidatorCore core)
    {
        // The liar signs anything; what is said in the name of others has no good signature.
        var key = Keys[liar];
        var height = Near(random, core.Height);
        var round = (uint)(random.Next(4) switch { 0 => core.Round, 1 => core.Round + 1, 2 => core.Round + random.Next(5_000), _ => random.NextInt64(uint.MaxValue) });
        var block = random.Next(3) == 0 ? NewBlock(round, key.PublicKey) : null;
        var id = block?.Id ?? AnyHash(random);
        var vote = Vote.Sign((VoteType)random.Next(1, 3), height, round, random.Next(4) == 0 ? null : id, TestChain.ChainId, key);
        if (random.Next(4) == 0) vote = vote with { Validator = Keys[random.Next(Count)].PublicKey };
        return random.Next(5) switch
        {
            0 => new ConsensusMessage.Proposed(Proposal.Sign(height, round, random.Next(-1, (int)Math.Min(round, 3)), id, TestChain.ChainId, key), block),
            1 => new ConsensusMessage.Accused(new Evidence(vote, Vote.Sign(vote.Type, height, round, AnyHash(random), TestChain.ChainId, key))),
            2 => new ConsensusMessage.Status(height, round, (byte)random.Next(4), AnyHash(random), VoteBits.Of(random.Next(Count), _ => true), default, HasWork: true),
            _ => new ConsensusMessage.Voted(vote),
        };
    }

    private static ulong Near(System.Random random, ulong height) => random.Next(5) switch { 0 => height + 1, 1 => height - 1, 2 => (ulong)random.NextInt64(), _ => height };

    private static Hash256 AnyHash(System.Random random) => random.Next(5) == 0 ? default : Hash256.Of(BitConverter.GetBytes(random.Next(50)));
}
