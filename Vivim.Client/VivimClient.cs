using System.Runtime.CompilerServices;
using Grpc.Core;
using Grpc.Net.Client;
using Vivim.Protocol;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Client;

/// <summary>
/// A connection to one node. What it returns as <c>V1</c> messages is what the node says; what was verified comes as types of
/// <c>Vivim.Protocol</c>. Safe for concurrent use. Every method throws <see cref="VivimException"/> when the node refuses or does not
/// answer.
/// </summary>
public sealed partial class VivimClient : IDisposable
{
    /// <summary>Where a node listens by default.</summary>
    public static readonly Uri DefaultNode = new("http://127.0.0.1:8081");

    /// <summary>How long one call may take; longer waits are made of several calls.</summary>
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How often a call is made again that the node had no room for, by a client without patience: each time after the delay that the
    /// node asks for, at most 5 s.
    /// </summary>
    internal const int RoomRetries = 5;

    /// <summary>Bytes of the largest message taken: the largest block with its receipts.</summary>
    private const int MaxMessageSize = 64 << 20;

    private readonly GrpcChannel channel;
    private readonly TimeProvider time;
    private readonly TimeSpan patience;
    private readonly V1.Chain.ChainClient chain;
    private readonly V1.Identity.IdentityClient identity;
    private readonly V1.Graph.GraphClient graph;

    private VivimClient(Uri node, GrpcChannel channel, TimeProvider time, TimeSpan patience)
    {
        Node = node;
        this.channel = channel;
        this.time = time;
        this.patience = patience;
        chain = new V1.Chain.ChainClient(channel);
        identity = new V1.Identity.IdentityClient(channel);
        graph = new V1.Graph.GraphClient(channel);
    }

    /// <summary>The address given to <see cref="Connect"/>.</summary>
    public Uri Node { get; }

