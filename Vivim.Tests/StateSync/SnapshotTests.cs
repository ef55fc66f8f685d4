using System.Security.Cryptography;
using FsCheck.Xunit;
using Vivim.Ledger;
using Vivim.Ledger.Snapshots;
using Vivim.Ledger.State;
using Vivim.Ledger.Storage.Sqlite;
using Vivim.Protocol;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;
using Vivim.Tests.Ledger;

namespace Vivim.Tests.StateSync;

/// <summary>Snapshots as such: what is cut, proven, refused and installed.</summary>
public sealed class SnapshotTests
{
    [Property(MaxTest = 25)]
    public void A_random_state_is_the_same_after_it_is_cut_sent_and_installed_and_goes_on(int seed)
    {
        var random = new System.Random(seed);
        using var source = new SnapshotSource(seed, height: (ulong)random.Next(1, 25));
        var manifest = SnapshotManifest.FromBytes(source.Manifest.ToBytes());
        manifest.Verify(source.Genesis);
        var (chain, values) = (new MemoryChainStore(), new MemoryStateStore());
        var ledger = new NodeLedger(source.Genesis, chain, values, Ed25519Scheme.Instance);
        ledger.Install(manifest, source.Rows());
        Assert.Equal((manifest.Height, manifest.StateRoot), (ledger.Tip.Height, ledger.Tip.StateRoot));
        Assert.Equal((manifest.Height, manifest.Height), chain.Heights());

        // Executing what follows takes the whole tip: rules, validators, proposers, nonces, quotas. Once from memory, once from what is stored.
        var following = source.Chain.Stored().Where(stored => stored.Block.Header.Height > manifest.Height).ToList();
        ledger.Commit(following[0].Block, following[0].Certificate, static _ => false);
        ledger = new NodeLedger(source.Genesis, chain, values, Ed25519Scheme.Instance);
        foreach (var (block, certificate) in following.Skip(1)) ledger.Commit(block, certificate, static _ => false);
        Assert.Equal(source.Chain.Ledger.Tip.StateRoot, ledger.Tip.StateRoot);
        Assert.Equal(source.Chain.Ledger.KeyCount, ledger.KeyCount);
        Assert.Equal(source.Chain.Chain.SetChangesBelow(ulong.MaxValue).Count, chain.SetChangesBelow(ulong.MaxValue).Count);
        ledger.Prove([source.Rows().First().Key])!.Verify(source.Genesis);
    }

    [Property(MaxTest = 100)]
    public void Chunks_of_any_size_fold_to_the_root_of_the_tree(int seed)
    {
        var random = new System.Random(seed);
        var leaves = Enumerable.Range(0, random.Next(200)).Select(_ => RandomNumberGenerator.GetBytes(random.Next(1, 40))).DistinctBy(Convert.ToHexString)
            .Select(key => new KeyValuePair<byte[], byte[]>(key, RandomNumberGenerator.GetBytes(random.Next(1, 100)))).OrderBy(leaf => Hash256.Of(leaf.Key)).ToArray();
        var tree = new StateTree();
        tree.Commit(1, [.. leaves.Select(leaf => new LeafChange(Hash256.Of(leaf.Key), Hash256.Of(leaf.Value)))]);
        var pieces = ChunkPlan.Of([.. leaves.Select(leaf => new ChunkPlan.LeafSize(Hash256.Of(leaf.Key), ChunkBody.SizeOf(leaf.Key, leaf.Value)))], random.Next(150, 5_000));
        var (entries, bodies, at) = (new List<ChunkEntry>(), new List<byte[]>(), 0);
        foreach (var piece in pieces)
        {
            var (body, subtree) = ChunkBody.Make(leaves[at..(at + piece.Leaves)], piece.Depth);
            at += piece.Leaves;
            entries.Add(new ChunkEntry(piece.Depth, (uint)piece.Leaves, (uint)body.Length, subtree.Hash));
            bodies.Add(body);
        }

        var map = new ChunkMap(entries);
        Assert.Equal(tree.Root, map.Root.Hash);
        Assert.Equal(leaves.Length, bodies.Select((body, i) => ChunkBody.Open(map, i, body).Count).Sum());

        // A gap, an overlap, one too many, two in the wrong order: never the same root.
        if (entries.Count < 2) return;
        var index = random.Next(entries.Count - 1);
        AssertOther([.. entries.Where((_, i) => i != index)]);
        AssertOther([.. entries, entries[index]]);
        AssertOther([.. entries[..index], entries[index] with { Depth = entries[index].Depth + 1 }, .. entries[(index + 1)..]]);
        if (entries[index].Hash != entries[index + 1].Hash) AssertOther([.. entries[..index], entries[index + 1], entries[index], .. entries[(index + 2)..]]);

        void AssertOther(List<ChunkEntry> changed)
        {
            try
            {
                Assert.NotEqual(tree.Root, new ChunkMap(changed).Root.Hash);
            }
            catch (MalformedException)
            {
                // Refused for its form already.
                Assert.NotEmpty(changed);
            }
        }
    }

