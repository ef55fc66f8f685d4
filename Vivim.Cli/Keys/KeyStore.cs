using Vivim.Protocol;
using Vivim.Protocol.Keys;

namespace Vivim.Cli.Keys;

/// <summary>The user's keys: one file each, readable by its owner only, in <c>~/.config/vivim/keys</c>.</summary>
public sealed class KeyStore(string folder)
{
    /// <summary>No name is longer, in characters.</summary>
    public const int MaxNameLength = 64;

    /// <summary>The folder of the keys.</summary>
    public string Folder { get; } = folder;

    /// <summary>The store below <c>XDG_CONFIG_HOME</c>, else below <c>~/.config</c>.</summary>
    public static KeyStore OfUser()
    {
        var configured = Environment.GetEnvironmentVariable("XDG_CONFIG_HOME");
        var home = string.IsNullOrEmpty(configured) ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".config") : configured;
        return new KeyStore(Path.Combine(home, "vivim", "keys"));
    }

    /// <summary>True for 1 to 64 letters, digits, '-', '_' and '.', not starting with a '.'.</summary>
    public static bool IsName(string name) =>
        ChosenName.IsValid(name, MaxNameLength) && name[0] != '.';

    /// <summary>Makes a new key.</summary>
    /// <exception cref="CommandFailedException">The name is taken or not a name, or the file cannot be written.</exception>
    public SigningKey Create(string name)
    {
        var path = PathOf(name);
        if (File.Exists(path)) throw new CommandFailedException("KEY_EXISTS", $"a key named '{name}' exists already at {path}; choose another name");
        CreateFolder();
        var key = SigningKey.Generate();
        try
        {
            key.WriteTo(path);
            return key;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            key.Dispose();
            throw new CommandFailedException("KEY_NOT_WRITTEN", $"cannot write the key to {path}: {e.Message}", e);
        }
    }

    /// <summary>Reads a key.</summary>
    /// <exception cref="CommandFailedException">There is none of that name, or its file is damaged or can be read by others.</exception>
    public SigningKey Open(string name)
    {
        var path = PathOf(name);
        return Read(path, name, $"there is no key named '{name}'; make one with: vivim key new {name}");
    }

    /// <summary>Reads a key file outside the store, such as a node's validator key.</summary>
    /// <exception cref="CommandFailedException">There is none, or it is damaged or can be read by others.</exception>
    public static SigningKey OpenFile(string path) => Read(path, path, $"there is no key file {path}");

    public bool Contains(string name) => IsName(name) && File.Exists(PathOf(name));

    /// <summary>All names, in order.</summary>
    public IReadOnlyList<string> Names() =>
        Directory.Exists(Folder) ? [.. Directory.EnumerateFiles(Folder).Select(f => Path.GetFileName(f)).Where(IsName).Order(StringComparer.Ordinal)] : [];

    private static SigningKey Read(string path, string name, string absent)
    {
        try
        {
            return SigningKey.ReadFrom(path);
        }
        catch (FileNotFoundException e)
        {
            throw new CommandFailedException("KEY_NOT_FOUND", absent, e);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            throw new CommandFailedException("KEY_UNREADABLE", $"the key '{name}' cannot be read: {e.Message}", e);
        }
    }

    private string PathOf(string name) =>
        IsName(name) ? Path.Combine(Folder, name) : throw new CommandFailedException("BAD_KEY_NAME", $"'{name}' is not a key name: use {ChosenName.FormOf(MaxNameLength)}, and not '.' first");

    private void CreateFolder()
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(Folder);
        else Directory.CreateDirectory(Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
