using System.Globalization;

namespace Vivim.Simulator.Faults;

/// <summary>Who is on which side of the third that liars may hold.</summary>
internal enum Honesty
{
    /// <summary>No one lies.</summary>
    AllCorrect,

    /// <summary>Liars have less than a third of the power: the chain must hold.</summary>
    FewLiars,

    /// <summary>Liars have more than a third: the chain may fork, and then it must be known who did it.</summary>
    TooManyLiars,
}

/// <summary>What is to go wrong in one run: drawn from the seed, or written down by hand. A shrunk plan is a part of it.</summary>
/// <param name="Heights">Heights that every correct node must reach in the end.</param>
/// <param name="WildTime">Milliseconds until everything heals.</param>
internal sealed record FaultPlan(int Validators, ulong Heights, long WildTime, Honesty Honesty, IReadOnlyList<Fault> Faults)
{
    /// <summary>All nodes: the validators of the genesis, and those that join.</summary>
    public int Nodes => Validators + (SetChange is null ? 0 : Clients.Authorities.Guests);

    /// <summary>When the set begins to change; null when it stays.</summary>
    public Fault? SetChange => Faults.FirstOrDefault(fault => fault.Kind == FaultKind.SetChange);

    /// <summary>Nothing goes wrong.</summary>
    public bool IsCalm => Faults.All(fault => fault.Kind == FaultKind.SetChange);

    /// <summary>Nodes that lie.</summary>
    public IEnumerable<int> Liars => Faults.Where(fault => fault.IsByzantine).Select(fault => fault.Node).Distinct().Order();

    /// <summary>One line that <see cref="Parse"/> reads.</summary>
    public override string ToString() => string.Join(',', [$"n{Validators}", $"h{Heights}", $"t{WildTime}", $"b{(int)Honesty}", .. Faults.Select(fault => fault.ToString())]);

    /// <exception cref="FormatException">Not a plan.</exception>
    public static FaultPlan Parse(string text)
    {
        var parts = text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (parts.Length < 4) throw new FormatException($"'{text}' is not a plan: it must look like n4,h20,t12000,b0,Crash@1200+500:2:0");
        return new FaultPlan((int)Number(0, 'n'), (ulong)Number(1, 'h'), Number(2, 't'), (Honesty)Number(3, 'b'), [.. parts[4..].Select(Fault.Parse)]);

        long Number(int index, char letter) => parts[index][0] == letter && long.TryParse(parts[index].AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new FormatException($"'{parts[index]}' is not a number after '{letter}'");
    }
}
