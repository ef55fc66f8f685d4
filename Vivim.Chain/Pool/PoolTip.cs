using Vivim.Ledger;
using Vivim.Ledger.Execution;
using Vivim.Protocol.Consensus;

namespace Vivim.Chain.Pool;

/// <summary>What a partition must know of the chain to tell which transactions the next block could include.</summary>
/// <param name="Height">The last committed height.</param>
/// <param name="RegistrationsLeft">Registrations that the next block may include.</param>
/// <param name="Authorities">The validators of the next height, who alone may change the validators.</param>
public sealed record PoolTip(ulong Height, uint RegistrationsLeft, ValidatorSet Authorities)
{
    /// <summary>The height of the next block.</summary>
    public ulong NextHeight => Height + 1;

    /// <summary>Reads it from a ledger.</summary>
    public static PoolTip Of(NodeLedger ledger) => new(ledger.Tip.Height, ledger.RegistrationsLeft, ledger.Tip.Validators);
}
