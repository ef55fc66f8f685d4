using Vivim.Client;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Tests.Gateway;

/// <summary>A key and what it can sign, right or wrong.</summary>
internal sealed class TestPerson(string chainId) : IDisposable
{
    private const ulong FarAway = 5_000;

    public SigningKey Key { get; } = SigningKey.Generate();

    public Did KeyDid => Did.OfKey(Key.PublicKey);

    public Did Did => Person.DidOf(Key.PublicKey);

    public V1.TransactionBody Registration(ulong nonce = 0) =>
        new() { ChainId = chainId, Sender = KeyDid.ToString(), Nonce = nonce, ExpiryHeight = FarAway, RegisterIdentity = Person.Registration(Key.PublicKey) };

    public V1.TransactionBody Following(Did followee, ulong nonce) =>
        new() { ChainId = chainId, Sender = Did.ToString(), Nonce = nonce, ExpiryHeight = FarAway, Follow = new V1.Follow { Followee = followee.ToString() } };

    public V1.TransactionBody Unfollowing(Did followee, ulong nonce) =>
        new() { ChainId = chainId, Sender = Did.ToString(), Nonce = nonce, ExpiryHeight = FarAway, Unfollow = new V1.Unfollow { Followee = followee.ToString() } };

    public TransactionEnvelope Sign(V1.TransactionBody body) => TransactionEnvelope.Sign(body, Key);

    public void Dispose() => Key.Dispose();

    /// <summary>Makes a person and waits until they are registered.</summary>
    public static async Task<TestPerson> RegisteredAsync(NodeProcess node)
    {
        var people = await RegisteredAsync(node, 1);
        return people[0];
    }

    /// <summary>Makes people and waits until they are registered.</summary>
    public static async Task<IReadOnlyList<TestPerson>> RegisteredAsync(NodeProcess node, int count)
    {
        var chainId = (await node.Client.GetStatusAsync()).ChainId;
        var people = Enumerable.Range(0, count).Select(_ => new TestPerson(chainId)).ToList();
        await Task.WhenAll(people.Select(person => node.Client.SubmitAsync(person.Sign(person.Registration()))));
        foreach (var person in people) Assert.Equal(Person.Succeeded, (await node.Client.AwaitReceiptAsync(person.Sign(person.Registration()).IdOn(chainId))).Code);
        return people;
    }
}
