using Vivim.Chain.Pool;
using Vivim.Protocol;
using Vivim.Protocol.Identity;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;

namespace Vivim.Tests.Chain;

/// <summary>The pool as one list of what waits: everything is found by walking it.</summary>
internal sealed class NaivePool
{
    private readonly List<Entry> waiting = [];
    private readonly List<Entry> leaving = [];
    private readonly Dictionary<Did, AccountRecord> known = [];
    private readonly HashSet<Hash256> expired = [];
    private readonly Dictionary<Hash256, long> dropped = [];
    private readonly Dictionary<string, int> taken = [];
    private readonly List<DroppedTransaction> surplus = [];
    private PoolTip tip;
    private long confirmed;

    public NaivePool(PoolTip tip, IEnumerable<(long SequenceNr, object Entry)> journal, Func<Did, AccountRecord>? accountOf = null)
    {
        this.tip = tip;
        foreach (var (sequenceNr, entry) in journal)
        {
            if (entry is DroppedTransaction drop)
            {
                foreach (var list in new[] { waiting, leaving }) list.RemoveAll(e => e.Transaction.Id == drop.TransactionId);
                surplus.RemoveAll(known => known.TransactionId == drop.TransactionId);
                dropped[drop.TransactionId] = sequenceNr;
            }
            else if (entry is Transaction transaction)
            {
                dropped.Remove(transaction.Id);
                known[transaction.Sender] = accountOf!(transaction.Sender);
                ReadBack(transaction, sequenceNr);
            }
        }
    }

    private sealed class Entry(Transaction transaction, string origin)
    {
        public Transaction Transaction { get; } = transaction;

        public string Origin { get; set; } = origin;

        public long SequenceNr { get; set; }

        /// <summary>The entry that says that it was dropped before, until another says that it waits.</summary>
        public long DropSequenceNr { get; set; }

        public int Places => PoolModel.Limits.PlacesOf(Transaction);

        public bool IsRegistration => Transaction.Action is RegisterIdentity;
    }

    public int Count => waiting.Count;

    public (int Taken, int Parked) Places => (waiting.Sum(e => e.Places), Dids.Sum(ParkedPlaces));

    public long SettledUpTo =>
        waiting.Concat(leaving).SelectMany(e => new[] { e.SequenceNr, e.DropSequenceNr }).Where(n => n > 0).Select(n => n - 1).DefaultIfEmpty(confirmed).Min();

    private List<Did> Dids => [.. waiting.Select(e => e.Transaction.Sender).Distinct()];

    public (bool Admit, RefusalReason? Reason, List<DroppedTransaction> Gone) Admit(Transaction transaction, AccountRecord account, string origin)
    {
        var (sender, next) = (transaction.Sender, tip.NextHeight);
        if (waiting.Exists(e => e.Transaction.Id == transaction.Id)) return (false, null, []);
        if (transaction.ExpiryHeight < next) return (false, RefusalReason.Expired, []);
        if (transaction.ExpiryHeight > next + PoolModel.Parameters.MaxExpiryAhead) return (false, RefusalReason.ExpiryTooFar, []);
        Advance(sender, account);
        var own = Of(sender);
        if (own.Count == 0) known[sender] = account;
        if (transaction.Nonce < account.Nonce) return (false, RefusalReason.NonceStale, []);
        if (transaction.Nonce >= account.Nonce + PoolModel.Parameters.MaxNonceAhead) return (false, RefusalReason.NonceTooFar, []);
        if (own.Exists(e => e.Transaction.Nonce == transaction.Nonce)) return (false, RefusalReason.NonceConflict, []);
        if (leaving.Exists(e => e.Transaction.Id == transaction.Id)) return (false, RefusalReason.PoolFull, []);
        if (own.Count >= Quota(sender)) return (false, RefusalReason.QuotaExceeded, []);
        if (transaction.Action is RegisterIdentity)
        {
            var behind = Behind(transaction);
            var free = ((tip.RegistrationsLeft + 7) / 8) - Dids.Where(did => did.Method == DidMethod.Key).Sum(did => Run(did).Count) - behind.Count;
            if (free <= 0) return (false, RefusalReason.RegistrationsExceeded, []);
            var charged = taken.GetValueOrDefault(origin) + behind.Count(e => e.Origin != origin);
            if (charged >= free) return (false, RefusalReason.RegistrationsLimited, []);
        }

        var isParked = Ready(sender).Count < Run(sender).Count || transaction.Nonce != account.Nonce + (ulong)Run(sender).Count;
        if (MakeRoom(sender, PoolModel.Limits.PlacesOf(transaction), isParked) is not { } gone) return (false, isParked ? RefusalReason.NonceGap : RefusalReason.PoolFull, []);
        foreach (var entry in Behind(transaction)) Charge(entry, origin);
        waiting.Add(new Entry(transaction, origin) { DropSequenceNr = dropped.GetValueOrDefault(transaction.Id) });
        known[sender] = account;
        dropped.Remove(transaction.Id);
        if (transaction.Action is RegisterIdentity && origin.Length > 0) taken[origin] = taken.GetValueOrDefault(origin) + 1;
        return (true, null, gone);
    }

