using Vivim.Chain.Consensus;
using Vivim.Chain.Pool;
using Vivim.Gateway.Operators;
using Vivim.Protocol.Genesis;

namespace Vivim.Gateway.Configuration;

/// <summary>An address to listen on.</summary>
internal sealed record Endpoint(string Host, int Port);

/// <summary>How a genesis is written at the first start.</summary>
internal sealed record GenesisSettings(string ChainId, int Validators, ChainParameters Parameters);

/// <summary>A node's settings, checked. hocon/vivim.conf documents each.</summary>
internal sealed record NodeSettings
{
    public required string Data { get; init; }

    /// <summary>Folder of the genesis and the keys.</summary>
    public required string Network { get; init; }

    public required ClusterSettings Cluster { get; init; }

    public required DatabaseSettings Database { get; init; }

    public required string LogLevel { get; init; }

    public required LogSettings Logging { get; init; }

    public required TelemetrySettings Telemetry { get; init; }

    public required Endpoint Http { get; init; }

    public required Endpoint Grpc { get; init; }

    /// <summary>What callers may occupy.</summary>
    public required LimitSettings Limits { get; init; }

    public required PoolLimits PartitionLimits { get; init; }

    public required TimeSpan BatchDelay { get; init; }

    public required TimeSpan ReapDeadline { get; init; }

    public required ConsensusTimeouts Timeouts { get; init; }

    /// <summary>How long nothing may be committed.</summary>
    public required TimeSpan StallLimit { get; init; }

    public required long HistoryMemory { get; init; }

    public required ulong KeepBlocks { get; init; }

    /// <summary>Supervision events that the node keeps.</summary>
    public required int KeepSupervision { get; init; }

    /// <summary>Who may administer, beside the holder of the node's own operator key.</summary>
    public required OperatorList Operators { get; init; }

    /// <summary>The node's garbage collector.</summary>
    public required GcSettings Gc { get; init; }

    /// <summary>The workers of the chain's own entities.</summary>
    public required ChainWorkerSettings ChainWorkers { get; init; }

    /// <summary>Snapshots of the state.</summary>
    public required StateSyncNodeSettings StateSync { get; init; }

    /// <summary>The node's backups; null for none.</summary>
    public required BackupSettings? Backup { get; init; }

    public required GenesisSettings Genesis { get; init; }

    /// <summary>The clock is ahead by this much: for tests of clock skew.</summary>
    public required TimeSpan ClockOffset { get; init; }

    /// <summary>Reads the settings out of a merged configuration.</summary>
    /// <exception cref="SettingsException">A value is not possible; the message names the key and what is allowed.</exception>
    public static NodeSettings From(SettingsReader reader)
    {
        var insecureBind = reader.Flag("insecure-bind");
        var data = reader.Text("data") is { Length: > 0 } folder ? folder : throw reader.Wrong("data", "", "a folder");
        var database = DatabaseSettings.From(reader);
        return new NodeSettings
        {
            Data = data,
            Network = reader.Text("network") is { Length: > 0 } network ? network : data,
            Cluster = ClusterSettings.From(reader, database),
            Database = database,
            LogLevel = reader.OneOf("log-level", "DEBUG", "INFO", "WARNING", "ERROR"),
            Logging = LogSettings.From(reader),
            Telemetry = TelemetrySettings.From(reader),
            Http = ReadEndpoint(reader, "http", insecureBind),
            Grpc = ReadEndpoint(reader, "grpc", insecureBind),
            Limits = LimitSettings.From(reader),
            PartitionLimits = new PoolLimits(
                (int)(reader.Number("pool.max-transactions", PoolPartitions.Count, 10_000_000) / PoolPartitions.Count),
                reader.Number("pool.max-bytes", 1 << 20, 8L << 30) / PoolPartitions.Count),
            BatchDelay = reader.Duration("pool.batch-delay", TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(1)),
            ReapDeadline = reader.Duration("block-maker.reap-deadline", TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(10)),
            Timeouts = new ConsensusTimeouts(
                reader.Duration("consensus.timeout-propose", TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1)),
                reader.Duration("consensus.timeout-vote", TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1)),
                reader.Duration("consensus.timeout-per-round", TimeSpan.Zero, TimeSpan.FromMinutes(1))),
            StallLimit = reader.Duration("consensus.stall-limit", TimeSpan.FromSeconds(10), TimeSpan.FromDays(1)),
            HistoryMemory = reader.Number("ledger.history-memory", 0, 8L << 30),
            KeepBlocks = (ulong)reader.Number("ledger.keep-blocks", 0, long.MaxValue),
            KeepSupervision = (int)reader.Number("supervision.keep-events", 16, 100_000),
            Operators = OperatorList.TryParse(reader.Text("operators"), out var operators)
                ? operators
                : throw reader.Wrong("operators", reader.Text("operators"), "did:keys (Ed25519), separated by commas, or nothing"),
            Gc = GcSettings.From(reader),
            ChainWorkers = ChainWorkerSettings.From(reader),
            StateSync = StateSyncNodeSettings.From(reader),
            Backup = BackupSettings.From(reader),
            Genesis = ReadGenesis(reader),
            ClockOffset = reader.Duration("testing.clock-offset", TimeSpan.Zero, TimeSpan.FromHours(1)),
        };
    }

    private static GenesisSettings ReadGenesis(SettingsReader reader)
    {
        var chainId = reader.Text("genesis.chain-id");
        if (chainId.Length > 0 && !GenesisFile.IsChainId(chainId)) throw reader.Wrong("genesis.chain-id", chainId, $"{GenesisFile.ChainIdForm}, or nothing");
        var blockInterval = reader.Duration("genesis.block-interval", TimeSpan.FromMilliseconds(250), TimeSpan.FromMinutes(10));
        return new GenesisSettings(chainId, (int)reader.Number("genesis.validators", 1, 100), new ChainParameters
        {
            BlockIntervalMs = (uint)blockInterval.TotalMilliseconds,
            EmptyBlockIntervalMs = (uint)reader.Duration("genesis.empty-block-interval", blockInterval, TimeSpan.FromHours(1)).TotalMilliseconds,
            QuotaActions = (uint)reader.Number("genesis.quota-actions", 1, uint.MaxValue),
            MaxRegistrations = (uint)reader.Number("genesis.max-registrations", 1, uint.MaxValue),
        });
    }

    private static Endpoint ReadEndpoint(SettingsReader reader, string section, bool insecureBind)
    {
        var host = reader.Text($"{section}.host");
        if (!System.Net.IPAddress.TryParse(host, out var address)) throw reader.Wrong($"{section}.host", host, "an IP address, e.g. 127.0.0.1");
        if (!System.Net.IPAddress.IsLoopback(address) && !insecureBind) throw reader.Wrong($"{section}.host", host, "a loopback address; set vivim.insecure-bind = true to serve plain text beyond it");
        return new Endpoint(host, (int)reader.Number($"{section}.port", 0, 65_535));
    }
}
