using Npgsql;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Node;
using Vivim.Protocol.Genesis;

namespace Vivim.Gateway.Clustering;

/// <summary>
/// The nodes that share a database, as the database knows them. A node is here while its connection holds an advisory lock on its name, so a node
/// that was killed is gone at once, and a second one of the same name is refused. It also tells a first seed node whether others are up: that
/// one joins them then, where it would otherwise found a second cluster.
/// </summary>
internal sealed class NodeRegistry : IAsyncDisposable
{
    private const string Schema = """
        CREATE TABLE IF NOT EXISTS network (only_one boolean PRIMARY KEY CHECK (only_one), chain_id text NOT NULL, genesis text NOT NULL);
        CREATE TABLE IF NOT EXISTS node (name text PRIMARY KEY, host text NOT NULL, port integer NOT NULL, is_up boolean NOT NULL);
        """;

    private const string LockOfName = "hashtextextended('vivim node ' || name, 0)";
    private static readonly TimeSpan KeepInterval = TimeSpan.FromSeconds(2);

    private readonly string connectionString;
    private readonly ClusterSettings self;
    private readonly CancellationTokenSource stopping = new();
    private NpgsqlConnection connection;
    private Task keeping = Task.CompletedTask;
    private volatile bool isUp;

    private NodeRegistry(string connectionString, ClusterSettings self, NpgsqlConnection connection)
    {
        this.connectionString = connectionString;
        this.self = self;
        this.connection = connection;
    }

    /// <summary>Writes down which chain the database belongs to; the tables are made where they are absent.</summary>
    /// <exception cref="StartException">It belongs to another chain.</exception>
    public static async Task Adopt(DatabaseSettings.PostgreSql database, GenesisFile genesis, CancellationToken cancellation)
    {
        await using var opened = new NpgsqlConnection(database.ConnectionString);
        await opened.OpenAsync(cancellation);
        await using (var create = new NpgsqlCommand(Schema, opened)) await create.ExecuteNonQueryAsync(cancellation);
        await using (var insert = new NpgsqlCommand("INSERT INTO network (only_one, chain_id, genesis) VALUES (true, $1, $2) ON CONFLICT DO NOTHING", opened))
        {
            insert.Parameters.AddWithValue(genesis.ChainId);
            insert.Parameters.AddWithValue(genesis.Hash.ToString());
            await insert.ExecuteNonQueryAsync(cancellation);
        }

        await CheckChain(opened, database, genesis, cancellation);
    }

