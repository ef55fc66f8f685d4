using System.Text;
using FsCheck.Xunit;
using Vivim.Ledger.State;
using Vivim.Protocol;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Proofs;
using Vivim.Protocol.Proofs.Ics23;

namespace Vivim.Tests.Protocol;

public sealed class StateProofTests
{
    private static readonly Dictionary<Hash256, string> Keys = Enumerable.Range(0, 40).Select(number => $"key {number}").ToDictionary(HashOf);
    private static readonly StateTree Tree = Plant();

    [Fact]
    public void Every_key_of_the_state_is_proven_with_its_value() => Assert.All(Keys.Values, key =>
    {
        var proof = Assert.IsType<StateProof.Existence>(RoundTrip(Prove(key)));
        proof.Verify(Tree.Root);
        Assert.Equal(key, Encoding.UTF8.GetString(proof.Key.Span));
        Assert.Equal(ValueOf(key), Encoding.UTF8.GetString(proof.Leaf.Value.Span));
    });

    [Fact]
    public void Every_absent_key_is_proven_absent_at_the_edges_too()
    {
        var proofs = Enumerable.Range(0, 500).Select(number => (StateProof.Absence)RoundTrip(Prove($"absent {number}"))).ToList();
        Assert.All(proofs, proof => proof.Verify(Tree.Root));
        Assert.Contains(proofs, proof => proof.Left is null);
        Assert.Contains(proofs, proof => proof.Right is null);
        Assert.Contains(proofs, proof => proof is { Left: not null, Right: not null });
    }

    [Fact]
    public void Any_ics23_verifier_accepts_the_expanded_form()
    {
        var present = (StateProof.Existence)Prove("key 3");
        Ics23Verifier.VerifyMembership(Jellyfish.Spec, Tree.Root.Bytes, present.Leaf.ToIcs23(), "key 3"u8, Encoding.UTF8.GetBytes(ValueOf("key 3")));
        var absent = (StateProof.Absence)Prove("absent 3");
        Ics23Verifier.VerifyNonMembership(Jellyfish.Spec, Tree.Root.Bytes, absent.ToIcs23(), "absent 3"u8);
    }

    [Fact]
    public void A_proof_fails_against_another_root()
    {
        Assert.Throws<ProofException>(() => Prove("key 1").Verify(Hash256.Zero));
        Assert.Throws<ProofException>(() => Prove("absent 1").Verify(Hash256.Zero));
    }

    [Fact]
    public void A_neighbour_further_away_proves_no_absence()
    {
        var refused = 0;
        foreach (var far in Keys.Values.Select(key => ((StateProof.Existence)Prove(key)).Leaf))
        {
            var proof = (StateProof.Absence)Prove("absent 1");
            var isLeft = Hash256.Of(far.Key.Span) < Hash256.Of(proof.Key.Span);
            if (far.Key.Span.SequenceEqual((isLeft ? proof.Left : proof.Right)!.Key.Span)) continue;
            var gap = isLeft ? new StateProof.Absence(proof.Key, far, proof.Right) : new StateProof.Absence(proof.Key, proof.Left, far);
            Assert.Throws<ProofException>(() => gap.Verify(Tree.Root));
            refused++;
        }

        Assert.Equal(Keys.Count - 2, refused);
    }

    [Fact]
    public void The_only_leaf_of_a_state_is_the_neighbour_of_every_other_key()
    {
        var tree = new StateTree();
        tree.Commit(1, [new(HashOf("only"), HashOf("value"))]);
        var leaf = new ProvenLeaf("only"u8.ToArray(), "value"u8.ToArray(), []);
        new StateProof.Existence(leaf).Verify(tree.Root);
        var isLeft = HashOf("only") < HashOf("other");
        RoundTrip(new StateProof.Absence("other"u8.ToArray(), isLeft ? leaf : null, isLeft ? null : leaf)).Verify(tree.Root);
        Assert.Throws<ProofException>(() => new StateProof.Absence("other"u8.ToArray(), isLeft ? null : leaf, isLeft ? leaf : null).Verify(tree.Root));
    }

    [Fact]
    public void Placeholders_take_a_bit_and_the_bytes_are_these()
    {
        var leaf = new ProvenLeaf("k"u8.ToArray(), "v"u8.ToArray(), [Hash256.Of([]), Jellyfish.Placeholder, Jellyfish.Placeholder]);
        Assert.Equal("01" + "000000016b" + "0000000176" + "0003" + "60" + Hash256.Of([]), Convert.ToHexStringLower(Encode(new StateProof.Existence(leaf))));
    }

    [Theory]
    [InlineData("01" + "000000016b" + "0000000176" + "0001" + "00" + "5350415253455f4d45524b4c455f504c414345484f4c4445525f484153485f5f", "placeholder written out")]
    [InlineData("01" + "000000016b" + "0000000176" + "0003" + "e1", "padding")]
    [InlineData("01" + "000000016b" + "0000000176" + "0101", "at most 256")]
    [InlineData("01" + "00000000" + "0000000176" + "0000", "empty key")]
    [InlineData("01" + "000000016b" + "00000000" + "0000", "empty value")]
    [InlineData("01" + "00000101", "at most 256")]
    [InlineData("01" + "000000016b" + "00010001", "at most 65536")]
    [InlineData("02" + "000000016b" + "00", "neighbours 0")]
    [InlineData("02" + "000000016b" + "04", "neighbours 4")]
    [InlineData("03", "unknown kind")]
    [InlineData("", "0 left")]
    public void What_is_not_the_one_encoding_is_refused(string hex, string reason) =>
        Assert.Contains(reason, Assert.Throws<MalformedException>(() => Decode(Convert.FromHexString(hex))).Message, StringComparison.Ordinal);

