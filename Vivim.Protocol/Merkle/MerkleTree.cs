using System.Numerics;
using System.Security.Cryptography;
using Vivim.Protocol.Encoding;

namespace Vivim.Protocol.Merkle;

/// <summary>
/// The Merkle tree of RFC 6962 §2.1 over an ordered list: roots, and short proofs that a leaf is in the list or that a
/// list was only appended to. Works on leaf hashes; building takes time linear in the leaves, verifying logarithmic.
/// </summary>
public static class MerkleTree
{
    /// <summary>The root of no leaves: SHA-256 of nothing (RFC 6962 §2.1).</summary>
    public static Hash256 EmptyRoot { get; } = Hash256.Of([]);

    /// <summary>SHA-256(0x00 || <paramref name="leaf"/>) (RFC 6962 §2.1).</summary>
    public static Hash256 LeafHash(ReadOnlySpan<byte> leaf)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData([0x00]);
        hash.AppendData(leaf);
        Span<byte> digest = stackalloc byte[Hash256.Size];
        hash.GetHashAndReset(digest);
        return new Hash256(digest);
    }

    /// <summary>The leaf hashes of a list of encodings.</summary>
    /// <param name="size">Bytes expected of an encoding, to save growing.</param>
    public static Hash256[] LeafHashes<T>(IReadOnlyList<T> items, int size, Action<T, CanonicalWriter> encode)
    {
        var leaves = new Hash256[items.Count];
        for (var i = 0; i < leaves.Length; i++)
        {
            var writer = new CanonicalWriter(size);
            encode(items[i], writer);
            leaves[i] = LeafHash(writer.Written);
        }

        return leaves;
    }

    /// <summary>The Merkle tree hash of the list (RFC 6962 §2.1).</summary>
    public static Hash256 Root(IReadOnlyList<Hash256> leafHashes) => leafHashes.Count == 0 ? EmptyRoot : Root(leafHashes, 0, leafHashes.Count);

    /// <summary>The audit path of one leaf, bottom to top (RFC 6962 §2.1.1).</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no leaf at <paramref name="index"/>.</exception>
    public static Hash256[] InclusionProof(IReadOnlyList<Hash256> leafHashes, int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, leafHashes.Count);
        var path = new List<Hash256>();
        var (start, count) = (0, leafHashes.Count);
        while (count > 1)
        {
            var split = Split(count);
            var inLeft = index - start < split;
            path.Add(inLeft ? Root(leafHashes, start + split, count - split) : Root(leafHashes, start, split));
            (start, count) = inLeft ? (start, split) : (start + split, count - split);
        }

        path.Reverse();
        return [.. path];
    }

    /// <summary>Whether <paramref name="path"/> leads from the leaf at <paramref name="index"/> to the root of a list of <paramref name="size"/> (RFC 9162 §2.1.3.2).</summary>
    public static bool VerifyInclusion(in Hash256 leafHash, ulong index, ulong size, ReadOnlySpan<Hash256> path, in Hash256 root)
    {
        if (index >= size) return false;
        var (position, last, hash) = (index, size - 1, leafHash);
        foreach (var sibling in path)
        {
            if (last == 0) return false;
            if (IsRightChild(position, last))
            {
                hash = InnerHash(sibling, hash);
                (position, last) = SkipLonelyLevels(position, last);
            }
            else
            {
                hash = InnerHash(hash, sibling);
            }

            (position, last) = (position >> 1, last >> 1);
        }

        return last == 0 && hash == root;
    }

    /// <summary>The proof that the first <paramref name="firstSize"/> leaves are a prefix of the list (RFC 6962 §2.1.2). Empty when that is the whole list.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="firstSize"/> is not between 1 and the number of leaves.</exception>
    public static Hash256[] ConsistencyProof(IReadOnlyList<Hash256> leafHashes, int firstSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(firstSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstSize, leafHashes.Count);
        var path = new List<Hash256>();
        var (start, count, known) = (0, leafHashes.Count, true);
        while (firstSize != count)
        {
            var split = Split(count);
            if (firstSize <= split)
            {
                path.Add(Root(leafHashes, start + split, count - split));
                count = split;
            }
            else
            {
                path.Add(Root(leafHashes, start, split));
                (start, count, firstSize, known) = (start + split, count - split, firstSize - split, false);
            }
        }

        // The verifier knows the first root already; below it, the subtree where both lists end has to be told.
        if (!known) path.Add(Root(leafHashes, start, count));
        path.Reverse();
        return [.. path];
    }

    /// <summary>
    /// Whether <paramref name="path"/> shows that the first list is a prefix of the second (RFC 9162 §2.1.4.2).
    /// False for an empty first list: every list extends it, so a proof would say nothing.
    /// </summary>
    public static bool VerifyConsistency(ulong firstSize, ulong secondSize, in Hash256 firstRoot, in Hash256 secondRoot, ReadOnlySpan<Hash256> path)
    {
        if (firstSize == 0 || firstSize > secondSize) return false;
        if (firstSize == secondSize) return path.IsEmpty && firstRoot == secondRoot;

        var (position, last) = (firstSize - 1, secondSize - 1);
        var shared = BitOperations.TrailingZeroCount(~position);
        (position, last) = (position >> shared, last >> shared);

        // A first list of a power of two is one whole subtree of the second, so its root is where the path starts.
        var startsAtRoot = BitOperations.IsPow2(firstSize);
        if (!startsAtRoot && path.IsEmpty) return false;
        var first = startsAtRoot ? firstRoot : path[0];
        var second = first;
        foreach (var sibling in startsAtRoot ? path : path[1..])
        {
            if (last == 0) return false;
            if (IsRightChild(position, last))
            {
                first = InnerHash(sibling, first);
                second = InnerHash(sibling, second);
                (position, last) = SkipLonelyLevels(position, last);
            }
            else
            {
                second = InnerHash(second, sibling);
            }

            (position, last) = (position >> 1, last >> 1);
        }

        return last == 0 && first == firstRoot && second == secondRoot;
    }

    private static Hash256 Root(IReadOnlyList<Hash256> leafHashes, int start, int count)
    {
        if (count == 1) return leafHashes[start];
        var split = Split(count);
        return InnerHash(Root(leafHashes, start, split), Root(leafHashes, start + split, count - split));
    }

    private static Hash256 InnerHash(in Hash256 left, in Hash256 right)
    {
        Span<byte> preimage = stackalloc byte[1 + 2 * Hash256.Size];
        preimage[0] = 0x01;
        left.Bytes.CopyTo(preimage[1..]);
        right.Bytes.CopyTo(preimage[(1 + Hash256.Size)..]);
        return Hash256.Of(preimage);
    }

    /// <summary>The largest power of two below <paramref name="count"/>, which is at least 2.</summary>
    private static int Split(int count) => 1 << BitOperations.Log2((uint)count - 1);

    /// <summary>True for a right child, and for the last node of its level, whose sibling is always to the left.</summary>
    private static bool IsRightChild(ulong position, ulong last) => (position & 1) == 1 || position == last;

    /// <summary>The last node of a level with no partner moves up unchanged until it is a right child.</summary>
    private static (ulong Position, ulong Last) SkipLonelyLevels(ulong position, ulong last)
    {
        while ((position & 1) == 0 && position != 0) (position, last) = (position >> 1, last >> 1);
        return (position, last);
    }
}
