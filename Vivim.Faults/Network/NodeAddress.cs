namespace Vivim.Faults.Network;

/// <summary>Where a node listens.</summary>
internal sealed record NodeAddress(string Host, int HttpPort, int GrpcPort, int RemotingPort)
{
    public Uri Grpc => new($"http://{Host}:{GrpcPort}");

    public Uri Ready => new($"http://{Host}:{HttpPort}/readyz");
}

/// <summary>What connects the nodes of a cluster, the database and the client. Nodes are numbered from 1.</summary>
internal interface INodeNetwork : IAsyncDisposable
{
    /// <summary>Where the nodes reach what runs on the host.</summary>
    string HostAddress { get; }

    NodeAddress AddressOf(int node);

    /// <summary>The command that runs another one where a node is.</summary>
    IReadOnlyList<string> At(int node, IReadOnlyList<string> command);
}
