using Vivim.Protocol;
using Vivim.Protocol.Blocks;

namespace Vivim.Simulator.Storage;

/// <summary>The proposed blocks that a validator has stored: its own, and those it has judged to be valid.</summary>
internal sealed class BlockFile
{
    /// <summary>Heights that are kept below the one written last.</summary>
    private const ulong Kept = 2;

    private readonly SortedDictionary<ulong, Shelf> shelves = [];

    private sealed class Shelf
    {
        public Dictionary<uint, Block> Own { get; } = [];

        public Dictionary<Hash256, Block> All { get; } = [];
    }

    /// <summary>The blocks of a height.</summary>
    public IReadOnlyList<Block> Of(ulong height) => shelves.TryGetValue(height, out var shelf) ? [.. shelf.All.Values] : [];

    /// <summary>The block made for a round, or null.</summary>
    public Block? Own(ulong height, uint round) => shelves.GetValueOrDefault(height)?.Own.GetValueOrDefault(round);

    /// <summary>Stores a block; much older ones go.</summary>
    public void Store(Block block, bool isOwn)
    {
        var height = block.Header.Height;
        if (!shelves.TryGetValue(height, out var shelf))
        {
            while (shelves.Count > 0 && shelves.First().Key is var oldest && oldest + Kept < height) shelves.Remove(oldest);
            shelves[height] = shelf = new Shelf();
        }

        // The first block of a round stays: its maker is asked for the same one again.
        if (isOwn && !shelf.Own.TryAdd(block.Header.Round, block)) return;
        shelf.All[block.Id] = block;
    }
}
