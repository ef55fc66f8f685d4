using Akka.Actor;
using Google.Protobuf;
using Grpc.Core;
using Vivim.Chain.Pool;
using Vivim.Chain.Queries;
using Vivim.Gateway.Node;
using Vivim.Ledger.Storage;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Merkle;
using Vivim.Protocol.Proofs;
using Vivim.Protocol.V1;
using Receipt = Vivim.Protocol.Transactions.Receipt;

namespace Vivim.Gateway.Rpc;

/// <summary>vivim.v1.Chain: what the proto says of each call.</summary>
internal sealed class ChainService(NodeHost host, StatusAnswers status) : Protocol.V1.Chain.ChainBase
{
    /// <summary>What a subscription keeps of events that its reader has not taken.</summary>
    private const long EventPageBytes = 64 * 1024;

    public override Task<GetStatusResponse> GetStatus(GetStatusRequest request, ServerCallContext context) => status.Status(context.CancellationToken);

    public override Task<GetGenesisResponse> GetGenesis(GetGenesisRequest request, ServerCallContext context) =>
        Task.FromResult(status.Genesis);

    public override Task<SubmitResponse> Submit(SubmitRequest request, ServerCallContext context) =>
        new Submission(host.Node, context.Caller()).Submit(request.Transaction, context.CancellationToken);

    public override Task SubmitMany(IAsyncStreamReader<SubmitRequest> requestStream, IServerStreamWriter<SubmitManyResponse> responseStream, ServerCallContext context) =>
        new Submission(host.Node, context.Caller()).SubmitMany(requestStream, responseStream, context);

    public override async Task<GetTransactionResponse> GetTransaction(GetTransactionRequest request, ServerCallContext context)
    {
        var node = host.Node;
        var id = RequestValues.Hash(request.Id);
        var outcome = await Find(node, id, request.Wait, context.CancellationToken);
        if (outcome.Position is not { } position) return InPool(id, outcome.Pool);
        if (outcome.Receipt is { } receipt && !request.Prove) return new GetTransactionResponse { State = TransactionState.Committed, Receipt = receipt.ToMessage() };
        if (request.Prove && request.Wait) await node.Heights.WaitAbove(position.Height, context.CancellationToken);
        // The records that are read for it are larger than the answer.
        var (record, next) = (node.Chain.SizeOf(position.Height) ?? 0, request.Prove ? AnswerBytes.ProofBytes + (node.Chain.SizeOf(position.Height + 1) ?? 0) : 0);
        using var held = await context.TakeBytes(record + next);
        using var turn = await node.Queries.Reads.Next(context);
        return Committed(node, position, request.Prove);
    }

    public override async Task<GetBlockResponse> GetBlock(GetBlockRequest request, ServerCallContext context)
    {
        var node = host.Node;
        var (oldest, newest) = node.Chain.Heights();
        var height = request.Height == 0 ? newest : request.Height;
        if (height > newest || newest == 0) throw RpcErrors.Of(StatusCode.NotFound, "HEIGHT_IN_FUTURE", $"there is no block {height} yet; the chain is at height {newest}");
        await context.TakeBytes((node.Chain.SizeOf(height) ?? throw Pruned(height, oldest)) + (request.Prove ? AnswerBytes.ProofBytes : 0));
        using var turn = await node.Queries.Reads.Next(context);
        var response = ToResponse(node.Chain.Read(height) ?? throw Pruned(height, oldest));
        if (!request.Prove) return response;
        var certificate = CommitCertificate.FromBytes(response.Certificate.Span);
        response.Proof = ByteString.CopyFrom(new ProofFile(Block.FromBytes(response.Block.Span).Header, certificate, node.Chain.SetChangesBelow(height), []).ToBytes());
        return response;
    }

    public override async Task StreamBlocks(StreamBlocksRequest request, IServerStreamWriter<GetBlockResponse> responseStream, ServerCallContext context)
    {
        var node = host.Node;
        var height = Math.Max(1, request.FromHeight);
        while (true)
        {
            var (oldest, newest) = node.Chain.Heights();
            if (height > newest + 1) throw RpcErrors.Of(StatusCode.OutOfRange, "HEIGHT_IN_FUTURE", $"there is no block {height} yet; the chain is at height {newest}");
            for (; height <= newest; height++)
            {
                using var held = await context.TakeBytes(node.Chain.SizeOf(height) ?? throw Pruned(height, oldest));
                GetBlockResponse block;
                using (await node.Queries.Scans.Next(context)) block = ToResponse(node.Chain.Read(height) ?? throw Pruned(height, oldest));
                await responseStream.WriteAsync(block, context.CancellationToken);
            }

            if (!request.Follow) return;
            await node.Heights.WaitAbove(newest, context.CancellationToken);
        }
    }

