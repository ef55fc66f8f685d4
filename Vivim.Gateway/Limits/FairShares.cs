namespace Vivim.Gateway.Limits;

/// <summary>
/// Shares something scarce between addresses by one rule: an address may hold at most a fixed part of what is then still free. Whoever is
/// alone gets much; the more others hold, the less each may take; and something is always left for an address that comes later. (The rule
/// is the dynamic threshold of switches with shared memory: Choudhury and Hahne, 1998.) A deterministic core.
/// </summary>
/// <param name="total">How much there is.</param>
/// <param name="negligible">Whoever holds no more than this counts as one that holds nothing.</param>
internal sealed class FairShares(long total, long negligible = 0)
{
    /// <summary>One in so many is kept for the node's own machine.</summary>
    private const long Kept = 16;

    /// <summary>How much more of what is free the node's own machine may hold than another address.</summary>
    private const long OwnWeight = 4;

    private readonly Dictionary<CallerAddress, long> held = [];

    /// <summary>How much there is.</summary>
    public long Total => total;

    /// <summary>What all addresses hold.</summary>
    public long Used { get; private set; }

    /// <summary>The addresses that hold anything, those that hold the most first.</summary>
    public IEnumerable<CallerAddress> Holders => held.OrderByDescending(static share => share.Value).Select(static share => share.Key);

    /// <summary>What an address holds.</summary>
    public long Held(CallerAddress address) => held.GetValueOrDefault(address);

    /// <summary>Whether an address may take this much now. An address that holds next to nothing may take whatever is free.</summary>
    /// <param name="divisor">The part of what is free that an address may hold is one in so many.</param>
    public bool Fits(CallerAddress address, long amount, long divisor)
    {
        if (Free(address) < amount) return false;
        var before = Held(address);
        return before <= negligible || (before + amount) * divisor <= (Free(address) - amount) * Weight(address);
    }

    /// <summary>What an address may hold at most, as much being free as is now; 0 where nothing is.</summary>
    /// <param name="divisor">As for <see cref="Fits"/>.</param>
    public long Share(CallerAddress address, long divisor) => Math.Max(0, Free(address)) * Weight(address) / divisor;

    /// <summary>Takes this much, where it <see cref="Fits"/>.</summary>
    public bool TryTake(CallerAddress address, long amount, long divisor)
    {
        if (!Fits(address, amount, divisor)) return false;
        Charge(address, amount);
        return true;
    }

    /// <summary>Takes this much in any case: for what is held already. It can make <see cref="Used"/> exceed the total.</summary>
    public void Charge(CallerAddress address, long amount)
    {
        Used += amount;
        held[address] = Held(address) + amount;
    }

    /// <summary>Gives back what was taken.</summary>
    /// <exception cref="InvalidOperationException">The address does not hold this much.</exception>
    public void Give(CallerAddress address, long amount)
    {
        var left = Held(address) - amount;
        if (left < 0) throw new InvalidOperationException($"{amount} are given back of {left + amount}");
        Used -= amount;
        if (left == 0) held.Remove(address);
        else held[address] = left;
    }

    private static long Weight(CallerAddress address) => address.IsOwnMachine ? OwnWeight : 1;

    /// <summary>What is free for an address; less than 0 where more is held than there is.</summary>
    private long Free(CallerAddress address) => total - Used - (address.IsOwnMachine ? 0 : total / Kept);
}
