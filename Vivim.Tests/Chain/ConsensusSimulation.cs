using Vivim.Chain.Consensus;
using Vivim.Protocol;
using Vivim.Protocol.Consensus;

namespace Vivim.Tests.Chain;

/// <summary>
/// A height decided by n validators under one seed, without a clock. First it is wild: each message reaches some validators late, twice, in any
/// order, or not at all; timeouts fire when they like; validators crash and go on from their rows; up to f liars are silent or tell each
/// something else. Then it is calm: all that was ever sent arrives, and timeouts fire when nothing else happens. Now all honest ones must decide.
/// </summary>
internal sealed class ConsensusSimulation
{
    private const int WildEpisodes = 40;
    private const int CalmRounds = 40;

    private readonly Random random;
    private readonly int liars;
    private readonly bool equivocate;
    private readonly int lossPercent;
    private readonly int latePercent;
    private readonly int timeoutPercent;
    private readonly List<ConsensusInput> sent = [];
    private readonly HashSet<ConsensusInput> lies = [];
    private readonly HashSet<Hash256> invalid = [];
    private readonly TestValidator[] honest;
    private readonly Inbox[] inboxes;

    public ConsensusSimulation(int count, int liars, bool equivocate, int seed)
    {
        random = new Random(seed);
        (Count, this.liars, this.equivocate) = (count, liars, equivocate);
        lossPercent = random.Next(30);
        latePercent = random.Next(80);
        timeoutPercent = random.Next(5, 40);
        // Liars have the lowest keys: they propose first.
        honest = [.. Enumerable.Range(liars, count - liars).Select(index => new TestValidator(count, index))];
        inboxes = [.. honest.Select(_ => new Inbox())];
    }

    public int Count { get; }

    /// <summary>Timeouts fire that nobody has asked for: then nothing is promised but agreement.</summary>
    public bool MadClocks { get; init; }

    public IReadOnlyList<TestValidator> Honest => honest;

    /// <summary>The incarnations that have crashed.</summary>
    public List<TestValidator> Crashed { get; } = [];

    public bool IsLiar(Vote vote) => TestValidator.SetOf(Count).IndexOf(vote.Validator) < liars;

    public bool IsInvalid(Hash256 value) => invalid.Contains(value);

    /// <summary>What is on its way to one validator, or asked for by it.</summary>
    private sealed class Inbox
    {
        /// <summary>Messages that have arrived or are lost.</summary>
        public HashSet<int> Done { get; } = [];

        public List<ConsensusOutput.ScheduleTimeout> Timeouts { get; } = [];

        public Queue<uint> ValuesToBuild { get; } = new();

        /// <summary>How many of the validator's messages are among the sent.</summary>
        public int Collected { get; set; }
    }

    public void Run()
    {
        for (var episode = 0; episode < WildEpisodes; episode++)
        {
            foreach (var receiver in Shuffled(Enumerable.Range(0, honest.Length))) Wild(receiver);
        }

        for (var i = 0; i < honest.Length; i++) Feed(i, new ConsensusInput.Start());
        for (var round = 0; round < (MadClocks ? 1 : CalmRounds) && honest.Any(v => v.Decision is null); round++) Calm();
    }

    private bool Chance(int percent) => random.Next(100) < percent;

    private void Wild(int receiver)
    {
        if (Chance(70)) Feed(receiver, new ConsensusInput.Start());
        if (Chance(5)) Crash(receiver);
        if (Chance(80)) Build(receiver);
        for (var liar = 0; equivocate && liar < liars; liar++) Lie(liar, receiver);
        var inbox = inboxes[receiver];
        foreach (var message in Shuffled(Enumerable.Range(0, sent.Count).Where(i => !inbox.Done.Contains(i) || Chance(2))))
        {
            if (Chance(latePercent)) continue;
            inbox.Done.Add(message);
            if (!Chance(lossPercent)) Feed(receiver, sent[message]);
        }

        foreach (var step in Enum.GetValues<Step>().Where(_ => MadClocks && Chance(timeoutPercent))) Feed(receiver, new ConsensusInput.TimeoutElapsed(honest[receiver].Core.Round, step));
        for (var due = inbox.Timeouts.Count; due > 0; due--)
        {
            if (Chance(timeoutPercent)) Fire(receiver, due - 1);
        }
    }

