using Vivim.Ledger.State;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.State;

namespace Vivim.Ledger.Execution;

/// <summary>What the state itself says about how the next block is made and judged.</summary>
public sealed record SystemState(uint RulesVersion, ChainParameters Parameters, ValidatorSet Validators)
{
    /// <exception cref="InvalidDataException">The state lacks one of them: it is not a chain's state.</exception>
    public static SystemState Read(IStateReader state)
    {
        var rules = new CanonicalReader(Required(state, StateKey.RulesVersion, "rules-version"));
        var parameters = new CanonicalReader(Required(state, StateKey.Parameters, "parameters"));
        var validators = new CanonicalReader(Required(state, StateKey.Validators, "validators"));
        return new SystemState(rules.U32(), ChainParameters.Decode(ref parameters), ValidatorSet.Decode(ref validators));
    }

    private static byte[] Required(IStateReader state, byte[] key, string name) => state.Get(key) ?? throw new InvalidDataException($"the state has no {name}");
}
