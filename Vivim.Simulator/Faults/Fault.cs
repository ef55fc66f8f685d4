using System.Globalization;

namespace Vivim.Simulator.Faults;

/// <summary>What can go wrong.</summary>
internal enum FaultKind
{
    /// <summary>The node stops, and starts again when the fault ends. The argument seeds how much of what it was writing is kept.</summary>
    Crash,

    /// <summary>The node stops just before a write is stored. Argument: the <see cref="Storage.StoreKind"/>.</summary>
    CrashBeforeWrite,

    /// <summary>The node stops just after a write is stored, before it knows. Argument: the store.</summary>
    CrashAfterWrite,

    /// <summary>A write is stored but reported as failed. Argument: the store.</summary>
    FailStored,

    /// <summary>A write fails and is not stored. Argument: the store.</summary>
    FailLost,

    /// <summary>Every write takes longer. Argument: by up to how many milliseconds.</summary>
    SlowDisk,

    /// <summary>No message passes between two groups. Argument: bits of the one group.</summary>
    Partition,

    /// <summary>The node's messages are lost. Argument: bits of those who do not hear it.</summary>
    OneWay,

    /// <summary>Messages are lost. Argument: permille.</summary>
    Loss,

    /// <summary>Messages are late, each by another time, so that they overtake each other. Argument: up to how many milliseconds.</summary>
    Delay,

    /// <summary>Messages arrive twice. Argument: permille.</summary>
    Duplicate,

    /// <summary>The node's clock is wrong. Argument: by how many milliseconds.</summary>
    Skew,

    /// <summary>The node's timers run at another speed. Argument: permille of the right one.</summary>
    Drift,

    /// <summary>A second incarnation of the validator runs beside the first; at the end the first one is stopped.</summary>
    SecondIncarnation,

    /// <summary>The node stops and starts again with an older chain. Argument: how many heights older.</summary>
    RestoredBackup,

    /// <summary>Several nodes stop at once. Argument: their bits.</summary>
    Blackout,

    /// <summary>No fault: the validators let three more in, and send them away again.</summary>
    SetChange,

    /// <summary>Byzantine: votes differently to different validators.</summary>
    Equivocate,

    /// <summary>Byzantine: proposes different blocks to different validators.</summary>
    EquivocateProposal,

    /// <summary>Byzantine: says nothing.</summary>
    Silent,

    /// <summary>Byzantine: votes for whatever is proposed, locked or not.</summary>
    Amnesia,

    /// <summary>Byzantine: shows its proposals and votes to some only.</summary>
    Withhold,

    /// <summary>Byzantine: proposes again what was proposed before, with an invented valid round.</summary>
    StaleProposal,

    /// <summary>Byzantine: proposes blocks that no one may accept.</summary>
    InvalidBlock,

    /// <summary>Byzantine: accuses others of what they have not done.</summary>
    ForgedEvidence,

    /// <summary>Byzantine: floods with votes for future rounds and heights, and with false positions.</summary>
    Flood,

    /// <summary>Byzantine: serves blocks with certificates that do not hold.</summary>
    FalseSync,

    /// <summary>Byzantine, more than a third together: lets two groups decide different blocks.</summary>
    Fork,
}

/// <summary>One fault: from <paramref name="Start"/>, in milliseconds of virtual time, for <paramref name="Duration"/>. Written as <c>Kind@start+duration:node:argument</c>.</summary>
internal sealed record Fault(FaultKind Kind, long Start, long Duration, int Node, int Argument)
{
    /// <summary>The node disobeys; it does so to the end of the run, for healing makes no liar honest.</summary>
    public bool IsByzantine => Kind >= FaultKind.Equivocate;

    public long End => Start + Duration;

    public override string ToString() => $"{Kind}@{Start}+{Duration}:{Node}:{Argument}";

    /// <exception cref="FormatException">Not a fault.</exception>
    public static Fault Parse(string text)
    {
        var parts = text.Split('@', '+', ':');
        if (parts.Length != 5 || !Enum.TryParse<FaultKind>(parts[0], out var kind)) throw new FormatException($"'{text}' is not a fault: it must look like Crash@1200+500:2:0");
        return new Fault(kind, Number(1), Number(2), (int)Number(3), (int)Number(4));

        long Number(int index) => long.TryParse(parts[index], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : throw new FormatException($"'{parts[index]}' in '{text}' is not a number");
    }
}
