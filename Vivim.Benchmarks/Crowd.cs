using Vivim.Client;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Benchmarks;

/// <summary>People who follow each other in turn, so that every transaction is new and nobody runs into a quota.</summary>
internal sealed class Crowd
{
    private readonly List<(SigningKey Key, Person Person)> people = [];
    private readonly string chainId;
    private readonly ulong expiryHeight;
    private int wave;

    private Crowd(string chainId, ulong expiryHeight)
    {
        this.chainId = chainId;
        this.expiryHeight = expiryHeight;
    }

    /// <summary>Registers them and waits for all receipts.</summary>
    public static async Task<Crowd> Register(VivimClient client, int count, CancellationToken cancellation)
    {
        var status = await client.GetStatusAsync(cancellation);
        var crowd = new Crowd(status.ChainId, status.Height + 5_000);
        for (var i = 0; i < count; i++)
        {
            var key = SigningKey.Generate();
            crowd.people.Add((key, client.As(key)));
        }

        var registrations = crowd.people.Select(p => p.Person.Sign(new V1.TransactionBody
        {
            ChainId = crowd.chainId,
            Sender = p.Person.KeyDid.ToString(),
            ExpiryHeight = crowd.expiryHeight,
            RegisterIdentity = Person.Registration(p.Key.PublicKey),
        })).ToList();
        await foreach (var answer in client.SubmitManyAsync(registrations.ToAsyncEnumerable(), cancellation))
        {
            if (answer.Refused is { } refused) throw new InvalidOperationException($"a registration was refused: {refused.Reason}: {refused.Message}");
        }

        foreach (var registration in registrations) await client.AwaitReceiptAsync(registration.IdOn(crowd.chainId), cancellation);
        return crowd;
    }

    /// <summary>The next follows, signed: everybody's next one, then everybody's one after that.</summary>
    public List<TransactionEnvelope> NextFollows(int count)
    {
        var follows = new List<TransactionEnvelope>(count);
        while (follows.Count < count)
        {
            for (var i = 0; i < people.Count; i++)
            {
                follows.Add(people[i].Person.Sign(new V1.TransactionBody
                {
                    ChainId = chainId,
                    Sender = people[i].Person.Did.ToString(),
                    Nonce = (ulong)wave,
                    ExpiryHeight = expiryHeight,
                    Follow = new V1.Follow { Followee = people[(i + wave + 1) % people.Count].Person.Did.ToString() },
                }));
            }

            wave++;
        }

        return follows;
    }

    public Protocol.Hash256 IdOf(TransactionEnvelope envelope) => envelope.IdOn(chainId);
}
