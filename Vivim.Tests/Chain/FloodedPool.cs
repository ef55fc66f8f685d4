using Vivim.Chain.Pool;
using Vivim.Ledger.Execution;
using Vivim.Protocol;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;

namespace Vivim.Tests.Chain;

/// <summary>One partition with the chain's default parameters, its journal always up to date, and a chain that commits what the pool gives.</summary>
internal sealed class FloodedPool
{
    private const string ChainId = "vivim-test";

    public static readonly ChainParameters Parameters = new();
    public static readonly PoolLimits Limits = new(4_000, 4_000 * 1_024);

    private static readonly PublicKey Key = TestValidator.Key(1);

    private readonly Dictionary<Did, AccountRecord> accounts = [];
    private long sequenceNr;

    public PoolCore Core { get; } = new(ChainId, Parameters, Limits, TipAt(0));

    public static PoolTip TipAt(ulong height, uint registrationsLeft = 10_000) => new(height, registrationsLeft, TestValidator.SetOf(1));

    public static Did PersonOf(int number) => new(DidMethod.Vivim, Hash256.Of(BitConverter.GetBytes(number)));

    private static PublicKey KeyOf(int number) => new(Hash256.Of(BitConverter.GetBytes(~number)).Bytes);

    public static Transaction Follow(int sender, ulong nonce, int body = 200) => Make(PersonOf(sender), Key, nonce, body, new Follow(PersonOf(0)));

    public static Transaction Registration(int key, ulong nonce) => Make(Did.OfKey(KeyOf(key)), KeyOf(key), nonce, 200, new RegisterIdentity(PersonOf(key), KeyOf(key), [Key]));

    private static Transaction Make(Did sender, PublicKey signer, ulong nonce, int body, TransactionAction action)
    {
        var bytes = new byte[body];
        BitConverter.TryWriteBytes(bytes, nonce);
        sender.Identifier.Bytes.CopyTo(bytes.AsSpan(8));
        return new Transaction(new TransactionEnvelope(bytes, signer, default), Hash256.Of(bytes), ChainId, sender, nonce, 5_000, 0, action);
    }

    public AccountRecord AccountOf(Did sender) => accounts.GetValueOrDefault(sender, AccountRecord.Empty);

    /// <summary>The chain says this of a sender.</summary>
    public void Know(Did sender, AccountRecord account) => accounts[sender] = account;

    /// <summary>Submits a transaction, and the journal takes what comes of it.</summary>
    public Admission Submit(Transaction transaction, string origin = "")
    {
        var admission = Core.Admit(transaction, new SenderState(AccountOf(transaction.Sender), transaction.Envelope.Signer, IsAuthority: false), origin);
        if (admission.Admit) Core.MarkDurable([transaction.Id], ++sequenceNr);
        if (admission.Dropped.Count > 0) Core.MarkDropped(admission.Dropped, ++sequenceNr);
        Assert.All(admission.Dropped, gone => Assert.Equal(PoolState.Dropped, Core.Find(gone.TransactionId).State));
        return admission;
    }

    /// <summary>Commits a block of what the pool gives.</summary>
    /// <returns>Whose transactions were in it.</returns>
    public HashSet<Did> CommitBlock(int transactions, uint registrationsLeft = 10_000)
    {
        var reaped = Core.Reap(transactions, long.MaxValue).ToHashSet();
        var next = new Dictionary<Did, ulong>();
        foreach (var envelope in reaped)
        {
            var sender = envelope.Signer == Key ? new Did(DidMethod.Vivim, new Hash256(envelope.Body.Span[8..40])) : Did.OfKey(envelope.Signer);
            next[sender] = Math.Max(next.GetValueOrDefault(sender), BitConverter.ToUInt64(envelope.Body.Span) + 1);
        }

        foreach (var (sender, nonce) in next) accounts[sender] = AccountOf(sender) with { Nonce = nonce };
        Core.OnCommitted(TipAt(Core.Height + 1, registrationsLeft), next);
        return [.. next.Keys];
    }
}
