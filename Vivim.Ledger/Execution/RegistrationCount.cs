using Vivim.Ledger.State;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.State;

namespace Vivim.Ledger.Execution;

/// <summary>How many registrations, failed ones too, a quota window has included so far.</summary>
public readonly record struct RegistrationCount(ulong Window, uint Count)
{
    public static RegistrationCount Read(IStateReader state)
    {
        if (state.Get(StateKey.Registrations) is not { } bytes) return default;
        var reader = new CanonicalReader(bytes);
        var count = new RegistrationCount(reader.U64(), reader.U32());
        reader.End();
        return count;
    }

    /// <summary>How many more a block at a height may include.</summary>
    public uint LeftAt(ulong height, ChainParameters parameters) =>
        Window == height / parameters.QuotaWindowHeights ? parameters.MaxRegistrations - Math.Min(parameters.MaxRegistrations, Count) : parameters.MaxRegistrations;

    public byte[] ToBytes() => new CanonicalWriter(12).U64(Window).U32(Count).ToArray();
}
