using Vivim.Faults.Processes;

namespace Vivim.Faults.Cluster;

/// <summary>A data folder that is a disk of its own, in memory, small enough to be filled. Needs root. Unmounted with its <see cref="WorkFolder"/>.</summary>
internal static class SmallDisk
{
    private const int Megabytes = 256;
    private const string Filler = "filler";

    public static Task MountAsync(string folder, CancellationToken cancellationToken) =>
        SystemProgram.RunAsync(["mount", "-t", "tmpfs", "-o", $"size={Megabytes}m", "vivim-faults", folder], cancellationToken: cancellationToken);

    /// <summary>Writes until no byte more goes in.</summary>
    public static void Fill(string folder)
    {
        using var file = new FileStream(Path.Combine(folder, Filler), FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        foreach (var size in (int[])[1 << 20, 1 << 12, 1])
        {
            var chunk = new byte[size];
            try
            {
                for (var i = 0; i <= Megabytes * (1 << 20) / size; i++) file.Write(chunk);
            }
            catch (IOException)
            {
                // It is full to within a chunk; a smaller one may still fit.
            }
        }
    }

    public static void Free(string folder) => File.Delete(Path.Combine(folder, Filler));
}
