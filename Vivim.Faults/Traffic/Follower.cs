using Vivim.Client;
using Vivim.Protocol;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Faults.Traffic;

/// <summary>A person who registers and then follows everybody else in turn, then unfollows them, and so on. Signs one transaction at a time.</summary>
internal sealed class Follower(string chainId) : IDisposable
{
    /// <summary>The most that the rules allow.</summary>
    private const ulong ExpiryHeights = 9_000;

    private readonly SigningKey key = SigningKey.Generate();
    private ulong nonce;

    public Did Did => Person.DidOf(key.PublicKey);

    public TransactionEnvelope Registration(ulong height) => TransactionEnvelope.Sign(
        new V1.TransactionBody { ChainId = chainId, Sender = Did.OfKey(key.PublicKey).ToString(), ExpiryHeight = height + ExpiryHeights, RegisterIdentity = Person.Registration(key.PublicKey) }, key);

    /// <summary>Its next transaction.</summary>
    /// <param name="own">Its place among <paramref name="all"/>.</param>
    /// <param name="height">The chain's height, from which the expiry counts.</param>
    public TransactionEnvelope Next(int own, IReadOnlyList<Follower> all, ulong height)
    {
        var others = (ulong)all.Count - 1;
        var other = all[(own + 1 + (int)(nonce % others)) % all.Count].Did.ToString();
        var body = new V1.TransactionBody { ChainId = chainId, Sender = Did.ToString(), Nonce = nonce, ExpiryHeight = height + ExpiryHeights };
        if (nonce / others % 2 == 0) body.Follow = new V1.Follow { Followee = other };
        else body.Unfollow = new V1.Unfollow { Followee = other };
        nonce++;
        return TransactionEnvelope.Sign(body, key);
    }

    public Hash256 IdOf(TransactionEnvelope transaction) => transaction.IdOn(chainId);

    public void Dispose() => key.Dispose();
}