    /// <summary>Takes the node's name. The name is kept until the registry is disposed.</summary>
    /// <param name="onLost">Called with a sentence when, after a loss of the connection, another node has the name.</param>
    /// <exception cref="StartException">The name is taken, or the database belongs to another chain or to none.</exception>
    public static async Task<NodeRegistry> Register(DatabaseSettings.PostgreSql database, ClusterSettings self, GenesisFile genesis, Action<string> onLost, CancellationToken cancellation)
    {
        // Not from the pool: its lock lives as long as it does.
        var address = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Pooling = false, ApplicationName = $"vivim {self.Name}" }.ConnectionString;
        var holder = new NpgsqlConnection(address);
        try
        {
            await holder.OpenAsync(cancellation);
            await CheckChain(holder, database, genesis, cancellation);
            if (!await TryLock(holder, self.Name, cancellation)) throw new StartException(NameTaken(self.Name));
            var registry = new NodeRegistry(address, self, holder);
            await registry.Write(cancellation);
            registry.keeping = registry.Keep(onLost);
            return registry;
        }
        catch
        {
            await holder.DisposeAsync();
            throw;
        }
    }

    /// <summary>The addresses of the other nodes that are members of the cluster now.</summary>
    public async Task<IReadOnlyList<Configuration.Endpoint>> OthersUp(CancellationToken cancellation)
    {
        var up = await Select($"""
            is_up AND EXISTS (
              SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND (classid::bigint << 32 | objid::bigint) = {LockOfName})
            """, cancellation);
        return [.. up.Where(node => node.Name != self.Name).Select(node => node.Address)];
    }

    /// <summary>The names of all nodes there have been; none while the database is away.</summary>
    public async Task<IReadOnlyList<(string Name, Configuration.Endpoint Address)>> Names(CancellationToken cancellation)
    {
        try
        {
            return await Select("true", cancellation);
        }
        catch (NpgsqlException)
        {
            return [];
        }
    }

    /// <summary>The node is a member of the cluster from now on.</summary>
    public async Task MarkUp(CancellationToken cancellation)
    {
        isUp = true;
        await Write(cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await keeping;
        await connection.DisposeAsync();
        stopping.Dispose();
    }

    private static string NameTaken(string name) => $"another node runs under the name {name} (vivim.cluster.name): give every node a name of its own, or stop the other one";

    private static async Task CheckChain(NpgsqlConnection opened, DatabaseSettings.PostgreSql database, GenesisFile genesis, CancellationToken cancellation)
    {
        try
        {
            await using var select = new NpgsqlCommand("SELECT chain_id, genesis FROM network", opened);
            await using var reader = await select.ExecuteReaderAsync(cancellation);
            if (!await reader.ReadAsync(cancellation) || reader.GetString(1) == genesis.Hash.ToString()) return;
            throw new StartException($"the database {database.Place} belongs to the chain {reader.GetString(0)} (genesis {reader.GetString(1)}), this node to {genesis.ChainId} (genesis {genesis.Hash}): give vivim.network and vivim.database of the same chain");
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            throw new StartException($"the database {database.Place} has not been prepared: run `init` once for the cluster");
        }
    }

    private static async Task<bool> TryLock(NpgsqlConnection holder, string name, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"SELECT pg_try_advisory_lock({LockOfName}) FROM (SELECT $1::text AS name) AS self", holder);
        command.Parameters.AddWithValue(name);
        return await command.ExecuteScalarAsync(cancellation) is true;
    }

    private async Task<List<(string Name, Configuration.Endpoint Address)>> Select(string condition, CancellationToken cancellation)
    {
        await using var other = new NpgsqlConnection(connectionString);
        await other.OpenAsync(cancellation);
        await using var command = new NpgsqlCommand($"SELECT name, host, port FROM node WHERE {condition} ORDER BY name", other);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var nodes = new List<(string, Configuration.Endpoint)>();
        while (await reader.ReadAsync(cancellation)) nodes.Add((reader.GetString(0), new Configuration.Endpoint(reader.GetString(1), reader.GetInt32(2))));
        return nodes;
    }

    private async Task Write(CancellationToken cancellation)
    {
        await using var other = new NpgsqlConnection(connectionString);
        await other.OpenAsync(cancellation);
        await using var command = new NpgsqlCommand("INSERT INTO node (name, host, port, is_up) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE SET host = $2, port = $3, is_up = $4", other);
        command.Parameters.AddWithValue(self.Name);
        command.Parameters.AddWithValue(self.Address.Host);
        command.Parameters.AddWithValue(self.Address.Port);
        command.Parameters.AddWithValue(isUp);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Notices a lost connection, and takes the name again on a new one.</summary>
    private async Task Keep(Action<string> onLost)
    {
        using var timer = new PeriodicTimer(KeepInterval);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping.Token))
            {
                if (await HasName()) continue;
                onLost(NameTaken(self.Name));
                return;
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The node stops.
        }
    }

    /// <summary>False only when another node has the name: while the database is away nobody can know, and the next tick asks again.</summary>
    private async Task<bool> HasName()
    {
        try
        {
            if (connection.State == System.Data.ConnectionState.Open)
            {
                await using var probe = new NpgsqlCommand("SELECT 1", connection);
                await probe.ExecuteScalarAsync(stopping.Token);
                return true;
            }

            await connection.DisposeAsync();
            connection = new NpgsqlConnection(connectionString);
            await connection.OpenAsync(stopping.Token);
            return await TryLock(connection, self.Name, stopping.Token);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            await connection.CloseAsync();
            return true;
        }
    }
}
