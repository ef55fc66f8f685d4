using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Routing;
using Akka.Streams;
using Microsoft.Data.Sqlite;
using Vivim.Actors;
using Vivim.Chain.BlockMaking;
using Vivim.Chain.Consensus;
using Vivim.Chain.Ledger;
using Vivim.Chain.Pool;
using Vivim.Chain.Sync;
using Vivim.Gateway.Configuration;
using Vivim.Ledger;
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
    private const string Role = "node";
    private static readonly TimeSpan KeepInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly List<IDisposable> owned;

    private RunningNode(ActorSystem system, GenesisFile genesis, Did nodeOperator, IActorRef ledger, IActorRef pool, IChainReader chain, HeightSignal heights, List<IDisposable> owned)
    {
        System = system;
        Genesis = genesis;
        Operator = nodeOperator;
        Ledger = ledger;
        Pool = pool;
        Chain = chain;
        Heights = heights;
        Streams = system.Materializer();
        this.owned = owned;
    }

    public ActorSystem System { get; }

    public GenesisFile Genesis { get; }

    /// <summary>The did:key of the node's own operator key, who may administer it.</summary>
    public Did Operator { get; }

    /// <summary>The node's <see cref="LedgerActor"/>.</summary>
    public IActorRef Ledger { get; }

    /// <summary>The shard region of <see cref="PoolPartition"/>.</summary>
    public IActorRef Pool { get; }

    public IChainReader Chain { get; }

    public HeightSignal Heights { get; }

    /// <summary>Runs the node's streams: one for all, since each has an actor that lives as long as the system.</summary>
    public IMaterializer Streams { get; }

    /// <summary>Opens the data folder and starts everything; returns when transactions can be taken.</summary>
    /// <exception cref="StartException">The node cannot start.</exception>
    /// <param name="peers">Makes the actor that carries messages to other nodes; null for a node that has none.</param>
    public static async Task<RunningNode> Start(NodeSettings settings, TimeProvider clock, ILoggerFactory loggers, Action<string> onFault, CancellationToken cancellation, Func<ActorSystem, IActorRef>? peers = null)
    {
        var opened = new List<IDisposable>();
        try
        {
            return await Start(settings, clock, loggers, onFault, opened, peers, cancellation);
        }
        catch (Exception e) when (e is LedgerMismatchException or InvalidDataException or IOException or UnauthorizedAccessException or Vivim.Ledger.Execution.RulesVersionUnknownException)
        {
            Dispose(opened);
            throw new StartException(e.Message);
        }
        catch (Exception e) when (e is SqliteException or MalformedException)
        {
            Dispose(opened);
            throw new StartException($"a database in {Path.GetFullPath(settings.Data)} is damaged: {e.Message.TrimEnd('.')}: put the folder back from a copy");
        }
        catch (AskTimeoutException)
        {
            Dispose(opened);
            throw new StartException($"the pool has not started within {StartLimit.TotalSeconds:N0} s: the log above says why");
        }
        catch
        {
            Dispose(opened);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CoordinatedShutdown.Get(System).Run(CoordinatedShutdown.ClrExitReason.Instance);
        Dispose(owned);
    }

    private static async Task<RunningNode> Start(NodeSettings settings, TimeProvider clock, ILoggerFactory loggers, Action<string> onFault, List<IDisposable> opened, Func<ActorSystem, IActorRef>? peers, CancellationToken cancellation)
    {
        var folder = Own(NodeFolder.Open(settings.Data));
        var signers = Own(new SqliteSignerStore(folder.SignerDatabase));
        var (genesis, validators, nodeOperator) = folder.ReadOrCreate(settings.Genesis, signers, clock);
        foreach (var validator in validators) Own(validator);
        if (validators.FirstOrDefault(v => signers.Load(v.PublicKey) is null) is { } rowless)
            throw new StartException($"the signer row of the validator {rowless.PublicKey} is missing from {folder.SignerDatabase}: without it the key could sign twice; put the file back, or replace the validator's key");
        var chainStore = Own(new SqliteChainStore(folder.ChainDatabase));
        var stateStore = Own(new SqliteStateStore(folder.StateDatabase));
        var ledger = new NodeLedger(genesis, chainStore, stateStore, Ed25519Scheme.Instance, settings.HistoryMemory);
        var reader = Own(new SqliteChainReader(folder.ChainDatabase));

        HostLogger.Use(loggers);
        var system = ActorSystem.Create("vivim", AkkaConfiguration.Of(settings.LogLevel, folder.JournalDatabase));
        var heights = new HeightSignal();
        heights.Advance(ledger.Tip.Height);
        system.ActorOf(Props.Create(() => new HostBridge(heights, onFault)), "host-bridge");
        var verified = new VerifiedSignatures();
        var ledgerActor = system.ActorOf(Props.Create(() => new LedgerActor(ledger, verified, settings.KeepBlocks)).WithDispatcher(LedgerActor.Dispatcher), "ledger");
        var verifiers = system.ActorOf(Props.Create(() => new SignatureVerifier(genesis.ChainId, verified)).WithDispatcher(SignatureVerifier.Dispatcher).WithRouter(new RoundRobinPool(Environment.ProcessorCount)), "verifiers");

        await JoinSelf(system, cancellation);
        var pool = await StartPool(system, new PoolSettings(ledgerActor, verifiers, reader, settings.PartitionLimits, settings.BatchDelay));
        var peerActor = peers?.Invoke(system);
        await StartValidators(system, validators, signers, ledgerActor, pool, peerActor ?? system.DeadLetters, settings, clock);
        if (peerActor is not null) system.ActorOf(Props.Create(() => new SyncActor(ledgerActor, reader, peerActor)), "sync");
#if PETABRIDGE_CMD
        PetabridgeHost.Start(system);
#endif
        return new RunningNode(system, genesis, nodeOperator, ledgerActor, pool, reader, heights, opened);

        T Own<T>(T resource)
            where T : IDisposable
        {
            opened.Add(resource);
            return resource;
        }
    }

    private static async Task JoinSelf(ActorSystem system, CancellationToken cancellation)
    {
        var cluster = Akka.Cluster.Cluster.Get(system);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(StartLimit);
        await cluster.JoinAsync(cluster.SelfAddress, limit.Token);
    }

    private static async Task<IActorRef> StartPool(ActorSystem system, PoolSettings settings)
    {
        var region = await ClusterSharding.Get(system).StartAsync(
            "pool",
            id => Props.Create(() => new PoolPartition(int.Parse(id), settings)),
            Settings(system),
            HashCodeMessageExtractor.Create(
                PoolPartitions.Count,
                message => message is IPoolMessage pool ? pool.Partition.ToString() : null!));
        await Task.WhenAll(Enumerable.Range(0, PoolPartitions.Count).Select(partition => region.Ask<PendingCount>(new CountPending(partition), StartLimit)));
        var wake = Enumerable.Range(0, PoolPartitions.Count).Select(object (partition) => new WakePartition(partition)).ToList();
        system.ActorOf(Props.Create(() => new EntityKeeper(region, wake, KeepInterval)), "pool-keeper");
        return region;
    }

    private static async Task StartValidators(ActorSystem system, IReadOnlyList<SigningKey> keys, ISignerStore signers, IActorRef ledger, IActorRef pool, IActorRef peers, NodeSettings settings, TimeProvider clock)
    {
        var byKey = keys.ToDictionary(key => key.PublicKey);
        var makerSettings = new BlockMakerSettings(ledger, pool, settings.ReapDeadline);
        var makers = await ClusterSharding.Get(system).StartAsync(
            "block-makers",
            id => Props.Create(() => new BlockMaker(KeyOf(id), makerSettings)),
            Settings(system),
            HashCodeMessageExtractor.Create(keys.Count, message => message is IBlockMakingMessage making ? making.Validator.ToString() : null!));
        var delivery = system.ActorOf(Props.Create(() => new ValidatorDelivery(byKey.Keys.ToHashSet(), peers)), "delivery");
        var validatorSettings = new ValidatorSettings(ledger, makers, delivery, signers, settings.Timeouts, clock);
        var validators = await ClusterSharding.Get(system).StartAsync(
            ValidatorDelivery.Region,
            id => Props.Create(() => new ValidatorActor(byKey[KeyOf(id)], validatorSettings)).WithDispatcher(ValidatorActor.Dispatcher),
            Settings(system),
            HashCodeMessageExtractor.Create(keys.Count, message => message is IValidatorMessage wake ? wake.Validator.ToString() : null!));
        var wake = keys.Select(object (key) => new WakeValidator(key.PublicKey)).ToList();
        system.ActorOf(Props.Create(() => new EntityKeeper(validators, wake, KeepInterval)), "validator-keeper");
        system.ActorOf(Props.Create(() => new StallWatch(settings.StallLimit)), "stall-watch");
    }

    private static PublicKey KeyOf(string entityId) => new(Convert.FromHexString(entityId));

    private static ClusterShardingSettings Settings(ActorSystem system) => ClusterShardingSettings.Create(system).WithRole(Role);

    private static void Dispose(List<IDisposable> resources)
    {
        foreach (var resource in Enumerable.Reverse(resources)) resource.Dispose();
        resources.Clear();
    }
}
