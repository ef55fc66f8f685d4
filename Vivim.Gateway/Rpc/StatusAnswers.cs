using Akka.Actor;
using Google.Protobuf;
using Vivim.Chain.Ledger;
using Vivim.Chain.Pool;
using Vivim.Chain.Queries;
using Vivim.Chain.Sync;
using Vivim.Gateway.Node;
using Vivim.Protocol.V1;

namespace Vivim.Gateway.Rpc;

/// <summary>What everybody asks again and again, made once for all who ask at about the same time. The messages are shared: nobody may change them.</summary>
internal sealed class StatusAnswers
{
    private static readonly TimeSpan SyncLimit = TimeSpan.FromSeconds(5);

    /// <summary>How old a status may be: the height is always the newest, what waits in the pool changes all the time.</summary>
    private static readonly TimeSpan FreshFor = TimeSpan.FromMilliseconds(200);

    private readonly NodeHost host;
    private readonly SharedAnswer<GetStatusResponse> status;
    private readonly SharedAnswer<ListValidatorsResponse> validators;
    private readonly Lazy<GetGenesisResponse> genesis;

    public StatusAnswers(NodeHost host, TimeProvider clock)
    {
        this.host = host;
        status = new SharedAnswer<GetStatusResponse>(ReadStatus, FreshFor, clock);
        validators = new SharedAnswer<ListValidatorsResponse>(() => host.Node.Ledger.Read(ValidatorList.Of), TimeSpan.MaxValue, clock);
        genesis = new Lazy<GetGenesisResponse>(
            () => new GetGenesisResponse { Genesis = ByteString.CopyFrom(host.Node.Genesis.ToJson()), GenesisHash = host.Node.Genesis.Hash.ToString() },
            LazyThreadSafetyMode.PublicationOnly);
    }

    /// <summary>The genesis, which never changes.</summary>
    public GetGenesisResponse Genesis => genesis.Value;

    /// <summary>Where the node is.</summary>
    public Task<GetStatusResponse> Status(CancellationToken cancellation) => status.Get(host.Node.Chain.Heights().Newest, cancellation);

    /// <summary>The validators of the next heights.</summary>
    public Task<ListValidatorsResponse> Validators(CancellationToken cancellation) => validators.Get(host.Node.Chain.Heights().Newest, cancellation);

    private async Task<GetStatusResponse> ReadStatus()
    {
        var node = host.Node;
        var counting = node.Pool.AskAnswering<PendingCount>(partition => new CountPending(partition), CancellationToken.None);
        var sync = await node.Sync.Ask<SyncProgress>(new ReadSyncProgress(), SyncLimit);
        var answer = await node.Ledger.Read(
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
            });
        answer.OldestHeight = node.Chain.Heights().Oldest;
        var counts = await counting;
        answer.PoolPending = (ulong)counts.Sum(p => p.Count);
        answer.PoolSilent = (uint)(PoolPartitions.Count - counts.Count);
        answer.NetworkHeight = Math.Max(answer.Height, sync.NetworkHeight);
        answer.CatchUpMs = sync.Remaining is { } remaining ? (long)remaining.TotalMilliseconds : -1;
        answer.NodeVersion = NodeHost.Version;
        return answer;
    }
}
