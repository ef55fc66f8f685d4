using FsCheck.Xunit;
using Vivim.Ledger;
using Vivim.Ledger.Execution;
using Vivim.Ledger.State;
using Vivim.Ledger.Storage;
using Vivim.Ledger.Storage.Sqlite;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Keys;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;

namespace Vivim.Tests.Ledger;

public sealed class NodeLedgerTests
{
    private static readonly Person Alice = new("alice");
    private static readonly Person Bob = new("bob");

    [Property(MaxTest = 15)]
    public void A_node_that_restarts_anywhere_goes_on_with_the_same_chain(int seed)
    {
        using var folder = new TemporaryFolder();
        var random = new System.Random(seed);
        var traffic = new RandomTraffic(seed);
        var never = RandomTraffic.NewChain();
        var stores = new Stores(folder);
        var chain = RandomTraffic.NewChain(stores.Chain, stores.Values);
        LedgerState.Flush? flush = null;
        for (var i = 0; i < 20; i++)
        {
            var block = chain.Assemble(traffic.Next(chain.NextHeight), traffic.NextEvidence(chain.NextHeight));
            traffic.Included(block.Transactions.Select(TestChain.Decode));
            chain.Commit(block);
            never.Commit(block);

            if (flush is null && random.Next(3) == 0)
            {
                flush = chain.Ledger.BeginFlush();
                if (flush is not null && random.Next(2) == 0) chain.Ledger.WriteFlush(flush);
            }
            else if (flush is not null && random.Next(2) == 0)
            {
                chain.Ledger.WriteFlush(flush);
                chain.Ledger.CompleteFlush(flush);
                flush = null;
            }

            if (random.Next(3) == 0)
            {
                stores.Dispose();
                stores = new Stores(folder);
                chain = RandomTraffic.NewChain(stores.Chain, stores.Values);
                flush = null;
            }

            AssertSame(never.Ledger, chain.Ledger);
            AssertSameRecord(never.Chain.Read(never.Ledger.Tip.Height)!, chain.Chain.Read(chain.Ledger.Tip.Height)!);
            Assert.All(block.Transactions.Select((envelope, index) => (Id: envelope.IdOn(TestChain.ChainId), Index: (uint)index)), t => Assert.Equal(new TransactionPosition(block.Header.Height, t.Index), chain.Chain.Find(t.Id)));
        }

        stores.Dispose();
    }

    [Property(MaxTest = 15)]
    public void Anyone_who_executes_the_chain_again_finds_the_same(int seed)
    {
        var chain = RandomChain(seed);
        var verifier = new ChainVerifier(chain.Genesis);
        Assert.Equal((0UL, chain.Genesis.Hash), (verifier.Height, verifier.BlockId));
        foreach (var (block, certificate) in chain.Stored())
        {
            var record = chain.Chain.Read(block.Header.Height)!;
            var result = verifier.Add(block, certificate);
            Assert.Equal(StoredReceipts.Decode(record.Receipts), result.Receipts);
            Assert.Equal(StoredEvents.Decode(record.Events), result.Events);
        }

        Assert.Equal((chain.Ledger.Tip.Height, chain.Ledger.Tip.BlockId, chain.Ledger.Tip.StateRoot, chain.Ledger.KeyCount), (verifier.Height, verifier.BlockId, verifier.StateRoot, verifier.KeyCount));
    }

    [Property(MaxTest = 15)]
    public void A_chain_with_anything_tampered_is_refused(int seed)
    {
        var chain = RandomChain(seed);
        var blocks = chain.Stored().ToList();
        var at = blocks.FindIndex(2, b => b.Block.Transactions.Count > 1);
        if (at < 0) return;
        var (block, certificate) = blocks[at];
        (Block Block, CommitCertificate Certificate)[] tampered =
        [
            (block with { Transactions = [.. block.Transactions.Skip(1)] }, certificate),
            (block with { Transactions = [.. block.Transactions.Reverse()] }, certificate),
            (block with { Transactions = [.. block.Transactions, block.Transactions[0]] }, certificate),
            (block with { ParentCertificate = null }, certificate),
            (block, TestChain.Certify(block, Alice.Key)),
            (block, blocks[at - 1].Certificate),
            (block, certificate with { Round = 1 }),
            blocks[at - 1],
            at + 1 < blocks.Count ? blocks[at + 1] : blocks[at - 1],
            Recertified(chain, block, h => h with { ReceiptRoot = Hash256.Zero }),
            Recertified(chain, block, h => h with { StateRoot = Hash256.Zero }),
            Recertified(chain, block, h => h with { EventRoot = Hash256.Zero }),
            Recertified(chain, block, h => h with { Parent = blocks[at - 2].Block.Id }),
        ];
        var verifier = new ChainVerifier(chain.Genesis);
        foreach (var (good, by) in blocks.Take(at)) verifier.Add(good, by);
        var root = verifier.StateRoot;
        foreach (var (wrong, by) in tampered)
        {
            Assert.Throws<InvalidBlockException>(() => verifier.Add(wrong, by));
            Assert.Equal(((ulong)at, root), (verifier.Height, verifier.StateRoot));
        }

        verifier.Add(block, certificate);
    }

