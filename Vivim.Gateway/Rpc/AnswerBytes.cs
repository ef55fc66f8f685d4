using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using Vivim.Gateway.Limits;

namespace Vivim.Gateway.Rpc;

/// <summary>
/// Takes the bytes of a large answer from the node's budget before the answer is made. Small answers need nothing of it: every call is
/// charged with some bytes, and what an answer occupies beyond them is charged as it is written.
/// </summary>
internal static class AnswerBytes
{
    /// <summary>
    /// About what a proof occupies beside its entries: the header with its certificate, and the changes of the validators.
    /// </summary>
    public const long ProofBytes = 128 * 1024;

    /// <summary>About what a page of supervision events or log records occupies.</summary>
    public const long PageBytes = 256 * 1024;

    /// <summary>
    /// JSON is made of a message as a whole, with its bytes in base64: the message, its text, and the buffer that grew for that.
    /// </summary>
    private const int JsonFactor = 5;

    /// <summary>Takes bytes for an answer, or for one message of a stream.</summary>
    /// <param name="size">Of the message, in bytes.</param>
    /// <returns>To be disposed when the message is written; otherwise the bytes are held until the call is over.</returns>
    /// <exception cref="RpcException">ANSWERS_LIMITED: there were not enough in time.</exception>
    public static async Task<IDisposable> TakeBytes(this ServerCallContext context, long size) =>
        await Call(context).Take(Factor(context) * size, context.CancellationToken)
        ?? throw RpcErrors.TryLater(LimitRefusal.Answers.Reason, LimitRefusal.Answers.Message, LimitRefusal.RetryAfter);

    /// <summary>
    /// Charges an operator's call with bytes of its answer, without a wait: an operator is served also where others have used the budget
    /// up. What bounds it is the number of an operator's streams (<see cref="Operators.OperatorStreams"/>).
    /// </summary>
    /// <param name="size">Of the message, in bytes.</param>
    public static void ChargeBytes(this ServerCallContext context, long size) => Call(context).Charge(Factor(context) * size);

    private static CallUnderWay Call(ServerCallContext context) => context.GetHttpContext().Features.GetRequiredFeature<CallUnderWay>();

    private static int Factor(ServerCallContext context) => CallForm.IsJson(context.GetHttpContext()) ? JsonFactor : 1;
}