    public override Task<ListValidatorsResponse> ListValidators(ListValidatorsRequest request, ServerCallContext context) =>
        status.Validators(context.CancellationToken);

    public override async Task SubscribeEvents(SubscribeEventsRequest request, IServerStreamWriter<SubscribeEventsResponse> responseStream, ServerCallContext context)
    {
        var queries = host.Node.Queries;
        var subscription = new EventSubscription(request);
        await context.TakeBytes(EventPageBytes);
        await foreach (var item in subscription.Read(queries.Events, context.Caller(), context.CancellationToken)) await responseStream.WriteAsync(item, context.CancellationToken);
    }

    private static async Task<TransactionOutcome> Find(RunningNode node, Hash256 id, bool wait, CancellationToken cancellation)
    {
        try
        {
            return await node.Queries.Transactions.Find(id, wait, cancellation);
        }
        catch (AskTimeoutException)
        {
            throw RpcErrors.PoolSilent();
        }
    }

    private static GetTransactionResponse InPool(Hash256 id, PoolTransactionState? known) => new()
    {
        State = known?.State switch
        {
            PoolState.Pending => TransactionState.Pending,
            PoolState.Expired => TransactionState.Expired,
            PoolState.Dropped => TransactionState.Dropped,
            _ => TransactionState.Unknown,
        },
        Dropped = known?.Dropped is { } refusal ? Submission.ToMessage(id.ToString(), refusal) : null,
    };

    /// <summary>The receipt, with its proof where one is wanted.</summary>
    /// <exception cref="RpcException">NOT_YET_CERTIFIED, BLOCK_PRUNED.</exception>
    private static GetTransactionResponse Committed(RunningNode node, TransactionPosition position, bool prove)
    {
        var record = node.Chain.Read(position.Height) ?? throw Pruned(position.Height, node.Chain.Heights().Oldest);
        var response = new GetTransactionResponse { State = TransactionState.Committed, Receipt = StoredReceipts.At(record.Receipts, position.Index).ToMessage() };
        if (!prove) return response;
        var next = node.Chain.Read(position.Height + 1) ?? throw RpcErrors.NotYetCertified();
        response.Proof = ByteString.CopyFrom(ProveReceipt(node.Chain, record, next, position.Index).ToBytes());
        return response;
    }

    private static ProofFile ProveReceipt(IChainReader chain, BlockRecord record, BlockRecord next, uint index)
    {
        var receipts = StoredReceipts.Decode(record.Receipts);
        var leaves = MerkleTree.LeafHashes(receipts, Receipt.Size, static (r, w) => r.Encode(w));
        var entry = new ProofEntry.Included(receipts[(int)index], (uint)receipts.Count, MerkleTree.InclusionProof(leaves, (int)index));
        return new ProofFile(Block.FromBytes(next.Block).Header, CommitCertificate.FromBytes(next.Certificate), chain.SetChangesBelow(next.Height), [entry]);
    }

    /// <summary>A block as it is stored: whoever asks decodes it, so that an answer costs the node its stored size.</summary>
    private static GetBlockResponse ToResponse(BlockRecord record) => new()
    {
        Height = record.Height,
        BlockId = CommitCertificate.FromBytes(record.Certificate).BlockId.ToString(),
        Block = UnsafeByteOperations.UnsafeWrap(record.Block),
        Certificate = UnsafeByteOperations.UnsafeWrap(record.Certificate),
        Receipts = UnsafeByteOperations.UnsafeWrap(record.Receipts),
    };

    private static RpcException Pruned(ulong height, ulong oldest) =>
        RpcErrors.Of(StatusCode.OutOfRange, "BLOCK_PRUNED", $"block {height} is no longer kept here, the oldest is {oldest}: ask a node that keeps all");
}
