using System.Runtime.CompilerServices;
using Grpc.Core;
using Vivim.Ledger.Execution;
using Vivim.Protocol.Transactions;
using Vivim.Protocol.V1;

namespace Vivim.Gateway.Rpc;

/// <summary>A transaction as it has come from a client, before anything but the length of its body is checked.</summary>
/// <param name="Transaction">What has come; null for nothing, or for a body that is too long.</param>
/// <param name="TooLarge">Where the body is too long, says so. The body itself is not kept.</param>
/// <param name="Held">Bytes that it is charged with, to be disposed when it is answered; null where its call is charged already.</param>
internal readonly record struct SubmittedMessage(SignedTransaction? Transaction, Refusal? TooLarge, IDisposable? Held)
{
    /// <summary>About what a transaction and its answer occupy beside the body.</summary>
    public const int BesideBody = 512;

    /// <summary>A transaction of a call that has no other.</summary>
    public static SubmittedMessage Of(SignedTransaction? transaction)
    {
        if (transaction is null || transaction.Body.Length <= TransactionEnvelope.MaxBodySize) return new SubmittedMessage(transaction, null, null);
        var length = transaction.Body.Length;
        var refusal = new Refusal(RefusalReason.TooLarge, $"the body has {length} bytes, at most {TransactionEnvelope.MaxBodySize} are allowed");
        return new SubmittedMessage(null, refusal, null);
    }

    /// <summary>The transactions of a stream. Each is charged before the next is read, so that none waits uncounted for others.</summary>
    /// <param name="take">Takes bytes, and waits for them.</param>
    public static async IAsyncEnumerable<SubmittedMessage> Read(
        IAsyncStreamReader<SubmitRequest> requests, Func<long, Task<IDisposable>> take, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var request in requests.ReadAllAsync(cancellation))
        {
            var message = Of(request.Transaction);
            yield return message with { Held = await take((message.Transaction?.Body.Length ?? 0) + BesideBody) };
        }
    }
}
