using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;
using Vivim.Simulator.Nodes;

namespace Vivim.Simulator.Byzantine;

/// <summary>Makes the messages of a liar: everything that its own key can sign, and forgeries of what it cannot.</summary>
internal sealed class Forger(World world, Node node, SeededRandom random)
{
    private const int FloodSize = 12;

    public Vote Vote(VoteType type, ulong height, uint round, Hash256? blockId) => Protocol.Consensus.Vote.Sign(type, height, round, blockId, world.Genesis.ChainId, node.Key);

    public ConsensusMessage.Proposed Proposed(ulong height, uint round, int validRound, Block block) =>
        new(Proposal.Sign(height, round, validRound, block.Id, world.Genesis.ChainId, node.Key), block);

    public Hash256 RandomHash() => Hash256.Of(BitConverter.GetBytes(random.Next()));

    /// <summary>Another block that is as good.</summary>
    public ConsensusMessage.Proposed Sibling(Proposal proposal, Block block) =>
        Proposed(proposal.Height, proposal.Round, proposal.ValidRound, block with { Header = block.Header with { Time = block.Header.Time + 1 } });

    /// <summary>A block that nobody may accept.</summary>
    public ConsensusMessage.Proposed Invalid(Proposal proposal, Block block)
    {
        var header = block.Header;
        var kind = random.Below(9);
        var bad = kind switch
        {
            0 => block with { Header = header with { StateRoot = RandomHash() } },
            1 => block with { Header = header with { Time = header.Time + 60_000 } },
            2 => block with { Header = header with { Round = header.Round + 1 } },
            3 => block with { Header = header with { Parent = RandomHash() } },
            4 => block with { Header = header with { ReceiptRoot = RandomHash() } },
            5 => block with { Header = header with { NextValidatorSetHash = RandomHash() } },
            6 => block with { Header = header with { Proposer = world.Keys[random.Below(world.Keys.Count)].PublicKey }, ParentCertificate = null },
            7 => Repacked(block, [.. block.Transactions, .. block.Transactions]),
            _ => Repacked(block, [.. block.Transactions.Reverse()]),
        };
        // The others may be valid by chance, or in another round.
        if (kind is 0 or 1 or 3 or 4 or 5) world.Oracle.Forged(bad.Id);
        return Proposed(proposal.Height, proposal.Round, proposal.ValidRound, bad);
    }

    /// <summary>Votes for rounds and heights to come, and positions that are not true.</summary>
    public void Flood()
    {
        var height = node.Ledger.Tip.Height + 1;
        for (var i = 0; i < FloodSize; i++)
        {
            var round = random.Chance(500) ? (uint)random.Below(8) : (uint)random.Below(random.Chance(900) ? 9_000 : 200_000);
            var at = random.Chance(700) ? height : height + (ulong)random.Below(1_000);
            Hash256? value = random.Chance(200) ? null : RandomHash();
            node.Emit(null, new ConsensusMessage.Voted(Vote(VoteType.Prevote, at, round, value)));
            if (random.Chance(300)) node.Emit(null, new ConsensusMessage.Voted(Vote(VoteType.Precommit, at, round, value)));
        }

        node.Emit(null, new ConsensusMessage.Status(height, (uint)random.Below(4), (byte)random.Below(4), random.Chance(500) ? RandomHash() : null, Bits(), Bits(), random.Chance(500)));
        node.Emit(null, new SyncMessage.Tip(height + (ulong)random.Below(1_000)));
        node.Emit(random.Below(world.Nodes.Count), new SyncMessage.GetBlocks((ulong)random.Below(100)));
    }

    /// <summary>Accuses others, with forged signatures or with votes that prove nothing; and itself, truly.</summary>
    public void Accuse(List<Vote> heard)
    {
        if (heard.Count < 2) return;
        var first = random.Pick(heard);
        var second = random.Pick(heard);
        var evidence = random.Below(5) switch
        {
            0 => new Evidence(first, first),
            1 => new Evidence(first, first with { BlockId = RandomHash() }),
            2 => new Evidence(first, second),
            3 => new Evidence(first, Vote(first.Type, first.Height, first.Round, RandomHash()) with { Validator = first.Validator }),
            _ => new Evidence(Vote(first.Type, first.Height, first.Round, RandomHash()), Vote(first.Type, first.Height, first.Round, null)),
        };
        node.Emit(null, new ConsensusMessage.Accused(evidence));
    }

    /// <summary>Blocks under certificates that do not hold, or a tip far ahead.</summary>
    public SyncMessage Falsify(SyncMessage message) => message switch
    {
        SyncMessage.Tip tip when random.Chance(500) => new SyncMessage.Tip(tip.Height + (ulong)random.Below(50)),
        SyncMessage.Blocks { Items.Count: > 0 } blocks => new SyncMessage.Blocks([Falsify(blocks.Items[0]), .. blocks.Items.Skip(1)]),
        _ => message,
    };

    private CertifiedBlock Falsify(CertifiedBlock item)
    {
        var (block, certificate) = item;
        var other = block with { Header = block.Header with { Time = block.Header.Time + 1 } };
        var own = Vote(VoteType.Precommit, block.Header.Height, certificate.Round, other.Id).Signature;
        return random.Below(5) switch
        {
            0 => new CertifiedBlock(block, certificate with { Signatures = [.. certificate.Signatures.Take(certificate.Signatures.Count / 2)] }),
            1 => new CertifiedBlock(block, certificate with { Signatures = [.. Enumerable.Repeat(certificate.Signatures[0], certificate.Signatures.Count)] }),
            2 => new CertifiedBlock(other, certificate),
            3 => new CertifiedBlock(other, certificate with { BlockId = other.Id, Signatures = [.. certificate.Signatures.Select(s => new CommitSignature(s.ValidatorIndex, own))] }),
            _ => new CertifiedBlock(block with { Transactions = [] }, certificate),
        };
    }

    private VoteBits Bits() => VoteBits.Of(world.Nodes.Count, _ => random.Chance(500));

    private static Block Repacked(Block block, IReadOnlyList<Protocol.Transactions.TransactionEnvelope> transactions) =>
        block with { Transactions = transactions, Header = block.Header with { TransactionRoot = Oracle.MerkleRoot.Of([.. transactions.Select(t => Encoded(t))]) } };

    private static byte[] Encoded(Protocol.Transactions.TransactionEnvelope envelope)
    {
        var writer = new Protocol.Encoding.CanonicalWriter();
        envelope.Encode(writer);
        return writer.ToArray();
    }
}