    private void Calm()
    {
        for (var news = -1; news != sent.Count;)
        {
            news = sent.Count;
            foreach (var receiver in Shuffled(Enumerable.Range(0, honest.Length)))
            {
                Build(receiver);
                foreach (var message in Shuffled(sent.Concat(lies))) Feed(receiver, message);
            }
        }

        for (var i = 0; i < honest.Length; i++)
        {
            for (var due = inboxes[i].Timeouts.Count; due > 0; due--) Fire(i, 0);
        }
    }

    /// <summary>A liar tells one validator, and in the end everyone, what may do harm: votes for what is proposed, old polkas, new values.</summary>
    private void Lie(int liar, int receiver)
    {
        var round = honest[receiver].Core.Round;
        var proposed = sent.Concat(lies).OfType<ConsensusInput.ProposalReceived>().Select(p => p.Proposal).ToList();
        if (round % Count == liar && Chance(70))
        {
            var old = proposed.Where(p => p.Round < round && p.BlockId != honest[receiver].Core.Locked.Value).ToList();
            var again = old.Count > 0 && Chance(70) ? old[random.Next(old.Count)] : null;
            Tell(new ConsensusInput.ProposalReceived(TestValidator.ProposalOf(liar, round, again?.BlockId ?? NewValue(), again is null || Chance(20) ? -1 : (int)again.Round), IsValid: true));
        }

        foreach (var proposal in proposed.Where(p => p.Round == round && Chance(80)))
        {
            Vote(VoteType.Prevote, round, proposal.BlockId);
            Vote(VoteType.Precommit, round, proposal.BlockId);
            if (proposal.ValidRound >= 0) Vote(VoteType.Prevote, (uint)proposal.ValidRound, proposal.BlockId);
        }

        void Vote(VoteType type, uint at, Hash256 value)
        {
            if (Chance(60)) Tell(new ConsensusInput.VoteReceived(TestValidator.VoteOf(liar, type, at, Chance(10) ? null : value)));
        }

        void Tell(ConsensusInput message)
        {
            lies.Add(message);
            Feed(receiver, message);
        }
    }

    private Hash256 NewValue()
    {
        var value = Hash256.Of(BitConverter.GetBytes(random.Next()));
        if (Chance(25)) invalid.Add(value);
        return value;
    }

    private void Crash(int index)
    {
        Crashed.Add(honest[index]);
        honest[index] = new TestValidator(Count, honest[index].Index, honest[index].Row);
        inboxes[index] = new Inbox();
        Collect(index, honest[index].Resume());
    }

    private void Fire(int index, int timeout)
    {
        var due = inboxes[index].Timeouts[timeout];
        inboxes[index].Timeouts.RemoveAt(timeout);
        Feed(index, new ConsensusInput.TimeoutElapsed(due.Round, due.Step));
    }

    private void Build(int index)
    {
        while (inboxes[index].ValuesToBuild.TryDequeue(out var round)) Feed(index, new ConsensusInput.ValueBuilt(round, Hash256.Of([(byte)honest[index].Index, (byte)round])));
    }

    private void Feed(int index, ConsensusInput input) => Collect(index, honest[index].Feed(input is ConsensusInput.ProposalReceived { Proposal: var proposal }
        ? new ConsensusInput.ProposalReceived(proposal, !invalid.Contains(proposal.BlockId))
        : input));

    private void Collect(int index, IReadOnlyList<ConsensusOutput> outputs)
    {
        var (validator, inbox) = (honest[index], inboxes[index]);
        inbox.Timeouts.AddRange(outputs.OfType<ConsensusOutput.ScheduleTimeout>());
        sent.AddRange(validator.Sent.Skip(inbox.Collected));
        inbox.Collected = validator.Sent.Count;
        foreach (var get in outputs.OfType<ConsensusOutput.GetValue>()) inbox.ValuesToBuild.Enqueue(get.Round);
    }

    private T[] Shuffled<T>(IEnumerable<T> items)
    {
        T[] shuffled = [.. items];
        random.Shuffle(shuffled);
        return shuffled;
    }
}
