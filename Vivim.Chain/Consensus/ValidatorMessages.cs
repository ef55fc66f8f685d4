using Akka.Actor;
using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Chain.Consensus;

/// <summary>A message for one validator.</summary>
public interface IValidatorMessage
{
    PublicKey Validator { get; }
}

/// <summary>Start the validator if it is not running.</summary>
public sealed record WakeValidator(PublicKey Validator) : IValidatorMessage;

/// <summary>The validator moves to another node: it ends between two heights, or soon.</summary>
public sealed record LeaveNode : INoSerializationVerificationNeeded;

/// <summary>A message from another validator. Nothing about it is trusted.</summary>
public sealed record DeliverMessage(PublicKey Validator, PublicKey From, ConsensusMessage Message) : IValidatorMessage;

/// <summary>A validator has something to say to others. Whoever delivers it passes it on at most once.</summary>
public sealed record OutgoingMessage(PublicKey From, IReadOnlyList<PublicKey> To, ConsensusMessage Message) : INoSerializationVerificationNeeded;

/// <summary>Journalled, off the path of consensus: a height was decided and committed.</summary>
public sealed record HeightDecided(ulong Height, uint Round, Hash256 BlockId);

/// <summary>Published on the node's event stream now and then: where a validator is, in words.</summary>
/// <param name="Round">Of the height under way, from 0 on.</param>
public sealed record ValidatorReport(PublicKey Validator, string Text, uint Round) : INoSerializationVerificationNeeded;