    /// <summary>The registrations that follow without a gap once this one is there.</summary>
    private List<Entry> Behind(Transaction transaction)
    {
        var (sender, found) = (transaction.Sender, new List<Entry>());
        if (transaction.Nonce != known[sender].Nonce + (ulong)Run(sender).Count) return found;
        while (Of(sender).Find(e => e.Transaction.Nonce == transaction.Nonce + (ulong)found.Count + 1) is { } next) found.Add(next);
        return found.FindAll(e => e.IsRegistration);
    }

    private void Charge(Entry entry, string origin)
    {
        if (taken.GetValueOrDefault(entry.Origin) > 0) taken[entry.Origin]--;
        entry.Origin = origin;
        if (origin.Length > 0) taken[origin] = taken.GetValueOrDefault(origin) + 1;
    }

    public List<DroppedTransaction> DropSender(Did sender) => [.. Enumerable.Reverse(Of(sender)).Select(e => Drop(e, RefusalReason.DroppedByOperator))];

    /// <summary>What is more than the limits allow goes.</summary>
    public List<DroppedTransaction> DropSurplus()
    {
        var gone = surplus;
        while (Places.Taken > PoolModel.Limits.Places) gone.Add(DropLast(Places.Parked > 0 ? Most(ParkedPlaces) : Most(PlacesOf)));
        return gone;
    }

    public void Confirm(long sequenceNr, IReadOnlyList<Transaction> admitted, IReadOnlyList<DroppedTransaction> gone)
    {
        confirmed = Math.Max(confirmed, sequenceNr);
        var ids = admitted.Select(t => t.Id).ToHashSet();
        foreach (var entry in waiting.Concat(leaving).Where(e => ids.Contains(e.Transaction.Id))) (entry.SequenceNr, entry.DropSequenceNr) = (sequenceNr, 0);
        foreach (var drop in gone)
        {
            leaving.RemoveAll(e => e.Transaction.Id == drop.TransactionId);
            dropped[drop.TransactionId] = sequenceNr;
        }
    }

    /// <summary>The journal says again, in a later entry, that these were dropped.</summary>
    public void MoveDrops(long sequenceNr, IReadOnlyList<DroppedTransaction> again)
    {
        foreach (var drop in again.Where(drop => dropped.ContainsKey(drop.TransactionId))) dropped[drop.TransactionId] = sequenceNr;
    }

    public void Hear(PoolTip committed, IReadOnlyDictionary<Did, AccountRecord> accounts)
    {
        var window = Window;
        tip = committed;
        foreach (var (sender, account) in accounts) Advance(sender, account);
        Expire();
        if (Window == window) return;
        taken.Clear();
        foreach (var entry in waiting.Where(e => e.IsRegistration && e.Origin.Length > 0)) taken[entry.Origin] = taken.GetValueOrDefault(entry.Origin) + 1;
    }

    public PoolState Find(Hash256 id) =>
        waiting.Concat(leaving).Any(e => e.Transaction.Id == id) ? PoolState.Pending : dropped.ContainsKey(id) ? PoolState.Dropped : expired.Contains(id) ? PoolState.Expired : PoolState.Unknown;

    public void ForgetExpired(IReadOnlySet<Hash256> kept) => expired.IntersectWith(kept);

    /// <summary>What is durable of each sender's ready transactions, in order; of registrations no more than the window has left.</summary>
    public void CheckReaped(IReadOnlyList<TransactionEnvelope> reaped)
    {
        var registrations = 0;
        foreach (var sender in Dids)
        {
            List<TransactionEnvelope> expected = [.. Ready(sender).TakeWhile(e => e.SequenceNr > 0).Select(e => e.Transaction.Envelope)];
            List<TransactionEnvelope> given = [.. reaped.Where(envelope => Of(sender).Exists(e => ReferenceEquals(e.Transaction.Envelope, envelope)))];
            Assert.Equal(expected.Take(given.Count), given);
            if (sender.Method == DidMethod.Key) registrations += given.Count;
            else Assert.Equal(expected.Count, given.Count);
        }

        var wanted = Dids.Where(did => did.Method == DidMethod.Key).Sum(did => Ready(did).TakeWhile(e => e.SequenceNr > 0).Count());
        Assert.Equal(Math.Min(wanted, (int)tip.RegistrationsLeft), registrations);
        Assert.Equal(reaped.Count, Dids.Sum(did => reaped.Count(envelope => Of(did).Exists(e => ReferenceEquals(e.Transaction.Envelope, envelope)))));
    }

