using Vivim.Client;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Faults.Judging;

/// <summary>All that one node says the chain is.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Blocks">From height 1.</param>
/// <param name="StatedHeight">A height whose state root the node has stated; 0 for none.</param>
/// <param name="StatedRoot">That root, in hexadecimal.</param>
internal sealed record NodeChain(string Node, IReadOnlyList<CertifiedBlock> Blocks, ulong StatedHeight, string StatedRoot)
{
    /// <summary>Downloads the chain of a node.</summary>
    /// <exception cref="VivimException">The node does not answer.</exception>
    /// <exception cref="Protocol.Encoding.MalformedException">It sent something else than blocks.</exception>
    public static async Task<NodeChain> ReadAsync(string name, VivimClient node, CancellationToken cancellationToken)
    {
        var status = await node.GetStatusAsync(cancellationToken);
        var blocks = new List<CertifiedBlock>();
        await foreach (var answer in node.BlocksAsync(1, follow: false, cancellationToken)) blocks.Add(Read(answer));
        return new NodeChain(name, blocks, status.Height, status.StateRoot);
    }

    private static CertifiedBlock Read(V1.GetBlockResponse answer) => new(Block.FromBytes(answer.Block.Span), CommitCertificate.FromBytes(answer.Certificate.Span));
}
