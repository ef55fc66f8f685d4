using System.Text.Json;
using System.Text.Json.Serialization;

namespace Vivim.Ledger.Backups;

/// <summary>A file of a backup.</summary>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">Lower-case hexadecimal.</param>
public sealed record BackupFile(string Name, long Size, string Sha256);

/// <summary>What a backup holds, in its file <c>manifest.json</c>.</summary>
public sealed record BackupManifest
{
    /// <summary>The format that this program writes and reads.</summary>
    public const int CurrentFormat = 1;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        NumberHandling = JsonNumberHandling.Strict,
    };

    public required int Format { get; init; }

    public required string ChainId { get; init; }

    public required string GenesisHash { get; init; }

    /// <summary>The last block in it.</summary>
    public required ulong Height { get; init; }

    public required string BlockId { get; init; }

    /// <summary>The root of the state after that block.</summary>
    public required string StateRoot { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long MadeAt { get; init; }

    /// <summary>The version of the program that made it.</summary>
    public required string MadeBy { get; init; }

    /// <summary>The node that made it; <c>local</c> for one on its own.</summary>
    public required string Node { get; init; }

    /// <summary>By which its task is recognised: the same task makes one backup.</summary>
    public required string Key { get; init; }

    /// <summary>The did:keys of the validators whose keys the node had. No private key is in a backup, and no signer's row.</summary>
    public required IReadOnlyList<string> Validators { get; init; }

    /// <summary>The did:key of the node's operator key.</summary>
    public required string Operator { get; init; }

    /// <summary>What belongs to the node and is not in here, and how to keep it; a sentence for people.</summary>
    public required string NotIncluded { get; init; }

    public required IReadOnlyList<BackupFile> Files { get; init; }

    /// <summary>Bytes of all files.</summary>
    [JsonIgnore]
    public long Size => Files.Sum(file => file.Size);

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, Json);

    /// <exception cref="JsonException">It is no manifest.</exception>
    public static BackupManifest FromJson(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize<BackupManifest>(json, Json) ?? throw new JsonException("it is empty");

    /// <summary>The format alone, which every version of a manifest states.</summary>
    /// <exception cref="JsonException">It is no manifest.</exception>
    public static int FormatOf(ReadOnlyMemory<byte> json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("format", out var format) && format.TryGetInt32(out var number)
            ? number
            : throw new JsonException("it states no format");
    }
}
