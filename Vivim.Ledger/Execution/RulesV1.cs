using Vivim.Ledger.State;
using Vivim.Protocol.Identity;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;

namespace Vivim.Ledger.Execution;

/// <summary>Rules-version 1: register, follow, unfollow; the authorities change the validators, equivocators are jailed.</summary>
internal sealed partial class RulesV1 : ExecutionRules
{
    public override ReceiptCode Execute(Transaction transaction, BlockEffects block)
    {
        Charge(transaction, block);
        return transaction.Action switch
        {
            RegisterIdentity registration => Register(registration, transaction, block),
            Follow follow => Follow(follow.Followee, transaction, block),
            Unfollow unfollow => Unfollow(unfollow.Followee, transaction, block),
            ProposeValidatorChange proposal => Propose(proposal, transaction, block),
            ApproveValidatorChange approval => Approve(approval, transaction, block),
            var other => throw new InvalidOperationException($"{other.GetType().Name} is not an action of rules-version 1, inclusion should have refused it"),
        };
    }

    private static void Charge(Transaction transaction, BlockEffects block)
    {
        var state = block.State;
        var window = block.Height / block.Parameters.QuotaWindowHeights;
        var account = ReadAccount(state, transaction.Sender);
        Write(state, transaction.Sender, account with
        {
            Nonce = account.Nonce + 1,
            QuotaWindow = window,
            QuotaUsed = account.QuotaWindow == window ? account.QuotaUsed + 1 : 1,
        });
        if (transaction.Action is not RegisterIdentity) return;
        var registrations = RegistrationCount.Read(state);
        state.Set(StateKey.Registrations, new RegistrationCount(window, registrations.Window == window ? registrations.Count + 1 : 1).ToBytes());
    }

    private static ReceiptCode Register(RegisterIdentity registration, Transaction transaction, BlockEffects block)
    {
        var state = block.State;
        var identityKey = StateKey.Identity(registration.Identity);
        var signingKeyKey = StateKey.SigningKey(registration.SigningKey);
        if (state.Get(identityKey) is not null) return ReceiptCode.IdentityExists;
        if (state.Get(signingKeyKey) is not null) return ReceiptCode.KeyInUse;
        state.Set(identityKey, new IdentityRecord(registration.SigningKey, registration.RotationKeys, block.Height).ToBytes());
        state.Set(signingKeyKey, registration.Identity.Identifier.ToArray());
        block.Emit(LedgerEventType.IdentityRegistered, registration.Identity, transaction.Sender, transaction.Id);
        return ReceiptCode.Ok;
    }

    private static ReceiptCode Follow(Did followee, Transaction transaction, BlockEffects block)
    {
        var state = block.State;
        var follower = transaction.Sender;
        if (followee == follower) return ReceiptCode.SelfFollow;
        if (state.Get(StateKey.Identity(followee)) is null) return ReceiptCode.FolloweeUnknown;
        var edge = StateKey.Edge(follower, followee);
        if (state.Get(edge) is not null) return ReceiptCode.AlreadyFollowing;
        var happened = block.Emit(LedgerEventType.Followed, follower, followee, transaction.Id);
        state.Set(edge, new EdgeRecord(happened.Cursor).ToBytes());
        Count(state, follower, followee, +1);
        return ReceiptCode.Ok;
    }

    private static ReceiptCode Unfollow(Did followee, Transaction transaction, BlockEffects block)
    {
        var state = block.State;
        var edge = StateKey.Edge(transaction.Sender, followee);
        if (state.Get(edge) is null) return ReceiptCode.NotFollowing;
        state.Set(edge, null);
        Count(state, transaction.Sender, followee, -1);
        block.Emit(LedgerEventType.Unfollowed, transaction.Sender, followee, transaction.Id);
        return ReceiptCode.Ok;
    }

    private static void Count(WriteSet state, in Did follower, in Did followee, int change)
    {
        var source = ReadAccount(state, follower);
        Write(state, follower, source with { Following = checked((uint)(source.Following + change)) });
        var target = ReadAccount(state, followee);
        Write(state, followee, target with { Followers = checked((uint)(target.Followers + change)) });
    }

    private static AccountRecord ReadAccount(WriteSet state, in Did did) =>
        state.Get(StateKey.Account(did)) is { } bytes ? AccountRecord.FromBytes(bytes) : AccountRecord.Empty;

    private static void Write(WriteSet state, in Did did, AccountRecord account) => state.Set(StateKey.Account(did), account.ToBytes());
}
