using Akka.Actor;
using Google.Protobuf;
using Grpc.Core;
using Vivim.Chain.Ledger;
using Vivim.Chain.Pool;
using Vivim.Chain.Sync;
using Vivim.Gateway.Node;
using Vivim.Ledger.Execution;
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
internal sealed class ChainService(NodeHost host) : Protocol.V1.Chain.ChainBase
{
    /// <summary>What a subscription keeps of events that its reader has not taken.</summary>
    private const long EventPageBytes = 64 * 1024;

    /// <summary>About what a validator occupies in a genesis file.</summary>
    private const long ValidatorBytes = 512;

    private static readonly TimeSpan PoolLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SyncLimit = TimeSpan.FromSeconds(5);

    public override async Task<GetStatusResponse> GetStatus(GetStatusRequest request, ServerCallContext context)
    {
        var node = host.Node;
        var counting = node.Pool.AskAnswering<PendingCount>(partition => new CountPending(partition), context.CancellationToken);
        var sync = await node.Sync.Ask<SyncProgress>(new ReadSyncProgress(), SyncLimit, context.CancellationToken);
        var status = await node.Ledger.Read(
            ledger => new GetStatusResponse
            {
                ChainId = ledger.Tip.ChainId,
                GenesisHash = node.Genesis.Hash.ToString(),
                Height = ledger.Tip.Height,
                BlockId = ledger.Tip.BlockId.ToString(),
                BlockTime = ledger.Tip.Time,
                StateRoot = ledger.Tip.StateRoot.ToString(),
                CertifiedHeight = ledger.CertifiedHeight ?? 0,
                CertifiedStateRoot = ledger.CertifiedRoot?.ToString() ?? "",
                RulesVersion = ledger.Tip.System.RulesVersion,
                Validators = (uint)ledger.Tip.Validators.Count,
                StateKeys = (ulong)ledger.KeyCount,
            },
            context.CancellationToken);
        status.OldestHeight = node.Chain.Heights().Oldest;
        var counts = await counting;
        status.PoolPending = (ulong)counts.Sum(p => p.Count);
        status.PoolSilent = (uint)(PoolPartitions.Count - counts.Count);
        status.NetworkHeight = Math.Max(status.Height, sync.NetworkHeight);
        status.CatchUpMs = sync.Remaining is { } remaining ? (long)remaining.TotalMilliseconds : -1;
        status.NodeVersion = NodeHost.Version;
        return status;
    }

    public override async Task<GetGenesisResponse> GetGenesis(GetGenesisRequest request, ServerCallContext context)
    {
        var genesis = host.Node.Genesis;
        await context.TakeBytes(genesis.Validators.Count * ValidatorBytes);
        return new GetGenesisResponse { Genesis = ByteString.CopyFrom(genesis.ToJson()), GenesisHash = genesis.Hash.ToString() };
    }

    public override Task<SubmitResponse> Submit(SubmitRequest request, ServerCallContext context) =>
        new Submission(host.Node).Submit(request.Transaction, context.CancellationToken);

    public override Task SubmitMany(IAsyncStreamReader<SubmitRequest> requestStream, IServerStreamWriter<SubmitManyResponse> responseStream, ServerCallContext context) =>
        new Submission(host.Node).SubmitMany(requestStream, responseStream, context);

    public override async Task<GetTransactionResponse> GetTransaction(GetTransactionRequest request, ServerCallContext context)
    {
        var node = host.Node;
        var id = RequestValues.Hash(request.Id);
        while (true)
        {
            var (_, newest) = node.Chain.Heights();
            if (node.Chain.Find(id) is { } position)
            {
                var committed = await Committed(node, position, request.Prove, context);
                if (committed is not null) return committed;
                if (!request.Wait) throw RpcErrors.NotYetCertified();
            }
            else
            {
                var (state, height) = await StateInPool(node, id, context.CancellationToken);
                // It may have left the pool for a block in between, which may not have come here yet.
                if (state == TransactionState.Unknown && node.Chain.Find(id) is not null) continue;
                if (state == TransactionState.Unknown && height > newest)
                {
                    await node.Heights.WaitAbove(newest, context.CancellationToken);
                    continue;
                }

                if (!request.Wait || state == TransactionState.Expired) return new GetTransactionResponse { State = state };
            }

            await node.Heights.WaitAbove(newest, context.CancellationToken);
        }
    }

