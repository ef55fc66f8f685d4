using Akka.Actor;
using Vivim.Ledger;
using Vivim.Protocol.Blocks;

namespace Vivim.Chain.Ledger;

/// <summary>Typed questions to the node's ledger actor.</summary>
public static class LedgerExtensions
{
    /// <summary>Runs a read on the ledger's thread.</summary>
    /// <exception cref="AskTimeoutException">The ledger did not answer in time.</exception>
    public static async Task<T> Read<T>(this IActorRef ledger, Func<NodeLedger, T> read, CancellationToken cancellation = default)
        where T : notnull =>
        (await ledger.Ask<Box<T>>(new ReadLedger(l => new Box<T>(read(l))), AskTimeout, cancellation)).Value;

    /// <summary>Whether a block may follow the tip: null, or why not.</summary>
    public static async Task<string?> Judge(this IActorRef ledger, Block block) => (await ledger.Ask<BlockJudged>(new JudgeBlock(block), AskTimeout)).Problem;

    // A commit of the largest block comes before the answer in the worst case.
    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(20);

    /// <summary>Carries values that are no objects, and nulls inside tuples, through an untyped answer.</summary>
    private sealed record Box<T>(T Value);
}
