using System.Globalization;

namespace Vivim.Gateway.Configuration;

/// <summary>PEM files for mutual TLS between the nodes of a cluster.</summary>
internal sealed record TlsSettings(string Certificate, string Key, string Authority)
{
    private const string Folder = "tls";

    /// <summary>Those that `init` writes for a node into the network folder.</summary>
    /// <param name="host">The host name or address of the node.</param>
    public static TlsSettings Of(string network, string host) =>
        new(Path.Combine(network, Folder, $"{host}.crt"), Path.Combine(network, Folder, $"{host}.key"), Path.Combine(network, Folder, "authority.crt"));
}

/// <summary>The node's place among the nodes of its operator.</summary>
internal sealed record ClusterSettings
{
    private const int MaxNameLength = 64;

    /// <summary>Empty for a cluster of one.</summary>
    public required string Name { get; init; }

    /// <summary>Where the others reach this node's remoting.</summary>
    public required Endpoint Address { get; init; }

    /// <summary>The address to listen on.</summary>
    public required string BindHost { get; init; }

    public required IReadOnlyList<Endpoint> SeedNodes { get; init; }

    /// <summary>Numbers of the validators at home here, from 1.</summary>
    public required IReadOnlyList<int> HomeOf { get; init; }

    /// <summary>Null for a node on its own, and for plain connections.</summary>
    public required TlsSettings? Tls { get; init; }

    public bool IsAlone => Name.Length == 0;

    /// <summary>What the node is called wherever nodes are told apart, also one on its own.</summary>
    public string NodeName => IsAlone ? "local" : Name;

    /// <exception cref="SettingsException">A value is not possible, or does not go with another.</exception>
    public static ClusterSettings From(SettingsReader reader, DatabaseSettings database)
    {
        var name = reader.Text("cluster.name");
        var host = reader.Text("cluster.host");
        if (host.Length == 0) throw reader.Wrong("cluster.host", host, "a host name or an address");
        var network = reader.Text("network");
        var settings = new ClusterSettings
        {
            Name = name,
            Address = new Endpoint(host, (int)reader.Number("cluster.port", 0, 65_535)),
            BindHost = reader.Text("cluster.bind-host") is { Length: > 0 } bind ? bind : host,
            SeedNodes = [.. reader.List("cluster.seed-nodes").Select(seed => ReadSeed(reader, seed))],
            HomeOf = [.. reader.List("cluster.home-of").Select(number => ReadNumber(reader, number))],
            Tls = ReadTls(reader, name.Length == 0 ? null : TlsSettings.Of(network, host)),
        };
        if (settings.IsAlone) return settings;
        if (name.Length > MaxNameLength || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')) throw reader.Wrong("cluster.name", name, $"1 to {MaxNameLength} letters, digits, - and _");
        if (settings.SeedNodes.Count == 0) throw reader.Wrong("cluster.seed-nodes", "", "host:port of at least one node, as cluster.name is set");
        if (settings.Address.Port == 0) throw reader.Wrong("cluster.port", "0", "a port from 1 to 65535, as cluster.name is set");
        if (network.Length == 0) throw reader.Wrong("network", "", "the folder that `init` has written, as cluster.name is set");
        if (database is not DatabaseSettings.PostgreSql) throw reader.Wrong("database.provider", "sqlite", "postgresql, as cluster.name is set");
        return settings;
    }

    private static Endpoint ReadSeed(SettingsReader reader, string seed)
    {
        var colon = seed.LastIndexOf(':');
        if (colon > 0 && int.TryParse(seed[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65_535) return new Endpoint(seed[..colon], port);
        throw reader.Wrong("cluster.seed-nodes", reader.Text("cluster.seed-nodes"), "host:port, separated by commas");
    }

    private static int ReadNumber(SettingsReader reader, string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= 100 ? number : throw reader.Wrong("cluster.home-of", reader.Text("cluster.home-of"), "numbers of validators from 1 to 100, separated by commas");

    /// <param name="written">What `init` has written for the node.</param>
    private static TlsSettings? ReadTls(SettingsReader reader, TlsSettings? written)
    {
        string[] keys = ["cluster.tls.certificate", "cluster.tls.key", "cluster.tls.authority"];
        var isPlain = reader.Flag("cluster.insecure-bind");
        if (keys.All(key => reader.Text(key).Length == 0)) return isPlain ? null : written;
        if (isPlain) throw reader.Wrong("cluster.insecure-bind", "true", "false, as cluster.tls is set");
        foreach (var key in keys.OrderBy(key => reader.Text(key).Length == 0))
        {
            if (!File.Exists(reader.Text(key))) throw reader.Wrong(key, reader.Text(key), "a PEM file that can be read; all three of certificate, key and authority, or none");
        }

        return new TlsSettings(reader.Text(keys[0]), reader.Text(keys[1]), reader.Text(keys[2]));
    }
}
