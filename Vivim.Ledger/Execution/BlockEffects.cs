using Vivim.Ledger.State;
using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;

namespace Vivim.Ledger.Execution;

/// <summary>What a block under execution has done so far: changed values, events, and the validators of two heights later.</summary>
public sealed class BlockEffects
{
    private readonly ChainTip tip;
    private readonly List<LedgerEvent> events = [];

    /// <param name="parent">The state after the tip, on which the block stands.</param>
    public BlockEffects(IStateReader parent, ChainTip tip)
    {
        this.tip = tip;
        State = new WriteSet(parent);
        Scheduled = tip.NextValidators;
    }

    public ulong Height => tip.Height + 1;

    public ChainParameters Parameters => tip.System.Parameters;

    /// <summary>The validators of this height, who may act as authorities.</summary>
    public ValidatorSet Authorities => tip.Validators;

    /// <summary>The validators of <see cref="Height"/> + 2 as the block has left them so far. This height's and the next one's cannot be changed any more.</summary>
    public ValidatorSet Scheduled { get; private set; }

    public WriteSet State { get; }

    public IReadOnlyList<LedgerEvent> Events => events;

    /// <summary>Adds an event, numbered on.</summary>
    public LedgerEvent Emit(LedgerEventType type, in Did actor, in Did subject, in Hash256 id)
    {
        var happened = new LedgerEvent(Height, (uint)events.Count, type, actor, subject, id);
        events.Add(happened);
        return happened;
    }

    /// <summary>The scheduled validators with another power for one of them; 0 removes it. Null where no such set can be, or it is the same.</summary>
    public ValidatorSet? Change(PublicKey validator, ulong power)
    {
        var index = Scheduled.IndexOf(validator);
        if ((index < 0 ? 0 : Scheduled[index].Power) == power) return null;
        var others = Enumerable.Range(0, Scheduled.Count).Where(i => i != index).Select(i => Scheduled[i]);
        return ValidatorSet.TryCreate(power == 0 ? others : others.Append(new Validator(validator, power)));
    }

    /// <summary>Makes a set that <see cref="Change"/> has given the one of <see cref="Height"/> + 2.</summary>
    public void Schedule(ValidatorSet validators) => Scheduled = validators;

    /// <summary>Writes the changed validators; to be called once, after everything else.</summary>
    public void Finish()
    {
        if (Scheduled.Hash == tip.NextValidators.Hash) return;
        var schedule = tip.System.Schedule;
        var rotation = schedule.ProposersAfter(Height, tip.Proposers).Change(Scheduled);
        var oldest = Height - Math.Min(Height, Parameters.MaxEvidenceAge);
        foreach (var (key, value) in schedule.With(Height + 2, rotation, oldest).ChangesFrom(schedule)) State.Set(key, value);
    }
}
