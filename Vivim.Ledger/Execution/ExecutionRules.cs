using Vivim.Protocol.Consensus;
using Vivim.Protocol.Transactions;

namespace Vivim.Ledger.Execution;

/// <summary>The chain asks for rules that this program does not have. Upgrade the program.</summary>
public sealed class RulesVersionUnknownException(uint version, ulong height)
    : Exception($"height {height} needs rules-version {version}, this program knows {ExecutionRules.Newest}: upgrade it")
{
    public uint Version { get; } = version;
}

/// <summary>The execution of transactions under one rules-version. Deterministic: integers only, no clock, no unordered iteration.</summary>
public abstract class ExecutionRules
{
    /// <summary>The newest version this program knows.</summary>
    public const uint Newest = 1;

    /// <summary>The rules in force at a height.</summary>
    /// <exception cref="RulesVersionUnknownException">This program does not have them.</exception>
    public static ExecutionRules For(uint version, ulong height) => version == 1 ? new RulesV1() : throw new RulesVersionUnknownException(version, height);

    /// <summary>Executes one included transaction: charges nonce and quota, then acts or fails with a receipt code.</summary>
    public abstract ReceiptCode Execute(Transaction transaction, BlockEffects block);

    /// <summary>Does to an equivocator what the rules say.</summary>
    /// <param name="evidence">May be included in the block.</param>
    public abstract void Punish(Evidence evidence, BlockEffects block);
}
