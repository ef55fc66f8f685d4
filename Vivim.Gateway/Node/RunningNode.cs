using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Routing;
using Akka.Streams;
using Microsoft.Data.Sqlite;
using Npgsql;
using Vivim.Actors.Supervision;
using Vivim.Actors.Workers;
using Vivim.Chain.Consensus;
using Vivim.Chain.Ledger;
using Vivim.Chain.Pool;
using Vivim.Chain.Queries;
using Vivim.Chain.StateSync;
using Vivim.Chain.Sync;
using Vivim.Gateway.Clustering;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Metrics;
using Vivim.Gateway.Workers;
using Vivim.Ledger;
using Vivim.Ledger.Execution;
using Vivim.Ledger.Storage;
using Vivim.Ledger.Storage.Sqlite;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;

namespace Vivim.Gateway.Node;

/// <summary>
/// A node that is up: its actor system, stores and chain. The composition root: everything is made and wired here.
/// </summary>
internal sealed class RunningNode : IAsyncDisposable
{
    private static readonly TimeSpan PoolLimit = TimeSpan.FromSeconds(10);

    private readonly NodeSettings settings;
    private readonly TimeProvider clock;
    private readonly Network network;
    private readonly ISignerStore signers;
    private readonly NodeRegistry? ownName;
    private readonly NodeActors actors;
    private readonly List<IDisposable> owned;
    private readonly WorkerRegistry workerTypes;
    private volatile IActorRef pool;
    private volatile NodeWorkers? workers;

    private RunningNode(NodeSettings settings, TimeProvider clock, Network network, ISignerStore signers, NodeRegistry? ownName, NodeActors actors, IActorRef pool, NodeBackups? backups, WorkerRegistry workerTypes, IChainReader chain, IChainReader scanned, List<IDisposable> owned)
    {
        this.settings = settings;
        this.clock = clock;
        this.network = network;
        this.signers = signers;
        this.ownName = ownName;
        this.actors = actors;
        this.pool = pool;
        this.workerTypes = workerTypes;
        this.owned = owned;
        Chain = chain;
        Queries = new NodeQueries(chain, scanned, actors.Heights, actors.Waits, new PoolLookup(find => Pool.AskPool<TransactionsFound>(find, PoolLimit, CancellationToken.None)), clock);
        Backups = backups;
        Supervision = new SupervisionFeed(System);
        Accepted = new AcceptedTransactions(clock);
        Streams = System.Materializer();
    }

    public ActorSystem System => actors.System;

    public GenesisFile Genesis => network.Genesis;

    /// <summary>The did:key of the network's operator key, who may administer it.</summary>
    public Did Operator => network.Operator;

    /// <summary>The node's <see cref="LedgerActor"/>.</summary>
    public IActorRef Ledger => actors.Ledger;

    /// <summary>The node's <see cref="SyncActor"/>.</summary>
    public IActorRef Sync => actors.Sync;

    /// <summary>The node's <see cref="StateSyncActor"/>.</summary>
    public IActorRef StateSync => actors.StateSync;

    /// <summary>The shard region of <see cref="PoolPartition"/>.</summary>
    public IActorRef Pool => pool;

    /// <summary>The service workers.</summary>
    /// <exception cref="Grpc.Core.RpcException">NOT_READY: this node does not host any yet.</exception>
    public NodeWorkers Workers => workers ?? throw Rpc.RpcErrors.NotReady();

    public IChainReader Chain { get; }

    /// <summary>What callers ask of the chain, with a bound for each caller and in all.</summary>
    public NodeQueries Queries { get; }

    /// <summary>The node's backups; null where none are made.</summary>
    public NodeBackups? Backups { get; }

    public HeightSignal Heights => actors.Heights;

    /// <summary>The supervision logs of all nodes of the cluster.</summary>
    public SupervisionFeed Supervision { get; }

    /// <summary>How many supervision events this node has recorded.</summary>
    public SupervisionTally SupervisionTally => actors.Supervision;

    /// <summary>The transactions that this node has taken and that wait for their commit.</summary>
    public AcceptedTransactions Accepted { get; }

    /// <summary>Runs the node's streams: one for all, since each has an actor that lives as long as the system.</summary>
    public IMaterializer Streams { get; }

