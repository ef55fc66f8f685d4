using Grpc.Core;
using Vivim.Gateway.Node;
using Vivim.Ledger;
using Vivim.Protocol.Identity;
using Vivim.Protocol.State;
using Vivim.Protocol.V1;

namespace Vivim.Gateway.Rpc;

/// <summary>vivim.v1.Graph: what the proto says of each call.</summary>
internal sealed class GraphService(NodeHost host) : Graph.GraphBase
{
    private const int DefaultPage = 100;
    private const int MaxPage = 1_000;
    private const int MaxProvenPage = 100;

    /// <summary>About what a follower occupies in an answer, and with a proof.</summary>
    private const long FollowerBytes = 512;
    private const long ProvenFollowerBytes = 4_096;

    public override async Task<GetEdgeResponse> GetEdge(GetEdgeRequest request, ServerCallContext context)
    {
        var key = StateKey.Edge(RequestValues.RegisteredDid(request.Follower), RequestValues.RegisteredDid(request.Followee));
        if (request.Prove) await context.TakeBytes(AnswerBytes.ProofBytes);
        return await host.Node.ReadState(
            ledger =>
            {
                var value = ledger.Value(key, request.Prove);
                return new GetEdgeResponse
                {
                    Found = value is not null,
                    Since = value is null ? "" : EdgeRecord.FromBytes(value).Since.ToString(),
                    Height = ledger.ReadHeight(request.Prove),
                    Proof = ledger.ProofOf(request.Prove, [key]),
                };
            },
            context);
    }

    public override async Task<ListFollowersResponse> ListFollowers(ListFollowersRequest request, ServerCallContext context)
    {
        var followee = RequestValues.RegisteredDid(request.Did);
        var max = request.Prove ? MaxProvenPage : MaxPage;
        if (request.PageSize > max) throw RpcErrors.InvalidArgument($"a page has at most {max} followers{(request.Prove ? " with proofs" : "")}");
        var size = request.PageSize == 0 ? Math.Min(DefaultPage, max) : (int)request.PageSize;
        var after = request.PageToken.Length == 0 ? StateKey.FollowersPrefix(followee) : StateKey.Edge(RequestValues.RegisteredDid(request.PageToken), followee);
        await context.TakeBytes(request.Prove ? AnswerBytes.ProofBytes + (size * ProvenFollowerBytes) : size * FollowerBytes);
        return await host.Node.ReadState(ledger => Followers(ledger, followee, after, size, request.Prove), context);
    }

    private static ListFollowersResponse Followers(NodeLedger ledger, Did followee, byte[] after, int size, bool prove)
    {
        // One more than the page tells whether there is a next one.
        var rows = ledger.Range(StateKey.FollowersPrefix(followee), after, size + 1, prove);
        var page = rows.Take(size).ToList();
        var account = StateKey.Account(followee);
        var response = new ListFollowersResponse
        {
            Height = ledger.ReadHeight(prove),
            Total = ledger.Value(account, prove) is { } bytes ? AccountRecord.FromBytes(bytes).Followers : 0,
            Proof = ledger.ProofOf(prove, page.Select(row => row.Key).Append(account)),
        };
        response.Followers.AddRange(page.Select(row => new Follower
        {
            Did = StateKey.ParseEdge(row.Key).Follower.ToString(),
            Since = EdgeRecord.FromBytes(row.Value).Since.ToString(),
        }));
        if (rows.Count > size) response.NextPageToken = response.Followers[^1].Did;
        return response;
    }
}
