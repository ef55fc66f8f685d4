using Vivim.Ledger.State;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Merkle;
using Vivim.Protocol.Transactions;

namespace Vivim.Ledger.Execution;

/// <summary>
/// The last block and what it left behind: all that the next block is made from and judged by.
/// </summary>
/// <param name="Height">0 before the first block.</param>
/// <param name="BlockId">The genesis hash before the first block.</param>
/// <param name="Certificate">Null before the first block.</param>
/// <param name="System">Rules, parameters and validators.</param>
/// <param name="Proposers">Whose turn it is at the next height.</param>
public sealed record ChainTip(
    string ChainId, ulong Height, Hash256 BlockId, long Time, CommitCertificate? Certificate, Hash256 StateRoot, Hash256 ReceiptRoot, Hash256 EventRoot, SystemState System, ProposerRotation Proposers)
{
    /// <summary>The validators of the next height, <see cref="Height"/> + 1.</summary>
    public ValidatorSet Validators => Proposers.Validators;

    /// <summary>The validators of the height after the next.</summary>
    public ValidatorSet NextValidators => System.Schedule.At(Height + 2)!;

    /// <summary>The validators of <see cref="Height"/>, who have signed <see cref="Certificate"/>; those of the genesis before the first block.</summary>
    public ValidatorSet LastValidators => System.Schedule.At(Math.Max(1, Height))!;

    /// <summary>The tip of a chain without blocks.</summary>
    public static ChainTip Of(GenesisFile genesis, Hash256 stateRoot, IStateReader state)
    {
        var system = SystemState.Read(state);
        return new(genesis.ChainId, 0, genesis.Hash, genesis.Time, null, stateRoot, MerkleTree.EmptyRoot, MerkleTree.EmptyRoot, system, system.Schedule.Proposers(1));
    }

    /// <summary>The tip after <paramref name="block"/>, the next one, has been executed with <paramref name="result"/>.</summary>
    public ChainTip After(Block block, CommitCertificate certificate, ExecutionResult result, Hash256 stateRoot, IStateReader state)
    {
        var system = System.After(result.Changes, state);
        return With(block, certificate, result, stateRoot, system, system.Schedule.ProposersAfter(block.Header.Height, Proposers));
    }

    /// <summary>The tip of a chain that ends with <paramref name="block"/>, read back. Costs an election for every height since the validators last changed.</summary>
    public static ChainTip Ending(Block block, CommitCertificate certificate, ExecutionResult result, Hash256 stateRoot, IStateReader state)
    {
        var system = SystemState.Read(state);
        return With(block, certificate, result, stateRoot, system, system.Schedule.Proposers(block.Header.Height + 1));
    }

    /// <summary>The header of a block on this tip.</summary>
    /// <param name="time">Raised to one millisecond after the parent where it is not later.</param>
    public BlockHeader NextHeader(uint round, long time, PublicKey proposer, IReadOnlyList<TransactionEnvelope> transactions, IReadOnlyList<Evidence> evidence, CommitCertificate? parentCertificate) => new()
    {
        Version = BlockHeader.CurrentVersion,
        RulesVersion = System.RulesVersion,
        ChainId = ChainId,
        Height = Height + 1,
        Round = round,
        Time = Math.Max(time, Time + 1),
        Parent = BlockId,
        TransactionRoot = Block.TransactionRootOf(transactions),
        ValidatorSetHash = Validators.Hash,
        NextValidatorSetHash = NextValidators.Hash,
        Proposer = proposer,
        EvidenceRoot = Block.EvidenceRootOf(evidence),
        ParentCertificateHash = Block.HashOf(parentCertificate),
        StateRoot = StateRoot,
        ReceiptRoot = ReceiptRoot,
        EventRoot = EventRoot,
    };

    private static ChainTip With(Block block, CommitCertificate certificate, ExecutionResult result, Hash256 stateRoot, SystemState system, ProposerRotation proposers) =>
        new(block.Header.ChainId, block.Header.Height, block.Id, block.Header.Time, certificate, stateRoot, result.ReceiptRoot, result.EventRoot, system, proposers);
}
