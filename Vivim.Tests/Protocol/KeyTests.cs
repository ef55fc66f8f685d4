using System.Text.Json;
using System.Text.Json.Serialization;
using FsCheck.Xunit;
using Vivim.Protocol.Keys;

namespace Vivim.Tests.Protocol;

public sealed class KeyTests
{
    private sealed record SpecCase(string Message, [property: JsonPropertyName("pub_key")] string PublicKey, string Signature);

    private sealed record WycheproofFile(WycheproofGroup[] TestGroups);

    private sealed record WycheproofGroup(WycheproofKey PublicKey, WycheproofTest[] Tests);

    private sealed record WycheproofKey(string Pk);

    private sealed record WycheproofTest(int TcId, string Msg, string Sig, string Result);

    /// <summary>The points of small order in all their encodings, non-canonical ones too.</summary>
    private static readonly string[] SmallOrderKeys =
    [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000080",
    ];

    [Fact]
    public void Keys_under_which_nothing_verifies_are_known()
    {
        Assert.All(SmallOrderKeys, key => Assert.False(new PublicKey(Convert.FromHexString(key)).CanVerify, key));
        Assert.False(new PublicKey([.. Enumerable.Repeat((byte)0xff, 32)]).CanVerify);
        Assert.All(Enumerable.Range(0, 20), i => Assert.True(new SigningKey([.. Enumerable.Repeat((byte)i, 32)]).PublicKey.CanVerify));
        Assert.True(new PublicKey(Convert.FromHexString("ebffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")).CanVerify);
        Assert.True(new PublicKey(Convert.FromHexString("0100000000000000000000000000000000000000000000000000000000000001")).CanVerify);
    }

    [SharedFact]
    public void Of_the_twelve_cases_on_which_verifiers_differ_only_the_fourth_is_accepted()
    {
        var cases = Read<SpecCase[]>("ed25519-speccheck/cases.json");
        var accepted = Enumerable.Range(0, cases.Length).Where(i => Verifies(cases[i].PublicKey, cases[i].Message, cases[i].Signature));
        Assert.Equal(12, cases.Length);
        Assert.Equal([3], accepted);
    }

    [SharedFact]
    public void Every_wycheproof_case_is_judged_as_published()
    {
        var cases = Read<WycheproofFile>("wycheproof/testvectors_v1/ed25519_test.json").TestGroups.SelectMany(group => group.Tests.Select(test => (group.PublicKey.Pk, Test: test))).ToList();
        Assert.Equal(151, cases.Count);
        Assert.All(cases, c => Assert.Equal((c.Test.TcId, c.Test.Result == "valid"), (c.Test.TcId, Verifies(c.Pk, c.Test.Msg, c.Test.Sig))));
    }

    [Fact]
    public void A_key_of_small_order_verifies_nothing() => Assert.All(SmallOrderKeys, key =>
    {
        // With R the same point and S zero, a verifier that lets such keys pass accepts one message in eight at least.
        for (var message = 0; message < 64; message++) Assert.False(Verifies(key, message.ToString("x4"), key + new string('0', 64)));
    });

    [Property]
    public void A_signature_holds_for_its_message_and_key_alone(byte[] message, byte seed, int flip)
    {
        using var key = new SigningKey(Enumerable.Repeat(seed, SigningKey.SeedSize).ToArray());
        using var other = new SigningKey(Enumerable.Repeat((byte)(seed + 1), SigningKey.SeedSize).ToArray());
        var signature = key.Sign(message);
        Assert.True(key.PublicKey.Verifies(message, signature));
        Assert.False(other.PublicKey.Verifies(message, signature));
        Assert.False(key.PublicKey.Verifies([.. message, 0], signature));
        var bytes = signature.Bytes.ToArray();
        bytes[(flip & 0x1FF) >> 3] ^= (byte)(1 << (flip & 7));
        Assert.False(key.PublicKey.Verifies(message, new Signature(bytes)));
    }

    [Fact]
    public void A_key_file_is_read_back_private_and_never_overwritten()
    {
        using var folder = new TemporaryFolder();
        var path = folder.PathOf("key");
        using var key = SigningKey.Generate();
        key.WriteTo(path);
        using var read = SigningKey.ReadFrom(path);
        Assert.Equal(key.PublicKey, read.PublicKey);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.Contains(path, Assert.Throws<IOException>(() => read.WriteTo(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_holds_no_key_is_named()
    {
        using var folder = new TemporaryFolder();
        PrivateFile.Write(folder.PathOf("short"), "abcd");
        var refused = Assert.Throws<InvalidDataException>(() => SigningKey.ReadFrom(folder.PathOf("short")));
        Assert.Equal($"{folder.PathOf("short")} is not a key file: it must hold 64 hexadecimal digits", refused.Message);
    }

    [Fact]
    public void Keys_and_signatures_have_one_length()
    {
        Assert.Throws<ArgumentException>(() => new SigningKey(new byte[31]));
        Assert.Throws<ArgumentException>(() => new PublicKey(new byte[33]));
        Assert.Throws<ArgumentException>(() => new Signature(new byte[63]));
    }

    private static bool Verifies(string key, string message, string signature)
    {
        var bytes = Convert.FromHexString(signature);
        return bytes.Length == Signature.Size && new PublicKey(Convert.FromHexString(key)).Verifies(Convert.FromHexString(message), new Signature(bytes));
    }

    private static T Read<T>(string path) => JsonSerializer.Deserialize<T>(File.ReadAllText(SharedMaterial.PathOf("vectors/" + path)), JsonSerializerOptions.Web)!;
}
