using Vivim.Protocol.Encoding;

namespace Vivim.Protocol.Genesis;

/// <summary>The limits every validator must agree on; part of the genesis and of the state.</summary>
public sealed record ChainParameters
{
    /// <summary>Milliseconds from one block to the next while there is work; at least 250.</summary>
    public uint BlockIntervalMs { get; init; } = 1_000;

    /// <summary>Milliseconds from one block to the next while there is none.</summary>
    public uint EmptyBlockIntervalMs { get; init; } = 30_000;

    /// <summary>Bytes of a block's encoded transactions. Every validator must have and judge them within a round's timeouts.</summary>
    public uint MaxBlockBytes { get; init; } = 2 << 20;

    /// <summary>Transactions of a block.</summary>
    public uint MaxBlockTransactions { get; init; } = 20_000;

    /// <summary>Bytes of a transaction's body.</summary>
    public uint MaxTransactionBytes { get; init; } = 4_096;

    /// <summary>Actions a sender may have included per quota window, failed ones too.</summary>
    public uint QuotaActions { get; init; } = 2_000;

    /// <summary>Heights of a quota window; windows start at its multiples.</summary>
    public uint QuotaWindowHeights { get; init; } = 100;

    /// <summary>Registrations the whole chain may include per quota window.</summary>
    public uint MaxRegistrations { get; init; } = 10_000;

    /// <summary>How far beyond the committed nonce a pool takes transactions.</summary>
    public uint MaxNonceAhead { get; init; } = 1_024;

    /// <summary>How many heights ahead a transaction may expire.</summary>
    public uint MaxExpiryAhead { get; init; } = 10_000;

    /// <summary>How many heights after a vote its validator can still be punished for it. Evidence expires by heights alone.</summary>
    public uint MaxEvidenceAge { get; init; } = 100_000;

    /// <summary>Null when every value is possible, else a sentence naming the one that is not.</summary>
    public string? Problem() =>
        BlockIntervalMs is < 250 or > 600_000 ? "blockIntervalMs must be 250 to 600000"
        : EmptyBlockIntervalMs < BlockIntervalMs ? "emptyBlockIntervalMs must be at least blockIntervalMs"
        : MaxBlockBytes is < 65_536 or > Blocks.Block.MaxTransactionsSize ? $"maxBlockBytes must be 65536 to {Blocks.Block.MaxTransactionsSize}"
        : MaxBlockTransactions is 0 or > 100_000 ? "maxBlockTransactions must be 1 to 100000"
        : MaxTransactionBytes is < 512 or > Transactions.TransactionEnvelope.MaxBodySize ? $"maxTransactionBytes must be 512 to {Transactions.TransactionEnvelope.MaxBodySize}"
        : QuotaActions == 0 ? "quotaActions must be at least 1"
        : QuotaWindowHeights == 0 ? "quotaWindowHeights must be at least 1"
        : MaxRegistrations == 0 ? "maxRegistrations must be at least 1"
        : MaxNonceAhead == 0 ? "maxNonceAhead must be at least 1"
        : MaxExpiryAhead == 0 ? "maxExpiryAhead must be at least 1"
        : MaxEvidenceAge == 0 ? "maxEvidenceAge must be at least 1"
        : null;

    public void Encode(CanonicalWriter writer) => writer
        .U32(BlockIntervalMs).U32(EmptyBlockIntervalMs).U32(MaxBlockBytes).U32(MaxBlockTransactions).U32(MaxTransactionBytes)
        .U32(QuotaActions).U32(QuotaWindowHeights).U32(MaxRegistrations).U32(MaxNonceAhead).U32(MaxExpiryAhead).U32(MaxEvidenceAge);

    /// <exception cref="MalformedException">Cut short.</exception>
    public static ChainParameters Decode(ref CanonicalReader reader) => new()
    {
        BlockIntervalMs = reader.U32(),
        EmptyBlockIntervalMs = reader.U32(),
        MaxBlockBytes = reader.U32(),
        MaxBlockTransactions = reader.U32(),
        MaxTransactionBytes = reader.U32(),
        QuotaActions = reader.U32(),
        QuotaWindowHeights = reader.U32(),
        MaxRegistrations = reader.U32(),
        MaxNonceAhead = reader.U32(),
        MaxExpiryAhead = reader.U32(),
        MaxEvidenceAge = reader.U32(),
    };
}