    [Fact]
    public void A_changed_missing_doubled_or_reordered_leaf_is_refused_and_so_is_any_changed_byte()
    {
        using var source = new SnapshotSource(seed: 5, height: 12);
        var chunks = source.Manifest.Chunks;
        Assert.InRange(chunks.Count, 4, 1_000);
        var random = new System.Random(1);
        for (var index = 0; index < chunks.Count; index++)
        {
            if (chunks[index].Leaves == 0) continue;
            var body = source.Chunk(index);
            var leaves = ChunkBody.Open(chunks, index, body).ToList();
            for (var at = 0; at < body.Length; at++) Refused(index, [.. body[..at], (byte)(body[at] ^ (1 << random.Next(8))), .. body[(at + 1)..]]);
            Refused(index, Bytes(leaves[1..]));
            Refused(index, Bytes([.. leaves, leaves[^1]]));
            Refused(index, Bytes([leaves[0], .. leaves]));
            if (leaves.Count > 1) Refused(index, Bytes([.. leaves[1..], leaves[0]]));
            Refused(index, source.Chunk((index + 1) % chunks.Count));
            Refused(index, []);
        }

        byte[] Bytes(IReadOnlyList<KeyValuePair<byte[], byte[]>> leaves)
        {
            var writer = new CanonicalWriter();
            foreach (var (key, value) in leaves) writer.Bytes(key).Bytes(value);
            return writer.ToArray();
        }

        void Refused(int index, byte[] body) => Assert.Throws<SnapshotException>(() => ChunkBody.Open(chunks, index, body));
    }

    [Fact]
    public void A_leaf_added_under_a_count_that_allows_it_is_refused_by_the_hash_alone()
    {
        using var source = new SnapshotSource(seed: 5, height: 12);
        var chunks = source.Manifest.Chunks;
        var index = Enumerable.Range(0, chunks.Count).First(i => chunks[i].Leaves > 1);
        var leaves = ChunkBody.Open(chunks, index, source.Chunk(index)).ToArray();
        var forged = leaves.ToArray();
        forged[0] = new(forged[0].Key, [.. forged[0].Value[..^1], (byte)(forged[0].Value[^1] ^ 1)]);
        var (body, _) = ChunkBody.Make(forged, chunks[index].Depth);
        Assert.Contains("hashes to", Assert.Throws<SnapshotException>(() => ChunkBody.Open(chunks, index, body)).Message, StringComparison.Ordinal);
    }

    [Property(MaxTest = 300)]
    public void A_manifest_that_is_changed_anywhere_is_refused_or_another(int seed)
    {
        var random = new System.Random(seed);
        var good = Shared.Value.Manifest;
        var bytes = Mutation.Of(good.ToBytes(), random);
        if (bytes.AsSpan().SequenceEqual(good.ToBytes())) return;
        try
        {
            var read = SnapshotManifest.FromBytes(bytes);
            read.Verify(Shared.Value.Genesis);
            Assert.NotEqual(good.Id, read.Id);
        }
        catch (Exception e) when (e is MalformedException or SnapshotException)
        {
            Assert.NotEmpty(e.Message);
        }
    }

    [Fact]
    public void A_manifest_of_another_genesis_an_uncertified_state_or_other_receipts_is_refused()
    {
        using var source = new SnapshotSource(seed: 3, height: 10);
        var manifest = source.Manifest;
        Refused(manifest, source.Genesis with { Time = source.Genesis.Time + 1, Validators = TestChain.Validators(4) });
        Refused(manifest with { Chunks = new ChunkMap([new ChunkEntry(0, 1, 100, Hash256.Of([1]))]) }, source.Genesis);
        Refused(manifest with { Base = manifest.Base with { Receipts = manifest.Base.Receipts.Length == 0 ? new byte[Receipt.Size] : [] } }, source.Genesis);
        Refused(manifest with { Base = source.Chain.Chain.Read(manifest.Height - 1)! }, source.Genesis);
        Refused(manifest with { Certified = manifest.Certified with { Certificate = manifest.Certified.Certificate with { Signatures = [.. manifest.Certified.Certificate.Signatures.Take(1)] } } }, source.Genesis);
        manifest.Verify(source.Genesis);

        static void Refused(SnapshotManifest manifest, GenesisFile genesis) => Assert.Throws<SnapshotException>(() => manifest.Verify(genesis));
    }

