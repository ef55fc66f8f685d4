using Vivim.Protocol.Encoding;

namespace Vivim.Protocol.Keys;

/// <summary>
/// What a signature is for. The bytes under a signature are <c>u16 length, domain, u16 length, chain id, body</c>, so that one made
/// for one purpose or one chain can never stand for another.
/// </summary>
public sealed class SigningDomain
{
    public static readonly SigningDomain Transaction = new("vivim/transaction/v1");
    public static readonly SigningDomain Proposal = new("vivim/proposal/v1");
    public static readonly SigningDomain Vote = new("vivim/vote/v1");
    public static readonly SigningDomain CallerToken = new("vivim/caller-token/v1");

    private SigningDomain(string name) => Name = name;

    public string Name { get; }

    /// <summary>The exact bytes to sign or verify for <paramref name="body"/> on the chain <paramref name="chainId"/>.</summary>
    public byte[] Frame(string chainId, ReadOnlySpan<byte> body) =>
        new CanonicalWriter(Name.Length + chainId.Length + body.Length + 4).Text(Name).Text(chainId).Raw(body).ToArray();
}
