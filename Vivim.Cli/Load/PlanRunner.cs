using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Vivim.Client;
using Vivim.Protocol;
using Vivim.Protocol.Transactions;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Cli.Load;

/// <summary>Makes the transaction of a slot's sender and nonce, signed, for each nonce of a turn.</summary>
public delegate IEnumerable<TransactionEnvelope> TurnSigner(Turn turn, ulong expiryHeight);

/// <summary>
/// Carries out a <see cref="SendPlan"/> against a node: signs and submits on one stream, takes receipts from the stream of blocks.
/// Runs once. Survives a node that is away for less than five minutes.
/// </summary>
internal sealed class PlanRunner
{
    private const int TurnSize = 32;

    private static readonly TimeSpan Patience = Backoff.DefaultLimit;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan ReleaseInterval = TimeSpan.FromSeconds(2);

    /// <summary>When nothing has moved for so long the node is asked whether it still has what it has acknowledged.</summary>
    private static readonly TimeSpan DoubtInterval = TimeSpan.FromSeconds(5);

    /// <summary>Transactions asked for at once.</summary>
    private const int MaxAsked = 64;

    private readonly VivimClient client;
    private readonly SendPlan plan;
    private readonly TurnSigner sign;
    private readonly string chainId;
    private readonly ulong expiryStep;
    private readonly TimeProvider time;
    private readonly Lock gate = new();
    private readonly Channel<bool> wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private ulong height;
    private long lastProgress;

    /// <param name="expiryStep">Transactions expire at the multiple of this after the next: one to two steps ahead.</param>
    public PlanRunner(VivimClient client, SendPlan plan, TurnSigner sign, string chainId, ulong expiryStep, TimeProvider time)
    {
        this.client = client;
        this.plan = plan;
        this.sign = sign;
        this.chainId = chainId;
        this.expiryStep = expiryStep;
        this.time = time;
    }

    /// <summary>Runs until the plan is done, or until nothing has moved for five minutes.</summary>
    /// <param name="startHeight">The height that the plan's account of what is included was read at, or one before it.</param>
    /// <param name="report">Called a few times a second with the transactions settled so far.</param>
    /// <returns>False when it stopped without being done.</returns>
    public async Task<bool> RunAsync(ulong startHeight, Action<long> report, CancellationToken cancellationToken)
    {
        height = startHeight;
        lastProgress = time.GetTimestamp();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] parts = [SubmitAsync(stop.Token), FollowBlocksAsync(stop.Token), WatchAsync(report, stop.Token)];
        var first = await Task.WhenAny(parts);
        await stop.CancelAsync();
        await Task.WhenAll(parts).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first;
        report(plan.Committed + plan.Rejected);
        return plan.IsDone;
    }

    private async Task SubmitAsync(CancellationToken cancellationToken)
    {
        await foreach (var submission in client.SubmitManyAsync(SignAsync(cancellationToken), cancellationToken))
        {
            var id = submission.Transaction.IdOn(chainId);
            lock (gate)
            {
                if (submission.Refused is { } refused) plan.Refuse(id, refused.Reason);
                else Accept(id, submission.Accepted!);
            }
        }
    }

    private void Accept(Hash256 id, V1.SubmitResponse answer)
    {
        plan.Acknowledge(id);
        if (answer.Receipt is { } receipt) plan.Settle(id, receipt.Code);
        lastProgress = time.GetTimestamp();
    }

    private async IAsyncEnumerable<TransactionEnvelope> SignAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            bool taken, done;
            Turn turn;
            ulong expiry;
            lock (gate)
            {
                taken = plan.TryTake(TurnSize, out turn);
                done = plan.IsDone;
                // A multiple, so that a run shortly after an interrupted one makes the same bytes again.
                expiry = (height / expiryStep + 2) * expiryStep;
            }

            if (done) yield break;
            if (!taken)
            {
                await wake.Reader.ReadAsync(cancellationToken);
                continue;
            }

            var nonce = turn.FirstNonce;
            foreach (var transaction in sign(turn, expiry))
            {
                bool send;
                lock (gate) send = plan.Track(new Slot(turn.Sender, nonce), transaction.IdOn(chainId));
                nonce++;
                if (send) yield return transaction;
            }
        }
    }

    private async Task FollowBlocksAsync(CancellationToken cancellationToken)
    {
        await foreach (var block in client.BlocksAsync(height + 1, follow: true, cancellationToken))
        {
            lock (gate)
            {
                height = block.Height;
                foreach (var receipt in block.DecodeReceipts())
                {
                    if (plan.Settle(receipt.TransactionId, receipt.CodeName)) lastProgress = time.GetTimestamp();
                }

                if (plan.WaitingFor is "QUOTA_EXCEEDED" or "REGISTRATIONS_EXCEEDED" or "REGISTRATIONS_LIMITED") lastProgress = time.GetTimestamp();
                plan.Release();
            }

            wake.Writer.TryWrite(true);
        }
    }

    /// <summary>Reports, sends again what no block has released, and ends the run when nothing moves.</summary>
    private async Task WatchAsync(Action<long> report, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Tick, time);
        var released = time.GetTimestamp();
        var asked = released;
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            if (time.GetElapsedTime(Math.Max(asked, LastProgress)) >= DoubtInterval)
            {
                await AskForDroppedAsync(cancellationToken);
                asked = time.GetTimestamp();
            }

            long settled;
            lock (gate)
            {
                if (time.GetElapsedTime(lastProgress) >= Patience) return;
                settled = plan.Committed + plan.Rejected;
                if (time.GetElapsedTime(released) >= ReleaseInterval)
                {
                    plan.Release();
                    released = time.GetTimestamp();
                }
            }

            wake.Writer.TryWrite(true);
            report(settled);
        }
    }

    private long LastProgress
    {
        get
        {
            lock (gate) return lastProgress;
        }
    }

    /// <summary>What the node has dropped after its acknowledgement goes out again.</summary>
    private async Task AskForDroppedAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<Hash256> ids;
        lock (gate) ids = plan.UnsettledIds(MaxAsked);
        foreach (var id in ids)
        {
            try
            {
                var answer = await client.GetTransactionAsync(id, cancellationToken);
                var reason = answer.State switch
                {
                    V1.TransactionState.Dropped => answer.Dropped.Reason,
                    // The node may have forgotten by now that it has dropped it.
                    V1.TransactionState.Expired or V1.TransactionState.Unknown => Refusal.CodeOf(RefusalReason.Expired),
                    _ => null,
                };
                if (reason is null) continue;
                lock (gate) plan.Drop(id, reason);
            }
            catch (VivimException e) when (e.OutcomeUnknown)
            {
                return;
            }
        }
    }
}
