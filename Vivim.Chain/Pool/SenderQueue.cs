using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;

namespace Vivim.Chain.Pool;

/// <summary>
/// The waiting transactions of one sender by nonce. The first <see cref="Ready"/> of them could be included by the next block, one after
/// another; the others are parked: a nonce before them is missing, the sender has no actions left in this window, or the rules would not take them now.
/// </summary>
internal sealed class SenderQueue
{
    private readonly SortedList<ulong, WaitingTransaction> byNonce = [];

    public SenderQueue(in Did sender, AccountRecord account)
    {
        Sender = sender;
        Account = account;
        Turn = new LinkedListNode<SenderQueue>(this);
    }

    public Did Sender { get; }

    /// <summary>The sender's nonce and quota after the last block that is known to have included anything of theirs.</summary>
    public AccountRecord Account { get; private set; }

    /// <summary>The sender's place in the order in which senders take turns.</summary>
    public LinkedListNode<SenderQueue> Turn { get; }

    public int Count => byNonce.Count;

    /// <summary>How many transactions from the next nonce on follow each other without a gap.</summary>
    public int Run { get; private set; }

    /// <summary>How many of them the next block could include.</summary>
    public int Ready { get; private set; }

    /// <summary>How many the next block could not include.</summary>
    public int Parked => Count - Ready;

    /// <summary>How many wait for a nonce that is missing.</summary>
    public int Gapped => Count - Run;

    /// <summary>Places of all.</summary>
    public int Places { get; private set; }

    /// <summary>Places of those that are not ready.</summary>
    public int ParkedPlaces { get; private set; }

    /// <summary>Places of those that are ready.</summary>
    public int ReadyPlaces => Places - ParkedPlaces;

    /// <summary>Why the next block could not include the last transaction; null where it could. As of the last <see cref="Judge"/>.</summary>
    public RefusalReason? WhyLastIsParked { get; private set; }

    /// <summary>Bytes of all.</summary>
    public long Bytes { get; private set; }

    /// <summary>Registrations in the run: each needs a place in a window of registrations.</summary>
    public int Registrations { get; private set; }

    /// <summary>Whether the next block could include anything that is durable.</summary>
    public bool HasWork => Ready > 0 && byNonce.GetValueAtIndex(0).SequenceNr > 0;

    /// <summary>The transactions in the order of their nonces.</summary>
    public WaitingTransaction this[int index] => byNonce.GetValueAtIndex(index);

    public bool Contains(ulong nonce) => byNonce.ContainsKey(nonce);

    public WaitingTransaction? Find(ulong nonce) => byNonce.GetValueOrDefault(nonce);

    /// <summary>Whether the next block could include a transaction with this nonce, after those that are ready.</summary>
    public bool Continues(ulong nonce) => Ready == Run && nonce == Account.Nonce + (ulong)Run;

    /// <summary>The registrations that would follow without a gap, once a transaction with this nonce is there.</summary>
    public IReadOnlyList<WaitingTransaction> RegistrationsBehind(ulong nonce)
    {
        if (nonce != Account.Nonce + (ulong)Run || !byNonce.ContainsKey(nonce + 1)) return [];
        var behind = new List<WaitingTransaction>();
        for (var next = nonce + 1; byNonce.TryGetValue(next, out var waiting); next++)
        {
            if (waiting.IsRegistration) behind.Add(waiting);
        }

        return behind;
    }

    public void Add(WaitingTransaction waiting)
    {
        byNonce.Add(waiting.Transaction.Nonce, waiting);
        Places += waiting.Places;
        ParkedPlaces += waiting.Places;
        Bytes += waiting.Transaction.Envelope.Size;
        ExtendRun();
    }

    /// <summary>Takes a transaction out; those behind it wait for its nonce again.</summary>
    public void Remove(WaitingTransaction waiting)
    {
        var index = byNonce.IndexOfKey(waiting.Transaction.Nonce);
        if (index >= Ready) ParkedPlaces -= waiting.Places;
        for (var behind = index + 1; behind < Ready; behind++) ParkedPlaces += this[behind].Places;
        byNonce.RemoveAt(index);
        Places -= waiting.Places;
        Bytes -= waiting.Transaction.Envelope.Size;
        Ready = Math.Min(Ready, index);
        Run = Math.Min(Run, index);
    }

    /// <summary>The chain has gone on with the sender.</summary>
    /// <param name="account">After a block; an older one changes nothing.</param>
    /// <returns>What is settled by it: this or another transaction with the nonce is included.</returns>
    public IReadOnlyList<WaitingTransaction> Advance(AccountRecord account)
    {
        if (account.Nonce <= Account.Nonce) return [];
        var settled = byNonce.Values.TakeWhile(waiting => waiting.Transaction.Nonce < account.Nonce).ToList();
        foreach (var waiting in Enumerable.Reverse(settled)) Remove(waiting);
        Account = account;
        Run = 0;
        ExtendRun();
        return settled;
    }

    /// <summary>The account after a block in which the sender's next nonce has become another.</summary>
    public AccountRecord AccountAfter(ulong height, ulong nextNonce, ChainParameters parameters)
    {
        if (nextNonce <= Account.Nonce) return Account;
        var window = height / parameters.QuotaWindowHeights;
        var used = Account.QuotaWindow == window ? Account.QuotaUsed : 0;
        return Account with { Nonce = nextNonce, QuotaWindow = window, QuotaUsed = used + (uint)(nextNonce - Account.Nonce) };
    }

    /// <summary>Says which transactions a block on this tip could include; the same limits as the rules of inclusion have.</summary>
    public void Judge(PoolTip tip, ChainParameters parameters)
    {
        var ready = (int)Math.Min((uint)Run, QuotaLeft(tip, parameters));
        WhyLastIsParked = Gapped > 0 ? RefusalReason.NonceGap : ready < Count ? RefusalReason.QuotaExceeded : null;
        if (Sender.Method == DidMethod.Key)
        {
            Registrations = byNonce.Values.Take(Run).Count(waiting => waiting.IsRegistration);
            var free = byNonce.Values.Take(ready).TakeWhile(waiting => Blocks(waiting, tip) is null).Count();
            if (free < ready) WhyLastIsParked ??= Blocks(this[free], tip);
            ready = free;
        }

        for (; Ready < ready; Ready++) ParkedPlaces -= this[Ready].Places;
        for (; Ready > ready; Ready--) ParkedPlaces += this[Ready - 1].Places;
    }

    /// <summary>An order of DIDs.</summary>
    public static int Compare(in Did one, in Did other) =>
        one.Identifier.CompareTo(other.Identifier) is not 0 and var order ? order : one.Method.CompareTo(other.Method);

    private static RefusalReason? Blocks(WaitingTransaction waiting, PoolTip tip) => waiting.Transaction.Action switch
    {
        RegisterIdentity when tip.RegistrationsLeft == 0 => RefusalReason.RegistrationsExceeded,
        AuthorityAction when tip.Authorities.IndexOf(waiting.Transaction.Sender.Key) < 0 => RefusalReason.NotAnAuthority,
        _ => null,
    };

    private uint QuotaLeft(PoolTip tip, ChainParameters parameters) =>
        Account.QuotaLeft(tip.NextHeight, parameters.QuotaWindowHeights, parameters.QuotaActions);

    private void ExtendRun()
    {
        while (Run < Count && byNonce.GetKeyAtIndex(Run) == Account.Nonce + (ulong)Run) Run++;
    }
}
