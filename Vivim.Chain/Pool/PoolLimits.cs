using Vivim.Protocol.Transactions;

namespace Vivim.Chain.Pool;

/// <summary>
/// How much a partition holds at most. Both limits are counted in one unit, the place: a transaction takes one place for each begun
/// <see cref="PlaceBytes"/> of its encoding. Whoever keeps to the places keeps to both limits.
/// </summary>
/// <param name="MaxTransactions">Waiting transactions.</param>
/// <param name="MaxBytes">Their encodings, in bytes.</param>
public sealed record PoolLimits(int MaxTransactions, long MaxBytes)
{
    /// <summary>Transactions of one sender that wait for a missing nonce.</summary>
    public const int MaxGappedOfSender = 64;

    /// <summary>Of all places, one in this many may hold transactions that the next block could not include.</summary>
    public const int ParkedShare = 8;

    /// <summary>A place has at least this many bytes, so that the longest transaction takes few of them.</summary>
    private const long LeastPlaceBytes = 256;

    /// <summary>Bytes of one place.</summary>
    public long PlaceBytes { get; } = Math.Max(LeastPlaceBytes, MaxBytes / MaxTransactions);

    /// <summary>All places.</summary>
    public int Places { get; } = (int)Math.Min(MaxTransactions, MaxBytes / Math.Max(LeastPlaceBytes, MaxBytes / MaxTransactions));

    /// <summary>Places for transactions that the next block could not include.</summary>
    public int ParkedPlaces => Math.Max(1, Places / ParkedShare);

    /// <summary>How many places a transaction takes.</summary>
    public int PlacesOf(Transaction transaction) => (int)((transaction.Envelope.Size - 1) / PlaceBytes) + 1;
}
