using Google.Rpc;
using Grpc.Core;

namespace Vivim.Tests.Gateway;

/// <summary>What a client sees of a refusal: canonical code, reason, sentence.</summary>
internal sealed record SeenRefusal(StatusCode Code, string Reason, string Message)
{
    /// <summary>Makes a call that must be refused.</summary>
    public static async Task<SeenRefusal> OfAsync(Func<Task> call)
    {
        var failure = await Assert.ThrowsAsync<RpcException>(call);
        var info = failure.GetRpcStatus()?.GetDetail<ErrorInfo>();
        Assert.True(info is not null, $"there is no ErrorInfo in {failure.Status}");
        Assert.Equal("vivim", info.Domain);
        Assert.Equal(failure.Status.Detail, failure.GetRpcStatus()!.Message);
        Assert.Contains(' ', failure.Status.Detail);
        return new SeenRefusal(failure.StatusCode, info.Reason, failure.Status.Detail);
    }

    /// <summary>Makes a call that must be refused with this code and reason.</summary>
    public static async Task IsAsync(StatusCode code, string reason, Func<Task> call)
    {
        var refusal = await OfAsync(call);
        Assert.Equal((code, reason), (refusal.Code, refusal.Reason));
    }
}
