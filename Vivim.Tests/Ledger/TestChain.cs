using Vivim.Ledger;
using Vivim.Ledger.Execution;
using Vivim.Ledger.Storage;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;

namespace Vivim.Tests.Ledger;

/// <summary>A chain with one validator unless more are given, a second apart, on stores in memory unless others are given.</summary>
internal sealed class TestChain
{
    public const string ChainId = "vivim-test";
    public const long GenesisTime = 1_700_000_000_000;

    public static readonly SigningKey Validator = Person.KeyOf("validator");

    private readonly Dictionary<Hash256, ValidatorSet> sets = [];
    private readonly Dictionary<PublicKey, SigningKey> keys = new() { [Validator.PublicKey] = Validator };

    public TestChain(ChainParameters? parameters = null, IChainStore? chain = null, IStateStore? values = null, uint rulesVersion = 1, IReadOnlyList<GenesisValidator>? validators = null)
    {
        Genesis = GenesisWith(parameters ?? Parameters, rulesVersion);
        if (validators is not null) Genesis = Genesis with { Validators = validators };
        for (var i = 0; i < 10; i++) keys[ValidatorOf(i).Key.PublicKey] = ValidatorOf(i).Key;
        Chain = chain ?? new MemoryChainStore();
        Ledger = new NodeLedger(Genesis, Chain, values ?? new MemoryStateStore(), Ed25519Scheme.Instance);
        Remember();
    }

    public GenesisFile Genesis { get; }

    public IChainStore Chain { get; }

    public NodeLedger Ledger { get; }

    public ulong NextHeight => Ledger.Tip.Height + 1;

    /// <summary>As in the encodings that are written down: new networks' defaults may change, these bytes may not.</summary>
    public static readonly ChainParameters Parameters = new() { MaxBlockBytes = 8 << 20 };

    public static GenesisFile GenesisWith(ChainParameters parameters, uint rulesVersion = 1) => new()
    {
        ChainId = ChainId,
        Time = GenesisTime,
        RulesVersion = rulesVersion,
        Validators = [new GenesisValidator(Did.OfKey(Validator.PublicKey).ToString(), 10)],
        Parameters = parameters,
    };

    /// <summary>The next block with exactly these transactions, valid or not.</summary>
    public Block Make(params IReadOnlyList<TransactionEnvelope> transactions) => Make([], transactions);

    /// <summary>The next block with exactly this evidence and these transactions, valid or not.</summary>
    public Block Make(IReadOnlyList<Evidence> evidence, params IReadOnlyList<TransactionEnvelope> transactions) =>
        new(Ledger.Tip.NextHeader(0, GenesisTime + (long)NextHeight * 1_000, Ledger.Tip.Proposers.Proposer(0), transactions, evidence, Ledger.Tip.Certificate), [.. transactions], evidence, Ledger.Tip.Certificate);

    /// <summary>The next block with those of the candidates that may be included.</summary>
    public Block Assemble(IEnumerable<TransactionEnvelope> candidates, params IReadOnlyList<Evidence> evidence) =>
        Ledger.Assemble(candidates.Select(Decode), evidence, 0, GenesisTime + (long)NextHeight * 1_000, Ledger.Tip.Proposers.Proposer(0));

    public ExecutionResult Commit(params IReadOnlyList<TransactionEnvelope> transactions) => Commit(Make(transactions));

    public ExecutionResult Commit(Block block)
    {
        var result = Ledger.Commit(block, CertificateOf(block), static _ => false);
        Remember();
        return result;
    }

    /// <summary>A certificate by the whole set of the block's height, or without those at some places.</summary>
    public CommitCertificate CertificateOf(Block block, params int[] missing)
    {
        var set = sets.GetValueOrDefault(block.Header.ValidatorSetHash, Ledger.Tip.Validators);
        var all = Certify(block.Header, Enumerable.Range(0, set.Count).Select(i => keys[set[i].Key]));
        return all with { Signatures = [.. all.Signatures.Where(signature => !missing.Contains(signature.ValidatorIndex))] };
    }

    /// <summary>One of ten people who are, or can become, validators.</summary>
    public static Person ValidatorOf(int number) => new($"validator {number}");

    /// <summary>The first so many of them, each with a power of 1.</summary>
    public static IReadOnlyList<GenesisValidator> Validators(int count) => [.. Enumerable.Range(0, count).Select(i => new GenesisValidator(ValidatorOf(i).KeyDid.ToString(), 1))];

    /// <summary>Blocks and certificates as stored.</summary>
    public IEnumerable<(Block Block, CommitCertificate Certificate)> Stored()
    {
        for (var height = 1UL; height <= Ledger.Tip.Height; height++)
        {
            var record = Chain.Read(height)!;
            yield return (Block.FromBytes(record.Block), CommitCertificate.FromBytes(record.Certificate));
        }
    }

    private void Remember()
    {
        foreach (var set in new[] { Ledger.Tip.LastValidators, Ledger.Tip.Validators, Ledger.Tip.NextValidators }) sets[set.Hash] = set;
    }

    public static CommitCertificate Certify(Block block, SigningKey? key = null) => Certify(block.Header, [key ?? Validator]);

    /// <summary>A certificate by keys in the order of their set.</summary>
    public static CommitCertificate Certify(BlockHeader header, IEnumerable<SigningKey> keys, uint round = 0) => new(
        header.Height,
        round,
        header.Id,
        [.. keys.Select((key, index) => new CommitSignature((ushort)index, key.Sign(Vote.SignedBytes(VoteType.Precommit, header.Height, round, header.Id, ChainId))))]);

    public static Transaction Decode(TransactionEnvelope envelope) =>
        Transaction.TryDecode(envelope, out var transaction, out var refusal) ? transaction : throw new InvalidOperationException(refusal.Message);
}
