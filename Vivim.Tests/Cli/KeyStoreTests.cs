using Vivim.Cli;
using Vivim.Cli.Keys;
using Vivim.Client;
using Vivim.Protocol.Identity;

namespace Vivim.Tests.Cli;

public sealed class KeyStoreTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vivim-keys-");
    private readonly KeyStore store;

    public KeyStoreTests() => store = new KeyStore(Path.Combine(folder.FullName, "keys"));

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void A_key_is_kept_for_its_owner_only()
    {
        using var made = store.Create("ann");
        using var read = store.Open("ann");

        Assert.Equal(made.PublicKey, read.PublicKey);
        Assert.Equal(["ann"], store.Names());
        if (OperatingSystem.IsWindows()) return;
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(store.Folder, "ann")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(store.Folder));
    }

    [Fact]
    public void A_name_is_taken_once()
    {
        store.Create("ann").Dispose();

        var refusal = Assert.Throws<CommandFailedException>(() => store.Create("ann"));

        Assert.Equal("KEY_EXISTS", refusal.Reason);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".hidden")]
    [InlineData("../ann")]
    [InlineData("a/b")]
    [InlineData("with blank")]
    [InlineData("did:key:x")]
    [InlineData("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg")]
    public void What_is_not_a_name_is_refused(string name)
    {
        Assert.Equal("BAD_KEY_NAME", Assert.Throws<CommandFailedException>(() => store.Create(name)).Reason);
        Assert.Equal("BAD_KEY_NAME", Assert.Throws<CommandFailedException>(() => store.Open(name)).Reason);
    }

    [Fact]
    public void A_missing_key_says_how_to_make_it()
    {
        var refusal = Assert.Throws<CommandFailedException>(() => store.Open("bob"));

        Assert.Equal(("KEY_NOT_FOUND", "there is no key named 'bob'; make one with: vivim key new bob"), (refusal.Reason, refusal.Message));
    }

    [Theory]
    [InlineData("")]
    [InlineData("0011")]
    [InlineData("zz11223344556677889900112233445566778899001122334455667788990011")]
    public void A_damaged_file_is_refused(string content)
    {
        Directory.CreateDirectory(store.Folder);
        PrivateFile.Write(Path.Combine(store.Folder, "ann"), content);

        var refused = Assert.Throws<CommandFailedException>(() => store.Open("ann"));
        Assert.Equal("KEY_UNREADABLE", refused.Reason);
        Assert.Contains("64 hexadecimal digits", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_folder_means_no_keys() => Assert.Empty(store.Names());

    [Fact]
    public void A_person_is_named_by_key_or_did()
    {
        using var key = store.Create("ann");
        var people = new People(store);
        var keyDid = Did.OfKey(key.PublicKey);

        Assert.Equal(Person.DidOf(key.PublicKey), people.Find("ann"));
        Assert.Equal(keyDid, people.Find(keyDid.ToString()));
        Assert.Equal(Person.DidOf(key.PublicKey), people.Find(Person.DidOf(key.PublicKey).ToString()));
    }

    [Theory]
    [InlineData("bob", "KEY_NOT_FOUND")]
    [InlineData("not a name", "BAD_WHO")]
    [InlineData("did:key:z6MkBroken", "BAD_DID")]
    [InlineData("did:web:example.org", "BAD_DID")]
    public void Nobody_is_found_under_something_else(string who, string reason) =>
        Assert.Equal(reason, Assert.Throws<CommandFailedException>(() => new People(store).Find(who)).Reason);
}