    [Fact]
    public void A_leaf_that_could_not_be_decoded_cannot_be_made()
    {
        byte[] one = [1];
        Assert.Throws<ArgumentException>(() => new ProvenLeaf(Array.Empty<byte>(), one, []));
        Assert.Throws<ArgumentException>(() => new ProvenLeaf(new byte[257], one, []));
        Assert.Throws<ArgumentException>(() => new ProvenLeaf(one, Array.Empty<byte>(), []));
        Assert.Throws<ArgumentException>(() => new ProvenLeaf(one, new byte[65537], []));
        Assert.Throws<ArgumentException>(() => new ProvenLeaf(one, one, new Hash256[257]));
        Assert.Throws<ArgumentException>(() => new StateProof.Absence(one, null, null));
        Assert.Throws<ArgumentException>(() => new StateProof.Absence(new byte[257], new ProvenLeaf(one, one, []), null));
    }

    [Property(MaxTest = 1000)]
    public void Random_bytes_are_malformed_or_prove_nothing(byte[] bytes) => Assert.False(Holds(bytes, out _));

    [Property(MaxTest = 1000)]
    public void A_mutated_proof_is_malformed_or_fails_or_is_about_another_absent_key(int seed)
    {
        var random = new System.Random(seed);
        var bytes = Encode(Prove(random.Next(2) == 0 ? $"key {random.Next(40)}" : $"absent {random.Next(40)}"));
        var original = Decode(bytes);
        var mutated = Mutate(bytes, random);
        if (mutated.AsSpan().SequenceEqual(bytes) || !Holds(mutated, out var proof)) return;
        Assert.IsType<StateProof.Absence>(original);
        Assert.False(proof.Key.Span.SequenceEqual(original.Key.Span));
        Assert.DoesNotContain(Encoding.UTF8.GetString(proof.Key.Span), Keys.Values);
    }

    [Property(MaxTest = 300)]
    public void What_decodes_encodes_to_the_same_bytes(int seed)
    {
        var random = new System.Random(seed);
        var bytes = Mutate(Encode(Prove($"absent {random.Next(40)}")), random);
        try
        {
            Assert.Equal(bytes, Encode(Decode(bytes)));
        }
        catch (MalformedException)
        {
        }
    }

    /// <summary>Anything but the two exceptions of the contract fails the test.</summary>
    private static bool Holds(byte[] bytes, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out StateProof? proof)
    {
        proof = null;
        try
        {
            proof = Decode(bytes);
            proof.Verify(Tree.Root);
            return true;
        }
        catch (Exception refused) when (refused is MalformedException or ProofException)
        {
            return false;
        }
    }

    private static byte[] Mutate(byte[] bytes, System.Random random)
    {
        var at = random.Next(bytes.Length);
        byte[] mutated = [.. bytes];
        switch (random.Next(4))
        {
            case 0:
                return bytes[..at];
            case 1:
                return [.. bytes[..at], (byte)random.Next(256), .. bytes[at..]];
            case 2:
                return [.. bytes[..at], .. bytes[(at + 1)..]];
            default:
                mutated[at] ^= (byte)random.Next(1, 256);
                return mutated;
        }
    }

    private static StateTree Plant()
    {
        var tree = new StateTree();
        tree.Commit(1, [.. Keys.Select(key => new LeafChange(key.Key, HashOf(ValueOf(key.Value))))]);
        return tree;
    }

    private static StateProof Prove(string key)
    {
        if (Tree.Find(1, HashOf(key)) is { } path) return new StateProof.Existence(LeafOf(path)!);
        var (left, right) = Tree.Neighbours(1, HashOf(key));
        return new StateProof.Absence(Encoding.UTF8.GetBytes(key), LeafOf(left), LeafOf(right));
    }

    private static ProvenLeaf? LeafOf(TreePath? path) => path is null
        ? null
        : new ProvenLeaf(Encoding.UTF8.GetBytes(Keys[path.KeyHash]), Encoding.UTF8.GetBytes(ValueOf(Keys[path.KeyHash])), path.Siblings);

    private static string ValueOf(string key) => "value of " + key;

    private static Hash256 HashOf(string text) => Hash256.Of(Encoding.UTF8.GetBytes(text));

    private static StateProof RoundTrip(StateProof proof) => Decode(Encode(proof));

    private static byte[] Encode(StateProof proof)
    {
        var writer = new CanonicalWriter();
        proof.Encode(writer);
        return writer.ToArray();
    }

    private static StateProof Decode(byte[] bytes)
    {
        var reader = new CanonicalReader(bytes);
        var proof = StateProof.Decode(ref reader);
        reader.End();
        return proof;
    }
}
