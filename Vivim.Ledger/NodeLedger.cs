using Vivim.Ledger.Execution;
using Vivim.Ledger.Snapshots;
using Vivim.Ledger.State;
using Vivim.Ledger.Storage;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Proofs;
using Vivim.Protocol.Transactions;

namespace Vivim.Ledger;

/// <summary>A node's data do not belong together. The message says which, and what to do.</summary>
public sealed class LedgerMismatchException(string message) : Exception(message);

/// <summary>
/// A node's chain: verifies and executes decided blocks, keeps them, and answers for its state with proofs. Used by one thread.
/// </summary>
public sealed class NodeLedger
{
    /// <summary>Values not in the state store before a flush is due.</summary>
    private const int FlushThreshold = 50_000;

    private readonly IChainStore chain;
    private readonly IStateStore values;
    private readonly ISignatureScheme scheme;
    private readonly long historyBudget;
    private readonly JudgedBlocks judged = new();

    /// <summary>All changes of the validators since the genesis, since every proof has them.</summary>
    private readonly List<ValidatorSetChange> setChanges;
    private LedgerState state;
    private BlockHeader? head;

    /// <summary>Opens a chain, or starts one from the genesis; rebuilds the state from the stored values and newer change sets.</summary>
    /// <param name="scheme">Judges certificates; transactions are always signed with Ed25519.</param>
    /// <param name="historyBudget">Bytes of memory for undoing recent heights, so that they can be proven.</param>
    /// <exception cref="LedgerMismatchException">The stores belong to another genesis, or not together.</exception>
    /// <exception cref="RulesVersionUnknownException">The chain needs newer rules than this program has.</exception>
    public NodeLedger(GenesisFile genesis, IChainStore chain, IStateStore values, ISignatureScheme scheme, long historyBudget = 64 << 20)
    {
        this.chain = chain;
        this.values = values;
        this.scheme = scheme;
        this.historyBudget = historyBudget;
        if (chain.IsBeingReplaced) ForgetHalfInstalled();
        if (chain.Genesis is null) chain.Initialize(genesis.Hash);
        if (chain.Genesis != genesis.Hash) throw new LedgerMismatchException($"the chain database belongs to the genesis {chain.Genesis}, the genesis file is {genesis.Hash}: put back the file it was made with, or start in an empty data folder");
        var (_, newest) = chain.Heights();
        if (values.Height > newest) throw new LedgerMismatchException($"the state database is at height {values.Height}, the chain database ends at {newest}: remove the state and chain databases and let the node catch up from its peers");
        var last = newest == 0 ? null : chain.Read(newest) ?? throw new LedgerMismatchException($"the chain database lacks its last block {newest}");
        head = last is null ? null : Block.FromBytes(last.Block).Header;
        setChanges = [.. chain.SetChangesBelow(long.MaxValue)];
        state = new LedgerState(values, historyBudget);
        if (state.IsEmpty) state.Apply(0, GenesisState.Of(genesis));
        foreach (var (height, changes) in chain.ChangesAfter(state.Height))
        {
            if (height != state.Height + 1) break;
            if (height == newest && state.Root != head!.StateRoot) throw new LedgerMismatchException("the state database does not belong to the chain database: remove it and the chain database and let the node catch up from its peers");
            state.Apply(height, WriteSet.Decode(changes));
        }

        if (state.Height != newest) throw new LedgerMismatchException($"the state can be rebuilt up to height {state.Height}, the chain database ends at {newest}: remove the state and chain databases and let the node catch up from its peers");
        Tip = last is null ? ChainTip.Of(genesis, state.Root, state) : RestoreTip(last);
        ExecutionRules.For(Tip.System.RulesVersion, newest + 1);
    }

    /// <summary>What the next block is made from.</summary>
    public ChainTip Tip { get; private set; }

    /// <summary>The state after the tip.</summary>
    public IStateReader State => state;

    public long KeyCount => state.KeyCount;

    /// <summary>How many registrations the next block may include.</summary>
    public uint RegistrationsLeft => RegistrationCount.Read(state).LeftAt(Tip.Height + 1, Tip.System.Parameters);

    /// <summary>The height whose state the last header certifies, so that it can be proven; null before the first block.</summary>
    public ulong? CertifiedHeight => head is null ? null : head.Height - 1;

    /// <summary>The root of the certified state; null before the first block.</summary>
    public Hash256? CertifiedRoot => head?.StateRoot;

