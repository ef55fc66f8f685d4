using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Event;
using Akka.Remote.Transport.DotNetty;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Node;
using Vivim.Protocol;

namespace Vivim.Gateway.Clustering;

/// <summary>Mutual TLS for remoting: each node shows a certificate of the operator's own authority, and takes no other's.</summary>
internal static class RemotingTls
{
    /// <summary>No file of certificates is longer.</summary>
    private const int MaxPemBytes = 256 << 10;

    /// <exception cref="StartException">A file is damaged, or the certificate is not valid now.</exception>
    public static DotNettySslSetup Of(TlsSettings settings, TimeProvider clock)
    {
        var authority = Read("vivim.cluster.tls.authority", settings.Authority, () => X509CertificateLoader.LoadCertificate(RegularFile.Read(settings.Authority, MaxPemBytes)));
        var certificate = Read("vivim.cluster.tls.certificate", settings.Certificate, () => X509Certificate2.CreateFromPem(RegularFile.ReadText(settings.Certificate, MaxPemBytes), RegularFile.ReadSecret(settings.Key)));
        var now = clock.GetUtcNow();
        if (now > AsTime(certificate.NotAfter)) throw new StartException($"{settings.Certificate} (vivim.cluster.tls.certificate) has expired at {certificate.NotAfter.ToUniversalTime():u}: give the node a new certificate of its authority");
        if (now < AsTime(certificate.NotBefore)) throw new StartException($"{settings.Certificate} (vivim.cluster.tls.certificate) is valid from {certificate.NotBefore.ToUniversalTime():u} only: set the clock, or give the node another certificate");
        if (!IsOf(authority, certificate)) throw new StartException($"{settings.Certificate} (vivim.cluster.tls.certificate) is not signed by {settings.Authority} (vivim.cluster.tls.authority): give the node a certificate of that authority");
        return new DotNettySslSetup(certificate, suppressValidation: false, requireMutualAuthentication: true, validateCertificateHostname: false, (peer, _, address, _, log) =>
        {
            var isTrusted = peer is not null && IsOf(authority, peer);
            if (!isTrusted) log.Warning("the node at {0} shows no valid certificate of the authority {1}: it is refused", address, authority.Subject);
            return isTrusted;
        });
    }

    private static DateTimeOffset AsTime(DateTime local) => new(local);

    private static bool IsOf(X509Certificate2 authority, X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }

    private static X509Certificate2 Read(string key, string file, Func<X509Certificate2> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new StartException($"{file} ({key}) cannot be used: {e.Message.TrimEnd('.')}; allowed: a PEM certificate with its own key");
        }
    }
}