    [Fact]
    public void An_installation_cut_short_at_any_point_leaves_an_empty_chain_that_can_install_again()
    {
        using var source = new SnapshotSource(seed: 8, height: 9);
        var rows = source.Rows().ToList();
        for (var point = 0; point < 4; point++)
        {
            using var folder = new TemporaryFolder();
            var (chainFile, stateFile) = (folder.PathOf("chain.db"), folder.PathOf("state.db"));
            using (var chain = new SqliteChainStore(chainFile))
            using (var values = new SqliteStateStore(stateFile))
            {
                var ledger = new NodeLedger(source.Genesis, chain, values, Ed25519Scheme.Instance);
                // The last: a node that had some of the chain by itself.
                if (point == 3) foreach (var (block, certificate) in source.Chain.Stored().Take(3)) ledger.Commit(block, certificate, static _ => false);
                if (point == 0) chain.BeginReplacing();
                if (point is 1 or 3) Assert.Throws<IOException>(() => ledger.Install(source.Manifest, Failing(rows, rows.Count / 2)));
                if (point != 2) continue;
                chain.BeginReplacing();
                values.Replace(source.Manifest.Height, rows);
            }

            using (var chain = new SqliteChainStore(chainFile))
            using (var values = new SqliteStateStore(stateFile))
            {
                var ledger = new NodeLedger(source.Genesis, chain, values, Ed25519Scheme.Instance);
                Assert.Equal((0UL, (0UL, 0UL), (ulong?)null), (ledger.Tip.Height, chain.Heights(), values.Height));
                ledger.Install(source.Manifest, rows);
                Assert.False(chain.IsBeingReplaced);
            }

            using var chainAgain = new SqliteChainStore(chainFile);
            using var valuesAgain = new SqliteStateStore(stateFile);
            Assert.Equal(source.Manifest.StateRoot, new NodeLedger(source.Genesis, chainAgain, valuesAgain, Ed25519Scheme.Instance).Tip.StateRoot);
        }

        static IEnumerable<KeyValuePair<byte[], byte[]>> Failing(List<KeyValuePair<byte[], byte[]>> rows, int after)
        {
            for (var i = 0; i < after; i++) yield return rows[i];
            throw new IOException("the power has gone");
        }
    }

    [Fact]
    public void A_state_that_is_not_the_certified_one_is_never_the_chains()
    {
        using var source = new SnapshotSource(seed: 8, height: 9);
        var chain = new MemoryChainStore();
        var ledger = new NodeLedger(source.Genesis, chain, new MemoryStateStore(), Ed25519Scheme.Instance);
        Assert.Throws<SnapshotException>(() => ledger.Install(source.Manifest, source.Rows().Skip(1)));
        Assert.True(chain.IsBeingReplaced);
        Assert.Equal((0UL, 0UL), chain.Heights());
    }

    [Fact]
    public void A_folder_offers_the_newest_after_a_restart_too_and_never_what_the_disk_has_damaged()
    {
        using var source = new SnapshotSource(seed: 2, height: 6, blocksAfter: 0);
        Assert.False(source.Folder.Complete(source.Draft, source.Chain.Chain));
        source.Commit();
        Assert.True(source.Folder.Complete(source.Draft, source.Chain.Chain));
        for (var i = 0; i < 2; i++)
        {
            source.Commit();
            var draft = source.Cut()!;
            source.Commit();
            Assert.True(source.Folder.Complete(draft, source.Chain.Chain));
        }

        Assert.Equal([10UL, 8UL], source.Folder.Offers.Select(offer => offer.Height));
        var path = Path.Combine(Path.GetDirectoryName(source.StateDatabase)!, "snapshots");
        var again = new SnapshotFolder(path, keep: 2);
        Assert.Equal(source.Folder.Offers, again.Offers);
        Assert.Equal(4, Directory.GetFiles(path).Length);

        var file = Directory.GetFiles(path, "*.chunks").Order().Last();
        var bytes = File.ReadAllBytes(file);
        bytes[10] ^= 1;
        File.WriteAllBytes(file, bytes);
        var damaged = again.Offers[0];
        Assert.Null(again.ReadChunk(damaged.Id, 0, out var damage));
        Assert.Contains($"the snapshot of height {damaged.Height} is damaged", damage, StringComparison.Ordinal);
        Assert.Null(again.ReadChunk(damaged.Id, 0, out damage));
        Assert.Null(damage);
        Assert.Equal([8UL], again.Offers.Select(offer => offer.Height));
        Assert.Null(source.Folder.Cut(source.StateDatabase, 1));
    }

    [Fact]
    public void A_damaged_state_database_is_not_offered()
    {
        using var source = new SnapshotSource(seed: 2, height: 6);
        var other = new SnapshotDraft(source.Draft.Height, new ChunkMap([new ChunkEntry(0, 1, 100, Hash256.Of([1]))]));
        Assert.Contains("folds to", Assert.Throws<SnapshotException>(() => source.Folder.Complete(other, source.Chain.Chain)).Message, StringComparison.Ordinal);
    }

    private static readonly Lazy<(SnapshotManifest Manifest, GenesisFile Genesis)> Shared = new(() =>
    {
        using var source = new SnapshotSource(seed: 4, height: 14);
        return (source.Manifest, source.Genesis);
    });
}
