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
/// <param name="System">Rules, parameters and validators of the next height.</param>
public sealed record ChainTip(string ChainId, ulong Height, Hash256 BlockId, long Time, CommitCertificate? Certificate, Hash256 StateRoot, Hash256 ReceiptRoot, Hash256 EventRoot, SystemState System)
{
    /// <summary>The tip of a chain without blocks.</summary>
    public static ChainTip Of(GenesisFile genesis, Hash256 stateRoot, IStateReader state) =>
        new(genesis.ChainId, 0, genesis.Hash, genesis.Time, null, stateRoot, MerkleTree.Root([]), MerkleTree.Root([]), SystemState.Read(state));

    /// <summary>The tip after <paramref name="block"/> has been executed with <paramref name="result"/>.</summary>
    public ChainTip After(Block block, CommitCertificate certificate, ExecutionResult result, Hash256 stateRoot, IStateReader state) =>
        new(ChainId, block.Header.Height, block.Id, block.Header.Time, certificate, stateRoot, result.ReceiptRoot, result.EventRoot, SystemState.Read(state));

    /// <summary>The header of a block on this tip.</summary>
    /// <param name="time">Raised to one millisecond after the parent where it is not later.</param>
    public BlockHeader NextHeader(uint round, long time, PublicKey proposer, IReadOnlyList<TransactionEnvelope> transactions) => new()
    {
        Version = BlockHeader.CurrentVersion,
        RulesVersion = System.RulesVersion,
        ChainId = ChainId,
        Height = Height + 1,
        Round = round,
        Time = Math.Max(time, Time + 1),
        Parent = BlockId,
        TransactionRoot = TransactionRoot(transactions),
        ValidatorSetHash = System.Validators.Hash,
        NextValidatorSetHash = System.Validators.Hash,
        Proposer = proposer,
        EvidenceRoot = MerkleTree.Root([]),
        ParentCertificateHash = Certificate?.Hash ?? Hash256.Zero,
        StateRoot = StateRoot,
        ReceiptRoot = ReceiptRoot,
        EventRoot = EventRoot,
    };

    /// <summary>RFC 6962 root over the envelopes' encodings.</summary>
    public static Hash256 TransactionRoot(IReadOnlyList<TransactionEnvelope> transactions) =>
        MerkleTree.Root(ExecutionResult.Leaves(transactions, 512, static (t, w) => t.Encode(w)));
}
