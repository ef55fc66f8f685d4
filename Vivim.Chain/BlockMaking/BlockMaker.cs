using Akka.Actor;
using Akka.Event;
using Vivim.Actors;
using Vivim.Actors.Telemetry;
using Vivim.Chain.Ledger;
using Vivim.Chain.Pool;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;

namespace Vivim.Chain.BlockMaking;

/// <summary>What a block maker needs of its node.</summary>
/// <param name="Pool">The shard region of <see cref="PoolPartition"/>.</param>
/// <param name="ReapDeadline">Partitions that have not answered by then are left out of the block.</param>
public sealed record BlockMakerSettings(IActorRef Ledger, IActorRef Pool, TimeSpan ReapDeadline);

/// <summary>
/// Makes a validator's proposals: reaps all partitions, lets the ledger choose what may be included, stores the block, and only then gives it
/// away, so that a restarted proposer proposes the same block again. It also keeps what others have proposed and this validator votes for. Of
/// the newest height all is kept, of others nothing.
/// </summary>
public sealed class BlockMaker : JournaledActor
{
    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly BlockMakerSettings settings;
    private readonly PublicKey validator;
    private readonly Dictionary<Hash256, Block> blocks = [];
    private readonly ProposedTransactions proposed;
    private ulong height;
    private bool hearsOfCommits;

    // Whoever waits for the write under way: others wait in the stash meanwhile.
    private IActorRef asker = ActorRefs.Nobody;

    public BlockMaker(PublicKey validator, BlockMakerSettings settings)
        : base($"block-maker-{validator}", "consensus")
    {
        this.validator = validator;
        this.settings = settings;
        proposed = new ProposedTransactions(log);
        Recover<BlockStored>(e => Take(e.Block));
        Command<BuildBlock>(Build);
        Command<Assembled>(OnAssembled);
        Command<AssemblyFailed>(failed => failed.ReplyTo.Tell(new Status.Failure(failed.Cause)));
        Command<KeepBlock>(keep => Store(keep.Block, Sender, new BlockKept(keep.Block.Id)));
        Command<BlockCommitted>(proposed.Commit);
        Command<FindBlocks>(find => Sender.Tell(new BlocksFound(find.Height == height ? [.. blocks.Values] : [])));
    }

