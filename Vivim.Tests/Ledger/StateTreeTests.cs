using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Vivim.Ledger.State;
using Vivim.Protocol;
using Vivim.Protocol.Proofs;
using Vivim.Protocol.Proofs.Ics23;

namespace Vivim.Tests.Ledger;

public sealed class StateTreeTests
{
    private static readonly Hash256 Anchor = Hash256.Of("anchor"u8);

    /// <summary>Each bit of a small number turns one of these bits of a hash, so that keys share prefixes of up to 255 bits.</summary>
    private static readonly int[] TurnedBits = [0, 1, 7, 64, 65, 128, 254, 255];

    /// <summary>The tree's spec for leaves given by their hashes: what a grinder could reach, tests can simply write down.</summary>
    private static readonly ProofSpec HashedSpec = Jellyfish.Spec with
    {
        LeafSpec = Jellyfish.Spec.LeafSpec with { PrehashKey = HashOp.None, PrehashValue = HashOp.None },
    };

    private sealed record VectorFile(Vector[] Vectors);

    private sealed record Vector(string Expected_root, Pair[] Data);

    private sealed record Pair(string Key, string Value);

    /// <summary>Commits of changes to keys 0 to 255; no value deletes.</summary>
    public sealed record History(IReadOnlyList<IReadOnlyList<(byte Key, byte? Value)>> Commits)
    {
        public override string ToString() => string.Join(" | ", Commits.Select(commit => string.Join(' ', commit.Select(change => $"{change.Key}:{change.Value?.ToString() ?? "-"}"))));
    }

    private static class Histories
    {
        public static Arbitrary<History> Any()
        {
            var key = Gen.OneOf(Gen.Choose(0, 255), Gen.Choose(0, 7), Gen.Elements(0, 64, 128, 192));
            var value = Gen.Frequency((2, Gen.Choose(0, 2).Select(v => (byte?)v)), (1, Gen.Constant<byte?>(null)));
            var change = from k in key from v in value select ((byte)k, v);
            var commit = change.ListOf().Select(changes => (IReadOnlyList<(byte, byte?)>)[.. changes.DistinctBy(c => c.Item1)]);
            return commit.ListOf().Select(commits => new History([.. commits])).ToArbitrary();
        }
    }

    [SharedFact]
    public void The_public_roots_are_reached()
    {
        var file = JsonSerializer.Deserialize<VectorFile>(File.ReadAllText(SharedMaterial.PathOf("vectors/jellyfish/src/tests/sha2_256_vectors.json")), JsonSerializerOptions.Web)!;
        Assert.Equal(3, file.Vectors.Length);
        foreach (var vector in file.Vectors)
        {
            var tree = new StateTree();
            tree.Commit(1, [.. vector.Data.Select(pair => new LeafChange(Hash256.Of(Convert.FromHexString(pair.Key)), Hash256.Of(Convert.FromHexString(pair.Value))))]);
            Assert.Equal(vector.Expected_root, tree.Root.ToString());
        }
    }

    [Property(Arbitrary = [typeof(Histories)])]
    public void Every_version_kept_has_the_root_and_the_paths_of_its_definition(History history)
    {
        var (tree, expected) = Play(history);
        for (var i = 0; i < expected.Count; i++)
        {
            var version = VersionOf(i);
            Assert.Equal(expected[i].Root, tree.RootAt(version));
            foreach (var key in expected[i].Keys)
            {
                var path = tree.Find(version, key);
                Assert.NotNull(path);
                Assert.Equal((key, expected[i][key]), (path.KeyHash, path.ValueHash));
                Assert.Equal(expected[i].SiblingsOf(key), path.Siblings);
            }
        }
    }

    [Property(Arbitrary = [typeof(Histories)])]
    public void The_latest_version_knows_its_keys(History history)
    {
        var (tree, expected) = Play(history);
        var latest = expected.LastOrDefault() ?? new NaiveStateTree();
        Assert.Equal(latest.Count, tree.Count);
        Assert.Equal(latest.Root, tree.Root);
        Assert.All(AllKeys(), key => Assert.Equal(latest.Contains(key), tree.Contains(key)));
    }

