using Google.Protobuf;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;
using Vivim.Protocol.V1;
using Vivim.Simulator.Keys;
using ApproveValidatorChange = Vivim.Protocol.V1.ApproveValidatorChange;
using ProposeValidatorChange = Vivim.Protocol.V1.ProposeValidatorChange;

namespace Vivim.Simulator.Clients;

/// <summary>One change of the validator set: somebody proposes it, the others approve.</summary>
internal sealed record SetChange(PublicKey Validator, bool Joins, Transaction Proposal, IReadOnlyList<Transaction> Approvals);

/// <summary>
/// The transactions by which the validators let three more in, one after another, and send them away again; signed once per process.
/// </summary>
internal sealed class Authorities
{
    /// <summary>How many join and leave.</summary>
    public const int Guests = 3;

    private const ulong Expiry = 5_000;
    private const ulong GuestPower = 10;

    private static readonly Lock Gate = new();
    private static readonly Dictionary<int, Authorities> Made = [];

    private readonly Dictionary<TransactionEnvelope, Transaction> known = [];
    private readonly ulong[] nonces;

    private Authorities(int hosts)
    {
        nonces = new ulong[hosts + Guests];
        var changes = new List<SetChange>();
        for (var guest = hosts; guest < hosts + Guests; guest++) changes.Add(Change(guest, joins: true, authorities: guest));
        for (var guest = hosts + Guests - 1; guest >= hosts; guest--) changes.Add(Change(guest, joins: false, authorities: guest));
        Changes = changes;
    }

    /// <summary>In order.</summary>
    public IReadOnlyList<SetChange> Changes { get; }

    /// <summary>The changes of a chain with this many validators of its own.</summary>
    public static Authorities Of(int hosts)
    {
        lock (Gate)
        {
            if (!Made.TryGetValue(hosts, out var authorities)) Made[hosts] = authorities = new Authorities(hosts);
            return authorities;
        }
    }

    /// <summary>The transaction with exactly these bytes, or null.</summary>
    public Transaction? Find(TransactionEnvelope envelope) => known.GetValueOrDefault(envelope);

    private SetChange Change(int guest, bool joins, int authorities)
    {
        var validator = ValidatorKeys.Real(guest).PublicKey;
        var proposal = Sign(0, new TransactionBody { ProposeValidatorChange = new ProposeValidatorChange { Validator = Did.OfKey(validator).ToString(), Power = joins ? GuestPower : 0 } });
        var approval = new ApproveValidatorChange { Proposer = Did.OfKey(ValidatorKeys.Real(0).PublicKey).ToString(), ProposalId = ByteString.CopyFrom(proposal.Id.Bytes) };
        return new SetChange(validator, joins, proposal, [.. Enumerable.Range(1, authorities - 1).Select(i => Sign(i, new TransactionBody { ApproveValidatorChange = approval.Clone() }))]);
    }

    private Transaction Sign(int authority, TransactionBody body)
    {
        var key = ValidatorKeys.Real(authority);
        (body.ChainId, body.Sender, body.Nonce, body.ExpiryHeight) = (Traffic.ChainId, Did.OfKey(key.PublicKey).ToString(), nonces[authority]++, Expiry);
        var envelope = TransactionEnvelope.Sign(body, key);
        if (!Transaction.TryDecode(envelope, out var transaction, out var refusal)) throw new InvalidOperationException(refusal.Message);
        known.Add(envelope, transaction);
        return transaction;
    }
}