    /// <summary>A height that is kept and has the certified state: the latest, where the last block changed nothing.</summary>
    private ulong ProvableHeight => HasUncertifiedState ? Tip.Height - 1 : Tip.Height;

    /// <summary>Whether the last block changed the state, so that a next one is needed to certify it.</summary>
    public bool HasUncertifiedState => head is not null && Tip.StateRoot != head.StateRoot;

    /// <summary>True when a flush of the state's values is due.</summary>
    public bool FlushIsDue => state.Unflushed > FlushThreshold;

    /// <summary>Makes the next block from candidates, whose signatures have been verified, and evidence: those that may be included, in order, up to the chain's limits.</summary>
    /// <param name="proposer">To be valid, the one whose turn it is in <paramref name="round"/>.</param>
    public Block Assemble(IEnumerable<Transaction> candidates, IReadOnlyList<Evidence> evidence, uint round, long time, PublicKey proposer)
    {
        var parameters = Tip.System.Parameters;
        var rules = new InclusionRules(state, Tip.ChainId, Tip.Height + 1, parameters, Tip.Validators);
        var included = new List<TransactionEnvelope>();
        var bytes = 0L;
        foreach (var candidate in candidates)
        {
            if (included.Count >= parameters.MaxBlockTransactions || bytes + candidate.Envelope.Size > parameters.MaxBlockBytes) break;
            if (rules.TryInclude(candidate) is not null) continue;
            included.Add(candidate.Envelope);
            bytes += candidate.Envelope.Size;
        }

        var proven = EvidenceRules.Select(evidence, Tip, state, scheme);
        return new Block(Tip.NextHeader(round, time, proposer, included, proven, Tip.Certificate), included, proven, Tip.Certificate);
    }

    /// <summary>Null when the next block may carry the evidence, else a sentence saying why not.</summary>
    public string? EvidenceProblem(Evidence evidence) => EvidenceRules.Problem(evidence, Tip, state, scheme);

    /// <summary>Null when the block may follow the tip, else a sentence saying why not. A block found valid is remembered until the next commit.</summary>
    /// <exception cref="RulesVersionUnknownException">This program lacks the rules of the block's height, so it cannot tell.</exception>
    public string? Validate(Block block, Func<TransactionEnvelope, bool> isKnownValid)
    {
        try
        {
            Judge(block, isKnownValid);
            return null;
        }
        catch (InvalidBlockException e)
        {
            return e.Message;
        }
    }

    /// <summary>Executes and stores a decided block; durable when it returns.</summary>
    /// <exception cref="InvalidBlockException">The certificate does not hold, or the block does not follow the tip.</exception>
    public ExecutionResult Commit(Block block, CommitCertificate certificate, Func<TransactionEnvelope, bool> isKnownValid)
    {
        if (certificate.Height != block.Header.Height || certificate.BlockId != block.Id) throw new InvalidBlockException("the certificate is for another block");
        if (certificate.Verify(Tip.ChainId, Tip.Validators, scheme) is { } problem) throw new InvalidBlockException(problem);
        var transactions = Judge(block, isKnownValid);
        var result = BlockExecution.Execute(state, Tip, block, transactions);
        var receipts = EncodeAll(result.Receipts, Receipt.Size, static (r, w) => r.Encode(w));
        var events = EncodeAll(result.Events, LedgerEvent.Size, static (e, w) => e.Encode(w));
        var record = new BlockRecord(block.Header.Height, block.ToBytes(), certificate.ToBytes(), receipts, events);
        var setChange = Tip.NextValidators.Hash == Tip.Validators.Hash ? null : new ValidatorSetChange(block.Header, certificate, Tip.NextValidators);
        chain.Append(record, [.. transactions.Select(t => t.Id)], WriteSet.Encode(result.Changes), setChange);
        if (setChange is not null) setChanges.Add(setChange);
        var root = state.Apply(block.Header.Height, result.Changes);
        Tip = Tip.After(block, certificate, result, root, state);
        head = block.Header;
        judged.Clear();
        return result;
    }

    /// <summary>A proof file for keys of the certified state; null before the first block.</summary>
    /// <exception cref="ProofPrunedException">The node has just started on a state that no header certifies yet; the next block does.</exception>
    public ProofFile? Prove(IEnumerable<byte[]> keys) => head is null
        ? null
        : new ProofFile(head, Tip.Certificate!, [.. setChanges.TakeWhile(change => change.Header.Height < head.Height)], [.. keys.Select(key => new ProofEntry.State(state.Prove(ProvableHeight, key)))]);

