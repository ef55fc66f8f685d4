using Vivim.Protocol;

namespace Vivim.Cli;

/// <summary>
/// A file that the user names for a result. It is new, and has its name when all of it is there; nothing is written over what is there,
/// such as a key.
/// </summary>
internal static class OutputFile
{
    private const UnixFileMode ForAllToRead = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>Sees, before there is a result, that the name is free.</summary>
    /// <exception cref="CommandFailedException">FILE_EXISTS: something has that name.</exception>
    public static void RequireNew(FileInfo? file)
    {
        if (file is not null && (Path.Exists(file.FullName) || file.LinkTarget is not null)) throw Exists(file);
    }

    /// <exception cref="CommandFailedException">FILE_EXISTS: something has that name.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static void Write(FileInfo file, ReadOnlySpan<byte> content)
    {
        RequireNew(file);
        DurableFile.Create(file.FullName, content, ForAllToRead);
    }

    private static CommandFailedException Exists(FileInfo file) => new("FILE_EXISTS", $"{file} exists already, and nothing is written over it: name another file, or remove it first");
}
