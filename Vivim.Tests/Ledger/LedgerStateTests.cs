using FsCheck.Xunit;
using Vivim.Ledger.State;
using Vivim.Ledger.Storage;
using Vivim.Ledger.Storage.Sqlite;
using Vivim.Protocol;
using Vivim.Protocol.Proofs;

namespace Vivim.Tests.Ledger;

public sealed class LedgerStateTests
{
    [Property(MaxTest = 10)]
    public void Every_kept_height_reads_ranges_and_proves_as_it_was_however_flushes_fall(int seed)
    {
        using var folder = new TemporaryFolder();
        Play(seed, () => new SqliteStateStore(folder.PathOf("state.db")));
    }

    [Property(MaxTest = 25)]
    public void Any_store_will_do(int seed)
    {
        var store = new MemoryStateStore();
        Play(seed, () => store);
    }

    [Property(MaxTest = 15)]
    public void Without_a_store_everything_is_in_memory(int seed) => Play(seed, () => null);

    [Fact]
    public void The_recent_past_is_kept_within_its_budget_and_the_height_before_the_last_always()
    {
        var state = new LedgerState(historyBudget: 0);
        for (var height = 0UL; height < 5; height++) state.Apply(height, Change((byte)height, 1));
        Assert.Equal(3UL, state.OldestHeight);
        Assert.Throws<ProofPrunedException>(() => state.GetAt(2, [0]));
        Assert.Throws<ProofPrunedException>(() => state.RangeAt(2, [], [], 10));
        Assert.Throws<ProofPrunedException>(() => state.Prove(2, [0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => state.GetAt(5, [0]));
        Assert.Null(state.GetAt(3, [4]));
        Assert.Equal([1], state.GetAt(4, [4]));

        var long_ = new LedgerState();
        for (var height = 0UL; height < 400; height++) long_.Apply(height, Change(0, (byte)height));
        Assert.Equal(399UL - LedgerState.MaxHistory, long_.OldestHeight);
        Assert.Equal([143], long_.GetAt(143, [0]));
    }

    [Fact]
    public void A_key_that_has_gone_everywhere_but_in_the_past_is_still_a_neighbour()
    {
        var store = new MemoryStateStore();
        var state = new LedgerState(store);
        state.Apply(0, Change(1, 1));
        var root = state.Root;
        state.Apply(1, new Dictionary<byte[], byte[]?>(KeyComparer.Instance) { [[1]] = null, [[2]] = [2] });
        Flush(state, store);
        Assert.Null(store.FindKey(Hash256.Of([1]).ToArray()));
        state.Prove(0, [3]).Verify(root);
        Assert.IsType<StateProof.Absence>(state.Prove(0, [3]));
    }

    [Fact]
    public void One_flush_at_a_time_and_none_without_a_store()
    {
        var store = new MemoryStateStore();
        var state = new LedgerState(store);
        state.Apply(0, Change(1, 1));
        var flush = state.BeginFlush()!;
        Assert.Equal((0UL, 0), (flush.Height, state.Unflushed));
        Assert.Null(state.BeginFlush());
        state.Apply(1, Change(1, 2));
        Assert.Equal(1, state.Unflushed);
        Assert.Equal([2], state.Get([1]));
        store.Write(flush.Height, flush.Changes);
        state.CompleteFlush();
        Assert.Equal([2], state.Get([1]));
        Assert.Equal([1], state.GetAt(0, [1]));
        Assert.NotNull(state.BeginFlush());

        var memory = new LedgerState();
        memory.Apply(0, Change(1, 1));
        Assert.Null(memory.BeginFlush());
    }

    /// <summary>Changes, flushes and restarts at random; after each, everything kept is compared with the values written down.</summary>
    private static void Play(int seed, Func<IStateStore?> open)
    {
        var random = new System.Random(seed);
        var store = open();
        var state = new LedgerState(store);
        var model = new List<(SortedDictionary<byte[], byte[]> Values, Hash256 Root, Dictionary<byte[], byte[]?> Changes)>();
        LedgerState.Flush? flush = null;
        var isWritten = false;
        for (var step = 0; step < 40; step++)
        {
            switch (random.Next(6))
            {
                case 0 or 1 or 2 when model.Count > 0 && flush is null:
                    (flush, isWritten) = (state.BeginFlush(), false);
                    break;
                case 0 or 1 or 2 when flush is not null && !isWritten:
                    store!.Write(flush.Height, flush.Changes);
                    isWritten = true;
                    break;
                case 0 or 1 or 2 when flush is not null && isWritten:
                    state.CompleteFlush();
                    flush = null;
                    break;
                case 3 when store is not null && random.Next(3) == 0:
                    (store as IDisposable)?.Dispose();
                    store = open()!;
                    state = new LedgerState(store);
                    foreach (var (past, height) in model.Select((past, height) => (past, (ulong)height)).Where(row => store.Height is not { } stored || row.Item2 > stored)) Assert.Equal(past.Root, state.Apply(height, past.Changes));
                    flush = null;
                    break;
                default:
                    var changes = RandomChanges(random);
                    var values = new SortedDictionary<byte[], byte[]>(model.Count == 0 ? [] : model[^1].Values.ToDictionary(KeyComparer.Instance), KeyComparer.Instance);
                    foreach (var (key, value) in changes)
                    {
                        if (value is null) values.Remove(key);
                        else values[key] = value;
                    }

                    model.Add((values, state.Apply((ulong)model.Count, changes), changes));
                    break;
            }

            if (model.Count > 0) AssertAll(state, model.ConvertAll(m => (m.Values, m.Root)), random);
        }

        (store as IDisposable)?.Dispose();
    }

    private static void AssertAll(LedgerState state, List<(SortedDictionary<byte[], byte[]> Values, Hash256 Root)> model, System.Random random)
    {
        Assert.Equal(((ulong)model.Count - 1, model[^1].Root, model[^1].Values.Count), (state.Height, state.Root, state.KeyCount));
        for (var height = state.OldestHeight; height <= state.Height; height++)
        {
            var (values, root) = model[(int)height];
            for (var i = 0; i < 6; i++)
            {
                var key = RandomKey(random);
                Assert.Equal(values.GetValueOrDefault(key), state.GetAt(height, key));
                if (height == state.Height) Assert.Equal(values.GetValueOrDefault(key), state.Get(key));
                if (values.Count == 0) continue;
                var proof = state.Prove(height, key);
                proof.Verify(root);
                Assert.Equal(key, proof.Key.ToArray());
                Assert.Equal(values.GetValueOrDefault(key), (proof as StateProof.Existence)?.Leaf.Value.ToArray());
            }

            byte[] prefix = random.Next(3) == 0 ? [] : [(byte)random.Next(4)];
            byte[] after = random.Next(3) == 0 ? [] : RandomKey(random);
            var limit = random.Next(8);
            var expected = values.Where(row => row.Key.AsSpan().StartsWith(prefix) && KeyComparer.Instance.Compare(row.Key, after) > 0).Take(limit);
            Assert.Equal(expected.Select(Text), state.RangeAt(height, prefix, after, limit).Select(Text));
        }

        static string Text(KeyValuePair<byte[], byte[]> row) => $"{Convert.ToHexString(row.Key)}={Convert.ToHexString(row.Value)}";
    }

    private static Dictionary<byte[], byte[]?> RandomChanges(System.Random random)
    {
        var changes = new Dictionary<byte[], byte[]?>(KeyComparer.Instance);
        for (var i = random.Next(8); i > 0; i--) changes[RandomKey(random)] = random.Next(3) == 0 ? null : [(byte)random.Next(3)];
        return changes;
    }

    private static byte[] RandomKey(System.Random random) => random.Next(3) == 0 ? [(byte)random.Next(4)] : [(byte)random.Next(4), (byte)random.Next(5)];

    private static Dictionary<byte[], byte[]?> Change(byte key, byte value) => new(KeyComparer.Instance) { [[key]] = [value] };

    private static void Flush(LedgerState state, MemoryStateStore store)
    {
        var flush = state.BeginFlush()!;
        store.Write(flush.Height, flush.Changes);
        state.CompleteFlush();
    }
}
