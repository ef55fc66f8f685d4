using System.Buffers.Text;
using FsCheck;
using FsCheck.Xunit;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Identity;
using Vivim.Tests.Ledger;

namespace Vivim.Tests.Protocol;

/// <summary>A caller token proves what it says for as long as it says, and any other text proves nothing.</summary>
public sealed class CallerTokenTests
{
    private const long Now = 1_700_000_000_000;
    private const long Lifetime = 120_000;

    private static readonly CallerToken Token = CallerToken.Sign(TestChain.ChainId, Examples.Alice.Key, Now, TimeSpan.FromMilliseconds(Lifetime));

    [Property]
    public void A_token_is_read_as_it_was_signed_and_proves_its_owner(PositiveInt issuedAt, PositiveInt lifetime, NonEmptyString letters)
    {
        var chainId = Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes(letters.Get));
        chainId = chainId[..Math.Min(chainId.Length, 50)];
        var (at, duration) = (Now + issuedAt.Get, 1 + (lifetime.Get % CallerToken.MaxLifetime.TotalMilliseconds));
        var token = CallerToken.Sign(chainId, Examples.Bob.Key, at, TimeSpan.FromMilliseconds(duration));

        Assert.Equal(token, CallerToken.Parse(token.ToText()));
        Assert.InRange(token.ToText().Length, 1, CallerToken.MaxTextLength);
        Assert.True(CallerToken.TryVerify(token.ToText(), chainId, at, out var verified, out var refusal));
        Assert.Equal((Examples.Bob.KeyDid, null), (verified.Caller, refusal));
    }

    [Fact]
    public void Every_flipped_bit_is_refused()
    {
        var bytes = Base64Url.DecodeFromChars(Token.ToText());
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            byte[] flipped = [.. bytes];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotNull(RefusalOf(Base64Url.EncodeToString(flipped), Now));
        }
    }

    [Fact]
    public void A_token_has_one_spelling()
    {
        var text = Token.ToText();
        Assert.All((string[])[$" {text}", $"{text}=", $"{text}\n", text.Insert(9, " "), text[..^1], $"{text}A", text.Replace('_', '/').Replace('-', '+') + " ", "", "Bearer", new string('A', 10_000)], other =>
            Assert.Equal(TokenRefusalReason.Malformed, RefusalOf(other, Now)?.Reason));
    }

    [Theory]
    [InlineData(-30_001, "TOKEN_NOT_YET_VALID")]
    [InlineData(-30_000, null)]
    [InlineData(0, null)]
    [InlineData(Lifetime - 1, null)]
    [InlineData(Lifetime, "TOKEN_EXPIRED")]
    [InlineData(Lifetime * 1_000, "TOKEN_EXPIRED")]
    public void A_token_is_valid_from_half_a_minute_before_its_time_to_its_end(long sinceIssued, string? reason) =>
        Assert.Equal(reason, RefusalOf(Token.ToText(), Now + sinceIssued)?.Code);

    [Fact]
    public void A_token_for_another_chain_is_told_from_one_that_somebody_else_signed()
    {
        Assert.False(CallerToken.TryVerify(Token.ToText(), "another", Now, out _, out var refusal));
        Assert.Equal("TOKEN_WRONG_CHAIN", refusal.Code);
        Assert.Equal("TOKEN_BAD_SIGNATURE", RefusalOf((Token with { Caller = Examples.Bob.KeyDid }).ToText(), Now)?.Code);
        Assert.Equal("TOKEN_BAD_SIGNATURE", RefusalOf((Token with { ExpiresAt = Token.ExpiresAt + 1 }).ToText(), Now)?.Code);
    }

    [Fact]
    public void No_token_lives_longer_than_five_minutes_whoever_signs_it()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => CallerToken.Sign(TestChain.ChainId, Examples.Alice.Key, Now, CallerToken.MaxLifetime + TimeSpan.FromMilliseconds(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => CallerToken.Sign(TestChain.ChainId, Examples.Alice.Key, Now, TimeSpan.Zero));
        foreach (var (issuedAt, expiresAt) in ((long, long)[])[(Now, Now + 300_001), (Now, Now), (Now, Now - 1), (-1, 1), (0, long.MaxValue), (long.MinValue, long.MaxValue), (long.MaxValue, long.MinValue)])
            Assert.Equal(TokenRefusalReason.Malformed, RefusalOf((Token with { IssuedAt = issuedAt, ExpiresAt = expiresAt }).ToText(), Now)?.Reason);
    }

    [Fact]
    public void Only_keys_own_tokens_and_only_chains_can_be_named()
    {
        Assert.Contains("not a did:key", Assert.Throws<MalformedException>(() => CallerToken.Parse((Token with { Caller = Examples.Alice.Did }).ToText())).Message, StringComparison.Ordinal);
        Assert.Contains("chain id", Assert.Throws<MalformedException>(() => CallerToken.Parse((Token with { ChainId = "" }).ToText())).Message, StringComparison.Ordinal);
        Assert.Contains("chain id", Assert.Throws<MalformedException>(() => CallerToken.Parse((Token with { ChainId = "a b" }).ToText())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_printed_of_a_token_lets_nobody_call()
    {
        Assert.DoesNotContain(Token.ToText(), $"{Token}", StringComparison.Ordinal);
        Assert.DoesNotContain(Token.Signature.ToString(), $"{Token}", StringComparison.Ordinal);
    }

    [Fact]
    public void The_specification_shows_this_token()
    {
        Assert.Contains($"\n{Examples.Token.ToText()}\n", File.ReadAllText(Repository.PathOf("docs", "spec", "tokens.md")), StringComparison.Ordinal);
    }

    private static TokenRefusal? RefusalOf(string text, long now)
    {
        var isValid = CallerToken.TryVerify(text, TestChain.ChainId, now, out var token, out var refusal);
        Assert.Equal((isValid, !isValid), (token is not null, refusal is not null));
        return refusal;
    }
}
