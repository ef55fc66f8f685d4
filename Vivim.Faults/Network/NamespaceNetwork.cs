using Vivim.Faults.Processes;

namespace Vivim.Faults.Network;

/// <summary>
/// A network namespace for each node, with the address 10.253.X.node, on one bridge. The bridge is in a namespace of its own, so that the
/// host's firewall has no say; the host itself is a machine on it, 10.253.X.254. Nodes, and directions between them, can be cut. Needs root.
/// </summary>
internal sealed class NamespaceNetwork : INodeNetwork
{
    private const string Prefix = "vivimfault";
    private const int Networks = 250;
    private const char OwnerMark = 'p';

    private readonly int network;
    private readonly int nodes;

    private NamespaceNetwork(int network, int nodes)
    {
        this.network = network;
        this.nodes = nodes;
    }

    /// <summary>Why there can be none here; null when there can.</summary>
    public static string? Missing { get; } =
        !SystemProgram.IsRoot ? "cutting the network needs root"
        : SystemProgram.Find("ip") is null || SystemProgram.Find("iptables") is null ? "cutting the network needs the programs ip and iptables (Debian: apt-get install iproute2 iptables)"
        : null;

    public string HostAddress => Address(254);

    private string HostLink => $"{Prefix}{network}";

    private string Bridge => Namespace(0);

    /// <exception cref="FaultsException">It cannot be made; <see cref="Missing"/> often says why.</exception>
    public static async Task<NamespaceNetwork> CreateAsync(int nodes, CancellationToken cancellationToken)
    {
        if (Missing is { } missing) throw new FaultsException(missing);
        var made = new NamespaceNetwork(await FreeNetworkAsync(cancellationToken), nodes);
        try
        {
            await made.BuildAsync(cancellationToken);
            return made;
        }
        catch
        {
            await made.DisposeAsync();
            throw;
        }
    }

    /// <summary>Removes the networks whose process is gone: those of runs that were killed.</summary>
    public static async Task RemoveStaleAsync()
    {
        if (Missing is not null) return;
        foreach (var group in (await NamespacesAsync(CancellationToken.None)).GroupBy(name => name.Split('-')[0]).ToList())
        {
            var (link, owner) = group.Key.Split(OwnerMark) is [var first, var second] ? (first, second) : (group.Key, "");
            if (Directory.Exists($"/proc/{owner}") && owner.Length > 0) continue;
            await SystemProgram.TryRunAsync("ip", "link", "del", link);
            foreach (var name in group) await SystemProgram.TryRunAsync("ip", "netns", "del", name);
        }
    }

    public NodeAddress AddressOf(int node) => new(Address(node), 8080, 8081, 4053);

    public IReadOnlyList<string> At(int node, IReadOnlyList<string> command) => ["ip", "netns", "exec", Namespace(node), .. command];

    /// <summary>A node hears and reaches nobody: no node, no database, no client.</summary>
    public Task CutAsync(int node) => Ip("-n", Bridge, "link", "set", $"v{node}", "down");

    /// <summary>No node of <paramref name="side"/> reaches one of the others, nor the other way round. Database and client reach all.</summary>
    public async Task PartitionAsync(params IReadOnlyList<int> side)
    {
        foreach (var one in side)
        {
            foreach (var other in Enumerable.Range(1, nodes).Except(side))
            {
                await DropAsync(one, from: other);
                await DropAsync(other, from: one);
            }
        }
    }

    /// <summary>The other nodes no longer hear this one, which hears them. Database and client reach all.</summary>
    public async Task SilenceAsync(int node)
    {
        foreach (var other in Enumerable.Range(1, nodes).Where(n => n != node)) await DropAsync(other, from: node);
    }

    /// <summary>As it was made.</summary>
    public async Task HealAsync()
    {
        for (var node = 1; node <= nodes; node++)
        {
            await SystemProgram.RunAsync(At(node, ["iptables", "-F", "INPUT"]));
            await Ip("-n", Bridge, "link", "set", $"v{node}", "up");
        }
    }

    public async ValueTask DisposeAsync()
    {
        // It would go with the bridge's namespace, but only some time later, and the next network has the same name.
        await SystemProgram.TryRunAsync("ip", "link", "del", HostLink);
        for (var i = 0; i <= nodes; i++) await SystemProgram.TryRunAsync("ip", "netns", "del", Namespace(i));
    }

    /// <summary>With this process's id, by which a later run sees whether the network is still in use.</summary>
    private string Namespace(int node) => $"{HostLink}{OwnerMark}{Environment.ProcessId}-{node}";

    private string Address(int host) => $"10.253.{network}.{host}";

    /// <summary>A number that nobody uses. The search begins at another one in each process, so that two which start at once do not meet.</summary>
    private static async Task<int> FreeNetworkAsync(CancellationToken cancellationToken)
    {
        var taken = await NamespacesAsync(cancellationToken);
        for (var i = 0; i < Networks; i++)
        {
            var number = (Environment.ProcessId + i) % Networks;
            if (!taken.Any(name => name.StartsWith($"{Prefix}{number}{OwnerMark}", StringComparison.Ordinal))) return number;
        }

        throw new FaultsException($"all {Networks} networks 10.253.X.0/24 are in use; remove the namespaces {Prefix}* (ip netns del)");
    }

    private static async Task<HashSet<string>> NamespacesAsync(CancellationToken cancellationToken) =>
        (await SystemProgram.RunAsync(["ip", "netns", "list"], cancellationToken: cancellationToken)).Split('\n').Select(line => line.Split(' ')[0])
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).ToHashSet(StringComparer.Ordinal);

    private async Task BuildAsync(CancellationToken cancellationToken)
    {
        await Ip("netns", "add", Bridge);
        await Ip("-n", Bridge, "link", "add", "br0", "type", "bridge", "forward_delay", "0");
        await Ip("-n", Bridge, "link", "set", "br0", "up");
        await Ip("link", "add", HostLink, "type", "veth", "peer", "name", "v254", "netns", Bridge);
        await Ip("-n", Bridge, "link", "set", "v254", "master", "br0", "up");
        await Ip("addr", "add", $"{HostAddress}/24", "dev", HostLink);
        await Ip("link", "set", HostLink, "up");
        for (var node = 1; node <= nodes; node++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await Ip("netns", "add", Namespace(node));
            await Ip("-n", Bridge, "link", "add", $"v{node}", "type", "veth", "peer", "name", "eth0", "netns", Namespace(node));
            await Ip("-n", Bridge, "link", "set", $"v{node}", "master", "br0", "up");
            await Ip("-n", Namespace(node), "addr", "add", $"{Address(node)}/24", "dev", "eth0");
            await Ip("-n", Namespace(node), "link", "set", "eth0", "up");
            await Ip("-n", Namespace(node), "link", "set", "lo", "up");
        }
    }

    private Task<string> DropAsync(int at, int from) => SystemProgram.RunAsync(At(at, ["iptables", "-A", "INPUT", "-s", Address(from), "-j", "DROP"]));

    private static Task<string> Ip(params string[] arguments) => SystemProgram.RunAsync(["ip", .. arguments]);
}
