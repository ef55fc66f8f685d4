using Vivim.Protocol.Encoding;
using Vivim.Protocol.Proofs.Ics23;

namespace Vivim.Protocol.Proofs;

/// <summary>
/// Shows that a key has a value in a state, or that it has none, against that state's root. Compact and canonical; checking
/// it means expanding it to ICS-23, so any ICS-23 verifier agrees.
/// </summary>
public abstract class StateProof
{
    private const byte ExistenceTag = 1;
    private const byte AbsenceTag = 2;
    private const byte HasLeft = 1;
    private const byte HasRight = 2;

    private StateProof(ReadOnlyMemory<byte> key) => Key = key;

    /// <summary>
    /// The key the proof is about. Who asked for a key compares it with this one: a proof about another key may well be valid.
    /// </summary>
    public ReadOnlyMemory<byte> Key { get; }

    /// <summary>The key has the leaf's value.</summary>
    public sealed class Existence(ProvenLeaf leaf) : StateProof(leaf.Key)
    {
        public ProvenLeaf Leaf => leaf;

        public override void Encode(CanonicalWriter writer)
        {
            writer.U8(ExistenceTag);
            leaf.Encode(writer);
        }

        public override void Verify(in Hash256 stateRoot) =>
            Ics23Verifier.VerifyMembership(Jellyfish.Spec, stateRoot.Bytes, leaf.ToIcs23(), leaf.Key.Span, leaf.Value.Span);
    }

    /// <summary>
    /// The key has no value: it would have to be between two leaves that are neighbours, before the first or after the last.
    /// An empty state needs no proof, its root is <see cref="Jellyfish.Placeholder"/>.
    /// </summary>
    public sealed class Absence : StateProof
    {
        /// <summary>Takes a key of 1 to <see cref="ProvenLeaf.MaxKeyLength"/> bytes and one neighbour at least.</summary>
        /// <exception cref="ArgumentException">Another length, or no neighbour.</exception>
        public Absence(ReadOnlyMemory<byte> key, ProvenLeaf? left, ProvenLeaf? right)
            : base(key)
        {
            if (key.Length is 0 or > ProvenLeaf.MaxKeyLength) throw new ArgumentException($"a key has 1 to {ProvenLeaf.MaxKeyLength} bytes, not {key.Length}", nameof(key));
            if (left is null && right is null) throw new ArgumentException("a proof of absence names a neighbour", nameof(left));
            (Left, Right) = (left, right);
        }

        /// <summary>The nearest leaf before the key, by key hash; null when there is none.</summary>
        public ProvenLeaf? Left { get; }

        /// <summary>The nearest leaf after the key, by key hash; null when there is none.</summary>
        public ProvenLeaf? Right { get; }

        /// <summary>The same as an ICS-23 proof under <see cref="Jellyfish.Spec"/>.</summary>
        public NonExistenceProof ToIcs23() => new(Left?.ToIcs23(), Right?.ToIcs23());

        public override void Encode(CanonicalWriter writer)
        {
            writer.U8(AbsenceTag).Bytes(Key.Span).U8((byte)((Left is null ? 0 : HasLeft) | (Right is null ? 0 : HasRight)));
            Left?.Encode(writer);
            Right?.Encode(writer);
        }

        public override void Verify(in Hash256 stateRoot) => Ics23Verifier.VerifyNonMembership(Jellyfish.Spec, stateRoot.Bytes, ToIcs23(), Key.Span);
    }

    /// <summary>Writes the one encoding of this proof.</summary>
    public abstract void Encode(CanonicalWriter writer);

    /// <summary>Checks the proof against the root of a state.</summary>
    /// <exception cref="ProofException">It does not hold there.</exception>
    public abstract void Verify(in Hash256 stateRoot);

    /// <summary>Reads one proof, of a key of at most 256 bytes, values of at most 64 KiB and paths of at most 256 steps. What it shows is not checked.</summary>
    /// <exception cref="MalformedException">Not what <see cref="Encode"/> writes.</exception>
    public static StateProof Decode(ref CanonicalReader reader)
    {
        var tag = reader.U8();
        return tag switch
        {
            ExistenceTag => new Existence(ProvenLeaf.Decode(ref reader)),
            AbsenceTag => DecodeAbsence(ref reader),
            _ => throw new MalformedException($"a proof of unknown kind {tag} at {reader.Position - 1}"),
        };
    }

    private static Absence DecodeAbsence(ref CanonicalReader reader)
    {
        var key = ProvenLeaf.DecodeKey(ref reader);
        var neighbours = reader.U8();
        if (neighbours is 0 or > (HasLeft | HasRight)) throw new MalformedException($"a proof of absence with neighbours {neighbours} at {reader.Position - 1}");
        var left = (neighbours & HasLeft) != 0 ? ProvenLeaf.Decode(ref reader) : null;
        var right = (neighbours & HasRight) != 0 ? ProvenLeaf.Decode(ref reader) : null;
        return new Absence(key, left, right);
    }
}
