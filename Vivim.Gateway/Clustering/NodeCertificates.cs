using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Vivim.Actors.Remoting;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Node;
using Vivim.Protocol;

namespace Vivim.Gateway.Clustering;

/// <summary>
/// The certificates by which the nodes of a cluster know each other, in the network folder: an authority, which `init` makes once, and one for each host,
/// which it makes and renews. The authority's key stays there too, for its owner only: to add a node and to renew; nodes do not read it.
/// </summary>
internal sealed class NodeCertificates(string network, TimeProvider clock)
{
    /// <summary>Years of the authority's life, days of a node's certificate's, and days before its end from which on `init` renews it.</summary>
    private const int AuthorityYears = 20, NodeDays = 730, RenewalDays = 365;

    private const string ServerUse = "1.3.6.1.5.5.7.3.1", ClientUse = "1.3.6.1.5.5.7.3.2";
    private const int SerialNumberSize = 16;

    private const UnixFileMode Secret = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Readable = Secret | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>Clocks differ: a certificate counts a little before it is made.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromHours(1);

    private readonly string authorityKey = Path.Combine(Path.GetDirectoryName(TlsSettings.Of(network, "").Authority)!, "authority.key");

    /// <summary>Makes the authority where there is none, and a certificate for each host that has none of it or whose own is near its end.</summary>
    /// <param name="chainId">For the authority's name.</param>
    /// <returns>The hosts that got one.</returns>
    /// <exception cref="StartException">A host is no host name, a file is missing or cannot be used.</exception>
    public IReadOnlyList<string> Issue(string chainId, IEnumerable<string> hosts)
    {
        var named = hosts.Distinct(StringComparer.Ordinal).ToList();
        if (named.FirstOrDefault(host => Uri.CheckHostName(host) == UriHostNameType.Unknown) is { } wrong) throw new StartException($"{wrong} (vivim.cluster.seed-nodes) is no host name and no address");
        try
        {
            var wanted = named.Where(host => IsDue(TlsSettings.Of(network, host))).ToList();
            if (wanted.Count == 0) return [];
            Directory.CreateDirectory(Path.GetDirectoryName(authorityKey)!);
            using var authority = Authority(chainId);
            foreach (var host in wanted) Issue(authority, host);
            return wanted;
        }
        // ArgumentException: a certificate cannot begin before its authority does, as where the clock went back.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new StartException($"the certificates in {Path.GetDirectoryName(authorityKey)} cannot be made: {e.Message.TrimEnd('.')}");
        }
    }

    private bool IsDue(TlsSettings files)
    {
        if (!File.Exists(files.Authority) || !File.Exists(files.Certificate) || !File.Exists(files.Key)) return true;
        using var authority = RemotingTls.ReadCertificate(files.Authority);
        using var certificate = RemotingTls.ReadCertificate(files.Certificate);
        return !MutualTls.IsOf(authority, certificate) || certificate.NotAfter.ToUniversalTime() < clock.GetUtcNow().UtcDateTime.AddDays(RenewalDays);
    }

    private X509Certificate2 Authority(string chainId)
    {
        var file = TlsSettings.Of(network, "").Authority;
        if (!File.Exists(file))
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest($"CN=nodes of {chainId}", key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
            request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
            request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
            var now = clock.GetUtcNow();
            using var made = request.CreateSelfSigned(now - Skew, now.AddYears(AuthorityYears));
            // Without its certificate the key is of no use: a run that was cut short between the two makes both anew.
            File.Delete(authorityKey);
            Write(authorityKey, key.ExportPkcs8PrivateKeyPem(), Secret);
            Write(file, made.ExportCertificatePem(), Readable);
        }

        if (!File.Exists(authorityKey)) throw new StartException($"the authority's key {authorityKey} is missing: put it back, or remove the folder for certificates of a new authority, and then start all nodes again");
        return RemotingTls.ReadPair(file, authorityKey);
    }

    private void Issue(X509Certificate2 authority, string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Named(host), key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(host, out var address)) names.AddIpAddress(address);
        else names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerUse), new Oid(ClientUse)], critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var now = clock.GetUtcNow();
        var end = new[] { now.AddDays(NodeDays), new DateTimeOffset(authority.NotAfter) }.Min();
        using var certificate = request.Create(authority, now - Skew, end, RandomNumberGenerator.GetBytes(SerialNumberSize));
        var files = TlsSettings.Of(network, host);
        // The certificate last: without it, or with the one before, the next run makes both again.
        File.Delete(files.Certificate);
        File.Delete(files.Key);
        Write(files.Key, key.ExportPkcs8PrivateKeyPem(), Secret);
        Write(files.Certificate, certificate.ExportCertificatePem(), Readable);
    }

    private static X500DistinguishedName Named(string host)
    {
        var name = new X500DistinguishedNameBuilder();
        name.AddCommonName(host);
        return name.Build();
    }

    private static void Write(string file, string pem, UnixFileMode mode) => DurableFile.Create(file, System.Text.Encoding.ASCII.GetBytes(pem + "\n"), mode);
}