    /// <summary>Opens the data folder and joins the cluster; returns when the chain can be read and other nodes' pool be reached.</summary>
    /// <exception cref="StartException">The node cannot start.</exception>
    /// <param name="connectPeers">Makes the actor that carries messages to other operators' nodes; null for a node that knows only those of its cluster.</param>
    public static async Task<RunningNode> Start(NodeSettings settings, TimeProvider clock, ILoggerFactory loggers, Action<string> onFault, CancellationToken cancellation, Func<ActorSystem, IActorRef>? connectPeers = null)
    {
        var opened = new List<IDisposable>();
        NodeRegistry? name = null;
        ActorSystem? system = null;
        ClusterMembership.RequireWhole(settings.Cluster);
        try
        {
            var folder = Own(NodeFolder.Open(settings.Data));
            var stores = Own(NodeDatabase.Open(settings.Database, folder));
            var shared = Own(ReadNetwork(settings, stores, folder, clock, loggers));
            var log = loggers.CreateLogger<RunningNode>();
            var chainStore = Own(new SqliteChainStore(folder.ChainDatabase, (first, last) => log.LogInformation("summarizing the events of the blocks {First} to {Last}, which an earlier version has left without: once", first, last)));
            var stateStore = Own(new SqliteStateStore(folder.StateDatabase));
            var ledger = new NodeLedger(shared.Genesis, chainStore, stateStore, Ed25519Scheme.Instance, settings.HistoryMemory);
            var reader = Own(new SqliteChainReader(folder.ChainDatabase));
            var scanned = Own(new SqliteChainReader(folder.ChainDatabase));
            if (!settings.Cluster.IsAlone) name = await NodeRegistry.Register((DatabaseSettings.PostgreSql)settings.Database, settings.Cluster, shared.Genesis, onFault, cancellation);

            HostLogger.Use(loggers);
            system = CreateSystem(settings, stores, clock);
            var started = StartActors(system, shared.Genesis, ledger, reader, folder, settings, clock, onFault, connectPeers);
            await ClusterMembership.Join(system, settings.Cluster, name, cancellation);
            started.StateSync.Tell(new BeginStateSync());
            var backups = settings.Backup is { } backup ? new NodeBackups(backup, BackupSource.Of(settings, folder), settings.Cluster.NodeName, shared, started.Ledger, clock) : null;
            var types = NodeWorkers.RegistryOf(settings, Databases(settings, folder), system, started.StateSync, shared.Validators, backups);
            return new RunningNode(settings, clock, shared, stores.Signers, name, started, await NodeEntities.ReachPool(system), backups, types, reader, scanned, opened);
        }
        catch (Exception e)
        {
            if (system is not null) await system.Terminate();
            if (name is not null) await name.DisposeAsync();
            Dispose(opened);
            if (Refusal(e, settings) is { } refusal) throw refusal;
            throw;
        }

        T Own<T>(T resource)
            where T : IDisposable
        {
            opened.Add(resource);
            return resource;
        }
    }

    /// <summary>
    /// Hosts the chain's entities as soon as this node's chain has come up to the others': they decide by its state. Returns when transactions can
    /// be taken.
    /// </summary>
    /// <exception cref="StartException">The pool does not start.</exception>
    public async Task Serve(CancellationToken cancellation)
    {
        await CatchUp.Wait(System, Sync, StateSync, actors.HasPeers, cancellation);
        try
        {
            pool = await NodeEntities.HostPool(System, new PoolSettings(Ledger, actors.Verifiers, Chain, settings.PartitionLimits, settings.BatchDelay), cancellation);
        }
        catch (AskTimeoutException)
        {
            throw new StartException($"the pool has not started within {NodeEntities.StartLimit.TotalSeconds:N0} s: the log above says why");
        }

        await NodeEntities.HostValidators(System, network.Validators, signers, Ledger, pool, actors.Peers, settings, clock);
        workers = await NodeWorkers.Host(System, workerTypes, clock);
#if PETABRIDGE_CMD
        PetabridgeHost.Start(System);
#endif
    }

    /// <summary>The node stops: whoever waits for a height or a transaction, or will, is told to come again.</summary>
    public void EndWaits()
    {
        actors.Heights.Close(Rpc.RpcErrors.NotReady());
        actors.Waits.Close(Rpc.RpcErrors.NotReady());
    }

    /// <summary>The names of the cluster's nodes by their addresses; none for a node on its own.</summary>
    public async Task<IReadOnlyDictionary<Address, string>> NodeNames(CancellationToken cancellation)
    {
        var names = ownName is null ? [] : await ownName.Names(cancellation);
        var self = Akka.Cluster.Cluster.Get(System).SelfAddress;
        return names.ToDictionary(node => self.WithHost(node.Address.Host).WithPort(node.Address.Port), node => node.Name);
    }

    public async ValueTask DisposeAsync()
    {
        await CoordinatedShutdown.Get(System).Run(CoordinatedShutdown.ClrExitReason.Instance);
        if (ownName is not null) await ownName.DisposeAsync();
        Dispose(owned);
    }

    /// <summary>The SQLite files that a node writes.</summary>
    private static List<string> Databases(NodeSettings settings, NodeFolder folder) =>
        [folder.ChainDatabase, folder.StateDatabase, .. settings.Database is DatabaseSettings.PostgreSql ? [] : NodeDatabase.JournalGroups.Select(folder.JournalDatabase)];

