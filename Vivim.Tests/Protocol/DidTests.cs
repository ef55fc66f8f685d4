using FsCheck.Xunit;
using Vivim.Protocol.Identity;

namespace Vivim.Tests.Protocol;

public sealed class DidTests
{
    [Property(MaxTest = 2_000)]
    public bool Any_text_after_a_prefix_is_a_did_or_is_none_and_never_a_failure(string text) =>
        new[] { "did:key:z", "did:vivim:b", "" }.All(prefix => !Did.TryParse(prefix + text, out var did) || did.ToString() == prefix + text);

    [Theory]
    [InlineData("did:vivim:bäöü")]
    [InlineData("did:key:zÿÿÿ")]
    [InlineData("did:vivim:b\u2028")]
    [InlineData("did:key:z😀")]
    [InlineData("did:key:z\u007f")]
    public void Characters_other_than_letters_and_digits_are_in_no_did(string text) => Assert.False(Did.TryParse(text, out _));
}
