using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Vivim.Actors.Remoting;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Node;
using Vivim.Protocol;

namespace Vivim.Gateway.Clustering;

/// <summary>Reads the files of a node's mutual TLS: its certificate, its key, the authority.</summary>
internal static class RemotingTls
{
    /// <summary>No file of certificates is longer.</summary>
    private const int MaxPemBytes = 256 << 10;

    /// <exception cref="StartException">A file is missing or damaged, or the certificate is not valid now.</exception>
    public static MutualTls Of(TlsSettings settings, TimeProvider clock)
    {
        var authority = Read("vivim.cluster.tls.authority", settings.Authority, () => ReadCertificate(settings.Authority));
        var certificate = Read("vivim.cluster.tls.certificate", settings.Certificate, () => ReadPair(settings.Certificate, settings.Key));
        var now = clock.GetUtcNow();
        if (now > AsTime(certificate.NotAfter))
            throw new StartException($"{settings.Certificate} (vivim.cluster.tls.certificate) has expired at {certificate.NotAfter.ToUniversalTime():u}: run `init` again, or give the node a new certificate of its authority");
        if (now < AsTime(certificate.NotBefore))
            throw new StartException($"{settings.Certificate} (vivim.cluster.tls.certificate) is valid from {certificate.NotBefore.ToUniversalTime():u} only: set the clock, or give the node another certificate");
        if (!MutualTls.IsOf(authority, certificate))
            throw new StartException($"{settings.Certificate} (vivim.cluster.tls.certificate) is not signed by {settings.Authority} (vivim.cluster.tls.authority): give the node a certificate of that authority");
        return new MutualTls(certificate, authority);
    }

    /// <summary>Reads a certificate in PEM.</summary>
    public static X509Certificate2 ReadCertificate(string file) => X509CertificateLoader.LoadCertificate(RegularFile.Read(file, MaxPemBytes));

    /// <summary>Reads a certificate in PEM and its private key, which nobody else may be able to read.</summary>
    public static X509Certificate2 ReadPair(string certificate, string key) =>
        X509Certificate2.CreateFromPem(RegularFile.ReadText(certificate, MaxPemBytes), RegularFile.ReadSecret(key));

    private static DateTimeOffset AsTime(DateTime local) => new(local);

    private static X509Certificate2 Read(string key, string file, Func<X509Certificate2> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new StartException($"{file} ({key}) is missing: nodes of a cluster talk by TLS only. Run `init` with this node's cluster.host among vivim.cluster.seed-nodes, or name files of your own in vivim.cluster.tls; vivim.cluster.insecure-bind = true does without, for a network that nobody else can reach");
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new StartException($"{file} ({key}) cannot be used: {e.Message.TrimEnd('.')}; allowed: a PEM certificate with its own key");
        }
    }
}
