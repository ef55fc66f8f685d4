using Vivim.Protocol;
using Vivim.Protocol.Keys;

namespace Vivim.Chain.Consensus;

/// <summary>Start the validator if it is not running.</summary>
public sealed record WakeValidator(PublicKey Validator);

/// <summary>Journalled, off the path of consensus: a height was decided and committed.</summary>
public sealed record HeightDecided(ulong Height, uint Round, Hash256 BlockId);
