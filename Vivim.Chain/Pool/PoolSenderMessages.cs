using Vivim.Protocol.Identity;
using Vivim.Protocol.Transactions;

namespace Vivim.Chain.Pool;

/// <summary>A sender with transactions in the pool. In lists, the sender with the most places comes first.</summary>
/// <param name="Transactions">Waiting transactions.</param>
/// <param name="Parked">Those of them that the next block could not include.</param>
/// <param name="Places">What they take of the partition, see <see cref="PoolLimits"/>.</param>
/// <param name="Bytes">Their encodings.</param>
/// <param name="NextNonce">The sender's next nonce on the chain.</param>
/// <param name="Reason">Why the last of them is parked; null where it is not.</param>
public sealed record PoolSender(Did Sender, int Transactions, int Parked, int Places, long Bytes, ulong NextNonce, RefusalReason? Reason)
{
    /// <summary>The order of lists.</summary>
    public static readonly Comparer<PoolSender> MostPlacesFirst =
        Comparer<PoolSender>.Create(static (a, b) => a.Places != b.Places ? b.Places.CompareTo(a.Places) : SenderQueue.Compare(b.Sender, a.Sender));
}

/// <summary>Which senders have transactions here? Answered by <see cref="SendersListed"/>.</summary>
/// <param name="AfterPlaces">The places of the last sender of the page before; 0 for the first page.</param>
/// <param name="After">That sender; null for the first page.</param>
/// <param name="Limit">Senders in the answer, at most <see cref="MaxLimit"/>.</param>
public sealed record ListSenders(int Partition, int AfterPlaces, Did? After, int Limit) : IPoolMessage
{
    public const int MaxLimit = 1_001;
}

/// <summary>Answer to <see cref="ListSenders"/>, in order.</summary>
public sealed record SendersListed(IReadOnlyList<PoolSender> Senders);

/// <summary>Drop all that a sender has waiting; answered by <see cref="SenderDropped"/> when that is durable.</summary>
/// <param name="By">The did:key of the operator who asks for it.</param>
public sealed record DropSender(int Partition, Did Sender, string By) : IPoolMessage;

/// <summary>Answer to <see cref="DropSender"/>.</summary>
/// <param name="Count">Transactions that are dropped.</param>
public sealed record SenderDropped(int Count);
