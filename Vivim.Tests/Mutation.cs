namespace Vivim.Tests;

/// <summary>Damages encodings the way that finds weak decoders: cuts, insertions, flips, moved parts and absurd lengths.</summary>
internal static class Mutation
{
    public static byte[] Of(byte[] bytes, System.Random random)
    {
        var mutated = Once(bytes, random);
        while (random.Next(3) == 0) mutated = Once(mutated, random);
        return mutated;
    }

    private static byte[] Once(byte[] bytes, System.Random random)
    {
        if (bytes.Length == 0) return [(byte)random.Next(256)];
        var at = random.Next(bytes.Length);
        var length = random.Next(1, Math.Min(40, bytes.Length - at) + 1);
        byte[] changed = [.. bytes];
        switch (random.Next(7))
        {
            case 0:
                return bytes[..at];
            case 1:
                return [.. bytes[..at], (byte)random.Next(256), .. bytes[at..]];
            case 2:
                return [.. bytes[..at], .. bytes[(at + length)..]];
            case 3:
                return [.. bytes[..at], .. bytes[at..(at + length)], .. bytes[at..]];
            case 4:
                changed.AsSpan(at, Math.Min(4, bytes.Length - at)).Fill((byte)(random.Next(2) * 0xFF));
                return changed;
            case 5:
                changed[at] = (byte)random.Next(4);
                return changed;
            default:
                changed[at] ^= (byte)(1 << random.Next(8));
                return changed;
        }
    }
}
