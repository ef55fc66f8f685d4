using System.Text.Json;
using FsCheck.Xunit;
using Vivim.Protocol;
using Vivim.Protocol.Merkle;

namespace Vivim.Tests.Protocol;

public sealed class MerkleTreeTests
{
    private static readonly JsonSerializerOptions CamelCase = new(JsonSerializerDefaults.Web);

    private sealed record InclusionCase(ulong LeafIdx, ulong TreeSize, byte[] Root, byte[] LeafHash, byte[][]? Proof, string Desc, bool WantErr);

    private sealed record ConsistencyCase(ulong Size1, ulong Size2, byte[] Root1, byte[] Root2, byte[][]? Proof, string Desc, bool WantErr);

    [SharedFact]
    public void Every_public_inclusion_case_is_judged_as_published()
    {
        var cases = Read<InclusionCase>("inclusion");
        Assert.Equal(98, cases.Count);
        Assert.All(cases, c => Assert.True(
            c.WantErr != (Adapt(c.LeafHash) is { } leaf && Adapt(c.Root) is { } root && AdaptAll(c.Proof) is { } proof
                && MerkleTree.VerifyInclusion(leaf, c.LeafIdx, c.TreeSize, proof, root)),
            c.Desc));
    }

    [SharedFact]
    public void Every_public_consistency_case_is_judged_as_published()
    {
        var cases = Read<ConsistencyCase>("consistency");
        Assert.Equal(98, cases.Count);
        Assert.All(cases, c => Assert.True(
            c.WantErr != (Adapt(c.Root1) is { } first && Adapt(c.Root2) is { } second && AdaptAll(c.Proof) is { } proof
                && MerkleTree.VerifyConsistency(c.Size1, c.Size2, first, second, proof)),
            c.Desc));
    }

    [Fact]
    public void The_root_of_nothing_is_the_hash_of_nothing() =>
        Assert.Equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", MerkleTree.Root([]).ToString());

    [Fact]
    public void A_leaf_is_hashed_after_a_zero_byte() => Assert.Equal(Hash256.Of([0, 1, 2]), MerkleTree.LeafHash([1, 2]));

    [Fact]
    public void No_proof_is_made_for_what_is_not_in_the_list()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => MerkleTree.InclusionProof(Leaves(3), 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => MerkleTree.InclusionProof([], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => MerkleTree.ConsistencyProof(Leaves(3), 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => MerkleTree.ConsistencyProof(Leaves(3), 4));
    }

    [Property]
    public void Every_leaf_is_proven_in_its_place_only(byte sizeMinusOne, byte place, byte tamper)
    {
        var leaves = Leaves(sizeMinusOne + 1);
        var index = place % leaves.Length;
        var root = MerkleTree.Root(leaves);
        var path = MerkleTree.InclusionProof(leaves, index);
        var size = (ulong)leaves.Length;

        Assert.True(MerkleTree.VerifyInclusion(leaves[index], (ulong)index, size, path, root));
        Assert.False(MerkleTree.VerifyInclusion(Flip(leaves[index], tamper), (ulong)index, size, path, root));
        Assert.False(MerkleTree.VerifyInclusion(leaves[index], (ulong)index, size, path, Flip(root, tamper)));
        Assert.False(MerkleTree.VerifyInclusion(leaves[index], (ulong)index, size, [.. path, root], root));
        for (var other = 0UL; other < size; other++)
            Assert.Equal(other == (ulong)index, MerkleTree.VerifyInclusion(leaves[index], other, size, path, root));
        for (var i = 0; i < path.Length; i++)
        {
            Hash256[] tampered = [.. path];
            tampered[i] = Flip(tampered[i], tamper);
            Assert.False(MerkleTree.VerifyInclusion(leaves[index], (ulong)index, size, tampered, root));
        }
    }

    [Property]
    public void Every_prefix_is_consistent_with_the_list_and_nothing_else_is(byte sizeMinusOne, byte prefix, byte tamper)
    {
        var leaves = Leaves(sizeMinusOne + 1);
        var first = prefix % leaves.Length + 1;
        var (firstRoot, root) = (MerkleTree.Root(leaves[..first]), MerkleTree.Root(leaves));
        var path = MerkleTree.ConsistencyProof(leaves, first);
        var (firstSize, size) = ((ulong)first, (ulong)leaves.Length);

        Assert.True(MerkleTree.VerifyConsistency(firstSize, size, firstRoot, root, path));
        Assert.False(MerkleTree.VerifyConsistency(firstSize, size, Flip(firstRoot, tamper), root, path));
        Assert.False(MerkleTree.VerifyConsistency(firstSize, size, firstRoot, Flip(root, tamper), path));
        Assert.False(MerkleTree.VerifyConsistency(firstSize, size, firstRoot, root, [.. path, root]));
        for (var i = 0; i < path.Length; i++)
        {
            Hash256[] tampered = [.. path];
            tampered[i] = Flip(tampered[i], tamper);
            Assert.False(MerkleTree.VerifyConsistency(firstSize, size, firstRoot, root, tampered));
        }
    }

    private static Hash256[] Leaves(int count) => [.. Enumerable.Range(0, count).Select(i => MerkleTree.LeafHash(BitConverter.GetBytes(i)))];

    private static Hash256 Flip(Hash256 hash, byte bit)
    {
        var bytes = hash.ToArray();
        bytes[bit >> 3] ^= (byte)(1 << (bit & 7));
        return new Hash256(bytes);
    }

    private static List<T> Read<T>(string folder) =>
        [.. Directory.EnumerateFiles(SharedMaterial.PathOf($"vectors/rfc6962/testdata/{folder}"), "*.json", SearchOption.AllDirectories)
            .Select(file => JsonSerializer.Deserialize<T>(File.ReadAllText(file), CamelCase)!)];

    /// <summary>Our hashes cannot have another length. Words of the vectors ("WrongRoot") become their hash, so that the verifier sees them; an absent hash is refused here.</summary>
    private static Hash256? Adapt(byte[] hash) => hash.Length switch
    {
        0 => null,
        Hash256.Size => new Hash256(hash),
        _ => Hash256.Of(hash),
    };

    private static Hash256[]? AdaptAll(byte[][]? path)
    {
        var adapted = (path ?? []).Select(Adapt).ToArray();
        return Array.Exists(adapted, hash => hash is null) ? null : [.. adapted.Select(hash => hash!.Value)];
    }
}
