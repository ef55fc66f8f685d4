using System.Text;
using System.Text.Json.Nodes;
using Vivim.Protocol;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Tests.Ledger;

namespace Vivim.Tests.Protocol;

public sealed class GenesisFileTests
{
    private static readonly string Key = Examples.Alice.KeyDid.ToString();

    public static TheoryData<string, string> Wrong => new()
    {
        { "", "not valid JSON" },
        { "null", "the genesis is empty" },
        { "[]", "not valid JSON of its kind" },
        { "{", "not valid JSON" },
        { With(g => g["colour"] = "red"), "'colour'" },
        { With(g => g.Remove("chainId")), "'chainId'" },
        { With(g => g["validators"] = null), "validators" },
        { With(g => g["parameters"] = null), "parameters" },
        { With(g => g["rulesVersion"] = "1"), "rulesVersion" },
        { With(g => g["rulesVersion"] = -1), "rulesVersion" },
        { With(g => g["time"] = -1), "time must be 0 to" },
        { With(g => g["time"] = long.MaxValue), "time must be 0 to" },
        { Json().Replace("\"time\"", "\"chainId\": \"other\", \"time\"", StringComparison.Ordinal), "chainId" },
        { With(g => g["chainId"] = ""), "chainId must have 1 to 50" },
        { With(g => g["chainId"] = new string('x', 51)), "chainId must have 1 to 50" },
        { With(g => g["chainId"] = "a b"), "chainId must have 1 to 50" },
        { With(g => g["engine"] = "raft"), "engine must be 'bft'" },
        { With(g => g["votingPower"] = "stake"), "votingPower must be 'proof-of-authority'" },
        { With(g => g["validators"] = new JsonArray()), "a set has 1 to 1024 validators, not 0" },
        { With(g => g["validators"] = new JsonArray((JsonNode?)null)), "a validator is null" },
        { With(g => g["validators"] = new JsonArray(Validator("alice", 1))), "validator 'alice' is not a did:key" },
        { With(g => g["validators"] = new JsonArray(Validator(Examples.Alice.Did.ToString(), 1))), "is not a did:key" },
        { With(g => g["validators"] = new JsonArray(Validator(Key, 0))), "has power 0; each has at least 1" },
        { With(g => g["validators"] = new JsonArray(Validator(Key, ulong.MaxValue))), "all together at most" },
        { With(g => g["validators"] = new JsonArray(Validator(Key, 1), Validator(Key, 2))), "is named twice" },
        { With(g => g["validators"] = new JsonArray(new JsonObject { ["key"] = Key })), "power" },
        { WithParameter("blockIntervalMs", 249), "blockIntervalMs must be 250 to 600000" },
        { WithParameter("blockIntervalMs", 600_001), "blockIntervalMs must be" },
        { WithParameter("emptyBlockIntervalMs", 999), "emptyBlockIntervalMs must be at least blockIntervalMs" },
        { WithParameter("maxBlockBytes", 65_535), "maxBlockBytes must be 65536 to" },
        { WithParameter("maxBlockBytes", 16 << 20), "maxBlockBytes must be 65536 to" },
        { WithParameter("maxBlockTransactions", 0), "maxBlockTransactions must be 1 to 100000" },
        { WithParameter("maxBlockTransactions", 100_001), "maxBlockTransactions must be" },
        { WithParameter("maxTransactionBytes", 511), "maxTransactionBytes must be 512 to 4096" },
        { WithParameter("maxTransactionBytes", 4_097), "maxTransactionBytes must be" },
        { WithParameter("quotaActions", 0), "quotaActions must be at least 1" },
        { WithParameter("quotaWindowHeights", 0), "quotaWindowHeights must be at least 1" },
        { WithParameter("maxRegistrations", 0), "maxRegistrations must be at least 1" },
        { WithParameter("maxNonceAhead", 0), "maxNonceAhead must be at least 1" },
        { WithParameter("maxExpiryAhead", 0), "maxExpiryAhead must be at least 1" },
        { WithParameter("maxEvidenceAge", 0), "maxEvidenceAge must be at least 1" },
        { With(g => g["validators"] = new JsonArray(Validator("did:key:z6MkeXATEjyXENzBXBxgC5EHk2JE5aqd7qMGGtDpLUH1e2Sj", 1))), "is a key that can sign nothing" },
        { WithParameter("colour", 1), "'colour'" },
        { Json() + new string(' ', GenesisFile.MaxSize), "at most 1048576 bytes" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_wrong_genesis_is_refused_in_a_sentence(string json, string sentence)
    {
        var message = Assert.Throws<InvalidDataException>(() => GenesisFile.FromJson(Encoding.UTF8.GetBytes(json))).Message;
        Assert.Contains(sentence, message, StringComparison.Ordinal);
        Assert.DoesNotContain("(Parameter", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_genesis_is_read_as_written()
    {
        var read = GenesisFile.FromJson(Examples.Genesis.ToJson());
        Assert.Equal((Examples.Genesis.Hash, Examples.Genesis.Parameters), (read.Hash, read.Parameters));
        Assert.Equal(Examples.Genesis.Validators, read.Validators);
    }

    [Fact]
    public void The_hash_covers_the_content_and_not_its_spelling()
    {
        var compact = JsonNode.Parse(Json())!.ToJsonString();
        Assert.Equal(Examples.Genesis.Hash, GenesisFile.FromJson(Encoding.UTF8.GetBytes(compact)).Hash);
        GenesisFile[] others =
        [
            Examples.Genesis with { ChainId = "other" },
            Examples.Genesis with { Time = 1 },
            Examples.Genesis with { RulesVersion = 2 },
            Examples.Genesis with { Engine = "other" },
            Examples.Genesis with { VotingPower = "other" },
            Examples.Genesis with { Validators = [new GenesisValidator(Key, 10)] },
            .. typeof(ChainParameters).GetProperties().Select(parameter =>
            {
                var parameters = new ChainParameters();
                parameter.SetValue(parameters, (uint)parameter.GetValue(parameters)! + 1);
                return Examples.Genesis with { Parameters = parameters };
            }),
        ];
        Assert.Equal(17, others.Select(g => g.Hash).Append(Examples.Genesis.Hash).Distinct().Count() - 1);
    }

    [Fact]
    public void A_copy_with_other_validators_has_their_set()
    {
        var original = TestChain.GenesisWith(new ChainParameters());
        Assert.Equal(10UL, original.ValidatorSet.TotalPower);
        Assert.Equal(3UL, (original with { Validators = [new GenesisValidator(Key, 3)] }).ValidatorSet.TotalPower);
    }

    private static string Json() => Encoding.UTF8.GetString(Examples.Genesis.ToJson());

    private static string With(Action<JsonObject> change)
    {
        var genesis = JsonNode.Parse(Json())!.AsObject();
        change(genesis);
        return genesis.ToJsonString();
    }

    private static string WithParameter(string name, uint value) => With(g => g["parameters"]![name] = value);

    private static JsonObject Validator(string key, ulong power) => new() { ["key"] = key, ["power"] = power };
}
