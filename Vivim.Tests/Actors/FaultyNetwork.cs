using Akka.Actor;
using Vivim.Chain.Consensus;
using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Tests.Actors;

/// <summary>
/// Carries messages between validators, as bytes; from a seed, some get lost, some come twice or late. It keeps every vote and proposal that left a
/// validator, and what is wrong with it.
/// </summary>
/// <param name="hasStored">Whether a row with this vote or proposal is durable.</param>
/// <param name="hasBlock">Whether this validator's block maker has stored this block.</param>
internal sealed class FaultyNetwork(int seed, Func<object, bool> hasStored, Func<PublicKey, Hash256, bool> hasBlock)
{
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMilliseconds(300);

    private readonly Lock gate = new();
    private readonly Random random = new(seed);
    private readonly HashSet<Vote> votes = [];
    private readonly HashSet<Proposal> proposals = [];
    private readonly List<string> wrongs = [];

    public volatile bool IsFaulty;

    public int Lost { get; private set; }

    /// <summary>What left although it must not have.</summary>
    public IReadOnlyList<string> Wrongs
    {
        get
        {
            lock (gate) return [.. wrongs];
        }
    }

    /// <summary>Pairs of messages with which a key has said two things about one step.</summary>
    public IEnumerable<string> Contradictions()
    {
        lock (gate)
        {
            var signed = votes.Select(vote => (vote.Validator, vote.Height, vote.Round, Step: $"{vote.Type}", Said: $"{vote.BlockId}"))
                .Concat(proposals.Select(proposal => (Validator: proposal.Proposer, proposal.Height, proposal.Round, Step: "Proposal", Said: $"{proposal.BlockId} {proposal.ValidRound}")));
            return [.. signed.GroupBy(s => (s.Validator, s.Height, s.Round, s.Step)).Where(step => step.Distinct().Count() > 1).Select(step => $"{step.Key}: {string.Join(" and ", step.Select(s => s.Said))}")];
        }
    }

    /// <summary>Takes what a validator says, and looks at it at that very moment.</summary>
    public IActorRef Open(ActorSystem system, Action<DeliverMessage> deliver) =>
        system.ActorOf(Props.Create(() => new Link(this, deliver)).WithDispatcher(Akka.TestKit.CallingThreadDispatcher.Id), "network");

    private void Send(IScheduler scheduler, OutgoingMessage outgoing, Action<DeliverMessage> deliver)
    {
        var bytes = outgoing.Message.ToBytes();
        lock (gate)
        {
            Keep(outgoing.From, outgoing.Message);
            foreach (var to in outgoing.To)
            {
                foreach (var delay in Arrivals()) scheduler.Advanced.ScheduleOnce(delay, () => deliver(new DeliverMessage(to, outgoing.From, ConsensusMessage.FromBytes(bytes))));
            }
        }
    }

    private IReadOnlyList<TimeSpan> Arrivals()
    {
        if (!IsFaulty) return [TimeSpan.Zero];
        if (random.Next(100) < 15)
        {
            Lost++;
            return [];
        }

        // What is late is overtaken.
        var times = random.Next(100) < 10 ? 2 : 1;
        return [.. Enumerable.Range(0, times).Select(_ => random.Next(3) == 0 ? LongestDelay * random.NextDouble() : TimeSpan.Zero)];
    }

    private void Keep(PublicKey from, ConsensusMessage message)
    {
        switch (message)
        {
            case ConsensusMessage.Voted { Vote: var vote }:
                votes.Add(vote);
                if (!hasStored(vote)) wrongs.Add($"{vote.Type} of height {vote.Height}, round {vote.Round} left before its row was stored");
                if (vote.Validator == from && vote.BlockId is { } id && !hasBlock(from, id)) wrongs.Add($"{vote.Type} of height {vote.Height}, round {vote.Round} left before its block was stored");
                break;
            case ConsensusMessage.Proposed { Proposal: var proposal }:
                proposals.Add(proposal);
                if (!hasStored(proposal)) wrongs.Add($"the proposal of height {proposal.Height}, round {proposal.Round} left before its row was stored");
                if (proposal.Proposer == from && !hasBlock(from, proposal.BlockId)) wrongs.Add($"the proposal of height {proposal.Height}, round {proposal.Round} left before its block was stored");
                break;
            case ConsensusMessage.Accused { Evidence: var evidence }:
                wrongs.Add($"{evidence.First.Validator} is accused of two votes at height {evidence.First.Height}, round {evidence.First.Round}");
                break;
        }
    }

    private sealed class Link : ReceiveActor
    {
        public Link(FaultyNetwork network, Action<DeliverMessage> deliver) => Receive<OutgoingMessage>(outgoing => network.Send(Context.System.Scheduler, outgoing, deliver));
    }
}
