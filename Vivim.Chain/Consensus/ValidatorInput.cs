using Vivim.Ledger.Execution;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Chain.Consensus;

/// <summary>A moment that <see cref="ValidatorCore"/> has asked to be told of.</summary>
public abstract record ConsensusTimer(ulong Height)
{
    /// <summary>The next block is due.</summary>
    public sealed record BlockDue(ulong Height) : ConsensusTimer(Height);

    /// <summary>A step's timeout.</summary>
    public sealed record StepTimeout(ulong Height, uint Round, Step Step) : ConsensusTimer(Height);
}

/// <summary>What can happen to <see cref="ValidatorCore"/>.</summary>
public abstract record ValidatorInput
{
    private ValidatorInput()
    {
    }

    /// <summary>The node's ledger is at this tip: once at the start, then after every commit, by whomever.</summary>
    /// <param name="HasUncertifiedState">The last block changed the state, so a next one is needed to certify it.</param>
    /// <param name="Evidence">The evidence that the last block contains.</param>
    public sealed record TipReached(ChainTip Tip, bool HasUncertifiedState, IReadOnlyList<Evidence> Evidence) : ValidatorInput;

    /// <summary>Answer to <see cref="ValidatorOutput.Recover"/>: the blocks stored for that height.</summary>
    public sealed record Recovered(ulong Height, IReadOnlyList<Block> Blocks) : ValidatorInput;

    /// <summary>A message has come from another validator. Nothing about it is trusted.</summary>
    public sealed record Received(PublicKey From, ConsensusMessage Message) : ValidatorInput;

    /// <summary>A timer asked for by <see cref="ValidatorOutput.Schedule"/> has elapsed.</summary>
    public sealed record Elapsed(ConsensusTimer Timer) : ValidatorInput;

    /// <summary>Answer to <see cref="ValidatorOutput.Build"/>: the block is made and stored durably.</summary>
    public sealed record Built(uint Round, Block Block) : ValidatorInput;

    /// <summary>Answer to <see cref="ValidatorOutput.Judge"/>: null when the block may follow the tip and is stored durably, else why not.</summary>
    public sealed record Judged(ulong Height, Hash256 BlockId, string? Problem) : ValidatorInput;

    /// <summary>The pool has transactions that the next block could include.</summary>
    public sealed record WorkArrived : ValidatorInput;

    /// <summary>To be fed every <see cref="ValidatorCore.TickInterval"/>: what was sent may be lost.</summary>
    public sealed record Tick : ValidatorInput;
}

/// <summary>What <see cref="ValidatorCore"/> wants done, in this order. When one fails, those after it must not be done.</summary>
public abstract record ValidatorOutput
{
    private ValidatorOutput()
    {
    }

    /// <summary>Make the signer's row durable, if the stored one is still of the version before. Where it is not, another incarnation of this validator is running: stop.</summary>
    public sealed record Record(SignerRow Row) : ValidatorOutput;

    /// <summary>Send to all other validators of the height under way.</summary>
    public sealed record Broadcast(ConsensusMessage Message) : ValidatorOutput;

    /// <summary>Send to one validator.</summary>
    public sealed record Send(PublicKey To, ConsensusMessage Message) : ValidatorOutput;

    /// <summary>Feed <see cref="ValidatorInput.Elapsed"/> after this time. A later height makes the timer void.</summary>
    public sealed record Schedule(ConsensusTimer Timer, TimeSpan After) : ValidatorOutput;

    /// <summary>Make a block on the tip and store it; answered by <see cref="ValidatorInput.Built"/>.</summary>
    /// <param name="Time">The proposer's clock in milliseconds since 1970 (UTC).</param>
    public sealed record Build(ulong Height, uint Round, long Time, IReadOnlyList<Evidence> Evidence) : ValidatorOutput;

    /// <summary>Judge a proposed block against the tip, and store it where it is valid; answered by <see cref="ValidatorInput.Judged"/>.</summary>
    public sealed record Judge(Block Block) : ValidatorOutput;

    /// <summary>Find the blocks stored for a height; answered by <see cref="ValidatorInput.Recovered"/>.</summary>
    public sealed record Recover(ulong Height) : ValidatorOutput;

    /// <summary>The block is final: execute it.</summary>
    public sealed record Commit(Block Block, CommitCertificate Certificate) : ValidatorOutput;

    /// <summary>A validator has signed two different votes for one step: tell the operator.</summary>
    public sealed record Accuse(Evidence Evidence) : ValidatorOutput;

    /// <summary>The node cannot go on; the operator must act.</summary>
    public sealed record Fault(string Reason) : ValidatorOutput;
}