    public IEnumerable<(Did Sender, int Transactions, int Parked, int Places)> Senders() => Dids
        .OrderByDescending(PlacesOf).ThenByDescending(did => did.Identifier)
        .Select(did => (did, Of(did).Count, Of(did).Count - Ready(did).Count, PlacesOf(did)));

    private void ReadBack(Transaction transaction, long sequenceNr)
    {
        if (transaction.Nonce < known[transaction.Sender].Nonce) return;
        if (waiting.Find(e => e.Transaction.Id == transaction.Id) is { } again)
        {
            again.SequenceNr = sequenceNr;
            return;
        }

        if (transaction.ExpiryHeight <= tip.Height)
        {
            expired.Add(transaction.Id);
            return;
        }

        if (Of(transaction.Sender).Find(e => e.Transaction.Nonce == transaction.Nonce) is { } older) surplus.Add(Drop(older, RefusalReason.PoolFull));
        waiting.Add(new Entry(transaction, "") { SequenceNr = sequenceNr });
    }

    private ulong Window => tip.NextHeight / PoolModel.Parameters.QuotaWindowHeights;

    private List<Entry> Of(Did sender) => [.. waiting.Where(e => e.Transaction.Sender == sender).OrderBy(e => e.Transaction.Nonce)];

    private List<Entry> Run(Did sender) => [.. Of(sender).TakeWhile((e, i) => e.Transaction.Nonce == known[sender].Nonce + (ulong)i)];

    private List<Entry> Ready(Did sender) => sender.Method == DidMethod.Key && tip.RegistrationsLeft == 0 ? [] : [.. Run(sender).Take(Quota(sender))];

    private int Quota(Did sender) => (int)known[sender].QuotaLeft(tip.NextHeight, PoolModel.Parameters.QuotaWindowHeights, PoolModel.Parameters.QuotaActions);

    private int PlacesOf(Did sender) => Of(sender).Sum(e => e.Places);

    private int ParkedPlaces(Did sender) => PlacesOf(sender) - Ready(sender).Sum(e => e.Places);

    private Did Most(Func<Did, int> places) => Dids.MaxBy(did => (places(did), did.Identifier));

    private List<DroppedTransaction>? MakeRoom(Did sender, int places, bool isParked)
    {
        var gone = new List<DroppedTransaction>();
        if (Missing() <= 0) return gone;
        var missing = isParked ? Missing() : Missing() - Places.Parked;
        Did? giver = null;
        var (freed, count) = (0, 0);
        if (missing > 0)
        {
            // A ready one displaces ready ones only where no parked ones are left.
            Func<Did, int> measure = isParked ? ParkedPlaces : did => Ready(did).Sum(e => e.Places);
            if (isParked && Places.Parked == 0) return null;
            giver = Most(measure);
            var last = Enumerable.Reverse(isParked ? Of(giver.Value) : Ready(giver.Value)).ToList();
            while (count < last.Count && freed < missing) freed += last[count++].Places;
            if (freed < missing || measure(giver.Value) - freed < measure(sender) + places) return null;
        }

        while (!isParked && Missing() > 0 && Places.Parked > 0) gone.Add(DropLast(Most(ParkedPlaces)));
        for (; count > 0; count--) gone.Add(DropLast(giver!.Value));
        return gone;

        int Missing() => Math.Max(Places.Taken + places - PoolModel.Limits.Places, isParked ? Places.Parked + places - PoolModel.Limits.ParkedPlaces : int.MinValue);
    }

    private DroppedTransaction DropLast(Did sender)
    {
        var (own, run, ready) = (Of(sender), Run(sender), Ready(sender));
        var reason = run.Count < own.Count ? RefusalReason.NonceGap
            : Quota(sender) < own.Count ? RefusalReason.QuotaExceeded
            : ready.Count < own.Count ? RefusalReason.RegistrationsExceeded
            : RefusalReason.PoolFull;
        return Drop(own[^1], reason);
    }

    private DroppedTransaction Drop(Entry entry, RefusalReason reason)
    {
        waiting.Remove(entry);
        leaving.Add(entry);
        GiveBack(entry);
        return new DroppedTransaction(entry.Transaction.Id, entry.Transaction.ExpiryHeight, reason);
    }

    private void GiveBack(Entry entry)
    {
        if (entry.IsRegistration && taken.GetValueOrDefault(entry.Origin) > 0) taken[entry.Origin]--;
    }

    private void Advance(Did sender, AccountRecord account)
    {
        if (Of(sender).Count == 0 || account.Nonce <= known[sender].Nonce) return;
        waiting.RemoveAll(e => e.Transaction.Sender == sender && e.Transaction.Nonce < account.Nonce);
        known[sender] = account;
    }

    private void Expire()
    {
        foreach (var entry in waiting.Where(e => e.Transaction.ExpiryHeight <= tip.Height).ToList())
        {
            expired.Add(entry.Transaction.Id);
            GiveBack(entry);
            waiting.Remove(entry);
        }
    }
}
