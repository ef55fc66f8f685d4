namespace Vivim.Gateway.Limits;

/// <summary>
/// Shares something scarce between addresses by one rule: an address may hold at most a fixed part of what is then still free. Whoever is alone gets
/// much; the more others hold, the less each may take; and something is always left for an address that comes later. (The rule is the dynamic
/// threshold of switches with shared memory: Choudhury and Hahne, 1998.) A deterministic core.
/// </summary>
/// <param name="total">How much there is.</param>
internal sealed class FairShares(long total)
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

    /// <summary>The address that holds the most; null where none holds anything.</summary>
    public CallerAddress? Largest => held.Count == 0 ? null : held.MaxBy(share => share.Value).Key;

    /// <summary>What an address holds.</summary>
    public long Held(CallerAddress address) => held.GetValueOrDefault(address);

    /// <summary>Whether an address may take this much now. An address that holds nothing may take whatever is free.</summary>
    /// <param name="divisor">The part of what is free that an address may hold is one in so many.</param>
    public bool Fits(CallerAddress address, long amount, long divisor)
    {
        var free = total - Used - amount - (address.IsOwnMachine ? 0 : total / Kept);
        if (free < 0) return false;
        var before = Held(address);
        return before == 0 || (before + amount) * divisor <= free * (address.IsOwnMachine ? OwnWeight : 1);
    }

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
}