    /// <summary>A key's value in the certified state, or null.</summary>
    /// <exception cref="ProofPrunedException">As for <see cref="Prove"/>.</exception>
    public byte[]? GetCertified(byte[] key) => head is null ? null : state.GetAt(ProvableHeight, key);

    /// <summary>Keys and values with a prefix after a key, ascending: of the certified state, or of the latest.</summary>
    /// <exception cref="ProofPrunedException">As for <see cref="Prove"/>.</exception>
    public IReadOnlyList<KeyValuePair<byte[], byte[]>> Range(byte[] prefix, byte[] after, int limit, bool certified) =>
        state.RangeAt(certified ? ProvableHeight : state.Height, prefix, after, limit);

    /// <summary>Starts a flush; see <see cref="LedgerState.BeginFlush"/>.</summary>
    public LedgerState.Flush? BeginFlush() => state.BeginFlush();

    /// <summary>Writes a flush to the state store; may run on another thread.</summary>
    public void WriteFlush(LedgerState.Flush flush) => values.Write(flush.Height, flush.Changes);

    /// <summary>A flush has been written: its change sets are no longer needed.</summary>
    public void CompleteFlush(LedgerState.Flush flush)
    {
        state.CompleteFlush();
        chain.DropChangesUpTo(flush.Height);
    }

    /// <summary>
    /// Puts a snapshot in the place of this chain, which then begins with the snapshot's block; durable when it returns. Cut short at any point, the
    /// next start finds an empty chain.
    /// </summary>
    /// <param name="manifest">Verified under this chain's genesis, and above the tip.</param>
    /// <param name="rows">Keys and values of the verified chunks; read one by one.</param>
    /// <exception cref="SnapshotException">They are not the state that the manifest names; this ledger can no longer be used.</exception>
    public void Install(SnapshotManifest manifest, IEnumerable<KeyValuePair<byte[], byte[]>> rows)
    {
        if (manifest.Height <= Tip.Height) throw new InvalidOperationException($"the snapshot of height {manifest.Height} is not above {Tip.Height}");
        chain.BeginReplacing();
        values.Replace(manifest.Height, rows);
        // From what is stored, so that it is also the proof that the store can be read again.
        var rebuilt = new LedgerState(values, historyBudget);
        if (rebuilt.Root != manifest.StateRoot) throw new SnapshotException($"the state of the snapshot has the root {rebuilt.Root}, certified is {manifest.StateRoot}");
        var block = Block.FromBytes(manifest.Base.Block);
        chain.Replace(manifest.Base, [.. block.Transactions.Select(envelope => envelope.IdOn(manifest.Certified.Header.ChainId))], manifest.Certified.SetChanges);
        setChanges.Clear();
        setChanges.AddRange(manifest.Certified.SetChanges);
        state = rebuilt;
        head = block.Header;
        judged.Clear();
        Tip = RestoreTip(manifest.Base);
    }

    /// <summary>Forgets blocks below a height; the last is always kept.</summary>
    public void DropBlocksBelow(ulong height) => chain.DropBlocksBelow(Math.Min(height, Tip.Height));

    private IReadOnlyList<Transaction> Judge(Block block, Func<TransactionEnvelope, bool> isKnownValid)
    {
        if (judged.Find(block) is { } known) return known;
        var transactions = BlockValidity.Check(block, Tip, state, scheme, isKnownValid);
        judged.Add(block, transactions);
        return transactions;
    }

    private void ForgetHalfInstalled()
    {
        // In this order: until the mark goes, this is done again.
        values.Clear();
        chain.Clear();
    }

    private ChainTip RestoreTip(BlockRecord record)
    {
        var block = Block.FromBytes(record.Block);
        var receipts = StoredReceipts.Decode(record.Receipts);
        var events = StoredEvents.Decode(record.Events);
        var result = new ExecutionResult(new Dictionary<byte[], byte[]?>(), receipts, events);
        return ChainTip.Ending(block, CommitCertificate.FromBytes(record.Certificate), result, state.Root, state);
    }

    private static byte[] EncodeAll<T>(IReadOnlyList<T> items, int size, Action<T, CanonicalWriter> encode)
    {
        var writer = new CanonicalWriter(items.Count * size);
        foreach (var item in items) encode(item, writer);
        return writer.ToArray();
    }
}
