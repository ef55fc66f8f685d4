using System.Buffers.Binary;
using System.Globalization;
using Vivim.Protocol;
using Vivim.Protocol.Consensus;

namespace Vivim.Simulator;

/// <summary>What has happened, as a running hash that two equal runs share, and as text when somebody wants to read it.</summary>
internal sealed class Trace(bool keepsText)
{
    private ulong hash = 14695981039346656037;

    /// <summary>Lines, oldest first; empty unless they are kept.</summary>
    public List<string> Lines { get; } = [];

    /// <summary>Entries.</summary>
    public long Count { get; private set; }

    public string Hash => hash.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Notes that something happened at a node.</summary>
    public void Add(long time, int node, string what, object? detail = null)
    {
        Count++;
        Mix((ulong)time);
        Mix((ulong)node);
        foreach (var letter in what) Mix(letter);
        Mix(Digest(detail));
        if (keepsText) Lines.Add($"{time,7} n{node} {what}{(detail is null ? "" : " " + Describe(detail))}");
    }

    /// <summary>A message as a person reads it.</summary>
    public static string Describe(object detail) => detail switch
    {
        ConsensusMessage.Proposed m => $"proposal {m.Proposal.Height}/{m.Proposal.Round} {Short(m.Proposal.BlockId)} vr {m.Proposal.ValidRound}{(m.Block is null ? "" : " with block")}",
        ConsensusMessage.Voted m => Describe(m.Vote),
        ConsensusMessage.Accused m => $"accusation: {Describe(m.Evidence.First)} and {Describe(m.Evidence.Second)}",
        ConsensusMessage.Status m => $"status {m.Height}/{m.Round}/{m.Step} {Short(m.Proposal)} {m.Prevotes} {m.Precommits}",
        Vote v => $"{(v.Type == VoteType.Prevote ? "prevote" : "precommit")} {v.Height}/{v.Round} {Short(v.BlockId)} by {v.Validator.ToString()[..6]}",
        SyncMessage.Tip m => $"tip {m.Height}",
        SyncMessage.GetBlocks m => $"get blocks from {m.From}",
        SyncMessage.Blocks m => $"{m.Items.Count} blocks{(m.Items.Count == 0 ? "" : $" from {m.Items[0].Block.Header.Height}")}",
        Hash256 h => Short(h),
        _ => detail.ToString() ?? "",
    };

    private static string Short(Hash256? id) => id is { } value ? value.ToString()[..8] : "nil";

    private static ulong Digest(object? detail) => detail switch
    {
        null => 0,
        ConsensusMessage.Proposed m => Digest(m.Proposal.BlockId) ^ ((ulong)m.Proposal.Round << 32) ^ (uint)m.Proposal.ValidRound ^ m.Proposal.Height << 8,
        ConsensusMessage.Voted { Vote: var v } => (v.BlockId is { } id ? Digest(id) : 1) ^ ((ulong)v.Round << 32) ^ (ulong)v.Type << 16 ^ v.Height ^ Digest(v.Validator.Bytes),
        ConsensusMessage.Status m => m.Height ^ ((ulong)m.Round << 32) ^ (ulong)m.Step << 16,
        SyncMessage.Tip m => m.Height,
        SyncMessage.GetBlocks m => m.From,
        SyncMessage.Blocks m => (ulong)m.Items.Count,
        Hash256 h => Digest(h.Bytes),
        string s => s.Aggregate(5381UL, (sum, letter) => sum * 33 + letter),
        int or uint or long or ulong => Convert.ToUInt64(detail, CultureInfo.InvariantCulture),
        _ => 2,
    };

    private static ulong Digest(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64LittleEndian(bytes);

    private void Mix(ulong value) => hash = (hash ^ value) * 1099511628211;
}
