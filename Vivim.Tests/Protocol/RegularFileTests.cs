using System.Diagnostics;
using Vivim.Protocol;
using Vivim.Protocol.Keys;

namespace Vivim.Tests.Protocol;

/// <summary>
/// Of files from elsewhere only regular ones are read, no further than the limit, and secrets only where nobody else can read them.
/// </summary>
public sealed class RegularFileTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>Makes a pipe that nobody writes to.</summary>
    internal static string Pipe(string path)
    {
        using var made = Process.Start("mkfifo", ["-m", "600", path]);
        made.WaitForExit();
        Assert.Equal(0, made.ExitCode);
        return path;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    public void A_file_is_read_up_to_its_limit_and_no_further(int length)
    {
        var content = Enumerable.Range(0, length).Select(i => (byte)i).ToArray();
        File.WriteAllBytes(folder.PathOf("file"), content);

        Assert.Equal(content, RegularFile.Read(folder.PathOf("file"), length));
        File.AppendAllText(folder.PathOf("file"), "x");
        Assert.Contains($"more than {length} bytes", Assert.Throws<IOException>(() => RegularFile.Read(folder.PathOf("file"), length)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_to_a_file_is_the_file_and_an_encoding_is_recognised()
    {
        File.WriteAllText(folder.PathOf("file"), "grüß\n", System.Text.Encoding.Unicode);
        File.CreateSymbolicLink(folder.PathOf("link"), folder.PathOf("file"));

        Assert.Equal("grüß\n", RegularFile.ReadText(folder.PathOf("link"), 100));
    }

    [Fact]
    public void What_is_not_there_is_not_found()
    {
        Assert.Throws<FileNotFoundException>(() => RegularFile.Read(folder.PathOf("absent"), 1));
        File.WriteAllText(folder.PathOf("file"), "");
        Assert.Throws<FileNotFoundException>(() => RegularFile.Read(folder.PathOf("file/below"), 1));
    }

    [LinuxTheory]
    [InlineData("/dev/zero", "a device")]
    [InlineData("/dev/null", "a device")]
    [InlineData("/tmp", "a folder")]
    public void What_is_no_regular_file_is_refused_by_its_kind(string path, string kind) =>
        Assert.Equal($"{path} is {kind}, not a regular file", Assert.Throws<IOException>(() => RegularFile.Read(path, 1 << 20)).Message);

    [LinuxFact]
    public async Task A_pipe_is_refused_at_once_though_nobody_writes_to_it()
    {
        var pipe = Pipe(folder.PathOf("pipe"));
        var refused = await Assert.ThrowsAsync<IOException>(() => Task.Run(() => RegularFile.Read(pipe, 100)).WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.Equal($"{pipe} is a pipe, not a regular file", refused.Message);
    }

    /// <summary>Files of /proc are regular, state a length of 0, and have content all the same.</summary>
    [LinuxFact]
    public void The_limit_holds_by_what_is_read_not_by_the_length_that_is_stated()
    {
        Assert.StartsWith("Linux", RegularFile.ReadText("/proc/version", 10_000), StringComparison.Ordinal);
        Assert.Throws<IOException>(() => RegularFile.Read("/proc/self/maps", 100));
    }

    [LinuxFact]
    public void A_secret_that_others_can_use_is_refused_with_its_mode_and_what_to_do()
    {
        var path = folder.PathOf("key");
        using var key = SigningKey.Generate();
        key.WriteTo(path);
        foreach (var others in Enumerable.Range(1, 0b111_111).Select(bits => (UnixFileMode)bits))
        {
            PrivateFile.SetMode(path, OwnerOnly | others);
            var message = Assert.Throws<IOException>(() => SigningKey.ReadFrom(path)).Message;
            Assert.Equal($"{path} has mode 0{Convert.ToString((int)(OwnerOnly | others), 8)}, so that others can use it too: make it yours alone with: chmod 600 {path}", message);
        }

        foreach (var own in (UnixFileMode[])[OwnerOnly, UnixFileMode.UserRead, OwnerOnly | UnixFileMode.UserExecute])
        {
            PrivateFile.SetMode(path, own);
            using var read = SigningKey.ReadFrom(path);
            Assert.Equal(key.PublicKey, read.PublicKey);
        }
    }

    /// <summary>
    /// What a container engine mounts, root's and readable by a group, is not the reader's to change. Only root can make such a file.
    /// </summary>
    [LinuxFact]
    public void A_secret_of_another_user_is_that_users_to_protect()
    {
        if (!Environment.IsPrivilegedProcess) return;
        var path = folder.PathOf("mounted");
        File.WriteAllText(path, "secret");
        PrivateFile.SetMode(path, OwnerOnly | UnixFileMode.GroupRead);
        using var changed = Process.Start("chown", ["65534", path]);
        changed.WaitForExit();
        Assert.Equal("secret", RegularFile.ReadSecret(path));
    }

    [LinuxFact]
    public void A_new_file_touches_nothing_that_is_there()
    {
        string[] names = ["result.new", "result.tmp", ".result.new", "precious"];
        foreach (var name in names) File.WriteAllText(folder.PathOf(name), name);

        DurableFile.Create(folder.PathOf("result"), "result"u8, OwnerOnly);
        Assert.Throws<IOException>(() => DurableFile.Create(folder.PathOf("precious"), "lost"u8, OwnerOnly));
        Directory.CreateDirectory(folder.PathOf("folder"));
        Assert.ThrowsAny<IOException>(() => DurableFile.Create(folder.PathOf("folder"), "nowhere"u8, OwnerOnly));

        Assert.All(names.Append("result"), name => Assert.Equal(name, File.ReadAllText(folder.PathOf(name))));
        Assert.Equal(names.Length + 1, Directory.GetFiles(Path.GetDirectoryName(folder.PathOf("result"))!).Length);
    }
}
