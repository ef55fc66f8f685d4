namespace Vivim.Gateway.Configuration;

/// <summary>How the node logs.</summary>
/// <param name="Json">One JSON object a line in place of text.</param>
/// <param name="Keep">Records that the node keeps for `vivim log tail`.</param>
internal sealed record LogSettings(bool Json, int Keep)
{
    /// <exception cref="SettingsException">A value is not possible.</exception>
    public static LogSettings From(SettingsReader reader) => new(reader.OneOf("logging.format", "text", "json") == "json", (int)reader.Number("logging.keep-records", 16, 20_000));
}