    private static Network ReadNetwork(NodeSettings settings, NodeDatabase stores, NodeFolder folder, TimeProvider clock, ILoggerFactory loggers)
    {
        var files = new NetworkFolder(settings.Network);
        if (settings.Cluster.IsAlone && !files.HasGenesis)
        {
            if (File.Exists(folder.ChainDatabase)) throw new StartException($"{folder.ChainDatabase} is there but the genesis {files.GenesisFilePath} is not: put it back, or start in an empty data folder");
            files.Create(settings.Genesis, stores.Signers, clock);
        }

        // Where the rows are in a database of their own, restoring a node's files does not touch them, and they must be there.
        if (folder.IsRestored && settings.Database is DatabaseSettings.Sqlite)
        {
            var restored = files.Read(settings.Genesis, isRestored: true).OnlyWithRows(stores.Signers, out var silent);
            var log = loggers.CreateLogger<RunningNode>();
            foreach (var key in silent) log.LogWarning("the validator {Validator} has no signer row in {Place} and does not sign: what it signed after the backup nobody knows; replace its key", key, stores.SignerPlace);
            if (restored.Validators.Count == 0) log.LogWarning("this node was restored and signs nothing: it serves the chain and follows others");
            return restored;
        }

        var read = files.Read(settings.Genesis);
        read.RequireSignerRows(stores.Signers, stores.SignerPlace);
        return read;
    }

    private static ActorSystem CreateSystem(NodeSettings settings, NodeDatabase stores, TimeProvider clock)
    {
        var setup = ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(AkkaConfiguration.Of(settings.LogLevel, settings.Cluster, stores)));
        return ActorSystem.Create("vivim", settings.Cluster.Tls is { } tls ? setup.And(RemotingTls.Of(tls, clock)) : setup);
    }

    private static NodeActors StartActors(ActorSystem system, GenesisFile genesis, NodeLedger ledger, IChainReader reader, NodeFolder folder, NodeSettings settings, TimeProvider clock, Action<string> onFault, Func<ActorSystem, IActorRef>? connectPeers)
    {
        var log = new SupervisionLog(settings.KeepSupervision);
        var tally = new SupervisionTally();
        var name = settings.Cluster.IsAlone ? null : settings.Cluster.Name;
        system.StartSupervision(log, tally, name, clock);
        var heights = new HeightSignal();
        heights.Advance(ledger.Tip.Height);
        var waits = new TransactionWaits();
        system.ActorOf(Props.Create(() => new HostBridge(committed => Tell(committed, waits, heights), onFault)), "host-bridge");
        var verified = new VerifiedSignatures();
        var hasPeers = !settings.Cluster.IsAlone || connectPeers is not null;
        var snapshotEvery = hasPeers ? settings.StateSync.Every : 0;
        var ledgerActor = system.ActorOf(Props.Create(() => new LedgerActor(ledger, verified, settings.KeepBlocks, snapshotEvery)).WithDispatcher(LedgerActor.Dispatcher), "ledger");
        var verifierRouter = system.ActorOf(Props.Create(() => new SignatureVerifier(genesis.ChainId, verified)).WithDispatcher(SignatureVerifier.Dispatcher).WithRouter(new RoundRobinPool(Environment.ProcessorCount).WithSupervisorStrategy(new ObservedStrategy())), "verifiers");
        var peerActor = connectPeers?.Invoke(system) ?? system.ActorOf(Props.Create(() => new ClusterPeers()), "peers");
        var stateSyncSettings = settings.StateSync.Of(genesis, folder, hasPeers);
        var stateSync = system.ActorOf(Props.Create(() => new StateSyncActor(stateSyncSettings, ledgerActor, reader, peerActor, clock)).WithDispatcher(SignatureVerifier.Dispatcher), "state-sync");
        var sync = system.ActorOf(Props.Create(() => new SyncActor(ledgerActor, reader, peerActor, stateSync)), SyncActor.Name);
        return new NodeActors(system, tally, heights, waits, ledgerActor, verifierRouter, peerActor, sync, stateSync, connectPeers is not null);
    }

    /// <summary>The receipts first: who is woken by the height finds them told.</summary>
    private static void Tell(BlockCommitted committed, TransactionWaits waits, HeightSignal heights)
    {
        waits.OnCommitted(committed.Receipts);
        heights.Advance(committed.Tip.Height);
    }

    /// <summary>What an operator is told of a start that failed; null where it is no operator's business.</summary>
    private static StartException? Refusal(Exception failure, NodeSettings settings) => failure switch
    {
        LedgerMismatchException or InvalidDataException or RulesVersionUnknownException or UnauthorizedAccessException => new StartException(failure.Message),
        SqliteException or MalformedException => new StartException($"a database in {Path.GetFullPath(settings.Data)} is damaged: {failure.Message.TrimEnd('.')}: put the folder back from a copy"),
        NpgsqlException e => DatabaseRefusal.Of(settings.Database, e),
        IOException => new StartException(failure.Message),
        _ => null,
    };

    private static void Dispose(List<IDisposable> resources)
    {
        foreach (var resource in Enumerable.Reverse(resources)) resource.Dispose();
        resources.Clear();
    }

    /// <summary>What runs from the start on, before the node hosts anything.</summary>
    private sealed record NodeActors(ActorSystem System, SupervisionTally Supervision, HeightSignal Heights, TransactionWaits Waits, IActorRef Ledger, IActorRef Verifiers, IActorRef Peers, IActorRef Sync, IActorRef StateSync, bool HasPeers);
}
