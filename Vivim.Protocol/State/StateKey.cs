using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;

namespace Vivim.Protocol.State;

/// <summary>The keys of the state (docs/spec/encoding.md): a tag byte, then fixed-size parts, so that a prefix names a range.</summary>
public static class StateKey
{
    private const byte RulesVersionTag = (byte)'r';
    private const byte ParametersTag = (byte)'p';
    private const byte ValidatorsTag = (byte)'v';
    private const byte RegistrationsTag = (byte)'w';
    private const byte AccountTag = (byte)'a';
    private const byte IdentityTag = (byte)'i';
    private const byte SigningKeyTag = (byte)'k';
    private const byte EdgeTag = (byte)'f';
    private const byte ProposalTag = (byte)'g';
    private const byte EvidenceTag = (byte)'e';
    private const byte JailTag = (byte)'j';

    /// <summary>No key is longer, in bytes.</summary>
    public const int MaxSize = 256;

    /// <summary>The execution rules in force: u32.</summary>
    public static readonly byte[] RulesVersion = [RulesVersionTag];

    /// <summary>The chain's parameters.</summary>
    public static readonly byte[] Parameters = [ParametersTag];

    /// <summary>The heights from which validator sets are in force, ascending; each set is at <see cref="ValidatorsFrom"/>.</summary>
    public static readonly byte[] Validators = [ValidatorsTag];

    /// <summary>The common prefix of all open proposals of validator changes.</summary>
    public static readonly byte[] ProposalsPrefix = [ProposalTag];

    /// <summary>The common prefix of all jailed validators.</summary>
    public static readonly byte[] JailsPrefix = [JailTag];

    /// <summary>Registrations of the running window: u64 window, u32 count.</summary>
    public static readonly byte[] Registrations = [RegistrationsTag];

    /// <summary>The validator set in force from a height on, and the proposers' priorities at that height.</summary>
    public static byte[] ValidatorsFrom(ulong height) => [ValidatorsTag, .. new CanonicalWriter(8).U64(height).Written];

    /// <summary>A <see cref="ValidatorProposal"/>: the one open proposal of an authority.</summary>
    public static byte[] Proposal(in PublicKey authority) => [ProposalTag, .. authority.Bytes];

    /// <summary>The height that has punished a validator for the votes of one step: u64.</summary>
    public static byte[] Evidence(Vote vote) => [EvidenceTag, .. vote.Validator.Bytes, .. new CanonicalWriter(13).U64(vote.Height).U32(vote.Round).U8((byte)vote.Type).Written];

    /// <summary>The height at which a validator was jailed: u64. Gone when the authorities take it in again.</summary>
    public static byte[] Jail(in PublicKey validator) => [JailTag, .. validator.Bytes];

    /// <summary>An <see cref="AccountRecord"/>.</summary>
    public static byte[] Account(in Did did) => [AccountTag, (byte)did.Method, .. did.Identifier.Bytes];

    /// <summary>An <see cref="IdentityRecord"/> of a did:vivim.</summary>
    public static byte[] Identity(in Did did) => [IdentityTag, .. Registered(did).Bytes];

    /// <summary>Which did:vivim a signing key belongs to: its 32-byte identifier.</summary>
    public static byte[] SigningKey(in PublicKey key) => [SigningKeyTag, .. key.Bytes];

    /// <summary>An <see cref="EdgeRecord"/>: present while the follower follows. The followee stands first, so that followers are a range.</summary>
    public static byte[] Edge(in Did follower, in Did followee) => [EdgeTag, .. Registered(followee).Bytes, .. Registered(follower).Bytes];

    /// <summary>The common prefix of all edges to a followee.</summary>
    public static byte[] FollowersPrefix(in Did followee) => [EdgeTag, .. Registered(followee).Bytes];

    /// <summary>True for the key of an edge.</summary>
    public static bool IsEdge(ReadOnlySpan<byte> key) => key is [EdgeTag, .. { Length: 2 * Hash256.Size }];

    /// <summary>Whose proposal or jail a key is of.</summary>
    /// <exception cref="MalformedException">Not the key of a proposal or jail.</exception>
    public static PublicKey ParseValidator(ReadOnlySpan<byte> key) =>
        key is [ProposalTag or JailTag, .. { Length: PublicKey.Size } validator] ? new PublicKey(validator) : throw new MalformedException("not the key of a proposal or jail");

    /// <summary>The two ends of an edge's key.</summary>
    /// <exception cref="MalformedException">Not the key of an edge.</exception>
    public static (Did Follower, Did Followee) ParseEdge(ReadOnlySpan<byte> key)
    {
        var reader = new CanonicalReader(key);
        if (reader.U8() != EdgeTag) throw new MalformedException("not the key of an edge");
        var followee = new Did(DidMethod.Vivim, reader.Hash());
        var follower = new Did(DidMethod.Vivim, reader.Hash());
        reader.End();
        return (follower, followee);
    }

    /// <summary>Says in words what a key is of.</summary>
    public static string Describe(ReadOnlySpan<byte> key)
    {
        switch (key)
        {
            case [EdgeTag, .. { Length: 64 }]:
                var (follower, followee) = ParseEdge(key);
                return $"{follower} follows {followee}";
            case [AccountTag, (byte)DidMethod.Key or (byte)DidMethod.Vivim, .. { Length: 32 } id]:
                return $"account of {new Did((DidMethod)key[1], new Hash256(id))}";
            case [IdentityTag, .. { Length: 32 } id]:
                return $"identity {new Did(DidMethod.Vivim, new Hash256(id))}";
            case [SigningKeyTag, .. { Length: 32 } id]:
                return $"identity of {Did.OfKey(new PublicKey(id))}";
            case [ProposalTag, .. { Length: 32 } id]:
                return $"proposal by {Did.OfKey(new PublicKey(id))}";
            case [JailTag, .. { Length: 32 } id]:
                return $"jail of {Did.OfKey(new PublicKey(id))}";
            default:
                return $"state key {Convert.ToHexStringLower(key)}";
        }
    }

    private static Hash256 Registered(in Did did) =>
        did.Method == DidMethod.Vivim ? did.Identifier : throw new ArgumentException($"{did} is not a did:vivim", nameof(did));
}
