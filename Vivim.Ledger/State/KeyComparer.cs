namespace Vivim.Ledger.State;

/// <summary>Compares state keys by their bytes: equality for dictionaries, lexicographic order for ranges and sorted writes.</summary>
public sealed class KeyComparer : IEqualityComparer<byte[]>, IComparer<byte[]>
{
    public static readonly KeyComparer Instance = new();

    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    public int GetHashCode(byte[] obj)
    {
        var hash = new HashCode();
        hash.AddBytes(obj);
        return hash.ToHashCode();
    }

    public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);
}
