using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;

namespace Vivim.Tests.Ledger;

/// <summary>Rules-version 1 written down a second time, with dictionaries: what inclusion and execution are compared with.</summary>
internal sealed class NaiveLedger(ChainParameters parameters)
{
    private readonly Dictionary<string, Did> identityOfKey = [];
    private readonly Dictionary<Did, string> identities = [];
    private readonly HashSet<(Did Follower, Did Followee)> edges = [];
    private readonly Dictionary<Did, ulong> nonces = [];
    private readonly Dictionary<(Did Sender, ulong Window), uint> used = [];
    private readonly Dictionary<ulong, uint> registrations = [];
    private readonly Dictionary<Did, ulong> lastWindow = [];

    private readonly NaiveValidators validators = new(parameters);

    /// <summary>Validators by height, powers by did:key.</summary>
    public IReadOnlyDictionary<ulong, Dictionary<Did, ulong>> Validators => validators.Sets;

    public IEnumerable<(Did Follower, Did Followee)> Edges => edges;

    /// <summary>All that ever had an account.</summary>
    public IEnumerable<Did> Accounts => nonces.Keys.Union(edges.SelectMany(e => new[] { e.Follower, e.Followee }));

    public AccountRecord Account(Did did) => new(
        nonces.GetValueOrDefault(did),
        lastWindow.GetValueOrDefault(did),
        used.GetValueOrDefault((did, lastWindow.GetValueOrDefault(did))),
        (uint)edges.Count(e => e.Followee == did),
        (uint)edges.Count(e => e.Follower == did));

    /// <summary>Plays one block: takes what may be included, and executes it.</summary>
    public (List<Transaction> Included, List<Evidence> Proven, List<ReceiptCode> Codes, List<(LedgerEventType Type, Did Actor, Did Subject)> Events) Play(
        IEnumerable<Transaction> candidates, IEnumerable<Evidence> evidence, ulong height)
    {
        var events = new List<(LedgerEventType, Did, Did)>();
        var proven = validators.Begin(height, evidence, events);
        var window = height / parameters.QuotaWindowHeights;
        var known = identities.Keys.ToHashSet();
        var included = new List<Transaction>();
        foreach (var candidate in candidates.Where(c => MayBeIncluded(c, height, window, known)))
        {
            nonces[candidate.Sender] = candidate.Nonce + 1;
            used[(candidate.Sender, window)] = used.GetValueOrDefault((candidate.Sender, window)) + 1;
            lastWindow[candidate.Sender] = window;
            if (candidate.Action is RegisterIdentity) registrations[window] = registrations.GetValueOrDefault(window) + 1;
            included.Add(candidate);
        }

        var codes = included.Select(transaction => Execute(transaction, events)).ToList();
        return (included, proven, codes, events);
    }

    private bool MayBeIncluded(Transaction t, ulong height, ulong window, HashSet<Did> known)
    {
        var signer = Did.OfKey(t.Envelope.Signer).ToString();
        return t.ChainId == TestChain.ChainId
            && t.Fee == 0
            && t.ExpiryHeight >= height && t.ExpiryHeight <= height + parameters.MaxExpiryAhead
            && (t.Action is RegisterIdentity ? t.Sender.ToString() == signer
                : t.Action is AuthorityAction ? t.Sender.ToString() == signer && validators.Sets[height].ContainsKey(t.Sender) : known.Contains(t.Sender) && identities[t.Sender] == signer)
            && t.Nonce == nonces.GetValueOrDefault(t.Sender)
            && used.GetValueOrDefault((t.Sender, window)) < parameters.QuotaActions
            && (t.Action is not RegisterIdentity || registrations.GetValueOrDefault(window) < parameters.MaxRegistrations);
    }

    private ReceiptCode Execute(Transaction transaction, List<(LedgerEventType Type, Did Actor, Did Subject)> events)
    {
        var sender = transaction.Sender;
        switch (transaction.Action)
        {
            case RegisterIdentity registration:
                if (identities.ContainsKey(registration.Identity)) return ReceiptCode.IdentityExists;
                if (!identityOfKey.TryAdd(sender.ToString(), registration.Identity)) return ReceiptCode.KeyInUse;
                identities.Add(registration.Identity, sender.ToString());
                events.Add((LedgerEventType.IdentityRegistered, registration.Identity, sender));
                return ReceiptCode.Ok;
            case Follow { Followee: var followee }:
                if (followee == sender) return ReceiptCode.SelfFollow;
                if (!identities.ContainsKey(followee)) return ReceiptCode.FolloweeUnknown;
                if (!edges.Add((sender, followee))) return ReceiptCode.AlreadyFollowing;
                events.Add((LedgerEventType.Followed, sender, followee));
                return ReceiptCode.Ok;
            case Unfollow { Followee: var followee }:
                if (!edges.Remove((sender, followee))) return ReceiptCode.NotFollowing;
                events.Add((LedgerEventType.Unfollowed, sender, followee));
                return ReceiptCode.Ok;
            case AuthorityAction:
                return validators.Execute(transaction, events);
            default:
                throw new InvalidOperationException("no such action");
        }
    }
}
