namespace Vivim.Gateway.Configuration;

/// <summary>Where traces go.</summary>
/// <param name="Endpoint">An OTLP receiver; null: the node makes no traces.</param>
/// <param name="IsHttp">OTLP over HTTP in place of gRPC.</param>
/// <param name="Ratio">The part of the calls that is traced, above 0 and up to 1.</param>
internal sealed record TelemetrySettings(Uri? Endpoint, bool IsHttp, double Ratio)
{
    /// <exception cref="SettingsException">A value is not possible.</exception>
    public static TelemetrySettings From(SettingsReader reader)
    {
        const string key = "telemetry.otlp.endpoint";
        var text = reader.Text(key);
        Uri? endpoint = null;
        if (text.Length > 0 && !(Uri.TryCreate(text, UriKind.Absolute, out endpoint) && (endpoint.Scheme == Uri.UriSchemeHttp || endpoint.Scheme == Uri.UriSchemeHttps)))
            throw reader.Wrong(key, text, "an address such as http://127.0.0.1:4317, or nothing");
        return new TelemetrySettings(endpoint, reader.OneOf("telemetry.otlp.protocol", "grpc", "http") == "http", 1.0 / reader.Number("telemetry.trace-one-in", 1, 1_000_000));
    }
}
