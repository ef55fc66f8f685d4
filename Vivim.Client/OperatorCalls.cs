using Grpc.Core;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;

namespace Vivim.Client;

/// <summary>
/// An operator's calls: each carries a token that the key has signed for the node's chain; one token serves for a minute. Safe for
/// concurrent use.
/// </summary>
internal sealed class OperatorCalls(VivimClient client, SigningKey key, TimeProvider time)
{
    /// <summary>How long a token is valid.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(2);

    /// <summary>What must be left of a token's time for another call: calls and clocks take a part of it.</summary>
    private static readonly TimeSpan Reserve = TimeSpan.FromMinutes(1);

    private volatile CallerToken? token;

    /// <summary>The node that is called.</summary>
    public Uri Node => client.Node;

    public async Task<T> CallAsync<T>(Func<CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancellationToken)
    {
        var headers = await HeadersAsync(cancellationToken);
        return await client.CallAsync(o => call(o.WithHeaders(headers)), cancellationToken);
    }

    /// <summary>The metadata of a call.</summary>
    public async Task<Metadata> HeadersAsync(CancellationToken cancellationToken) => new() { { "authorization", $"Bearer {await TokenAsync(cancellationToken)}" } };

    private async Task<string> TokenAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var current = token;
        if (current is null || now < current.IssuedAt || current.ExpiresAt - now < Reserve.TotalMilliseconds)
        {
            var chainId = current?.ChainId ?? (await client.GetStatusAsync(cancellationToken)).ChainId;
            token = current = CallerToken.Sign(chainId, key, now, Lifetime);
        }

        return current.ToText();
    }
}
