using System.Text;
using System.Text.Json;
using FsCheck.Xunit;
using SimpleBase;
using Vivim.Protocol;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;

namespace Vivim.Tests.Protocol;

public sealed class DidTests
{
    private const string Alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0OIl:=-+ \u00e9\ud800";

    [SharedFact]
    public void The_public_did_keys_are_read_and_written()
    {
        using var file = JsonDocument.Parse(File.ReadAllText(SharedMaterial.PathOf("vectors/did-key/ed25519-x25519.json")));
        var entries = file.RootElement.EnumerateObject().ToList();
        Assert.Equal(5, entries.Count);
        Assert.All(entries, entry =>
        {
            var key = new PublicKey(Base58.Bitcoin.Decode(entry.Value.GetProperty("verificationKeyPair").GetProperty("publicKeyBase58").GetString()!));
            using var signing = new SigningKey(Convert.FromHexString(entry.Value.GetProperty("seed").GetString()!));
            Assert.Equal(key, signing.PublicKey);
            Assert.Equal(key, Did.Parse(entry.Name).Key);
            Assert.Equal(entry.Name, Did.OfKey(key).ToString());

            // Its X25519 key is a did:key too, of a kind that signs nothing.
            Assert.False(Did.TryParse("did:key:" + entry.Value.GetProperty("keyAgreementKeyPair").GetProperty("id").GetString()![1..], out _));
        });
    }

    [Property]
    public void Every_did_is_read_back_from_its_spelling(byte[] content, bool isKey)
    {
        var did = new Did(isKey ? DidMethod.Key : DidMethod.Vivim, Hash256.Of(content));
        Assert.Equal(did, Did.Parse(did.ToString()));
        Assert.InRange(did.ToString().Length, 1, Did.MaxLength);
    }

    [Property(MaxTest = 2000)]
    public void A_changed_spelling_is_refused_or_is_the_one_spelling_of_another(int seed)
    {
        var random = new System.Random(seed);
        var original = new Did(random.Next(2) == 0 ? DidMethod.Key : DidMethod.Vivim, Hash256.Of(BitConverter.GetBytes(seed)));
        var text = Mutate(original.ToString(), random);
        if (!Did.TryParse(text, out var did)) return;
        Assert.Equal(text, did.ToString());
        Assert.Equal(text == original.ToString(), did == original);
    }

    [Property(MaxTest = 2000)]
    public void Any_text_is_refused_or_written_back_as_it_was(string? text, bool isKey)
    {
        foreach (var tried in new[] { text, (isKey ? "did:key:z" : "did:vivim:b") + text })
            if (Did.TryParse(tried, out var did)) Assert.Equal(tried, did.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("did:key:")]
    [InlineData("did:key:z")]
    [InlineData("did:web:example.org")]
    [InlineData("DID:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp")]
    [InlineData("did:key:z16MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp")]
    [InlineData("did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp ")]
    [InlineData("did:vivim:baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab")]
    [InlineData("did:vivim:bAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("did:vivim:baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa====")]
    public void Other_spellings_are_refused(string text)
    {
        Assert.False(Did.TryParse(text, out _));
        Assert.Contains("is not a did:key", Assert.Throws<FormatException>(() => Did.Parse(text)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_a_did_key_has_a_key() =>
        Assert.Throws<InvalidOperationException>(() => new Did(DidMethod.Vivim, Hash256.Of([])).Key);

    private static string Mutate(string text, System.Random random)
    {
        var changed = new StringBuilder(text);
        var at = random.Next(text.Length);
        switch (random.Next(4))
        {
            case 0:
                changed[at] = Alphabet[random.Next(Alphabet.Length)];
                break;
            case 1:
                changed.Insert(at, Alphabet[random.Next(Alphabet.Length)]);
                break;
            case 2:
                changed.Remove(at, 1);
                break;
            default:
                changed[at] = char.IsAsciiLetterUpper(changed[at]) ? char.ToLowerInvariant(changed[at]) : char.ToUpperInvariant(changed[at]);
                break;
        }

        return changed.ToString();
    }
}
