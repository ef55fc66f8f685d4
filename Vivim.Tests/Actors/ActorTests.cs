using Akka.Actor;
using Akka.Configuration;
using Akka.TestKit.Xunit2;
using Vivim.Chain.Ledger;
using Vivim.Chain.Pool;
using Vivim.Ledger;
using Vivim.Ledger.Storage;
using Vivim.Ledger.Storage.Sqlite;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;
using Vivim.Tests.Gateway;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Tests.Actors;

/// <summary>Tests that start an actor system run one after another: a wait of theirs blocks a thread.</summary>
[CollectionDefinition(ActorTests.Collection)]
public sealed class ActorCollection;

/// <summary>
/// A chain of one validator, or as many as asked for, on real files, in an actor system configured as a node's: the same serializers, dispatchers
/// and journals. The journals can be told to fail. Local messages are not serialized on the way: the runtime's own have no form where its JSON fallback is off.
/// </summary>
public abstract class ActorTests : TestKit
{
    public const string Collection = "actors";

    private protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly DirectoryInfo folder;
    private readonly SqliteChainStore chainStore;
    private readonly SqliteStateStore stateStore;
    private readonly SqliteChainReader reader;

    protected ActorTests(int validators = 1)
        : this(Directory.CreateTempSubdirectory("vivim-actors-"), validators)
    {
    }

    private ActorTests(DirectoryInfo folder, int validators)
        : base(Configuration(folder), "vivim")
    {
        this.folder = folder;
        ValidatorKeys = [.. Enumerable.Range(0, validators).Select(_ => SigningKey.Generate())];
        Genesis = new GenesisFile
        {
            ChainId = "vivim-test",
            Time = 1_000,
            RulesVersion = 1,
            Validators = [.. ValidatorKeys.Select(key => new GenesisValidator(Did.OfKey(key.PublicKey).ToString(), 1))],
            Parameters = new ChainParameters { BlockIntervalMs = 250, EmptyBlockIntervalMs = 250 },
        };
        chainStore = new SqliteChainStore(FileOf("chain"));
        stateStore = new SqliteStateStore(FileOf("state"));
        reader = new SqliteChainReader(FileOf("chain"));
        var ledger = new NodeLedger(Genesis, chainStore, stateStore, Ed25519Scheme.Instance);
        Ledger = Sys.ActorOf(Props.Create(() => new LedgerActor(ledger, Verified, 0)).WithDispatcher(LedgerActor.Dispatcher), "ledger");
        JournalFaults.Reset();
    }

    private protected IReadOnlyList<SigningKey> ValidatorKeys { get; }

    /// <summary>The first, or only, validator's.</summary>
    private protected SigningKey ValidatorKey => ValidatorKeys[0];

    private protected GenesisFile Genesis { get; }

    private protected IActorRef Ledger { get; }

    private protected IChainReader ChainReader => reader;

    private protected VerifiedSignatures Verified { get; } = new();

    private protected string FileOf(string name) => Path.Combine(folder.FullName, name + ".db");

    /// <summary>Stops an actor, and waits until it is gone.</summary>
    private protected async Task End(IActorRef actor)
    {
        await WatchAsync(actor);
        Sys.Stop(actor);
        await ExpectTerminatedAsync(actor, Patience);
    }

    /// <summary>A registration: the only action for which nothing has to be committed before. A later nonce is included and fails.</summary>
    private protected TransactionEnvelope Registration(SigningKey key, ulong nonce)
    {
        var did = Did.OfKey(key.PublicKey).ToString();
        return TransactionEnvelope.Sign(
            new V1.TransactionBody { ChainId = Genesis.ChainId, Sender = did, Nonce = nonce, ExpiryHeight = 1_000, RegisterIdentity = new V1.RegisterIdentity { SigningKey = did, RotationKeys = { did } } },
            key);
    }

    /// <summary>Commits a block past the pool and the validator.</summary>
    private protected async Task<Block> Commit(params IReadOnlyList<TransactionEnvelope> envelopes)
    {
        var candidates = envelopes.Select(e => Transaction.TryDecode(e, out var transaction, out _) ? transaction : throw new InvalidOperationException()).ToList();
        var block = await Ledger.Read(l => l.Assemble(candidates, [], 0, l.Tip.Time + 1, ValidatorKey.PublicKey));
        var (height, id) = (block.Header.Height, block.Id);
        var vote = Vote.Sign(VoteType.Precommit, height, 0, id, Genesis.ChainId, ValidatorKey);
        await Ledger.Ask<BlockCommitted>(new CommitBlock(block, new CommitCertificate(height, 0, id, [new CommitSignature(0, vote.Signature)])), Patience);
        return block;
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        reader.Dispose();
        stateStore.Dispose();
        chainStore.Dispose();
        foreach (var key in ValidatorKeys) key.Dispose();
        folder.Delete(recursive: true);
    }

    private static Config Configuration(DirectoryInfo folder)
    {
        var node = TestSettings.Akka(folder, "WARNING");
        return ConfigurationFactory.ParseString("akka.loggers = [\"Akka.TestKit.TestEventListener, Akka.TestKit\"]")
            .WithFallback(FaultyJournal.Before("pool", node))
            .WithFallback(FaultyJournal.Before("consensus", node))
            .WithFallback(FaultyJournal.Before("tasks", node))
            .WithFallback(node);
    }
}
