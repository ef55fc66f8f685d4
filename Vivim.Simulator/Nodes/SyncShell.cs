using System.Globalization;
using Vivim.Chain.Sync;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;

namespace Vivim.Simulator.Nodes;

/// <summary>Runs the node's <see cref="SyncCore"/>.</summary>
internal sealed class SyncShell(World world, Node node)
{
    private readonly SyncCore core = new(world.Scheme);
    private bool isStopped;

    /// <summary>Items held in memory.</summary>
    public void Start()
    {
        OnTip();
        Tick();
    }

    public void Stop() => isStopped = true;

    public void OnTip() => Feed(new SyncInput.TipReached(node.Ledger.Tip));

    public void Hear(PeerId from, SyncMessage message) => Feed(new SyncInput.Received(from, message));

    private void Tick()
    {
        if (isStopped) return;
        Feed(new SyncInput.Tick());
        node.After(SyncCore.TickInterval, Tick);
    }

    private void Feed(SyncInput input)
    {
        foreach (var output in core.Apply(input)) Do(output);
    }

    private void Do(SyncOutput output)
    {
        switch (output)
        {
            case SyncOutput.Broadcast broadcast:
                node.Say(null, broadcast.Message);
                break;
            case SyncOutput.Send send:
                node.Say(NumberOf(send.To), send.Message);
                break;
            case SyncOutput.Serve serve:
                node.Say(NumberOf(serve.To), new SyncMessage.Blocks([.. Stored(serve.From)]));
                break;
            case SyncOutput.Commit commit:
                node.Ledger.Commit(commit.Block.Block, commit.Block.Certificate);
                break;
            case SyncOutput.Blame blame:
                world.Note(node.Index, "blames", blame.Reason);
                world.Oracle.Blamed(node.Index, NumberOf(blame.Peer), blame.Reason);
                break;
        }
    }

    private static int NumberOf(PeerId peer) => int.Parse(peer.Value, CultureInfo.InvariantCulture);

    private IEnumerable<CertifiedBlock> Stored(ulong from)
    {
        for (var height = from; height < from + SyncMessage.MaxBlocks && node.ChainFile.Read(height) is { } record; height++)
            yield return new CertifiedBlock(Block.FromBytes(record.Block), CommitCertificate.FromBytes(record.Certificate));
    }
}
