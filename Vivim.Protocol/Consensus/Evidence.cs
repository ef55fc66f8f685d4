using Vivim.Protocol.Encoding;

namespace Vivim.Protocol.Consensus;

/// <summary>Two votes of one validator for the same height, round and step that differ: proof of equivocation.</summary>
public sealed record Evidence(Vote First, Vote Second)
{
    /// <summary>The least size of the encoding in bytes.</summary>
    public const int MinSize = 2 * (1 + 8 + 4 + 1 + 32 + 64);

    public void Encode(CanonicalWriter writer)
    {
        First.Encode(writer);
        Second.Encode(writer);
    }

    /// <exception cref="MalformedException">Cut short, or not two votes.</exception>
    public static Evidence Decode(ref CanonicalReader reader) => new(Vote.Decode(ref reader), Vote.Decode(ref reader));
}
