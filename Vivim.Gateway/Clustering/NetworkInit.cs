using Npgsql;
using Vivim.Chain.Consensus;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Node;
using Vivim.Protocol.Identity;

namespace Vivim.Gateway.Clustering;

/// <summary>
/// Prepares what the nodes of a cluster share before the first of them starts: genesis, keys, signer rows, the database's tables, and the certificates by
/// which the nodes know each other.
/// </summary>
internal static class NetworkInit
{
    /// <summary>Prepares the network, or checks that it is. A second run adds only the certificates that are missing or near their end.</summary>
    /// <returns>What was done, for people.</returns>
    /// <exception cref="StartException">The folder or the database cannot be used, or do not belong together.</exception>
    public static Task<string> Run(NodeSettings settings, TimeProvider clock, CancellationToken cancellation) => WithDatabase(settings, async (database, signers) =>
    {
        var folder = new NetworkFolder(settings.Network);
        var isNew = !folder.HasGenesis;
        if (isNew) folder.Create(settings.Genesis, signers, clock);
        using var network = folder.Read(settings.Genesis);
        var genesis = network.Genesis;
        await NodeRegistry.Adopt(database, genesis, cancellation);
        await JournalTables.Make(database, cancellation);
        network.RequireSignerRows(signers, database.SignerPlace);
        var hosts = new NodeCertificates(settings.Network, clock).Issue(genesis.ChainId, Hosts(settings.Cluster));
        var place = $"{Path.GetFullPath(settings.Network)} and {database.Place}";
        return (isNew, hosts.Count) switch
        {
            (true, 0) => $"The network {genesis.ChainId} with {genesis.Validators.Count} validators is prepared in {place}. No certificates: name the nodes in vivim.cluster.seed-nodes and run this again.",
            (true, _) => $"The network {genesis.ChainId} with {genesis.Validators.Count} validators is prepared in {place}, with certificates for {string.Join(", ", hosts)}. Start its nodes.",
            (false, 0) => $"The network {genesis.ChainId} is already prepared in {place}: nothing was changed.",
            (false, _) => $"The network {genesis.ChainId} is already prepared in {place}. New certificates for {string.Join(", ", hosts)}: start those nodes again, one after another.",
        };
    });

    /// <summary>Makes the key of one more validator, with its signer row.</summary>
    /// <returns>What was done and what to do next, for people.</returns>
    /// <exception cref="StartException">The network is not prepared, or the folder or the database cannot be used.</exception>
    public static Task<string> AddValidator(NodeSettings settings) => WithDatabase(settings, (database, signers) =>
    {
        var folder = new NetworkFolder(settings.Network);
        folder.Read(settings.Genesis).Dispose();
        var (number, key) = folder.AddValidator(signers);
        return Task.FromResult($"Validator {number} has the key {Did.OfKey(key)}. Restart the nodes one after another, with {number} in the vivim.cluster.home-of of one of them, then let the authorities add it: vivim validators propose {Did.OfKey(key)} --power 1");
    });

    /// <summary>Of the nodes that the settings name: the seed nodes, and the node itself where the settings are a node's.</summary>
    private static IEnumerable<string> Hosts(ClusterSettings cluster) =>
        [.. cluster.SeedNodes.Select(seed => seed.Host), .. cluster.IsAlone ? [] : new[] { cluster.Address.Host }];

    private static async Task<string> WithDatabase(NodeSettings settings, Func<DatabaseSettings.PostgreSql, ISignerStore, Task<string>> run)
    {
        if (settings.Database is not DatabaseSettings.PostgreSql database) throw new StartException("init prepares a cluster, which shares a database: set vivim.database.provider = postgresql; a node on its own prepares itself");
        try
        {
            using var signers = PostgresSignerStore.Open(database.ConnectionString);
            return await run(database, signers);
        }
        catch (NpgsqlException e)
        {
            throw DatabaseRefusal.Of(database, e);
        }
    }
}
