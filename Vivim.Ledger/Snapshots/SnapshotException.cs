namespace Vivim.Ledger.Snapshots;

/// <summary>A snapshot, or a part of one, is not what is certified. The message says what is wrong; who sent it is for the caller to say.</summary>
public sealed class SnapshotException(string message) : Exception(message);
