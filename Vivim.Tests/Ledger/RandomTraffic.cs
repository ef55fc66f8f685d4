using Vivim.Ledger.Storage;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Transactions;
using Vivim.Protocol.V1;

namespace Vivim.Tests.Ledger;

/// <summary>What a handful of people send: mostly what may be included, now and then what may not, and often what then fails.</summary>
internal sealed class RandomTraffic(int seed)
{
    private static readonly Person[] People = [.. Enumerable.Range(0, 6).Select(number => new Person($"person {number}"))];

    private static readonly Person[] Authorities = [.. Enumerable.Range(0, 7).Select(TestChain.ValidatorOf)];

    private readonly System.Random random = new(seed);
    private readonly List<(Person Proposer, TransactionEnvelope Transaction)> proposals = [];
    private readonly Dictionary<string, ulong> committed = [];
    private Dictionary<string, ulong> nextNonce = [];

    /// <summary>Limits that a few blocks reach.</summary>
    public static ChainParameters TightParameters => new() { QuotaActions = 6, QuotaWindowHeights = 4, MaxRegistrations = 5, MaxExpiryAhead = 50, MaxEvidenceAge = 3 };

    /// <summary>A chain with those limits and five validators.</summary>
    public static TestChain NewChain(IChainStore? chain = null, IStateStore? values = null) => new(TightParameters, chain, values, validators: TestChain.Validators(5));

    /// <summary>Candidates for one block at a height.</summary>
    public List<TransactionEnvelope> Next(ulong height, int most = 16)
    {
        nextNonce = new Dictionary<string, ulong>(committed);
        return [.. Enumerable.Range(0, random.Next(most)).Select(_ => One(height))];
    }

    /// <summary>Evidence for one block at a height: against anybody, of heights around it, some of it twice or nothing.</summary>
    public List<Evidence> NextEvidence(ulong height) => [.. Enumerable.Range(0, random.Next(6) == 0 ? random.Next(4) : 0).Select(_ =>
        Authorities[random.Next(Authorities.Length)].Equivocate(height + 1 - (ulong)random.Next(Math.Min(6, (int)height + 1)), (uint)random.Next(2), random.Next(2) == 0 ? VoteType.Prevote : VoteType.Precommit))];

    /// <summary>Tells which were taken: the others' nonces are used again.</summary>
    public void Included(IEnumerable<Transaction> transactions)
    {
        foreach (var transaction in transactions) committed[transaction.Sender.ToString()] = transaction.Nonce + 1;
    }

    private TransactionEnvelope One(ulong height)
    {
        if (random.Next(3) == 0) return ByAuthority(height);
        var person = People[random.Next(People.Length)];
        var target = People[random.Next(People.Length)].Did;
        var body = new TransactionBody();
        var registers = random.Next(4) == 0;
        if (registers) body.RegisterIdentity = person.RegistrationWith(Person.RotationKeyOf(random.Next(5) == 0 ? 1 : 0));
        else if (random.Next(3) == 0) body.Unfollow = new() { Followee = target.ToString() };
        else body.Follow = new() { Followee = target.ToString() };

        var sender = registers || random.Next(40) == 0 ? person.KeyDid : person.Did;
        var expiry = random.Next(20) switch { 0 => height - 1, 1 => height + 51, 2 => height + 50, 3 => height, _ => height + 5 };
        if (random.Next(30) == 0) body.Fee = 1;
        return (random.Next(30) == 0 ? People[0] : person).Sign(body, sender, Nonce(sender.ToString()), random.Next(40) == 0 ? "another" : TestChain.ChainId, expiry);
    }

    private TransactionEnvelope ByAuthority(ulong height)
    {
        var person = Authorities[random.Next(Authorities.Length)];
        var nonce = Nonce(person.KeyDid.ToString());
        if (proposals.Count > 0 && random.Next(3) != 0)
        {
            var (proposer, transaction) = proposals[random.Next(Math.Max(0, proposals.Count - 3), proposals.Count)];
            return person.Approve(proposer, transaction, nonce, height + 5);
        }

        var proposal = person.Propose(Authorities[random.Next(Authorities.Length)], (ulong)random.Next(4), nonce, height + 5);
        if (random.Next(3) == 0) proposals.Add((person, proposal));
        return proposal;
    }

    private ulong Nonce(string sender)
    {
        var next = nextNonce.GetValueOrDefault(sender);
        if (random.Next(10) == 0) return next + (ulong)random.Next(3);
        nextNonce[sender] = next + 1;
        return next;
    }
}