    public override async Task<GetBlockResponse> GetBlock(GetBlockRequest request, ServerCallContext context)
    {
        var node = host.Node;
        var (oldest, newest) = node.Chain.Heights();
        var height = request.Height == 0 ? newest : request.Height;
        if (height > newest || newest == 0) throw RpcErrors.Of(StatusCode.NotFound, "HEIGHT_IN_FUTURE", $"there is no block {height} yet; the chain is at height {newest}");
        await context.TakeBytes((node.Chain.SizeOf(height) ?? throw Pruned(height, oldest)) + (request.Prove ? AnswerBytes.ProofBytes : 0));
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
                await responseStream.WriteAsync(ToResponse(node.Chain.Read(height) ?? throw Pruned(height, oldest)), context.CancellationToken);
            }

            if (!request.Follow) return;
            await node.Heights.WaitAbove(newest, context.CancellationToken);
        }
    }

    public override async Task<ListValidatorsResponse> ListValidators(ListValidatorsRequest request, ServerCallContext context)
    {
        await context.TakeBytes(AnswerBytes.PageBytes);
        return await host.Node.Ledger.Read(ValidatorList.Of, context.CancellationToken);
    }

    public override async Task SubscribeEvents(SubscribeEventsRequest request, IServerStreamWriter<SubscribeEventsResponse> responseStream, ServerCallContext context)
    {
        await context.TakeBytes(EventPageBytes);
        await foreach (var item in new EventSubscription(host.Node, request).Read(context.CancellationToken)) await responseStream.WriteAsync(item, context.CancellationToken);
    }

    /// <summary>The receipt, with its proof where one is wanted; null while no header certifies it.</summary>
    private static async Task<GetTransactionResponse?> Committed(RunningNode node, TransactionPosition position, bool prove, ServerCallContext context)
    {
        // The records that are read for it are larger than the answer.
        using var held = await context.TakeBytes((node.Chain.SizeOf(position.Height) ?? 0) + (prove ? AnswerBytes.ProofBytes + (node.Chain.SizeOf(position.Height + 1) ?? 0) : 0));
        var record = node.Chain.Read(position.Height) ?? throw Pruned(position.Height, node.Chain.Heights().Oldest);
        var response = new GetTransactionResponse { State = TransactionState.Committed, Receipt = StoredReceipts.At(record.Receipts, position.Index).ToMessage() };
        if (!prove) return response;
        if (node.Chain.Read(position.Height + 1) is not { } next) return null;
        var proof = await Task.Run(() => ProveReceipt(node.Chain, record, next, position.Index), context.CancellationToken);
        response.Proof = ByteString.CopyFrom(proof.ToBytes());
        return response;
    }

    private static ProofFile ProveReceipt(IChainReader chain, BlockRecord record, BlockRecord next, uint index)
    {
        var receipts = StoredReceipts.Decode(record.Receipts);
        var leaves = MerkleTree.LeafHashes(receipts, Receipt.Size, static (r, w) => r.Encode(w));
        var entry = new ProofEntry.Included(receipts[(int)index], (uint)receipts.Count, MerkleTree.InclusionProof(leaves, (int)index));
        return new ProofFile(Block.FromBytes(next.Block).Header, CommitCertificate.FromBytes(next.Certificate), chain.SetChangesBelow(next.Height), [entry]);
    }

    /// <summary>What the pool knows of a transaction, and the height up to which it has heard of blocks.</summary>
    private static async Task<(TransactionState State, ulong Height)> StateInPool(RunningNode node, Hash256 id, CancellationToken cancellation)
    {
        try
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, PoolPartitions.Count).Select(p => node.Pool.AskPool<PoolTransactionState>(new FindTransaction(p, id), PoolLimit, cancellation)));
            var state = answers.Select(a => a.State).Max() switch
            {
                PoolState.Pending => TransactionState.Pending,
                PoolState.Expired => TransactionState.Expired,
                _ => TransactionState.Unknown,
            };
            return (state, answers.Max(a => a.Height));
        }
        catch (AskTimeoutException)
        {
            throw RpcErrors.PoolSilent();
        }
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
