namespace Vivim.Gateway.Configuration;

/// <summary>What callers may occupy of the node.</summary>
internal sealed record LimitSettings
{
    /// <summary>Connections at once, of both ports.</summary>
    public required int MaxConnections { get; init; }

    /// <summary>Calls and streams under way at once, over all connections.</summary>
    public required int MaxCalls { get; init; }

    /// <summary>Calls and streams under way at once on one HTTP/2 connection.</summary>
    public required int MaxStreamsPerConnection { get; init; }

    /// <summary>Bytes that calls and answers under way may occupy.</summary>
    public required long MaxBytesInFlight { get; init; }

    /// <summary>Bytes of one request message.</summary>
    public required int MaxMessageBytes { get; init; }

    /// <summary>How long a new connection may take to make its first call.</summary>
    public required TimeSpan FirstCallWithin { get; init; }

    /// <summary>How long a write may wait for its caller to read.</summary>
    public required TimeSpan StalledAfter { get; init; }

    /// <exception cref="SettingsException">A value is not possible.</exception>
    public static LimitSettings From(SettingsReader reader) => new()
    {
        MaxConnections = (int)reader.Number("limits.max-connections", 16, 100_000),
        MaxCalls = (int)reader.Number("limits.max-calls", 16, 100_000),
        MaxStreamsPerConnection = (int)reader.Number("limits.max-streams-per-connection", 1, 10_000),
        MaxBytesInFlight = reader.Number("limits.max-bytes-in-flight", 4 << 20, 64L << 30),
        MaxMessageBytes = (int)reader.Number("limits.max-message-bytes", 65_536, 64 << 20),
        FirstCallWithin = reader.Duration("limits.first-call-within", TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10)),
        StalledAfter = reader.Duration("limits.stalled-after", TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10)),
    };
}
