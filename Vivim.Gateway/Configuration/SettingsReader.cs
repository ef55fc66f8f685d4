using System.Globalization;
using Akka.Configuration;
using Akka.Configuration.Hocon;
using Vivim.Protocol;

namespace Vivim.Gateway.Configuration;

/// <summary>A setting is unknown or not possible. The message is one sentence with key, file and allowed values.</summary>
internal sealed class SettingsException(string message) : Exception(message);

/// <summary>
/// Merges the settings of a node: hocon/vivim.conf, then a file of the operator's, then environment variables, then the command line. The first
/// file is also the list of what there is: any other key is refused.
/// </summary>
internal sealed class SettingsReader
{
    private const string Root = "vivim";

    /// <summary>No file of settings is longer.</summary>
    private const int MaxFileBytes = 1 << 20;

    private readonly Dictionary<string, string> values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> sources = new(StringComparer.Ordinal);
    private readonly Func<string, string?> environment;

    /// <param name="referenceFile">hocon/vivim.conf.</param>
    /// <param name="operatorFile">Null where there is none.</param>
    /// <param name="environment">VIVIM_ and the key in upper case with underscores, e.g. VIVIM_GRPC_PORT.</param>
    /// <param name="commandLine">Key and value.</param>
    /// <exception cref="SettingsException">A file cannot be read, or has an unknown key.</exception>
    public SettingsReader(string referenceFile, string? operatorFile, Func<string, string?> environment, IReadOnlyDictionary<string, string> commandLine)
    {
        this.environment = environment;
        foreach (var (key, value) in Flatten(referenceFile)) Set(key, value, referenceFile);
        if (operatorFile is not null)
        {
            foreach (var (key, value) in Flatten(operatorFile))
            {
                if (!values.ContainsKey(key)) throw new SettingsException($"{operatorFile}: the key {Root}.{key} is unknown; allowed here: {string.Join(", ", Siblings(key))}");
                Set(key, value, operatorFile);
            }
        }

        foreach (var key in values.Keys.ToList())
        {
            var variable = Variable(key);
            if (environment(variable) is { } value) Set(key, value, $"the environment variable {variable}");
        }

        foreach (var (key, value) in commandLine) Set(key, value, "the command line");
    }

    public string Text(string key) => values[key];

    /// <summary>The parts of a value that is a list separated by commas.</summary>
    public IReadOnlyList<string> List(string key) => values[key].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>A secret: from the file that <paramref name="key"/><c>-file</c> names, or from the environment; never from HOCON. Empty when neither has it.</summary>
    public string Secret(string key)
    {
        var file = values[$"{key}-file"];
        if (file.Length == 0) return environment(Variable(key)) ?? "";
        try
        {
            return RegularFile.ReadSecret(file).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Wrong($"{key}-file", file, $"a file that can be read, by its owner alone ({e.Message})");
        }
    }

    public bool Flag(string key) => values[key] switch
    {
        "true" or "on" => true,
        "false" or "off" => false,
        var other => throw Wrong(key, other, "true or false"),
    };

    public string OneOf(string key, params string[] allowed) => allowed.Contains(values[key]) ? values[key] : throw Wrong(key, values[key], string.Join(", ", allowed));

    public long Number(string key, long min, long max) =>
        long.TryParse(values[key], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max ? number : throw Wrong(key, values[key], $"a whole number from {min} to {max}");

    public TimeSpan Duration(string key, TimeSpan min, TimeSpan max)
    {
        var text = values[key];
        var allowed = $"a duration from {min.TotalMilliseconds}ms to {max.TotalSeconds}s, e.g. 500ms or 2s";
        var (factor, digits) = text.EndsWith("ms", StringComparison.Ordinal) ? (1.0, text[..^2]) : text.EndsWith('s') ? (1000.0, text[..^1]) : (0.0, text);
        if (factor == 0 || !double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount)) throw Wrong(key, text, allowed);
        var milliseconds = amount * factor;
        return milliseconds >= min.TotalMilliseconds && milliseconds <= max.TotalMilliseconds ? TimeSpan.FromMilliseconds(milliseconds) : throw Wrong(key, text, allowed);
    }

    public SettingsException Wrong(string key, string value, string allowed) => new($"{sources[key]}: {Root}.{key} = \"{value}\" is not possible; allowed: {allowed}");

    private static string Variable(string key) => $"{Root}.{key}".ToUpperInvariant().Replace('.', '_').Replace('-', '_');

    private void Set(string key, string value, string source)
    {
        values[key] = value;
        sources[key] = source;
    }

    private List<string> Siblings(string key)
    {
        for (var prefix = Parent(key); ; prefix = Parent(prefix))
        {
            var siblings = values.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal)).Select(k => k[prefix.Length..].Split('.')[0]).Distinct().Order(StringComparer.Ordinal).ToList();
            if (siblings.Count > 0) return siblings;
        }

        static string Parent(string path) => path.TrimEnd('.').LastIndexOf('.') is var dot and >= 0 ? path[..(dot + 1)] : "";
    }

    private static List<KeyValuePair<string, string>> Flatten(string file)
    {
        try
        {
            var config = ConfigurationFactory.ParseString(RegularFile.ReadText(file, MaxFileBytes));
            var root = config.GetConfig(Root)?.Root.GetObject() ?? throw new SettingsException($"{file}: there is no section {Root} {{ }}");
            return [.. Flatten(file, "", root)];
        }
        catch (Exception e) when (e is not SettingsException)
        {
            throw new SettingsException($"{file} cannot be read as HOCON: {e.Message.ReplaceLineEndings(" ")}");
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> Flatten(string file, string prefix, HoconObject node) => node.Items.SelectMany(item =>
        item.Value.IsObject() ? Flatten(file, $"{prefix}{item.Key}.", item.Value.GetObject())
        : item.Value.IsArray() ? throw new SettingsException($"{file}: {Root}.{prefix}{item.Key} is a list; allowed: one value")
        : [new KeyValuePair<string, string>(prefix + item.Key, item.Value.GetString() ?? "")]);
}
