using Vivim.Protocol.Encoding;
using Vivim.Protocol.Keys;

namespace Vivim.Protocol.Consensus;

/// <summary>
/// Whose turn it is to propose at one height, round by round: CometBFT's weighted proposer priority, so that everyone proposes in proportion to
/// their power and nobody gains a turn by leaving and coming back. Immutable. An election adds to each priority its validator's power; the highest wins
/// (ties: the lower key) and pays the total power. Before it, priorities further apart than twice the total power are scaled down, and
/// the average is subtracted.
/// </summary>
public sealed class ProposerRotation
{
    /// <summary>No round is higher: a height that takes more has other troubles.</summary>
    public const uint MaxRound = 10_000;

    private readonly long[] priorities;
    private readonly Lock gate = new();
    private readonly List<int> elected = [];
    private long[] latest;

    private ProposerRotation(ValidatorSet validators, long[] priorities)
    {
        Validators = validators;
        this.priorities = priorities;
        latest = priorities;
    }

    /// <summary>The validators of the height.</summary>
    public ValidatorSet Validators { get; }

    /// <summary>What each validator starts the height's first election with, in the order of the set. Never beyond three times the total power.</summary>
    public IReadOnlyList<long> Priorities => priorities;

    /// <summary>The rotation of height 1: all priorities are 0.</summary>
    public static ProposerRotation Start(ValidatorSet validators) => new(validators, new long[validators.Count]);

    /// <summary>The proposer of a round: the winner of that many further elections. Asking for the rounds up to r costs r elections in all. Thread-safe.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Above <see cref="MaxRound"/>.</exception>
    public PublicKey Proposer(uint round)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(round, MaxRound);
        lock (gate)
        {
            while (elected.Count <= round)
            {
                (latest, var winner) = Elect(latest);
                elected.Add(winner);
            }

            return Validators[elected[(int)round]].Key;
        }
    }

    /// <summary>The rotation of the next height under the same set: one election on, however many rounds this height takes.</summary>
    public ProposerRotation Next() => new(Validators, Elect(priorities).Priorities);

    /// <summary>
    /// The rotation of the next height under another set. Who stays keeps the priority; who is new starts at -1.125 times the power of old and new together, so that
    /// leaving and coming back never pays.
    /// </summary>
    public ProposerRotation Change(ValidatorSet next)
    {
        var now = Elect(priorities).Priorities;
        Int128 together = next.TotalPower;
        for (var i = 0; i < Validators.Count; i++)
        {
            if (next.IndexOf(Validators[i].Key) < 0) together += Validators[i].Power;
        }

        var changed = new Int128[next.Count];
        for (var i = 0; i < changed.Length; i++)
        {
            var index = Validators.IndexOf(next[i].Key);
            changed[i] = index < 0 ? -(together + (together >> 3)) : now[index];
        }

        return new ProposerRotation(next, Narrow(ScaleAndCentre(changed, next)));
    }

    /// <summary>The priorities alone: the set is known beside them.</summary>
    public void Encode(CanonicalWriter writer)
    {
        foreach (var priority in priorities) writer.I64(priority);
    }

    /// <summary>Reads what <see cref="Encode"/> wrote for the same set.</summary>
    /// <exception cref="MalformedException">Cut short, or a priority beyond three times the total power.</exception>
    public static ProposerRotation Decode(ref CanonicalReader reader, ValidatorSet validators)
    {
        var limit = 3 * (Int128)validators.TotalPower;
        var read = new long[validators.Count];
        for (var i = 0; i < read.Length; i++)
        {
            read[i] = reader.I64();
            if (read[i] > limit || read[i] < -limit) throw new MalformedException($"a proposer priority of {read[i]} under a total power of {validators.TotalPower}");
        }

        return new ProposerRotation(validators, read);
    }

    private (long[] Priorities, int Winner) Elect(long[] before)
    {
        var after = ScaleAndCentre([.. before.Select(priority => (Int128)priority)], Validators);
        var winner = 0;
        for (var i = 0; i < after.Length; i++)
        {
            after[i] += Validators[i].Power;
            if (after[i] > after[winner]) winner = i;
        }

        after[winner] -= Validators.TotalPower;
        return (Narrow(after), winner);
    }

    /// <summary>Makes the spread at most twice the total power, dividing towards zero, and the average 0 or just above.</summary>
    private static Int128[] ScaleAndCentre(Int128[] values, ValidatorSet validators)
    {
        var window = 2 * (Int128)validators.TotalPower;
        var spread = values.Max() - values.Min();
        if (spread > window)
        {
            var ratio = (spread + window - 1) / window;
            for (var i = 0; i < values.Length; i++) values[i] /= ratio;
        }

        var average = FloorDivide(values.Aggregate(Int128.Zero, static (sum, priority) => sum + priority), values.Length);
        for (var i = 0; i < values.Length; i++) values[i] -= average;
        return values;
    }

    private static Int128 FloorDivide(Int128 dividend, int divisor)
    {
        var (quotient, remainder) = Int128.DivRem(dividend, divisor);
        return remainder < 0 ? quotient - 1 : quotient;
    }

    // After centring all lie within two total powers of zero, after an election within three; a total power is at most an eighth of 2^64, so 64 bits hold them.
    private static long[] Narrow(Int128[] values) => [.. values.Select(priority => checked((long)priority))];
}
