using Vivim.Chain.Consensus;
using Vivim.Protocol;
using Vivim.Protocol.Consensus;

namespace Vivim.Tests.Chain;

/// <summary>
/// A height decided by n validators under one seed, without a clock. First anything happens: messages arrive in any order, late, twice or never,
/// timeouts fire at any time, validators crash and go on from their row, up to f liars are silent or tell each something else. Then everything
/// that was ever sent arrives, and timeouts fire when nothing else happens: now all honest validators must decide.
/// </summary>
internal sealed class ConsensusSimulation
{
    private const int WildSteps = 400;
    private const int CalmRounds = 40;

    private readonly Random random;
    private readonly int liars;
    private readonly bool equivocate;
    private readonly TestValidator[] honest;
    private readonly List<ConsensusOutput.ScheduleTimeout>[] timeouts;
    private readonly Queue<uint>[] valuesToBuild;
    private readonly List<ConsensusInput> sent = [];
    private readonly int[] collected;
    private readonly List<Hash256> values = [];
    private readonly HashSet<Hash256> invalid = [];

    public ConsensusSimulation(int count, int liars, bool equivocate, int seed)
    {
        random = new Random(seed);
        (Count, this.liars, this.equivocate) = (count, liars, equivocate);
        // Liars have the lowest keys: they propose first.
        honest = [.. Enumerable.Range(liars, count - liars).Select(index => new TestValidator(count, index))];
        timeouts = [.. honest.Select(_ => new List<ConsensusOutput.ScheduleTimeout>())];
        valuesToBuild = [.. honest.Select(_ => new Queue<uint>())];
        collected = new int[honest.Length];
    }

    public int Count { get; }

    public IReadOnlyList<TestValidator> Honest => honest;

    /// <summary>Inputs and outputs of the incarnations that have crashed, with what they went on from.</summary>
    public List<TestValidator> Crashed { get; } = [];

    public bool IsLiar(Vote vote) => TestValidator.SetOf(Count).IndexOf(vote.Validator) < liars;

    public bool IsInvalid(Hash256 value) => invalid.Contains(value);

    public uint Rounds => honest.Max(v => v.Core.Round) + 1;

    public void Run()
    {
        for (var step = 0; step < WildSteps; step++) Wild(random.Next(honest.Length));
        for (var i = 0; i < honest.Length; i++) Feed(i, new ConsensusInput.Start());
        for (var round = 0; round < CalmRounds && honest.Any(v => v.Decision is null); round++) Calm();
    }

    private void Wild(int receiver)
    {
        switch (random.Next(100))
        {
            case < 5:
                Feed(receiver, new ConsensusInput.Start());
                break;
            case < 70 when sent.Count > 0:
                // The newest are likelier, so that the wild phase gets somewhere; the others are late, repeated or lost.
                Feed(receiver, sent[random.Next(2) == 0 ? random.Next(sent.Count) : Math.Max(0, sent.Count - 1 - random.Next(3 * Count))]);
                break;
            case < 80 when timeouts[receiver].Count > 0:
                Fire(receiver, random.Next(timeouts[receiver].Count));
                break;
            case < 83:
                Crash(receiver);
                break;
            case < 88:
                Build(receiver);
                break;
            case < 97 when liars > 0 && equivocate:
                Lie(receiver);
                break;
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
                foreach (var message in Shuffled(sent)) Feed(receiver, message);
            }
        }

        for (var i = 0; i < honest.Length; i++)
        {
            for (var due = timeouts[i].Count; due > 0; due--) Fire(i, 0);
        }
    }

    /// <summary>A liar tells one validator, and in the end everyone, what it likes.</summary>
    private void Lie(int receiver)
    {
        var liar = random.Next(liars);
        var round = (uint)random.Next((int)Rounds + 1);
        if (round % Count == liar && random.Next(3) == 0)
        {
            var validRound = round > 0 && random.Next(2) == 0 ? random.Next((int)round) : -1;
            Tell(new ConsensusInput.ProposalReceived(TestValidator.ProposalOf(liar, round, SomeValue(), validRound), IsValid: true));
            return;
        }

        Hash256? value = random.Next(4) == 0 ? null : SomeValue();
        Tell(new ConsensusInput.VoteReceived(TestValidator.VoteOf(liar, random.Next(2) == 0 ? VoteType.Prevote : VoteType.Precommit, round, value)));

        void Tell(ConsensusInput message)
        {
            sent.Add(message);
            Feed(receiver, message);
        }
    }

    private Hash256 SomeValue()
    {
        if (values.Count > 0 && random.Next(3) > 0) return values[random.Next(values.Count)];
        values.Add(Hash256.Of(BitConverter.GetBytes(random.Next())));
        if (random.Next(4) == 0) invalid.Add(values[^1]);
        return values[^1];
    }

    private void Crash(int index)
    {
        Crashed.Add(honest[index]);
        honest[index] = new TestValidator(Count, honest[index].Index, honest[index].Row);
        timeouts[index].Clear();
        valuesToBuild[index].Clear();
        collected[index] = 0;
        Collect(index, honest[index].Resume());
    }

    private void Fire(int index, int timeout)
    {
        var due = timeouts[index][timeout];
        timeouts[index].RemoveAt(timeout);
        Feed(index, new ConsensusInput.TimeoutElapsed(due.Round, due.Step));
    }

    private void Feed(int index, ConsensusInput input) => Collect(index, honest[index].Feed(input is ConsensusInput.ProposalReceived { Proposal: var proposal }
        ? new ConsensusInput.ProposalReceived(proposal, !invalid.Contains(proposal.BlockId))
        : input));

    private void Collect(int index, IReadOnlyList<ConsensusOutput> outputs)
    {
        var validator = honest[index];
        timeouts[index].AddRange(outputs.OfType<ConsensusOutput.ScheduleTimeout>());
        sent.AddRange(validator.Sent.Skip(collected[index]));
        collected[index] = validator.Sent.Count;
        foreach (var get in outputs.OfType<ConsensusOutput.GetValue>()) valuesToBuild[index].Enqueue(get.Round);
    }

    private void Build(int index)
    {
        while (valuesToBuild[index].TryDequeue(out var round))
        {
            values.Add(Hash256.Of([(byte)honest[index].Index, (byte)round]));
            Feed(index, new ConsensusInput.ValueBuilt(round, values[^1]));
        }
    }

    private T[] Shuffled<T>(IEnumerable<T> items)
    {
        T[] shuffled = [.. items];
        random.Shuffle(shuffled);
        return shuffled;
    }
}
