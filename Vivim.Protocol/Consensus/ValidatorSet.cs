using Vivim.Protocol.Encoding;
using Vivim.Protocol.Keys;

namespace Vivim.Protocol.Consensus;

/// <summary>A validator and its voting power, at least 1.</summary>
public sealed record Validator(PublicKey Key, ulong Power);

/// <summary>The validators of a height, ordered by public key; certificates name them by their index.</summary>
public sealed class ValidatorSet
{
    /// <summary>No set is larger.</summary>
    public const int MaxValidators = 1024;

    /// <summary>No set's total power is larger, so that three times it still fits 64 bits.</summary>
    public const ulong MaxTotalPower = ulong.MaxValue / 8;

    private readonly Validator[] validators;

    /// <exception cref="ArgumentException">Empty, too many, a key named twice, a power of zero, or too much power in all.</exception>
    public ValidatorSet(IEnumerable<Validator> validators)
    {
        this.validators = [.. validators.OrderBy(v => v.Key)];
        if (this.validators.Length is 0 or > MaxValidators) throw new ArgumentException($"a set has 1 to {MaxValidators} validators, not {this.validators.Length}");
        for (var i = 1; i < this.validators.Length; i++)
        {
            if (this.validators[i].Key == this.validators[i - 1].Key) throw new ArgumentException($"validator {this.validators[i].Key} is named twice");
        }

        foreach (var validator in this.validators)
        {
            if (validator.Power is 0 or > MaxTotalPower || TotalPower + validator.Power > MaxTotalPower) throw new ArgumentException($"validator {validator.Key} has power {validator.Power}; each has at least 1, all together at most {MaxTotalPower}");
            TotalPower += validator.Power;
        }

        var writer = new CanonicalWriter();
        Encode(writer);
        Hash = Hash256.Of(writer.Written);
    }

    /// <summary>The set of these validators, or null where there can be none such.</summary>
    public static ValidatorSet? TryCreate(IEnumerable<Validator> validators)
    {
        try
        {
            return new ValidatorSet(validators);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    public ulong TotalPower { get; }

    /// <summary>SHA-256 of the canonical encoding; headers commit to it.</summary>
    public Hash256 Hash { get; }

    public int Count => validators.Length;

    public Validator this[int index] => validators[index];

    /// <summary>More than two thirds of the power, in checked integer arithmetic.</summary>
    public bool IsQuorum(ulong power) => checked(power * 3) > checked(TotalPower * 2);

    /// <summary>The least power that is a quorum.</summary>
    public ulong QuorumPower => TotalPower * 2 / 3 + 1;

    /// <summary>More than one third of the power: at least one of them is correct.</summary>
    public bool IsOneCorrect(ulong power) => checked(power * 3) > TotalPower;

    /// <summary>The index of a key, or -1.</summary>
    public int IndexOf(PublicKey key)
    {
        for (var i = 0; i < validators.Length; i++)
        {
            if (validators[i].Key == key) return i;
        }

        return -1;
    }

    public void Encode(CanonicalWriter writer)
    {
        writer.U32((uint)validators.Length);
        foreach (var validator in validators) writer.Raw(validator.Key.Bytes).U64(validator.Power);
    }

    /// <exception cref="MalformedException">Cut short, out of order, or not a valid set.</exception>
    public static ValidatorSet Decode(ref CanonicalReader reader)
    {
        var list = new Validator[reader.Count(MaxValidators, PublicKey.Size + 8)];
        for (var i = 0; i < list.Length; i++)
        {
            list[i] = new Validator(new PublicKey(reader.Raw(PublicKey.Size)), reader.U64());
            if (i > 0 && list[i].Key <= list[i - 1].Key) throw new MalformedException("validators are not in ascending order of their keys");
        }

        try
        {
            return new ValidatorSet(list);
        }
        catch (ArgumentException e)
        {
            throw new MalformedException(e.Message);
        }
    }
}
