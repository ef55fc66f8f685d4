using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Keys;

namespace Vivim.Chain.BlockMaking;

/// <summary>A message for the block maker of one validator.</summary>
public interface IBlockMakingMessage
{
    PublicKey Validator { get; }
}

/// <summary>Make and store a block on the tip; answered by <see cref="BlockBuilt"/>. Asked again for the same height and round, the same block is given.</summary>
/// <param name="Time">The proposer's clock in milliseconds since 1970 (UTC).</param>
public sealed record BuildBlock(PublicKey Validator, ulong Height, uint Round, long Time) : IBlockMakingMessage;

/// <summary>The block, stored durably.</summary>
public sealed record BlockBuilt(Block Block);

/// <summary>Give the stored block with this id; answered by <see cref="BlockFound"/>.</summary>
public sealed record FindBlock(PublicKey Validator, Hash256 BlockId) : IBlockMakingMessage;

/// <summary>Answer to <see cref="FindBlock"/>; null when it is not stored.</summary>
public sealed record BlockFound(Block? Block);

/// <summary>Journalled: a block was made.</summary>
public sealed record BlockStored(Block Block);
