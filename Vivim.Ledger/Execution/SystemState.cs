using Vivim.Ledger.State;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.State;

namespace Vivim.Ledger.Execution;

/// <summary>What the state itself says about how the next block is made and judged.</summary>
/// <param name="Schedule">The validators by height.</param>
public sealed record SystemState(uint RulesVersion, ChainParameters Parameters, ValidatorSchedule Schedule)
{
    /// <exception cref="InvalidDataException">The state lacks one of them: it is not a chain's state.</exception>
    public static SystemState Read(IStateReader state)
    {
        var rules = new CanonicalReader(Required(state, StateKey.RulesVersion, "rules-version"));
        var parameters = new CanonicalReader(Required(state, StateKey.Parameters, "parameters"));
        return new SystemState(rules.U32(), ChainParameters.Decode(ref parameters), ValidatorSchedule.Read(state));
    }

    /// <summary>The same after a block's changes, reading it anew only where they touch it.</summary>
    public SystemState After(IReadOnlyDictionary<byte[], byte[]?> changes, IStateReader state) =>
        changes.ContainsKey(StateKey.RulesVersion) || changes.ContainsKey(StateKey.Parameters) || changes.ContainsKey(StateKey.Validators) ? Read(state) : this;

    private static byte[] Required(IStateReader state, byte[] key, string name) => state.Get(key) ?? throw new InvalidDataException($"the state has no {name}");
}
