using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;
using Vivim.Protocol.V1;
using Follow = Vivim.Protocol.V1.Follow;
using RegisterIdentity = Vivim.Protocol.V1.RegisterIdentity;
using Unfollow = Vivim.Protocol.V1.Unfollow;

namespace Vivim.Simulator.Clients;

/// <summary>What a person does next: one transaction, and what to send in its place, with the same nonce, should it expire.</summary>
internal sealed record Deed(Transaction Transaction, Transaction? Instead);

/// <summary>
/// The people of every simulated world and all they ever send, signed once per process: a signature costs more than what a simulation does
/// with it. Some transactions expire early.
/// </summary>
internal sealed class Traffic
{
    public const string ChainId = "vivim-simulation";

    private const ulong Never = 5_000;

    private static readonly Lazy<Traffic> Made = new(() => new Traffic(people: 6, deeds: 6));

    private readonly Dictionary<TransactionEnvelope, Transaction> known = [];

    private Traffic(int people, int deeds)
    {
        var keys = Enumerable.Range(0, people).Select(i => new SigningKey(SHA256.HashData(Encoding.ASCII.GetBytes($"simulated person {i}")))).ToList();
        var registrations = keys.ConvertAll(key => new RegisterIdentity { SigningKey = Did.OfKey(key.PublicKey).ToString(), RotationKeys = { Did.OfKey(keys[0].PublicKey).ToString() } });
        var identities = registrations.ConvertAll(registration => Did.OfRegistration(registration.ToByteArray()));
        People = [.. keys.Select((key, i) => Script(i, key, registrations, identities, deeds))];
    }

    public static Traffic Instance => Made.Value;

    /// <summary>For each person, in order: the registration, then the rest.</summary>
    public IReadOnlyList<IReadOnlyList<Deed>> People { get; }

    /// <summary>The transaction with exactly these bytes, or null.</summary>
    public Transaction? Find(TransactionEnvelope envelope) => known.GetValueOrDefault(envelope);

    private Deed[] Script(int person, SigningKey key, List<RegisterIdentity> registrations, List<Did> identities, int deeds)
    {
        var script = new List<Deed> { new(Sign(key, new TransactionBody { RegisterIdentity = registrations[person] }, Did.OfKey(key.PublicKey), 0, Never), null) };
        for (var i = 0; i < deeds; i++)
        {
            var other = identities[(person + 1 + i / 2) % identities.Count].ToString();
            var body = i % 3 == 2 ? new TransactionBody { Unfollow = new Unfollow { Followee = other } } : new TransactionBody { Follow = new Follow { Followee = other } };
            var isShort = (person + i) % 4 == 3;
            var lasting = Sign(key, body.Clone(), identities[person], (ulong)i, Never);
            script.Add(isShort ? new Deed(Sign(key, body, identities[person], (ulong)i, (ulong)(4 + person + 2 * i)), lasting) : new Deed(lasting, null));
        }

        return [.. script];
    }

    private Transaction Sign(SigningKey key, TransactionBody body, Did sender, ulong nonce, ulong expiry)
    {
        (body.ChainId, body.Sender, body.Nonce, body.ExpiryHeight) = (ChainId, sender.ToString(), nonce, expiry);
        var envelope = TransactionEnvelope.Sign(body, key);
        if (!Transaction.TryDecode(envelope, out var transaction, out var refusal)) throw new InvalidOperationException(refusal.Message);
        known.Add(envelope, transaction);
        return transaction;
    }
}