    [Property(Arbitrary = [typeof(Histories)])]
    public void Absent_keys_have_their_nearest_leaves_as_neighbours(History history, byte probe)
    {
        var (tree, expected) = Play(history);
        for (var i = 0; i < expected.Count; i++)
        {
            var key = KeyOf(probe);
            if (expected[i].Contains(key))
            {
                Assert.Throws<ArgumentException>(() => tree.Neighbours(VersionOf(i), key));
                continue;
            }

            Assert.Null(tree.Find(VersionOf(i), key));
            var (left, right) = tree.Neighbours(VersionOf(i), key);
            Assert.Equal(expected[i].Keys.Where(k => k < key).Select(k => (Hash256?)k).LastOrDefault(), left?.KeyHash);
            Assert.Equal(expected[i].Keys.Where(k => k > key).Select(k => (Hash256?)k).FirstOrDefault(), right?.KeyHash);
            Assert.All(new[] { left, right }.OfType<TreePath>(), path => Assert.Equal(expected[i].SiblingsOf(path.KeyHash), path.Siblings));
        }
    }

    [Property(Arbitrary = [typeof(Histories)])]
    public void Existence_and_absence_of_every_key_are_provable_in_ics23_and_a_changed_byte_is_noticed(History history, byte probe, int tamper)
    {
        var (tree, expected) = Play(history);
        if (expected.Count == 0 || expected[^1].Count == 0) return;
        var root = tree.Root.ToArray();
        var random = new System.Random(tamper);
        foreach (var key in expected[^1].Keys.Append(KeyOf(probe)))
        {
            if (tree.Find(tree.Version, key) is { } path)
            {
                var proof = ToIcs23(path);
                Ics23Verifier.VerifyMembership(HashedSpec, root, proof, key.Bytes, path.ValueHash.Bytes);
                var changed = Tamper(proof, random);
                Assert.Throws<ProofException>(() => Ics23Verifier.VerifyMembership(HashedSpec, root, changed, changed.Key.Span, changed.Value.Span));
            }
            else
            {
                var (left, right) = tree.Neighbours(tree.Version, key);
                var proof = new NonExistenceProof(left is null ? null : ToIcs23(left), right is null ? null : ToIcs23(right));
                Ics23Verifier.VerifyNonMembership(HashedSpec, root, proof, key.Bytes);
                var changed = proof.Left is null ? proof with { Right = Tamper(proof.Right!, random) } : proof with { Left = Tamper(proof.Left, random) };
                Assert.Throws<ProofException>(() => Ics23Verifier.VerifyNonMembership(HashedSpec, root, changed, key.Bytes));
            }
        }
    }

    [Property(Arbitrary = [typeof(Histories)])]
    public void A_present_key_cannot_be_proven_absent_by_leaves_around_it(History history)
    {
        var (tree, expected) = Play(history);
        if (expected.Count == 0 || expected[^1].Count < 2) return;
        var (root, keys) = (tree.Root.ToArray(), expected[^1].Keys.ToArray());
        for (var i = 0; i < keys.Length; i++)
        {
            var key = keys[i];
            var left = i == 0 ? null : ToIcs23(tree.Find(tree.Version, keys[i - 1])!);
            var right = i == keys.Length - 1 ? null : ToIcs23(tree.Find(tree.Version, keys[i + 1])!);
            Assert.Throws<ProofException>(() => Ics23Verifier.VerifyNonMembership(HashedSpec, root, new NonExistenceProof(left, right), key.Bytes));
        }
    }

