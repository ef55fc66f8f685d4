using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Vivim.Actors.Workers;

/// <summary>
/// Which worker of a scalable type takes a task, by its id: jump consistent hashing (Lamping and Veach 2014, figure 1), by which one more worker
/// takes an even share from the others, and nothing moves among those.
/// </summary>
public static class TaskPlacement
{
    /// <summary>The partition among so many workers, from 0.</summary>
    public static int Of(string taskId, int workers)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(taskId), digest);
        return Of(BinaryPrimitives.ReadUInt64LittleEndian(digest), workers);
    }

    /// <summary>The partition of a key, from 0.</summary>
    public static int Of(ulong key, int workers)
    {
        long place = -1;
        for (long next = 0; next < workers;)
        {
            place = next;
            key = unchecked((key * 2_862_933_555_777_941_757) + 1);
            next = (long)((place + 1) * ((1L << 31) / (double)((key >> 33) + 1)));
        }

        return (int)place;
    }

    /// <summary>The partitions at which the task can have been placed while there were up to so many workers: about their logarithm.</summary>
    public static IReadOnlyList<int> Ever(string taskId, int workers) => [.. Enumerable.Range(1, workers).Select(count => Of(taskId, count)).Distinct()];
}
