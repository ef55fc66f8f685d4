using Vivim.Ledger.State;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;

namespace Vivim.Ledger.Execution;

/// <summary>A block that may not be voted for, or a chain that does not hold. The message says what is wrong.</summary>
public sealed class InvalidBlockException(string message) : Exception(message);

/// <summary>
/// Whether a block may follow a tip (DESIGN §5): form, size, the header against the parent, nonces, quotas and fees against the parent's
/// state, evidence, signatures. Never the block's own execution; whether it is proposed in its round and in time is for consensus to say.
/// </summary>
public static class BlockValidity
{
    /// <summary>Checks everything.</summary>
    /// <param name="scheme">Judges the parent's certificate and the votes of evidence.</param>
    /// <param name="isKnownValid">Answers true for envelopes whose signature has been verified before; may always answer false. Called from several threads at once.</param>
    /// <returns>The decoded transactions, in order.</returns>
    /// <exception cref="InvalidBlockException">The block is invalid.</exception>
    /// <exception cref="RulesVersionUnknownException">This program lacks the rules of the block's height, so it cannot tell.</exception>
    public static IReadOnlyList<Transaction> Check(Block block, ChainTip tip, IStateReader parent, ISignatureScheme scheme, Func<TransactionEnvelope, bool> isKnownValid)
    {
        ExecutionRules.For(tip.System.RulesVersion, tip.Height + 1);
        CheckHeader(block, tip);
        CheckParentCertificate(block.ParentCertificate, tip, scheme);
        EvidenceRules.Check(block.Evidence, tip, parent, scheme);
        var transactions = CheckInclusion(block, tip, parent);
        CheckSignatures(block.Transactions, tip.ChainId, isKnownValid);
        return transactions;
    }

    private static void CheckHeader(Block block, ChainTip tip)
    {
        var parameters = tip.System.Parameters;
        var header = block.Header;
        if (block.Transactions.Count > parameters.MaxBlockTransactions) throw new InvalidBlockException($"it has {block.Transactions.Count} transactions, at most {parameters.MaxBlockTransactions} are allowed");
        if (BlockSize(block) > parameters.MaxBlockBytes) throw new InvalidBlockException($"it has {BlockSize(block)} bytes of transactions, at most {parameters.MaxBlockBytes} are allowed");
        if (header.Time <= tip.Time) throw new InvalidBlockException($"its time {header.Time} is not later than its parent's {tip.Time}");
        if (header.Round > ProposerRotation.MaxRound) throw new InvalidBlockException($"its round {header.Round} is above {ProposerRotation.MaxRound}");
        if (header.Proposer != tip.Proposers.Proposer(header.Round)) throw new InvalidBlockException($"its proposer {header.Proposer} is not that of round {header.Round}");

        var expected = tip.NextHeader(header.Round, header.Time, header.Proposer, block.Transactions, block.Evidence, block.ParentCertificate);
        if (header != expected) throw new InvalidBlockException($"its header differs from what follows height {tip.Height}: {Difference(header, expected)}");
    }

    /// <summary>Any quorum of the parent's height will do: validators who were missing when one node decided may be in another's certificate.</summary>
    private static void CheckParentCertificate(CommitCertificate? certificate, ChainTip tip, ISignatureScheme scheme)
    {
        if (tip.Certificate is null != certificate is null) throw new InvalidBlockException(certificate is null ? "it lacks its parent's certificate" : "the first block has no parent to certify");
        if (certificate is null || ReferenceEquals(certificate, tip.Certificate)) return;
        if (certificate.Height != tip.Height || certificate.BlockId != tip.BlockId) throw new InvalidBlockException("its parent's certificate is for another block");
        if (certificate.Verify(tip.ChainId, tip.LastValidators, scheme) is { } problem) throw new InvalidBlockException($"its parent's certificate does not hold: {problem}");
    }

    private static List<Transaction> CheckInclusion(Block block, ChainTip tip, IStateReader parent)
    {
        var rules = new InclusionRules(parent, tip.ChainId, block.Header.Height, tip.System.Parameters, tip.Validators);
        var transactions = new List<Transaction>(block.Transactions.Count);
        foreach (var envelope in block.Transactions)
        {
            if (!Transaction.TryDecode(envelope, out var transaction, out var refusal) || (refusal = rules.TryInclude(transaction)) is not null)
                throw new InvalidBlockException($"transaction {transactions.Count} may not be included: {refusal!.Code}: {refusal.Message}");
            transactions.Add(transaction);
        }

        return transactions;
    }

    private static void CheckSignatures(IReadOnlyList<TransactionEnvelope> transactions, string chainId, Func<TransactionEnvelope, bool> isKnownValid)
    {
        var wrong = -1;
        Parallel.For(0, transactions.Count, (i, loop) =>
        {
            if (isKnownValid(transactions[i]) || transactions[i].SignatureVerifies(chainId)) return;
            wrong = i;
            loop.Stop();
        });
        if (wrong >= 0) throw new InvalidBlockException($"transaction {wrong} has a signature that does not verify");
    }

    private static long BlockSize(Block block) => block.Transactions.Sum(t => (long)t.Size);

    private static string Difference(BlockHeader header, BlockHeader expected) =>
        header.Version != expected.Version ? $"version {header.Version}"
        : header.ChainId != expected.ChainId ? $"chain id '{header.ChainId}'"
        : header.Height != expected.Height ? $"height {header.Height}"
        : header.RulesVersion != expected.RulesVersion ? $"rules-version {header.RulesVersion}"
        : header.Parent != expected.Parent ? "parent"
        : header.StateRoot != expected.StateRoot ? "state root"
        : header.ReceiptRoot != expected.ReceiptRoot ? "receipt root"
        : header.EventRoot != expected.EventRoot ? "event root"
        : header.TransactionRoot != expected.TransactionRoot ? "transaction root"
        : header.EvidenceRoot != expected.EvidenceRoot ? "evidence root"
        : header.ParentCertificateHash != expected.ParentCertificateHash ? "parent certificate hash"
        : "validator sets";
}