    [Property(Arbitrary = [typeof(Histories)])]
    public void Pruning_keeps_the_rest_right_and_leaks_nothing(History history, byte keepFrom)
    {
        var (tree, expected) = Play(history);
        if (expected.Count == 0) return;
        var first = keepFrom % expected.Count;
        tree.Prune(VersionOf(first));

        Assert.Equal(VersionOf(first), tree.OldestVersion);
        for (var i = 0; i < first; i++) Assert.Throws<ProofPrunedException>(() => tree.RootAt(VersionOf(i)));
        for (var i = first; i < expected.Count; i++)
        {
            Assert.Equal(expected[i].Root, tree.RootAt(VersionOf(i)));
            Assert.All(expected[i].Keys, key => Assert.Equal(expected[i].SiblingsOf(key), tree.Find(VersionOf(i), key)!.Siblings));
        }

        tree.Prune(tree.Version);
        var fresh = new StateTree();
        fresh.Commit(1, [.. expected[^1].Keys.Select(key => new LeafChange(key, expected[^1][key]))]);
        Assert.Equal(0, tree.RetainedBytes);
        Assert.Equal(fresh.NodeCount, tree.NodeCount);
    }

    [Property(Arbitrary = [typeof(Histories)])]
    public void Freed_places_are_used_again_without_harm(History history)
    {
        var tree = new StateTree();
        var expected = new NaiveStateTree();
        for (var i = 0; i < history.Commits.Count; i++)
        {
            expected = expected.With(Changes(history.Commits[i]));
            tree.Commit(VersionOf(i), [.. Changes(history.Commits[i]).Select(c => new LeafChange(c.Key, c.Value))]);
            tree.Prune(i < 2 ? 0 : VersionOf(i - 1));
            Assert.Equal(expected.Root, tree.Root);
        }

        Assert.All(expected.Keys, key => Assert.Equal(expected.SiblingsOf(key), tree.Find(tree.Version, key)!.Siblings));
    }

    [Fact]
    public void Deleting_everything_leaves_the_empty_tree()
    {
        var tree = new StateTree();
        tree.Commit(1, [.. AllKeys().Select(key => new LeafChange(key, key))]);
        Assert.Equal(Jellyfish.Placeholder, tree.Commit(2, [.. AllKeys().Select(key => new LeafChange(key, null))]));
        Assert.Equal((0, (null, null)), (tree.Count, tree.Neighbours(2, Anchor)));
        tree.Prune(2);
        Assert.Equal(0, tree.NodeCount);
    }

    [Fact]
    public void A_change_that_changes_nothing_retires_nothing()
    {
        var tree = new StateTree();
        tree.Commit(1, [new(KeyOf(1), Anchor), new(KeyOf(2), Anchor)]);
        var nodes = tree.NodeCount;
        Assert.Equal(tree.Root, tree.Commit(2, [new(KeyOf(1), Anchor), new(KeyOf(3), null)]));
        Assert.Equal((nodes, 0), (tree.NodeCount, tree.RetainedBytes));
    }

    [Fact]
    public void The_owner_can_prune_under_a_byte_budget()
    {
        const long Budget = 200_000;
        var tree = new StateTree();
        for (var version = 1UL; version <= 100; version++)
        {
            tree.Commit(version, [.. AllKeys().Take(16).Select(key => new LeafChange(key, Hash256.Of(BitConverter.GetBytes(version))))]);
            while (tree.RetainedBytes > Budget) tree.Prune(tree.OldestVersion + 1);
        }

        Assert.InRange(tree.RetainedBytes, 1, Budget);
        Assert.InRange(tree.OldestVersion, 2UL, 99UL);
    }

    [Fact]
    public void A_key_changed_twice_is_refused_and_nothing_happens()
    {
        var tree = new StateTree();
        tree.Commit(1, [new(KeyOf(1), Anchor)]);
        var root = tree.Root;
        Assert.Throws<ArgumentException>(() => tree.Commit(2, [new(KeyOf(2), Anchor), new(KeyOf(2), null)]));
        Assert.Equal((root, 1UL, 1L), (tree.Root, tree.Version, tree.Count));
    }

