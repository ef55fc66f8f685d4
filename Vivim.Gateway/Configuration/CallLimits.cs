namespace Vivim.Gateway.Configuration;

/// <summary>Calls of one address that may be under way at once; of all addresses together it is sixteen times as many.</summary>
/// <param name="ScansPerAddress">Streams of events and blocks.</param>
/// <param name="ReadsPerAddress">Reads of blocks, state and proofs, most of which wait for their turn.</param>
/// <param name="WaitsPerAddress">Calls that wait for a transaction.</param>
internal sealed record CallLimits(int ScansPerAddress, int ReadsPerAddress, int WaitsPerAddress)
{
    private const int Most = 100_000;

    public static CallLimits From(SettingsReader reader) => new(
        (int)reader.Number("grpc.max-scans-per-address", 1, Most),
        (int)reader.Number("grpc.max-reads-per-address", 1, Most),
        (int)reader.Number("grpc.max-waits-per-address", 1, Most));
}
