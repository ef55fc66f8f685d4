using System.Text.Json;
using Vivim.Protocol.Proofs;
using Vivim.Protocol.Proofs.Ics23;

namespace Vivim.Tests.Protocol;

/// <summary>The 18 proofs of cosmos/ics23, made by three other trees.</summary>
public sealed class Ics23ProofTests
{
    private static readonly JsonSerializerOptions CamelCase = new(JsonSerializerDefaults.Web);

    private static readonly LeafOp LengthPrefixedLeaf = new(HashOp.Sha256, HashOp.None, HashOp.Sha256, LengthOp.VarProto, new byte[] { 0 });

    private static readonly Dictionary<string, ProofSpec> Specs = new(StringComparer.Ordinal)
    {
        ["iavl"] = new(LengthPrefixedLeaf, new InnerSpec(33, 4, 12, HashOp.Sha256)),
        ["tendermint"] = new(LengthPrefixedLeaf, new InnerSpec(32, 1, 1, HashOp.Sha256)),
        ["smt"] = new(
            new LeafOp(HashOp.Sha256, HashOp.Sha256, HashOp.Sha256, LengthOp.NoPrefix, new byte[] { 0 }),
            new InnerSpec(32, 1, 1, HashOp.Sha256, new byte[32]),
            MaxDepth: 256,
            PrehashKeyBeforeComparison: true),
    };

    private sealed record Vector(string Root, string Proof, string Key, string Value);

    private sealed record Case(string Name, ProofSpec Spec, byte[] Root, byte[] Key, byte[] Value, ExistenceProof? Exists, NonExistenceProof? Absent)
    {
        public IEnumerable<ExistenceProof> Paths => new[] { Exists, Absent?.Left, Absent?.Right }.OfType<ExistenceProof>();

        public void Verify() => Verify(Root, Key, Value);

        public void Verify(byte[] root, byte[] key, byte[] value)
        {
            if (Exists is not null) Ics23Verifier.VerifyMembership(Spec, root, Exists, key, value);
            else Ics23Verifier.VerifyNonMembership(Spec, root, Absent!, key);
        }
    }

    [SharedFact]
    public void All_eighteen_public_proofs_hold()
    {
        var cases = ReadAll();
        Assert.Equal(18, cases.Count);
        Assert.Equal(9, cases.Count(c => c.Exists is not null));
        Assert.All(cases, c => c.Verify());
    }

    [SharedFact]
    public void A_proof_fails_for_another_root_key_or_value() => Assert.All(ReadAll(), c =>
    {
        Refused(() => c.Verify(Flip(c.Root), c.Key, c.Value));
        if (c.Exists is null) Assert.All(c.Paths, path => Refused(() => c.Verify(c.Root, path.Key.ToArray(), c.Value)));
        if (c.Exists is null) return;
        Refused(() => c.Verify(c.Root, Flip(c.Key), c.Value));
        Refused(() => c.Verify(c.Root, c.Key, Flip(c.Value)));
    });

    [SharedFact]
    public void A_proof_fails_when_any_part_of_a_path_changes() => Assert.All(ReadAll(), c =>
    {
        foreach (var path in c.Paths)
        {
            Refused(() => With(c, path, path with { Key = Flip(path.Key) }).Verify());
            Refused(() => With(c, path, path with { Value = Flip(path.Value) }).Verify());
            Refused(() => With(c, path, path with { Leaf = null }).Verify());
            Refused(() => With(c, path, path with { Leaf = path.Leaf! with { Prefix = Flip(path.Leaf.Prefix) } }).Verify());
            Refused(() => With(c, path, path with { Path = [.. path.Path.Skip(1)] }).Verify());
            for (var i = 0; i < path.Path.Count; i++)
            {
                var step = path.Path[i];
                Refused(() => With(c, path, path with { Path = Replace(path.Path, i, step with { Prefix = Flip(step.Prefix) }) }).Verify());
                Refused(() => With(c, path, path with { Path = Replace(path.Path, i, step with { Suffix = Flip(step.Suffix) }) }).Verify());
                Refused(() => With(c, path, path with { Path = Replace(path.Path, i, step with { Hash = HashOp.Sha512 }) }).Verify());
            }
        }
    });

    [SharedFact]
    public void Leaving_out_a_neighbour_that_exists_is_noticed() => Assert.All(ReadAll().Where(c => c.Absent is { Left: not null, Right: not null }), c =>
    {
        Refused(() => (c with { Absent = c.Absent! with { Left = null } }).Verify());
        Refused(() => (c with { Absent = c.Absent! with { Right = null } }).Verify());
        Refused(() => (c with { Absent = new NonExistenceProof(null, null) }).Verify());
    });

    [Fact]
    public void The_same_leaf_twice_is_no_gap()
    {
        var leaf = new ExistenceProof("a"u8.ToArray(), "b"u8.ToArray(), Jellyfish.Spec.LeafSpec, []);
        Refused(() => Ics23Verifier.VerifyNonMembership(Jellyfish.Spec, leaf.CalculateRoot(), new NonExistenceProof(leaf, leaf), "c"u8));
    }

    private static void Refused(Action verify) => Assert.Throws<ProofException>(verify);

    private static Case With(Case c, ExistenceProof old, ExistenceProof changed)
    {
        if (ReferenceEquals(c.Exists, old)) return c with { Exists = changed };
        return c with { Absent = ReferenceEquals(c.Absent!.Left, old) ? c.Absent with { Left = changed } : c.Absent with { Right = changed } };
    }

    private static InnerOp[] Replace(IReadOnlyList<InnerOp> path, int index, InnerOp step)
    {
        InnerOp[] changed = [.. path];
        changed[index] = step;
        return changed;
    }

    private static byte[] Flip(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.IsEmpty) return [1];
        var changed = bytes.ToArray();
        changed[^1] ^= 1;
        return changed;
    }

    private static List<Case> ReadAll() => [.. Specs.SelectMany(spec => Directory
        .EnumerateFiles(SharedMaterial.PathOf("vectors/ics23/testdata/" + spec.Key), "*.json")
        .Select(file => Read($"{spec.Key}/{Path.GetFileName(file)}", spec.Value, JsonSerializer.Deserialize<Vector>(File.ReadAllText(file), CamelCase)!)))];

    private static Case Read(string name, ProofSpec spec, Vector vector)
    {
        var (exists, absent) = CommitmentProofDecoder.Decode(Convert.FromHexString(vector.Proof));
        return new Case(name, spec, Convert.FromHexString(vector.Root), Convert.FromHexString(vector.Key), Convert.FromHexString(vector.Value), exists, absent);
    }
}
