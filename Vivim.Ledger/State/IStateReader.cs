namespace Vivim.Ledger.State;

/// <summary>Reads the state at one point: what the rules see of it.</summary>
public interface IStateReader
{
    /// <summary>The value of a key, or null. The array must not be changed.</summary>
    byte[]? Get(byte[] key);
}
