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

/// <summary>A chain with one validator, a second apart, on stores in memory unless others are given.</summary>
internal sealed class TestChain
{
    public const string ChainId = "vivim-test";
    public const long GenesisTime = 1_700_000_000_000;

    public static readonly SigningKey Validator = Person.KeyOf("validator");

    public TestChain(ChainParameters? parameters = null, IChainStore? chain = null, IStateStore? values = null, uint rulesVersion = 1)
    {
        Genesis = GenesisWith(parameters ?? new ChainParameters(), rulesVersion);
        Chain = chain ?? new MemoryChainStore();
        Ledger = new NodeLedger(Genesis, Chain, values ?? new MemoryStateStore(), Ed25519Scheme.Instance);
    }

    public GenesisFile Genesis { get; }

    public IChainStore Chain { get; }

    public NodeLedger Ledger { get; }

    public ulong NextHeight => Ledger.Tip.Height + 1;

    public static GenesisFile GenesisWith(ChainParameters parameters, uint rulesVersion = 1) => new()
    {
        ChainId = ChainId,
        Time = GenesisTime,
        RulesVersion = rulesVersion,
        Validators = [new GenesisValidator(Did.OfKey(Validator.PublicKey).ToString(), 10)],
        Parameters = parameters,
    };

    /// <summary>The next block with exactly these transactions, valid or not.</summary>
    public Block Make(params IReadOnlyList<TransactionEnvelope> transactions) =>
        new(Ledger.Tip.NextHeader(0, GenesisTime + (long)NextHeight * 1_000, Validator.PublicKey, transactions), [.. transactions], [], Ledger.Tip.Certificate);

    /// <summary>The next block with those of the candidates that may be included.</summary>
    public Block Assemble(IEnumerable<TransactionEnvelope> candidates) =>
        Ledger.Assemble(candidates.Select(Decode), 0, GenesisTime + (long)NextHeight * 1_000, Validator.PublicKey);

    public ExecutionResult Commit(params IReadOnlyList<TransactionEnvelope> transactions) => Commit(Make(transactions));

    public ExecutionResult Commit(Block block) => Ledger.Commit(block, Certify(block), static _ => false);

    /// <summary>Blocks and certificates as stored.</summary>
    public IEnumerable<(Block Block, CommitCertificate Certificate)> Stored()
    {
        for (var height = 1UL; height <= Ledger.Tip.Height; height++)
        {
            var record = Chain.Read(height)!;
            yield return (Block.FromBytes(record.Block), CommitCertificate.FromBytes(record.Certificate));
        }
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
