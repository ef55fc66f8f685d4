using System.Security.Cryptography.X509Certificates;
using Vivim.Actors.Remoting;
using Vivim.Gateway.Clustering;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Node;

namespace Vivim.Tests.Remoting;

/// <summary>The certificates that `init` writes.</summary>
public sealed class NodeCertificatesTests : IDisposable
{
    private static readonly string[] Hosts = ["node1", "node2", "127.0.0.1"];

    private readonly TemporaryFolder folder = new();
    private readonly SetTime clock = new(DateTimeOffset.UtcNow);

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Every_host_gets_one_of_the_same_authority_and_a_second_run_changes_nothing()
    {
        Assert.Equal(Hosts, Issue(Hosts));
        var before = Files();
        Assert.Empty(Issue(Hosts));
        Assert.Equal(before, Files());
        using var authority = X509CertificateLoader.LoadCertificateFromFile(Of("node1").Authority);
        foreach (var host in Hosts)
        {
            using var certificate = X509Certificate2.CreateFromPemFile(Of(host).Certificate, Of(host).Key);
            Assert.True(MutualTls.IsOf(authority, certificate));
            Assert.True(certificate.MatchesHostname(host));
            Assert.False(certificate.MatchesHostname("node3"));
            Assert.Contains(certificate.Extensions, extension => extension is X509BasicConstraintsExtension { CertificateAuthority: false });
            _ = RemotingTls.Of(Of(host), clock);
        }
    }

    [Fact]
    public void A_node_more_gets_its_own_of_the_same_authority()
    {
        Issue(Hosts);
        var authority = File.ReadAllText(Of("node1").Authority);
        Assert.Equal(["node3"], Issue([.. Hosts, "node3"]));
        Assert.Equal(authority, File.ReadAllText(Of("node3").Authority));
    }

    [Fact]
    public void What_is_near_its_end_is_renewed_and_keeps_its_authority()
    {
        Issue(Hosts);
        var (authority, certificate) = (File.ReadAllText(Of("node1").Authority), File.ReadAllText(Of("node1").Certificate));
        clock.Now += TimeSpan.FromDays(300);
        Assert.Empty(Issue(Hosts));
        clock.Now += TimeSpan.FromDays(100);
        Assert.Equal(Hosts, Issue(Hosts));
        Assert.NotEqual(certificate, File.ReadAllText(Of("node1").Certificate));
        Assert.Equal(authority, File.ReadAllText(Of("node1").Authority));
    }

    [Fact]
    public void Keys_are_readable_by_their_owner_only()
    {
        if (OperatingSystem.IsWindows()) return;
        Issue(Hosts);
        var keys = Directory.GetFiles(folder.PathOf("tls"), "*.key");
        Assert.Equal(Hosts.Length + 1, keys.Length);
        foreach (var key in keys) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(key));
    }

    [Fact]
    public void A_run_that_was_cut_short_is_made_good_by_the_next()
    {
        Issue(Hosts);
        File.Delete(Of("node1").Certificate);
        File.Delete(Of("node2").Key);
        Assert.Equal(["node1", "node2"], Issue(Hosts));
        File.Delete(Of("node1").Authority);
        Assert.Equal(Hosts, Issue(Hosts));
        _ = RemotingTls.Of(Of("node1"), clock);
    }

    [Fact]
    public void Without_the_authoritys_key_nothing_is_signed_and_the_reason_told()
    {
        Issue(Hosts);
        File.Delete(folder.PathOf("tls/authority.key"));
        Assert.Empty(Issue(Hosts));
        Assert.Contains("authority.key is missing", Assert.Throws<StartException>(() => Issue(["node3"])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../node1")]
    [InlineData("node 1")]
    [InlineData("*")]
    public void What_is_no_host_gets_none(string host)
    {
        Assert.Contains("is no host name", Assert.Throws<StartException>(() => Issue([host])).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.PathOf("tls")));
    }

    private IReadOnlyList<string> Issue(IEnumerable<string> hosts) => new NodeCertificates(folder.PathOf(""), clock).Issue("vivim-test", hosts);

    private TlsSettings Of(string host) => TlsSettings.Of(folder.PathOf(""), host);

    private Dictionary<string, string> Files() => Directory.GetFiles(folder.PathOf("tls")).ToDictionary(file => file, File.ReadAllText, StringComparer.Ordinal);
}
