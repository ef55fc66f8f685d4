using System.Diagnostics;
using Vivim.Faults.Network;
using Vivim.Faults.Postgres;
using Vivim.Faults.Processes;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;

namespace Vivim.Faults.Cluster;

/// <summary>Gateway processes that share one PostgreSQL; each is at home to one validator and supervised.</summary>
internal sealed class GatewayCluster : IAsyncDisposable
{
    /// <summary>Formation, or recovery, must be over by then.</summary>
    public static readonly TimeSpan ReadyLimit = TimeSpan.FromMinutes(4);

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    private readonly string networkFolder;

    private GatewayCluster(IReadOnlyList<ClusterNode> nodes, string networkFolder)
    {
        Nodes = nodes;
        this.networkFolder = networkFolder;
    }

    /// <summary>In order of their numbers.</summary>
    public IReadOnlyList<ClusterNode> Nodes { get; }

    /// <param name="number">From 1.</param>
    public ClusterNode this[int number] => Nodes[number - 1];

    /// <summary>Writes settings, genesis, keys and signer rows; starts nothing.</summary>
    public static async Task<GatewayCluster> CreateAsync(ClusterShape shape, WorkFolder folder, INodeNetwork network, PostgresServer database, CancellationToken cancellationToken)
    {
        var gateway = GatewayProgram.Command();
        var shared = folder.PathOf("network");
        var logs = folder.Folder("logs");
        var addresses = Enumerable.Range(1, shape.Nodes).Select(network.AddressOf).ToList();
        var nodes = new List<ClusterNode>();
        var settings = "";
        foreach (var number in Enumerable.Range(1, shape.Nodes))
        {
            var data = folder.Folder($"node{number}");
            if (number == shape.SmallDisk) await SmallDisk.MountAsync(data, cancellationToken);
            settings = new NodeSettingsFile(number, data, shared, addresses[number - 1], addresses, network.HostAddress, database) { ClockOffset = shape.ClockOffsets?.GetValueOrDefault(number) ?? TimeSpan.Zero, More = shape.Settings }
                .WriteTo(folder.PathOf($"node{number}.conf"));
            nodes.Add(new ClusterNode(number, addresses[number - 1], data, settings, network.At(number, [.. gateway, "--config", settings]), logs));
        }

        await SystemProgram.RunAsync([.. gateway, "init", "--network", shared, "--config", settings], cancellationToken: cancellationToken);
        return new GatewayCluster(nodes, shared);
    }

    /// <summary>Starts all nodes and waits until all are ready.</summary>
    /// <returns>How long that took.</returns>
    public async Task<TimeSpan> StartAsync(CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        foreach (var node in Nodes) node.Start();
        await ReadyAsync(cancellationToken);
        return clock.Elapsed;
    }

    /// <summary>Waits until all nodes are ready.</summary>
    /// <exception cref="FaultsException">One is not within <see cref="ReadyLimit"/>.</exception>
    public async Task ReadyAsync(CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        foreach (var node in Nodes)
        {
            while (!await node.IsReadyAsync(cancellationToken))
            {
                if (clock.Elapsed > ReadyLimit) throw new FaultsException($"{node.Name} is not ready after {ReadyLimit.TotalSeconds:N0} s: {node.LastLines()}");
                await Task.Delay(Poll, cancellationToken);
            }
        }
    }

    /// <summary>The public key of the validator at home on a node.</summary>
    public PublicKey ValidatorOf(int node)
    {
        using var key = SigningKey.ReadFrom(Path.Combine(networkFolder, "keys", node == 1 ? "validator.key" : $"validator-{node}.key"));
        return key.PublicKey;
    }

    /// <summary>The key that may administer the cluster.</summary>
    public SigningKey OperatorKey() => SigningKey.ReadFrom(Path.Combine(networkFolder, "keys", "operator.key"));

    /// <summary>The node at home to the validator that proposes the next block, as one of them says.</summary>
    public async Task<ClusterNode> NextProposerAsync(CancellationToken cancellationToken)
    {
        var validators = await Nodes[0].Client.ListValidatorsAsync(cancellationToken);
        var proposer = Did.Parse(validators.Validators.Single(v => v.IsNextProposer).Validator).Key;
        return Nodes.Single(node => ValidatorOf(node.Number) == proposer);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes) await node.DisposeAsync();
    }
}
