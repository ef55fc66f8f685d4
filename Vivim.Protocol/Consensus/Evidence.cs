using Vivim.Protocol.Encoding;

namespace Vivim.Protocol.Consensus;

/// <summary>
/// Two votes of one validator for the same height, round and step that differ: proof of equivocation. The votes stand in the order of their
/// block ids, nil first, so that a pair has one encoding. Whether they prove anything is for the chain to judge.
/// </summary>
public sealed record Evidence
{
    /// <summary>The least size of the encoding in bytes.</summary>
    public const int MinSize = 2 * (1 + 8 + 4 + 1 + 32 + 64);

    /// <summary>Takes the two votes in any order.</summary>
    public Evidence(Vote one, Vote other) => (First, Second) = InOrder(one, other) ? (one, other) : (other, one);

    public Vote First { get; }

    public Vote Second { get; }

    /// <summary>SHA-256 of the encoding: what the events of the evidence name in place of a transaction.</summary>
    public Hash256 Id
    {
        get
        {
            var writer = new CanonicalWriter(2 * MinSize);
            Encode(writer);
            return Hash256.Of(writer.Written);
        }
    }

    public void Encode(CanonicalWriter writer)
    {
        First.Encode(writer);
        Second.Encode(writer);
    }

    /// <exception cref="MalformedException">Cut short, not two votes, or in the wrong order.</exception>
    public static Evidence Decode(ref CanonicalReader reader)
    {
        var (first, second) = (Vote.Decode(ref reader), Vote.Decode(ref reader));
        return InOrder(first, second) ? new Evidence(first, second) : throw new MalformedException("the votes of evidence are not in the order of their block ids");
    }

    private static bool InOrder(Vote first, Vote second) => first.BlockId is not { } id || (second.BlockId is { } other && id <= other);
}
