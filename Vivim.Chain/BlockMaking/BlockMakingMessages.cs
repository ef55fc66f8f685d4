using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Chain.BlockMaking;

/// <summary>A message for the block maker of one validator.</summary>
public interface IBlockMakingMessage
{
    PublicKey Validator { get; }
}

/// <summary>Make and store a block on the tip; answered by <see cref="BlockBuilt"/>. Asked again for the same height and round, the same block is given.</summary>
/// <param name="Time">The proposer's clock in milliseconds since 1970 (UTC).</param>
/// <param name="Evidence">What may be included of it is.</param>
public sealed record BuildBlock(PublicKey Validator, ulong Height, uint Round, long Time, IReadOnlyList<Evidence> Evidence) : IBlockMakingMessage;

/// <summary>The block, stored durably.</summary>
public sealed record BlockBuilt(Block Block);

/// <summary>Store a valid block that another validator has proposed; answered by <see cref="BlockKept"/> when it is durable.</summary>
public sealed record KeepBlock(PublicKey Validator, Block Block) : IBlockMakingMessage;

/// <summary>Answer to <see cref="KeepBlock"/>.</summary>
public sealed record BlockKept(Hash256 BlockId);

/// <summary>Give the blocks stored for a height; answered by <see cref="BlocksFound"/>.</summary>
public sealed record FindBlocks(PublicKey Validator, ulong Height) : IBlockMakingMessage;

/// <summary>Answer to <see cref="FindBlocks"/>: those of the newest height, none of another.</summary>
public sealed record BlocksFound(IReadOnlyList<Block> Blocks);

/// <summary>Journalled: a block was made, or kept.</summary>
public sealed record BlockStored(Block Block);
