using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Transactions;

namespace Vivim.Protocol.Genesis;

/// <summary>A validator of the genesis: its did:key and its voting power.</summary>
public sealed record GenesisValidator(string Key, ulong Power);

/// <summary>
/// What a chain starts from, and all that a client needs to trust: chain id, rules, validators, parameters. A JSON file;
/// its <see cref="Hash"/> covers the content, not the JSON, and is the parent of block 1.
/// </summary>
public sealed record GenesisFile
{
    /// <summary>The Tendermint engine.</summary>
    public const string BftEngine = "bft";

    /// <summary>Voting power given by the genesis and changed by the authorities.</summary>
    public const string ProofOfAuthority = "proof-of-authority";

    /// <summary>What a chain id looks like, in words.</summary>
    public static readonly string ChainIdForm = ChosenName.FormOf(Transaction.MaxChainIdLength);

    /// <summary>No genesis file is larger, in bytes.</summary>
    public const int MaxSize = 1 << 20;

    /// <summary>The last millisecond of the year 9999.</summary>
    private const long MaxTime = 253_402_300_799_999;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
        NumberHandling = JsonNumberHandling.Strict,
        // Named, because programs of a single file switch the implicit one off.
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
        AllowDuplicateProperties = false,
    };

    public required string ChainId { get; init; }

    /// <summary>Milliseconds since 1970 (UTC); the first block is later.</summary>
    public required long Time { get; init; }

    public required uint RulesVersion { get; init; }

    public string Engine { get; init; } = BftEngine;

    public string VotingPower { get; init; } = ProofOfAuthority;

    public required IReadOnlyList<GenesisValidator> Validators { get; init; }

    public ChainParameters Parameters { get; init; } = new();

    /// <summary>The validators of height 1.</summary>
    [JsonIgnore]
    public ValidatorSet ValidatorSet => new(Validators.Select(v => new Validator(Did.Parse(v.Key).Key, v.Power)));

    /// <summary>SHA-256 of the canonical encoding: the chain's identity.</summary>
    [JsonIgnore]
    public Hash256 Hash
    {
        get
        {
            var writer = new CanonicalWriter().Text(ChainId).I64(Time).U32(RulesVersion).Text(Engine).Text(VotingPower);
            ValidatorSet.Encode(writer);
            Parameters.Encode(writer);
            return Hash256.Of(writer.Written);
        }
    }

    public static bool IsChainId(string text) => ChosenName.IsValid(text, Transaction.MaxChainIdLength);

    public byte[] ToJson() => [.. JsonSerializer.SerializeToUtf8Bytes(this, Json), (byte)'\n'];

    /// <summary>Reads and checks a genesis.</summary>
    /// <exception cref="InvalidDataException">Not a genesis; the message says why.</exception>
    public static GenesisFile FromJson(ReadOnlySpan<byte> json)
    {
        if (json.Length > MaxSize) throw new InvalidDataException($"a genesis has at most {MaxSize} bytes");
        GenesisFile genesis;
        try
        {
            genesis = JsonSerializer.Deserialize<GenesisFile>(json, Json) ?? throw new InvalidDataException("the genesis is empty");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"the genesis is not valid JSON of its kind: {e.Message}", e);
        }

        return genesis.Problem() is { } problem ? throw new InvalidDataException($"the genesis is wrong: {problem}") : genesis;
    }

    private string? Problem()
    {
        if (!IsChainId(ChainId)) return $"chainId must have {ChainIdForm}";
        if (Engine != BftEngine) return $"engine must be '{BftEngine}'";
        if (VotingPower != ProofOfAuthority) return $"votingPower must be '{ProofOfAuthority}'";
        if (Time is < 0 or > MaxTime) return $"time must be 0 to {MaxTime} milliseconds since 1970";
        foreach (GenesisValidator? validator in Validators)
        {
            if (validator is null) return "a validator is null";
            if (!Did.TryParse(validator.Key, out var did) || did.Method != DidMethod.Key) return $"validator '{validator.Key}' is not a did:key";
            if (!did.Key.CanVerify) return $"validator '{validator.Key}' is a key that can sign nothing";
        }

        try
        {
            _ = ValidatorSet;
        }
        catch (ArgumentException e)
        {
            return e.Message;
        }

        return Parameters.Problem();
    }
}
