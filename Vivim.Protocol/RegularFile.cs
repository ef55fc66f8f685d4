using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vivim.Protocol;

/// <summary>
/// Reads files that come from elsewhere. Only a regular file is read, and no more of it than a limit: a device, a pipe or a file that grows
/// can neither hang the reader nor fill its memory. On Linux what is open is judged, not its path, so that nobody can change the path
/// in between.
/// </summary>
public static partial class RegularFile
{
    /// <summary>No key, password or the like is longer, in bytes.</summary>
    public const int MaxSecretBytes = 16 << 10;

    private const int BufferBytes = 16 << 10;

    /// <summary>Opens a file to be read. Its length is for the caller to bound.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    /// <exception cref="IOException">It is no regular file, or cannot be opened.</exception>
    public static FileStream Open(string path) => Open(path, isSecret: false);

    /// <summary>Reads a whole file. A symbolic link to a regular file is one.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    /// <exception cref="IOException">It is no regular file, has more than the limit, or cannot be read.</exception>
    public static byte[] Read(string path, int maxBytes)
    {
        using var file = Open(path);
        return Read(file, path, maxBytes);
    }

    /// <summary>Reads a text in UTF-8, or another encoding that its first bytes name.</summary>
    /// <exception cref="IOException">As <see cref="Read(string, int)"/>.</exception>
    public static string ReadText(string path, int maxBytes) => TextOf(Read(path, maxBytes));

    /// <summary>
    /// Reads a text that is a secret. As ssh does, it refuses a file that belongs to this user and that others can read. A file of another
    /// user is that user's to protect, such as one that a container engine mounts.
    /// </summary>
    /// <exception cref="IOException">As <see cref="Read(string, int)"/>, and where others can read it.</exception>
    public static string ReadSecret(string path)
    {
        using var file = Open(path, isSecret: true);
        return TextOf(Read(file, path, MaxSecretBytes));
    }

    private static string TextOf(byte[] bytes)
    {
        using var reader = new StreamReader(new MemoryStream(bytes));
        return reader.ReadToEnd();
    }

    private static byte[] Read(FileStream file, string path, int maxBytes)
    {
        using var content = new MemoryStream();
        var buffer = new byte[BufferBytes];
        for (int read; (read = file.Read(buffer)) > 0;)
        {
            if (content.Length + read > maxBytes) throw new IOException($"{path} has more than {maxBytes} bytes, the most that such a file may have");
            content.Write(buffer, 0, read);
        }

        return content.ToArray();
    }

    private static FileStream Open(string path, bool isSecret)
    {
        var handle = OperatingSystem.IsLinux() ? OpenOnLinux(Path.GetFullPath(path)) : File.OpenHandle(path);
        try
        {
            var status = OperatingSystem.IsLinux() ? StatusOf(handle, path) : default(Status?);
            if (status is { } known && known.KindOf() is var kind and not Status.Regular) throw new IOException($"{path} is {Status.NameOf(kind)}, not a regular file");
            if (isSecret) RequirePrivate(handle, path, status);
            // Without a buffer: the readers have their own.
            var file = new FileStream(handle, FileAccess.Read, bufferSize: 0);
            return file.CanSeek ? file : throw new IOException($"{path} is not a regular file");
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private static void RequirePrivate(SafeFileHandle handle, string path, Status? status)
    {
        if (OperatingSystem.IsWindows()) return;
        if (status is { } known && known.Owner != UserId()) return;
        const UnixFileMode ofOthers = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
            | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        var mode = File.GetUnixFileMode(handle);
        if ((mode & ofOthers) != UnixFileMode.None)
            throw new IOException($"{path} has mode 0{Convert.ToString((int)mode, 8)}, so that others can use it too: make it yours alone with: chmod 600 {path}");
    }

    /// <summary>Does not wait for a writer, where the file is a pipe.</summary>
    private static SafeFileHandle OpenOnLinux(string path)
    {
        const int readOnly = 0, noTerminal = 0x100, nonBlocking = 0x800, closeOnExec = 0x80000;
        const int notFound = 2, notPermitted = 1, noAccess = 13, notDirectory = 20;
        var descriptor = Open(path, readOnly | noTerminal | nonBlocking | closeOnExec);
        if (descriptor >= 0) return new SafeFileHandle(descriptor, ownsHandle: true);
        var error = Marshal.GetLastPInvokeError();
        throw error switch
        {
            notFound or notDirectory => new FileNotFoundException($"there is no file {path}", path),
            notPermitted or noAccess => new UnauthorizedAccessException($"{path} may not be read: {Marshal.GetPInvokeErrorMessage(error)}"),
            _ => new IOException($"{path} cannot be opened: {new Win32Exception(error).Message}"),
        };
    }

    private static Status StatusOf(SafeFileHandle handle, string path)
    {
        const int ofHandle = 0x1000;
        const uint typeModeAndOwner = 1 | 2 | 8;
        return StatusOf(handle, "", ofHandle, typeModeAndOwner, out var status) == 0
            ? status
            : throw new IOException($"{path} cannot be looked at: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int StatusOf(SafeFileHandle file, string path, int flags, uint mask, out Status status);

    [LibraryImport("libc", EntryPoint = "getuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial uint UserId();

    /// <summary>What is used of Linux' <c>struct statx</c>, which is the same on every processor (statx(2)).</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private readonly struct Status
    {
        public const int Regular = 0x8000;

        [FieldOffset(20)]
        public readonly uint Owner;

        [FieldOffset(28)]
        private readonly ushort mode;

        public int KindOf() => mode & 0xF000;

        public static string NameOf(int kind) => kind switch
        {
            0x1000 => "a pipe",
            0x2000 or 0x6000 => "a device",
            0x4000 => "a folder",
            _ => "something else",
        };
    }
}
