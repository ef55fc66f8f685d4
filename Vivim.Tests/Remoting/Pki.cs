using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Vivim.Actors.Remoting;

namespace Vivim.Tests.Remoting;

/// <summary>An authority of somebody's that signs certificates.</summary>
internal sealed class Pki : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vivim-pki-");
    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 authority;

    public Pki()
    {
        var request = new CertificateRequest($"CN=authority of {folder.Name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddYears(-1), DateTimeOffset.UtcNow.AddYears(1));
        File.WriteAllText(Authority, authority.ExportCertificatePem());
    }

    /// <summary>The authority's certificate as a PEM file.</summary>
    public string Authority => Path.Combine(folder.FullName, "authority.pem");

    /// <summary>As the settings of a node.</summary>
    public static string Settings((string Certificate, string Key) files, string authority) =>
        $"cluster.tls {{ certificate = \"{files.Certificate}\", key = \"{files.Key}\", authority = \"{authority}\" }}";

    /// <summary>Signs a certificate and writes it with its key as PEM files.</summary>
    /// <param name="lifetime">From now on; it began two days ago.</param>
    public (string Certificate, string Key) Issue(string name, TimeSpan lifetime, string host = "127.0.0.1")
    {
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = Sign(name, own, lifetime, host);
        var (certificateFile, keyFile) = (Path.Combine(folder.FullName, $"{name}.pem"), Path.Combine(folder.FullName, $"{name}.key"));
        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
        PrivateFile.Write(keyFile, own.ExportPkcs8PrivateKeyPem());
        return (certificateFile, keyFile);
    }

    /// <summary>A certificate with its key.</summary>
    public X509Certificate2 Certificate(string name, TimeSpan lifetime, string host = "127.0.0.1")
    {
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = Sign(name, own, lifetime, host);
        return certificate.CopyWithPrivateKey(own);
    }

    /// <summary>What a node of this authority has.</summary>
    public MutualTls Tls(string name, string host = "127.0.0.1") => new(Certificate(name, TimeSpan.FromDays(1), host), authority);

    public void Dispose()
    {
        key.Dispose();
        authority.Dispose();
        folder.Delete(recursive: true);
    }

    private X509Certificate2 Sign(string name, ECDsa own, TimeSpan lifetime, string host)
    {
        var request = new CertificateRequest($"CN={name}", own, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(host, out var address)) names.AddIpAddress(address);
        else names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        return request.Create(authority, DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow + lifetime, RandomNumberGenerator.GetBytes(8));
    }
}
