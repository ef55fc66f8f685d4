using Akka.Actor;
using Vivim.Protocol;
using Vivim.Protocol.Transactions;

namespace Vivim.Chain.Pool;

/// <summary>Decode and verify these; answered by <see cref="TransactionsChecked"/>.</summary>
public sealed record CheckTransactions(IReadOnlyList<TransactionEnvelope> Transactions) : INoSerializationVerificationNeeded;

/// <summary>A transaction in good form with a good signature, or why it is refused.</summary>
public readonly record struct CheckedTransaction(Hash256 Id, Transaction? Transaction, Refusal? Refusal);

/// <summary>Answer to <see cref="CheckTransactions"/>, in order.</summary>
public sealed record TransactionsChecked(IReadOnlyList<CheckedTransaction> Transactions) : INoSerializationVerificationNeeded;

/// <summary>Decodes transactions and verifies their signatures on the verification dispatcher; a node has one per core behind a router.</summary>
public sealed class SignatureVerifier : ReceiveActor
{
    /// <summary>The dispatcher it runs on.</summary>
    public const string Dispatcher = "vivim-dispatchers.verification";

    public SignatureVerifier(string chainId, VerifiedSignatures verified) =>
        Receive<CheckTransactions>(message => Sender.Tell(new TransactionsChecked([.. message.Transactions.Select(envelope => Check(envelope, chainId, verified))])));

    private static CheckedTransaction Check(TransactionEnvelope envelope, string chainId, VerifiedSignatures verified)
    {
        var id = envelope.IdOn(chainId);
        if (!Transaction.TryDecode(envelope, out var transaction, out var refusal)) return new CheckedTransaction(id, null, refusal);
        if (transaction.ChainId != chainId) return new CheckedTransaction(id, null, new Refusal(RefusalReason.WrongChain, $"the transaction is for '{transaction.ChainId}', this chain is '{chainId}'"));
        if (verified.Contains(envelope)) return new CheckedTransaction(id, transaction, null);
        if (!envelope.SignatureVerifies(chainId)) return new CheckedTransaction(id, null, new Refusal(RefusalReason.BadSignature, "the signature does not verify for this signer, body and chain"));
        verified.Add(envelope);
        return new CheckedTransaction(id, transaction, null);
    }
}