    [Fact]
    public void A_chain_of_another_genesis_is_refused_from_its_first_block()
    {
        var chain = RandomChain(1);
        var (block, certificate) = chain.Stored().First();
        var other = new ChainVerifier(chain.Genesis with { Time = chain.Genesis.Time - 1 });
        Assert.Contains("parent", Assert.Throws<InvalidBlockException>(() => other.Add(block, certificate)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Data_of_another_genesis_are_refused_with_what_to_do()
    {
        var chain = RandomChain(1);
        var refused = Assert.Throws<LedgerMismatchException>(() => new NodeLedger(chain.Genesis with { ChainId = "another" }, chain.Chain, new MemoryStateStore(), Ed25519Scheme.Instance));
        Assert.Contains("put back the file it was made with, or start in an empty data folder", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_state_ahead_of_its_chain_is_refused()
    {
        var values = new MemoryStateStore();
        var chain = new TestChain(values: values);
        chain.Commit(Alice.Register());
        Flush(chain.Ledger);
        var refused = Assert.Throws<LedgerMismatchException>(() => new NodeLedger(chain.Genesis, new MemoryChainStore(), values, Ed25519Scheme.Instance));
        Assert.Contains("the state database is at height 1, the chain database ends at 0", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_state_that_cannot_be_rebuilt_is_refused()
    {
        var chain = new TestChain();
        chain.Commit(Alice.Register());
        chain.Commit();
        chain.Chain.DropChangesUpTo(1);
        var refused = Assert.Throws<LedgerMismatchException>(() => new NodeLedger(chain.Genesis, chain.Chain, new MemoryStateStore(), Ed25519Scheme.Instance));
        Assert.Contains("the state can be rebuilt up to height 0, the chain database ends at 2", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_state_of_another_chain_is_refused()
    {
        var values = new MemoryStateStore();
        var other = new TestChain(values: values);
        other.Commit(Alice.Register());
        Flush(other.Ledger);
        var chain = new TestChain();
        chain.Commit(Bob.Register());
        chain.Commit();
        var refused = Assert.Throws<LedgerMismatchException>(() => new NodeLedger(chain.Genesis, chain.Chain, values, Ed25519Scheme.Instance));
        Assert.Contains("the state database does not belong to the chain database", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Empty_blocks_change_nothing_and_need_no_next_one()
    {
        var chain = new TestChain();
        Assert.Null(chain.Ledger.Prove([StateKey.RulesVersion]));
        Assert.Equal((null, null, false), (chain.Ledger.CertifiedHeight, chain.Ledger.CertifiedRoot, chain.Ledger.HasUncertifiedState));
        var root = chain.Ledger.Tip.StateRoot;
        chain.Commit();
        Assert.Equal((root, false, 0UL), (chain.Ledger.Tip.StateRoot, chain.Ledger.HasUncertifiedState, chain.Ledger.CertifiedHeight));
        chain.Commit(Alice.Register());
        Assert.Equal((true, 1UL, root), (chain.Ledger.HasUncertifiedState, chain.Ledger.CertifiedHeight, chain.Ledger.CertifiedRoot));
        Assert.Null(chain.Ledger.GetCertified(StateKey.Identity(Alice.Did)));
        chain.Commit();
        Assert.Equal((false, 2UL), (chain.Ledger.HasUncertifiedState, chain.Ledger.CertifiedHeight));
        Assert.NotNull(chain.Ledger.GetCertified(StateKey.Identity(Alice.Did)));
    }

    [Fact]
    public void After_a_restart_on_an_uncertified_state_proofs_wait_for_the_next_block()
    {
        var (store, values) = (new MemoryChainStore(), new MemoryStateStore());
        var chain = new TestChain(null, store, values);
        chain.Commit(Alice.Register());
        Flush(chain.Ledger);
        var again = new TestChain(null, store, values);
        Assert.Throws<ProofPrunedException>(() => again.Ledger.Prove([StateKey.RulesVersion]));
        again.Commit();
        again.Ledger.Prove([StateKey.Identity(Alice.Did)])!.Verify(again.Genesis);
    }

    [Fact]
    public void Old_blocks_go_with_their_positions_and_the_node_restarts_without_them()
    {
        using var folder = new TemporaryFolder();
        var stores = new Stores(folder);
        var chain = new TestChain(null, stores.Chain, stores.Values);
        chain.Commit(Alice.Register());
        chain.Commit(Bob.Register());
        chain.Commit(Alice.Follow(Bob.Did, 0));
        Flush(chain.Ledger);
        chain.Ledger.DropBlocksBelow(100);
        Assert.Equal((3UL, 3UL), chain.Chain.Heights());
        Assert.Null(chain.Chain.Read(2));
        Assert.Null(chain.Chain.ReadEvents(2));
        Assert.Null(chain.Chain.Find(Bob.Register().IdOn(TestChain.ChainId)));
        Assert.Equal(new TransactionPosition(3, 0), chain.Chain.Find(Alice.Follow(Bob.Did, 0).IdOn(TestChain.ChainId)));
        Assert.Equal(StoredEvents.Decode(chain.Chain.Read(3)!.Events), StoredEvents.Decode(chain.Chain.ReadEvents(3)!));
        stores.Dispose();
        stores = new Stores(folder);
        var again = new TestChain(null, stores.Chain, stores.Values);
        AssertSame(chain.Ledger.Tip, again.Ledger.Tip);
        again.Commit();
        stores.Dispose();
    }

    [Fact]
    public void A_file_that_is_no_database_is_named()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.PathOf("chain.db"), new string('x', 5_000));
        Assert.Contains(folder.PathOf("chain.db"), Assert.Throws<InvalidDataException>(() => new SqliteChainStore(folder.PathOf("chain.db"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_receipt_is_found_by_its_index()
    {
        var chain = new TestChain();
        var receipts = chain.Commit(Alice.Register(), Bob.Register(), Alice.Register(nonce: 1)).Receipts;
        var stored = chain.Chain.Read(1)!.Receipts;
        Assert.All(receipts, receipt => Assert.Equal(receipt, StoredReceipts.At(stored, receipt.Index)));
    }

    private static (Block, CommitCertificate) Recertified(TestChain chain, Block block, Func<BlockHeader, BlockHeader> change)
    {
        var changed = block with { Header = change(block.Header) };
        return (changed, chain.CertificateOf(changed));
    }

    private static TestChain RandomChain(int seed)
    {
        var traffic = new RandomTraffic(seed);
        var chain = RandomTraffic.NewChain();
        for (var i = 0; i < 10; i++)
        {
            var block = chain.Assemble(traffic.Next(chain.NextHeight), traffic.NextEvidence(chain.NextHeight));
            traffic.Included(block.Transactions.Select(TestChain.Decode));
            chain.Commit(block);
        }

        return chain;
    }

    private static void Flush(NodeLedger ledger)
    {
        var flush = ledger.BeginFlush()!;
        ledger.WriteFlush(flush);
        ledger.CompleteFlush(flush);
    }

    private static void AssertSame(NodeLedger expected, NodeLedger actual)
    {
        AssertSame(expected.Tip, actual.Tip);
        Assert.Equal((expected.KeyCount, expected.CertifiedHeight, expected.CertifiedRoot, expected.HasUncertifiedState), (actual.KeyCount, actual.CertifiedHeight, actual.CertifiedRoot, actual.HasUncertifiedState));
        Assert.Equal(expected.Range([], [], int.MaxValue, certified: false), actual.Range([], [], int.MaxValue, certified: false), (x, y) => KeyComparer.Instance.Equals(x.Key, y.Key) && KeyComparer.Instance.Equals(x.Value, y.Value));
    }

    private static void AssertSame(ChainTip expected, ChainTip actual)
    {
        Assert.Equal((expected.Height, expected.BlockId, expected.Time, expected.StateRoot, expected.ReceiptRoot, expected.EventRoot), (actual.Height, actual.BlockId, actual.Time, actual.StateRoot, actual.ReceiptRoot, actual.EventRoot));
        Assert.Equal((expected.ChainId, expected.Certificate?.Hash), (actual.ChainId, actual.Certificate?.Hash));
        Assert.Equal((expected.System.RulesVersion, expected.System.Parameters), (actual.System.RulesVersion, actual.System.Parameters));
        Assert.Equal((expected.LastValidators.Hash, expected.Validators.Hash, expected.NextValidators.Hash), (actual.LastValidators.Hash, actual.Validators.Hash, actual.NextValidators.Hash));
        Assert.Equal(expected.Proposers.Priorities, actual.Proposers.Priorities);
    }

    private static void AssertSameRecord(BlockRecord expected, BlockRecord actual)
    {
        Assert.Equal(expected.Block, actual.Block);
        Assert.Equal(expected.Certificate, actual.Certificate);
        Assert.Equal(expected.Receipts, actual.Receipts);
        Assert.Equal(expected.Events, actual.Events);
    }

    private sealed class Stores(TemporaryFolder folder) : IDisposable
    {
        public SqliteChainStore Chain { get; } = new(folder.PathOf("chain.db"));

        public SqliteStateStore Values { get; } = new(folder.PathOf("state.db"));

        public void Dispose()
        {
            Chain.Dispose();
            Values.Dispose();
        }
    }
}