    /// <summary>Makes a client; the connection itself is made with the first call.</summary>
    /// <param name="node"><c>http://</c> is HTTP/2 without TLS; <see cref="DefaultNode"/> when null.</param>
    /// <param name="patience">
    /// How long reads go on asking a node that does not answer; null means not at all. A node that has no room for a call is asked a few
    /// times more in any case.
    /// </param>
    public static VivimClient Connect(Uri? node = null, TimeSpan? patience = null, TimeProvider? time = null)
    {
        node ??= DefaultNode;
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(5),
            KeepAlivePingDelay = TimeSpan.FromSeconds(10),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
            EnableMultipleHttp2Connections = true,
            UseProxy = !node.IsLoopback,
        };
        var options = new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = MaxMessageSize,
            InitialReconnectBackoff = TimeSpan.FromMilliseconds(100),
            MaxReconnectBackoff = TimeSpan.FromSeconds(1),
        };
        return new VivimClient(node, GrpcChannel.ForAddress(node, options), time ?? TimeProvider.System, patience ?? TimeSpan.Zero);
    }

    /// <summary>Acts as the owner of a key.</summary>
    public Person As(SigningKey key) => new(this, key);

    /// <summary>Administers the node's cluster with an operator's key.</summary>
    public ClusterOperator Operate(SigningKey key) => new(new OperatorCalls(this, key, time), new V1.Cluster.ClusterClient(channel), new V1.Supervision.SupervisionClient(channel), new V1.Logs.LogsClient(channel));

    /// <summary>Looks after the cluster's workers with an operator's key.</summary>
    public WorkerOperator OperateWorkers(SigningKey key) => new(new OperatorCalls(this, key, time), new V1.Workers.WorkersClient(channel));

    /// <summary>Looks after the cluster's pool with an operator's key.</summary>
    public PoolOperator OperatePool(SigningKey key) => new(new OperatorCalls(this, key, time), new V1.Pool.PoolClient(channel));

    public Task<V1.GetStatusResponse> GetStatusAsync(CancellationToken cancellationToken = default) =>
        CallAsync(o => chain.GetStatusAsync(new V1.GetStatusRequest(), o), cancellationToken);

    /// <summary>The node's genesis. Trusting it is trusting the node: compare its hash with one from elsewhere, or keep the file.</summary>
    /// <exception cref="InvalidDataException">The node sent something else.</exception>
    public async Task<GenesisFile> GetGenesisAsync(CancellationToken cancellationToken = default)
    {
        var response = await CallAsync(o => chain.GetGenesisAsync(new V1.GetGenesisRequest(), o), cancellationToken);
        return GenesisFile.FromJson(response.Genesis.Span);
    }

    /// <summary>The identity of a did:vivim, or of the did:key that signs for it.</summary>
    public Task<V1.GetIdentityResponse> GetIdentityAsync(Did did, CancellationToken cancellationToken = default) =>
        CallAsync(o => identity.GetIdentityAsync(new V1.GetIdentityRequest { Did = did.ToString() }, o), cancellationToken);

    /// <summary>Nonce, quota and follow counts; empty for a DID that has sent nothing.</summary>
    public Task<V1.GetAccountResponse> GetAccountAsync(Did did, CancellationToken cancellationToken = default) =>
        CallAsync(o => identity.GetAccountAsync(new V1.GetAccountRequest { Did = did.ToString() }, o), cancellationToken);

    /// <summary>The validators of the next heights and the authorities' open proposals, as the node says.</summary>
    public Task<V1.ListValidatorsResponse> ListValidatorsAsync(CancellationToken cancellationToken = default) =>
        CallAsync(o => chain.ListValidatorsAsync(new V1.ListValidatorsRequest(), o), cancellationToken);

    /// <summary>Whether one did:vivim follows another, as the node says.</summary>
    public Task<V1.GetEdgeResponse> GetEdgeAsync(Did follower, Did followee, CancellationToken cancellationToken = default) =>
        CallAsync(o => graph.GetEdgeAsync(new V1.GetEdgeRequest { Follower = follower.ToString(), Followee = followee.ToString() }, o), cancellationToken);

    /// <summary>One page of a person's followers.</summary>
    /// <param name="pageSize">At most 1,000; 0 leaves it to the node.</param>
    /// <param name="pageToken">From the last page; empty for the first.</param>
    public Task<V1.ListFollowersResponse> ListFollowersAsync(Did did, uint pageSize = 0, string pageToken = "", CancellationToken cancellationToken = default) =>
        CallAsync(o => graph.ListFollowersAsync(new V1.ListFollowersRequest { Did = did.ToString(), PageSize = pageSize, PageToken = pageToken }, o), cancellationToken);

    /// <summary>All followers of a person, page by page.</summary>
    public async IAsyncEnumerable<V1.Follower> FollowersAsync(Did did, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var token = "";
        do
        {
            var page = await ListFollowersAsync(did, pageSize: 1_000, token, cancellationToken);
            foreach (var follower in page.Followers) yield return follower;
            token = page.NextPageToken;
        }
        while (token.Length > 0);
    }

    /// <summary>A block with certificate and receipts.</summary>
    /// <param name="height">0 means the last one.</param>
    public Task<V1.GetBlockResponse> GetBlockAsync(ulong height, CancellationToken cancellationToken = default) =>
        CallAsync(o => chain.GetBlockAsync(new V1.GetBlockRequest { Height = height }, o), cancellationToken);

    /// <summary>What the node knows of a transaction now.</summary>
    public Task<V1.GetTransactionResponse> GetTransactionAsync(Hash256 id, CancellationToken cancellationToken = default) =>
        CallAsync(o => chain.GetTransactionAsync(new V1.GetTransactionRequest { Id = id.ToString() }, o), cancellationToken);

    /// <summary>
    /// Hands in a transaction; when this returns the node has made it durable. No answer means unknown, so the same bytes are
    /// sent again for up to 5 minutes.
    /// </summary>
    public Task<V1.SubmitResponse> SubmitAsync(TransactionEnvelope transaction, CancellationToken cancellationToken = default) => SubmitAsync(transaction, Backoff.DefaultLimit, cancellationToken);

    /// <summary>As the other one, for a caller who has several nodes and goes on at the next with the same bytes.</summary>
    /// <param name="patience">How long to go on asking when there is no answer; zero asks once.</param>
    public Task<V1.SubmitResponse> SubmitAsync(TransactionEnvelope transaction, TimeSpan patience, CancellationToken cancellationToken = default)
    {
        var request = new V1.SubmitRequest { Transaction = transaction.ToMessage() };
        return CallAsync(o => chain.SubmitAsync(request, o), patience, cancellationToken);
    }

    /// <summary>
    /// Hands in many transactions and yields one outcome each, in order. When the connection breaks, those without an answer are sent
    /// again, for up to 5 minutes. At most <see cref="SubmitPipeline.MaxUnanswered"/> are under way at a time.
    /// </summary>
    public async IAsyncEnumerable<Submission> SubmitManyAsync(IAsyncEnumerable<TransactionEnvelope> transactions, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var pipeline = new SubmitPipeline(ct => chain.SubmitMany(cancellationToken: ct), Node, new Backoff(time));
        await foreach (var submission in pipeline.RunAsync(transactions, cancellationToken)) yield return submission;
    }

    /// <summary>Waits until an acknowledged transaction is in a block.</summary>
    /// <exception cref="VivimException">
    /// EXPIRED: no block took it before its expiry height. UNKNOWN: the node never saw it. The reason for which the pool has dropped it,
    /// such as POOL_FULL or DROPPED_BY_OPERATOR: the same bytes may be sent again.
    /// </exception>
    public async Task<V1.Receipt> AwaitReceiptAsync(Hash256 id, CancellationToken cancellationToken = default)
    {
        var request = new V1.GetTransactionRequest { Id = id.ToString(), Wait = true };
        while (true)
        {
            var answer = await CallAsync(o => chain.GetTransactionAsync(request, o), Backoff.DefaultLimit, cancellationToken);
            if (answer.State == V1.TransactionState.Committed) return answer.Receipt;
            if (answer.State == V1.TransactionState.Expired) throw new VivimException("EXPIRED", $"no block took transaction {id} before its expiry height; send it again with a later one");
            if (answer.State == V1.TransactionState.Dropped) throw new VivimException(answer.Dropped.Reason, $"the pool has dropped transaction {id}: {answer.Dropped.Message}");
            if (answer.State == V1.TransactionState.Unknown) throw new VivimException("UNKNOWN", $"the node does not know transaction {id}; submit it first");
        }
    }

    /// <summary>
    /// Blocks in order, each once. A node that is away at first is an error, later one that is waited for, up to 5 minutes.
    /// </summary>
    /// <param name="from">The first height wanted; 0 and 1 mean the first block.</param>
    /// <param name="follow">Go on with new blocks instead of ending at the last one.</param>
    public async IAsyncEnumerable<V1.GetBlockResponse> BlocksAsync(ulong from, bool follow = false, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await GetStatusAsync(cancellationToken);
        var next = Math.Max(from, 1);
        var stream = ResumableStream.ReadAsync(
            ct => chain.StreamBlocks(new V1.StreamBlocksRequest { FromHeight = next, Follow = follow }, cancellationToken: ct),
            follow, Node, new Backoff(time), cancellationToken);
        await foreach (var block in stream)
        {
            if (block.Height < next) continue;
            if (block.Height > next) throw new VivimException("BLOCK_MISSING", $"the node sent block {block.Height} where {next} was due");
            next++;
            yield return block;
        }
    }

    /// <summary>
    /// Events in order, each once. A node that is away at first is an error, later one that is waited for, up to 5 minutes.
    /// </summary>
    /// <param name="from">The first cursor wanted, inclusive.</param>
    /// <param name="authors">Only events whose actor is one of these, at most 1,024; all when null.</param>
    /// <param name="types">Only these types, e.g. FOLLOWED; all when null.</param>
    /// <param name="follow">Go on with new events instead of ending at the last one.</param>
    /// <exception cref="VivimException">Also when the node no longer has, or does not have yet, the cursor.</exception>
    public async IAsyncEnumerable<V1.Event> EventsAsync(
        EventCursor from = default, IEnumerable<Did>? authors = null, IEnumerable<string>? types = null, bool follow = false, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var request = new V1.SubscribeEventsRequest { From = from.ToString(), Follow = follow };
        request.Authors.AddRange((authors ?? []).Select(a => a.ToString()));
        request.Types_.AddRange(types ?? []);
        await GetStatusAsync(cancellationToken);
        EventCursor? last = null;
        var stream = ResumableStream.ReadAsync(ct => chain.SubscribeEvents(request, cancellationToken: ct), follow, Node, new Backoff(time), cancellationToken);
        await foreach (var item in stream)
        {
            if (item.ItemCase == V1.SubscribeEventsResponse.ItemOneofCase.Progress) request.From = item.Progress;
            if (item.ItemCase != V1.SubscribeEventsResponse.ItemOneofCase.Event) continue;
            var cursor = EventCursor.Parse(item.Event.Cursor);
            if (cursor <= last) continue;
            last = cursor;
            request.From = item.Event.Cursor;
            yield return item.Event;
        }
    }

    public void Dispose() => channel.Dispose();

    /// <summary>Calls once, or for as long as the client has patience.</summary>
    internal Task<T> CallAsync<T>(Func<CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancellationToken) => CallAsync(call, patience, cancellationToken);

    /// <summary>
    /// Calls until there is an answer, at most for <paramref name="limit"/> and then once more. Where the node has no room it is asked
    /// again after the delay that it says, <see cref="RoomRetries"/> times even without patience.
    /// </summary>
    private async Task<T> CallAsync<T>(Func<CallOptions, AsyncUnaryCall<T>> call, TimeSpan limit, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(time, limit);
        var roomBackoff = new Backoff(time);
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                using var pending = call(new CallOptions(deadline: time.GetUtcNow().UtcDateTime + CallTimeout, cancellationToken: cancellationToken));
                return await pending;
            }
            catch (RpcException e) when (cancellationToken.IsCancellationRequested)
            {
                throw new OperationCanceledException("the call was cancelled", e, cancellationToken);
            }
            catch (RpcException e)
            {
                var failure = VivimException.From(e, Node);
                if (!failure.IsTransient) throw failure;
                if (await backoff.TryWaitAsync(cancellationToken, failure.RetryAfter)) continue;
                if (!failure.IsNoRoom || attempt >= RoomRetries || !await roomBackoff.TryWaitAsync(cancellationToken, failure.RetryAfter)) throw failure;
            }
        }
    }
}
