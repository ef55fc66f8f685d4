using Vivim.Ledger.State;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.State;

namespace Vivim.Ledger.Execution;

/// <summary>The state before the first block.</summary>
public static class GenesisState
{
    /// <summary>Rules-version, parameters and validators, as the genesis names them.</summary>
    public static IReadOnlyDictionary<byte[], byte[]?> Of(GenesisFile genesis)
    {
        var parameters = new CanonicalWriter();
        genesis.Parameters.Encode(parameters);
        return new Dictionary<byte[], byte[]?>(ValidatorSchedule.Of(genesis.ValidatorSet).ChangesFrom(before: null), KeyComparer.Instance)
        {
            [StateKey.RulesVersion] = new CanonicalWriter().U32(genesis.RulesVersion).ToArray(),
            [StateKey.Parameters] = parameters.ToArray(),
        };
    }
}
