using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Vivim.Protocol;

/// <summary>Makes files durable: what must survive a power loss from the moment the call returns, such as keys, the genesis, a backup.</summary>
public static partial class DurableFile
{
    /// <summary>Writes a new file with its final content: to a temporary name, synced, renamed, and the folder synced. Never writes over what is there.</summary>
    /// <exception cref="IOException">The file exists already, or cannot be written.</exception>
    public static void Create(string path, ReadOnlySpan<byte> content, UnixFileMode mode)
    {
        if (File.Exists(path)) throw new IOException($"{path} exists already");
        // A name that nothing else has: what is there, perhaps a key with such a name, stays. A power loss may leave this file, which does no harm.
        var temporary = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, $".{Path.GetFileName(path)}.{Guid.NewGuid():n}");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = mode;
        try
        {
            using (var stream = new FileStream(temporary, options))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: false);
        }
        catch
        {
            // Such as on a full disk: what is half written would stay there with each attempt.
            File.Delete(temporary);
            throw;
        }

        SyncFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Makes what was written to a file durable.</summary>
    /// <exception cref="IOException">The file cannot be synced.</exception>
    public static void Sync(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        file.Flush(flushToDisk: true);
    }

    /// <summary>Makes the folder's entries durable. .NET cannot open a folder, so this asks the C library; Windows keeps entries in its own journal.</summary>
    /// <exception cref="IOException">The folder cannot be synced.</exception>
    public static void SyncFolder(string folder)
    {
        if (OperatingSystem.IsWindows()) return;
        const int readOnly = 0;
        var descriptor = Open(folder, readOnly);
        if (descriptor < 0) throw Failure();
        var result = Sync(descriptor);
        var failure = result < 0 ? Failure() : null;
        _ = Close(descriptor);
        if (failure is not null) throw failure;

        IOException Failure() => new($"{folder} cannot be synced: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);
}
