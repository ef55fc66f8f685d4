namespace Vivim.Protocol;

/// <summary>Creates small files that must survive a power loss from the moment the call returns: keys and the genesis.</summary>
public static class DurableFile
{
    /// <summary>Writes a new file with its final content: to a temporary name, synced, renamed, and the folder synced.</summary>
    /// <exception cref="IOException">The file exists already, or cannot be written.</exception>
    public static void Create(string path, ReadOnlySpan<byte> content, UnixFileMode mode)
    {
        if (File.Exists(path)) throw new IOException($"{path} exists already");
        var temporary = path + ".new";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = mode;
        using (var stream = new FileStream(temporary, options))
        {
            stream.Write(content);
            stream.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: false);
        SyncFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    private static void SyncFolder(string folder)
    {
        // Windows keeps directory entries in its own journal and cannot open a folder this way.
        if (OperatingSystem.IsWindows()) return;
        using var handle = File.OpenHandle(folder);
        RandomAccess.FlushToDisk(handle);
    }
}
