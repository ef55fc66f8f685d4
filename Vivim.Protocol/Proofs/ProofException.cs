namespace Vivim.Protocol.Proofs;

/// <summary>The proof does not show what it claims. The message says, in one sentence, what is wrong.</summary>
public sealed class ProofException(string message) : Exception(message);