    [Fact]
    public void Versions_only_grow_and_only_committed_ones_can_be_read()
    {
        var tree = new StateTree();
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.RootAt(0));
        tree.Commit(0, []);
        tree.Commit(7, [new(KeyOf(1), Anchor)]);
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.Commit(7, []));
        Assert.Equal((Jellyfish.Placeholder, tree.Root), (tree.RootAt(0), tree.RootAt(7)));
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.RootAt(3));
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.RootAt(8));
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.Prune(8));
        tree.Prune(3);
        Assert.Equal(7UL, tree.OldestVersion);
        var pruned = Assert.Throws<ProofPrunedException>(() => tree.Find(3, KeyOf(1)));
        Assert.Equal((3UL, 7UL), (pruned.Version, pruned.Oldest));
    }

    private static (StateTree Tree, List<NaiveStateTree> Expected) Play(History history)
    {
        var tree = new StateTree();
        var expected = new List<NaiveStateTree>();
        for (var i = 0; i < history.Commits.Count; i++)
        {
            expected.Add((expected.LastOrDefault() ?? new NaiveStateTree()).With(Changes(history.Commits[i])));
            tree.Commit(VersionOf(i), [.. Changes(history.Commits[i]).Select(c => new LeafChange(c.Key, c.Value))]);
        }

        return (tree, expected);
    }

    /// <summary>Heights need not be consecutive.</summary>
    private static ulong VersionOf(int commit) => 10 + 3 * (ulong)commit;

    private static IEnumerable<(Hash256 Key, Hash256? Value)> Changes(IReadOnlyList<(byte Key, byte? Value)> commit) =>
        commit.Select(change => (KeyOf(change.Key), change.Value is { } value ? Hash256.Of([value]) : (Hash256?)null));

    private static IEnumerable<Hash256> AllKeys() => Enumerable.Range(0, 256).Select(number => KeyOf((byte)number));

    private static Hash256 KeyOf(byte number)
    {
        var bytes = Anchor.ToArray();
        for (var i = 0; i < TurnedBits.Length; i++)
            if ((number >> i & 1) != 0) bytes[TurnedBits[i] >> 3] ^= (byte)(0x80 >> (TurnedBits[i] & 7));
        return new Hash256(bytes);
    }

    private static ExistenceProof ToIcs23(TreePath path) => new(
        path.KeyHash.ToArray(),
        path.ValueHash.ToArray(),
        HashedSpec.LeafSpec,
        [.. path.Siblings.Select((sibling, level) => path.KeyHash.Bit(path.Siblings.Count - 1 - level)
            ? new InnerOp(HashOp.Sha256, (byte[])[.. "JMT::IntrnalNode"u8, .. sibling.Bytes], ReadOnlyMemory<byte>.Empty)
            : new InnerOp(HashOp.Sha256, "JMT::IntrnalNode"u8.ToArray(), sibling.ToArray()))]);

    private static ExistenceProof Tamper(ExistenceProof proof, System.Random random)
    {
        var step = random.Next(-3, proof.Path.Count);
        if (step == -3) return proof with { Key = FlipOne(proof.Key, random) };
        if (step == -2) return proof with { Value = FlipOne(proof.Value, random) };
        if (step == -1) return proof with { Leaf = proof.Leaf! with { Prefix = FlipOne(proof.Leaf.Prefix, random) } };
        InnerOp[] path = [.. proof.Path];
        path[step] = path[step].Suffix.IsEmpty || random.Next(2) == 0
            ? path[step] with { Prefix = FlipOne(path[step].Prefix, random) }
            : path[step] with { Suffix = FlipOne(path[step].Suffix, random) };
        return proof with { Path = path };
    }

    private static byte[] FlipOne(ReadOnlyMemory<byte> bytes, System.Random random)
    {
        var changed = bytes.ToArray();
        changed[random.Next(changed.Length)] ^= (byte)random.Next(1, 256);
        return changed;
    }
}
