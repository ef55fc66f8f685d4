namespace Vivim.Faults;

/// <summary>A fault could not be made, or the cluster did not behave as it must. The message is a sentence for a person.</summary>
public sealed class FaultsException(string message, Exception? inner = null) : Exception(message, inner);
