using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Vivim.Protocol.Proofs;
using Vivim.Protocol.Proofs.Ics23;

namespace Vivim.Tests.Protocol;

/// <summary>The spec cases of cosmos/ics23, one file per rule.</summary>
public sealed class Ics23SpecTests
{
    private static readonly JsonSerializerOptions SnakeCase = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, PropertyNameCaseInsensitive = true };

    private sealed record HashCase([property: JsonPropertyName("HashOp")] HashOp Op, [property: JsonPropertyName("Preimage")] string Preimage, [property: JsonPropertyName("ExpectedHash")] string Expected);

    private sealed record LeafCase([property: JsonPropertyName("Op")] LeafOp Op, byte[]? Key, byte[]? Value, [property: JsonPropertyName("IsErr")] bool IsErr, byte[]? Expected);

    private sealed record CheckLeafCase(LeafOp Leaf, LeafOp Spec, [property: JsonPropertyName("IsErr")] bool IsErr);

    private sealed record InnerCase(InnerOp Op, byte[]? Child, [property: JsonPropertyName("IsErr")] bool IsErr, byte[]? Expected);

    private sealed record Proof(byte[] Key, byte[] Value, LeafOp? Leaf, InnerOp[]? Path)
    {
        public ExistenceProof ToProof() => new(Key, Value, Leaf, Path ?? []);
    }

    private sealed record ExistenceCase(Proof Proof, [property: JsonPropertyName("IsErr")] bool IsErr, byte[]? Expected);

    private sealed record CheckCase(Proof Proof, ProofSpec Spec, string Err);

    private sealed record EmptyBranchCase(InnerOp Op, ProofSpec Spec, [property: JsonPropertyName("IsLeft")] bool IsLeft, [property: JsonPropertyName("IsRight")] bool IsRight);

    [SharedFact]
    public void Supported_hash_functions_match_and_the_others_are_refused_by_name()
    {
        var cases = Read<Dictionary<string, HashCase>>("TestDoHashData.json");
        Assert.Equal(7, cases.Count);
        foreach (var c in cases.Values)
        {
            var data = Encoding.UTF8.GetBytes(c.Preimage);
            if (c.Op is HashOp.Sha256 or HashOp.Sha512) Assert.Equal(c.Expected, Convert.ToHexStringLower(c.Op.Hash(data)));
            else Assert.Contains(c.Op.ToString(), Assert.Throws<ProofException>(() => c.Op.Hash(data)).Message, StringComparison.Ordinal);
        }
    }

    [SharedFact]
    public void Leaves_hash_as_published() =>
        CheckEach<LeafCase>("TestLeafOpData.json", 11, c => c.IsErr, c => Assert.Equal(c.Expected, c.Op.Apply(c.Key, c.Value)));

    [SharedFact]
    public void Leaves_are_checked_against_their_spec() =>
        CheckEach<CheckLeafCase>("TestCheckLeafData.json", 10, c => c.IsErr, c => c.Leaf.CheckAgainst(c.Spec));

    [SharedFact]
    public void Inner_steps_hash_as_published() =>
        CheckEach<InnerCase>("TestInnerOpData.json", 4, c => c.IsErr, c => Assert.Equal(c.Expected, c.Op.Apply(c.Child)));

    [SharedFact]
    public void Paths_lead_to_the_published_root() =>
        CheckEach<ExistenceCase>("TestExistenceProofData.json", 6, c => c.IsErr, c => Assert.Equal(c.Expected, c.Proof.ToProof().CalculateRoot()));

    [SharedFact]
    public void Proofs_are_checked_against_their_spec() =>
        CheckEach<CheckCase>("TestCheckAgainstSpecData.json", 11, c => c.Err.Length > 0, c => c.Proof.ToProof().CheckAgainst(c.Spec));

    [SharedFact]
    public void Empty_siblings_are_recognised_on_their_side()
    {
        var cases = Read<List<EmptyBranchCase>>("TestEmptyBranchData.json");
        Assert.Equal(8, cases.Count);
        Assert.All(cases, c =>
        {
            c.Op.CheckAgainst(c.Spec);
            Assert.Equal(c.IsLeft, c.Spec.InnerSpec.LeftSiblingIsEmpty(c.Op));
            Assert.Equal(c.IsRight, c.Spec.InnerSpec.RightSiblingIsEmpty(c.Op));
        });
    }

    [Theory]
    [InlineData(LengthOp.Require32Bytes, 32, true)]
    [InlineData(LengthOp.Require32Bytes, 31, false)]
    [InlineData(LengthOp.Require64Bytes, 64, true)]
    [InlineData(LengthOp.Require64Bytes, 32, false)]
    [InlineData(LengthOp.VarRlp, 32, false)]
    public void A_length_that_does_not_fit_is_refused(LengthOp op, int length, bool fits)
    {
        var data = new byte[length];
        if (fits) Assert.Equal(data, op.WithLength(data));
        else Assert.Throws<ProofException>(() => op.WithLength(data));
    }

    [Fact]
    public void A_varint_length_takes_seven_bits_a_byte() => Assert.Equal([0xAC, 0x02], LengthOp.VarProto.WithLength(new byte[300])[..2]);

    private static void CheckEach<T>(string file, int count, Func<T, bool> isError, Action<T> act)
    {
        var cases = Read<Dictionary<string, T>>(file);
        Assert.Equal(count, cases.Count);
        Assert.All(cases, named =>
        {
            var error = Record.Exception(() => act(named.Value));
            if (isError(named.Value)) Assert.IsType<ProofException>(error);
            else Assert.Null(error);
        });
    }

    private static T Read<T>(string file) => JsonSerializer.Deserialize<T>(File.ReadAllText(SharedMaterial.PathOf("vectors/ics23/testdata/" + file)), SnakeCase)!;
}
