using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor.Setup;

namespace Vivim.Actors.Remoting;

/// <summary>
/// TLS in both directions between the nodes of a cluster: each shows a certificate of the operator's authority, and takes no other's. Who connects also
/// checks that the certificate names the host that it wanted to reach.
/// </summary>
public sealed class MutualTls : Setup
{
    private const string ServerUse = "1.3.6.1.5.5.7.3.1", ClientUse = "1.3.6.1.5.5.7.3.2";

    private readonly X509Certificate2 authority;
    private readonly SslServerAuthenticationOptions server;
    private readonly SslStreamCertificateContext certificate;

    /// <param name="certificate">The node's own, with its private key.</param>
    /// <param name="authority">Who has signed every node's certificate.</param>
    public MutualTls(X509Certificate2 certificate, X509Certificate2 authority)
    {
        this.authority = authority;
        this.certificate = SslStreamCertificateContext.Create(certificate, [authority], offline: true);
        server = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = this.certificate,
            ClientCertificateRequired = true,
            CertificateChainPolicy = Policy(authority, ClientUse),
            AllowTlsResume = false,
        };
    }

    /// <summary>Whether the certificate is signed by the authority and valid now.</summary>
    public static bool IsOf(X509Certificate2 authority, X509Certificate2 certificate)
    {
        using var chain = new X509Chain { ChainPolicy = Policy(authority) };
        return chain.Build(certificate);
    }

    /// <summary>Secures a connection that has come in.</summary>
    /// <exception cref="System.Security.Authentication.AuthenticationException">The other side has shown no certificate of the authority that is valid now.</exception>
    public async Task<Stream> Accept(Stream stream, CancellationToken cancellation)
    {
        var secured = new SslStream(stream);
        await secured.AuthenticateAsServerAsync(server, cancellation);
        return secured;
    }

    /// <summary>Secures a connection to another node.</summary>
    /// <param name="host">Its host name or address.</param>
    /// <exception cref="System.Security.Authentication.AuthenticationException">The other side has shown no certificate of the authority for that host that is valid now.</exception>
    public async Task<Stream> Connect(Stream stream, string host, CancellationToken cancellation)
    {
        var secured = new SslStream(stream);
        var client = new SslClientAuthenticationOptions
        {
            TargetHost = host,
            ClientCertificateContext = certificate,
            CertificateChainPolicy = Policy(authority, ServerUse),
            AllowTlsResume = false,
        };
        await secured.AuthenticateAsClientAsync(client, cancellation);
        return secured;
    }

    /// <summary>No certificate is fetched from an address that another one names, and none is looked up: the authority is all there is.</summary>
    private static X509ChainPolicy Policy(X509Certificate2 authority, params IReadOnlyList<string> uses)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.CustomTrustStore.Add(authority);
        foreach (var use in uses) policy.ApplicationPolicy.Add(new Oid(use));
        return policy;
    }
}