    protected override string Describe()
    {
        if (height == 0) return "no block made or kept yet";
        var own = blocks.Values.Where(block => block.Header.Proposer == validator).MaxBy(block => block.Header.Round);
        return own is null ? $"kept {blocks.Count} blocks of others for height {height}" : $"proposed height {height}, round {own.Header.Round}, with {own.Transactions.Count} transactions";
    }

    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);
        base.PostStop();
    }

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        // Who asked would wait for its whole timeout otherwise, and its height with it.
        asker.Tell(new Status.Failure(cause));
        base.OnPersistFailure(cause, @event, sequenceNr);
    }

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        asker.Tell(new Status.Failure(cause));
        base.OnPersistRejected(cause, @event, sequenceNr);
    }

    private sealed record Assembled(IActorRef ReplyTo, Block Block, IReadOnlyList<FollowedTransaction> Followed, DateTimeOffset Begun) : INoSerializationVerificationNeeded;

    private sealed record AssemblyFailed(IActorRef ReplyTo, Exception Cause) : INoSerializationVerificationNeeded;

    private void Build(BuildBlock request)
    {
        if (OwnBlock(request.Height, request.Round) is { } made)
        {
            Sender.Tell(new BlockBuilt(made));
            return;
        }

        var replyTo = Sender;
        Assemble(request, replyTo).PipeTo(Self, failure: e => new AssemblyFailed(replyTo, e));
    }

    private async Task<Assembled> Assemble(BuildBlock request, IActorRef replyTo)
    {
        var begun = TransactionTrace.Begin();
        var parameters = await settings.Ledger.Read(ledger => ledger.Tip.System.Parameters);
        var reaped = await Task.WhenAll(Enumerable.Range(0, PoolPartitions.Count).Select(partition =>
            Reap(new Reap(partition, (int)parameters.MaxBlockTransactions, parameters.MaxBlockBytes))));
        var candidates = new List<Transaction>();
        foreach (var envelope in InTurns(reaped))
        {
            if (Transaction.TryDecode(envelope, out var transaction, out _)) candidates.Add(transaction);
        }

        var block = await settings.Ledger.Read(ledger => ledger.Tip.Height + 1 == request.Height
            ? ledger.Assemble(candidates, request.Evidence, request.Round, request.Time, validator)
            : throw new InvalidOperationException($"a block of height {request.Height} was asked for, the next is {ledger.Tip.Height + 1}"));
        return new Assembled(replyTo, block, FollowedIn(block, reaped), begun);
    }

    /// <summary>One of each partition after another, so that no partition fills a block while another has transactions. Within a partition the order stays.</summary>
    internal static IEnumerable<TransactionEnvelope> InTurns(IReadOnlyList<Reaped> reaped)
    {
        var longest = reaped.Max(partition => partition.Transactions.Count);
        for (var i = 0; i < longest; i++)
        {
            foreach (var partition in reaped)
            {
                if (i < partition.Transactions.Count) yield return partition.Transactions[i];
            }
        }
    }

    private static List<FollowedTransaction> FollowedIn(Block block, Reaped[] reaped)
    {
        var followed = reaped.SelectMany(r => r.Followed).ToList();
        if (followed.Count == 0) return followed;
        var included = block.Transactions.Select(envelope => envelope.IdOn(block.Header.ChainId)).ToHashSet();
        return followed.FindAll(one => included.Contains(one.TransactionId));
    }

    private async Task<Reaped> Reap(Reap reap)
    {
        try
        {
            return await settings.Pool.Ask<Reaped>(reap, settings.ReapDeadline);
        }
        catch (AskTimeoutException)
        {
            log.Info("pool partition {0} did not answer within {1}: its transactions wait for the next block", reap.Partition, settings.ReapDeadline);
            return new Reaped([]);
        }
    }

    private void OnAssembled(Assembled assembled)
    {
        // Asked twice while the first was being made: there is one block for a round.
        var header = assembled.Block.Header;
        var block = OwnBlock(header.Height, header.Round) ?? assembled.Block;
        Store(block, assembled.ReplyTo, new BlockBuilt(block), () => Follow(assembled));
    }

    private void Follow(Assembled assembled)
    {
        if (assembled.Followed.Count == 0) return;
        // From the first followed transaction on: a block maker that follows none need not hear of commits.
        if (!hearsOfCommits) Context.System.EventStream.Subscribe<BlockCommitted>(Self);
        hearsOfCommits = true;
        proposed.Include(assembled.Block, assembled.Followed, assembled.Begun);
    }

    private void Store(Block block, IActorRef replyTo, object answer, Action? then = null)
    {
        if (block.Header.Height < height)
        {
            replyTo.Tell(new Status.Failure(new InvalidOperationException($"a block of height {block.Header.Height} came, but one of {height} is stored")));
            return;
        }

        if (block.Header.Height == height && blocks.ContainsKey(block.Id))
        {
            replyTo.Tell(answer);
            return;
        }

        asker = replyTo;
        Persist(new BlockStored(block), stored =>
        {
            Take(stored.Block);
            replyTo.Tell(answer);
            then?.Invoke();
            if (blocks.Count == 1 && LastSequenceNr > 1) DeleteMessages(LastSequenceNr - 1);
        });
    }

    private Block? OwnBlock(ulong wanted, uint round) => wanted != height ? null : blocks.Values.FirstOrDefault(block => block.Header.Round == round && block.Header.Proposer == validator);

    private void Take(Block block)
    {
        if (block.Header.Height > height) blocks.Clear();
        height = block.Header.Height;
        blocks[block.Id] = block;
    }
}
