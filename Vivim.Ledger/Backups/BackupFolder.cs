using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Vivim.Protocol;

namespace Vivim.Ledger.Backups;

/// <summary>A finished backup: a folder with a manifest, the hash of the manifest, and the files that the manifest names.</summary>
public sealed class BackupFolder
{
    public const string ManifestFile = "manifest.json";

    /// <summary>The manifest's hash, in the form of <c>sha256sum</c>.</summary>
    public const string ManifestHashFile = "manifest.sha256";

    /// <summary>In a restored data folder: the manifest of what was restored. There a validator without a signer's row does not sign, instead of stopping the node.</summary>
    public const string RestoredMark = "restored.json";

    public const string Genesis = "genesis";
    public const string Chain = "chain.db";
    public const string State = "state.db";

    private const int MaxManifest = 1 << 20;

    /// <summary>All that a backup can hold: whatever a manifest says, nothing else is ever restored.</summary>
    private static readonly string[] Allowed = [Genesis, Chain, State, "journal-pool.db", "journal-consensus.db"];

    private BackupFolder(string path, BackupManifest manifest, byte[] manifestJson)
    {
        Path = path;
        Manifest = manifest;
        ManifestJson = manifestJson;
    }

    public string Path { get; }

    public BackupManifest Manifest { get; }

    /// <summary>The manifest as it is in its file.</summary>
    public byte[] ManifestJson { get; }

    /// <summary>Reads what a folder says of itself, and that it holds just the files it names; their content is for <see cref="BackupRestore"/> to check.</summary>
    /// <exception cref="BackupException">It is no whole backup of a known format.</exception>
    public static BackupFolder Open(string path)
    {
        if (!Directory.Exists(path)) throw new BackupException(BackupProblem.BackupNotFound, $"there is no backup {path}: name the folder of one, as 'vivim backup list DIRECTORY' prints it");
        var json = Read(path, ManifestFile);
        var stated = Encoding.UTF8.GetString(Read(path, ManifestHashFile));
        if (stated != HashLine(json)) throw Damaged(path, ManifestFile, $"it does not have the hash that {ManifestHashFile} states");
        try
        {
            var format = BackupManifest.FormatOf(json);
            if (format != BackupManifest.CurrentFormat)
                throw new BackupException(BackupProblem.BackupFormatUnknown, $"{System.IO.Path.Combine(path, ManifestFile)} has format {format}, this program knows {BackupManifest.CurrentFormat}: use the version of vivim that made it");
            var folder = new BackupFolder(path, BackupManifest.FromJson(json), json);
            folder.RequireFiles();
            return folder;
        }
        catch (JsonException e)
        {
            throw Damaged(path, ManifestFile, e.Message.TrimEnd('.'), e);
        }
    }

    /// <summary>The whole backups in a directory, newest first; what is none is left out.</summary>
    /// <exception cref="BackupException">The directory cannot be read.</exception>
    public static IReadOnlyList<BackupFolder> List(string directory)
    {
        try
        {
            return [.. Directory.GetDirectories(directory).Where(path => !path.EndsWith(BackupDirectory.Unfinished, StringComparison.Ordinal)).Select(TryOpen).OfType<BackupFolder>().OrderByDescending(folder => folder.Manifest.MadeAt)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BackupException(BackupProblem.FolderUnusable, $"the directory {directory} cannot be read: {e.Message.TrimEnd('.')}", e);
        }
    }

    internal static string HashLine(byte[] manifest) => $"{Convert.ToHexStringLower(SHA256.HashData(manifest))}  {ManifestFile}\n";

    internal BackupException Damaged(string file, string how, Exception? inner = null) => Damaged(Path, file, how, inner);

    private static BackupException Damaged(string path, string file, string how, Exception? inner = null) =>
        new(BackupProblem.BackupDamaged, $"{System.IO.Path.Combine(path, file)} is damaged: {how}; use another backup", inner);

    private static BackupFolder? TryOpen(string path)
    {
        try
        {
            return Open(path);
        }
        catch (BackupException)
        {
            return null;
        }
    }

    private static byte[] Read(string path, string file)
    {
        var full = System.IO.Path.Combine(path, file);
        try
        {
            return RegularFile.Read(full, MaxManifest);
        }
        catch (FileNotFoundException e)
        {
            throw new BackupException(BackupProblem.BackupIncomplete, $"{full} is missing: the backup was never finished, or a part of it is gone; use another one", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BackupException(BackupProblem.FolderUnusable, $"{full} cannot be read: {e.Message.TrimEnd('.')}", e);
        }
    }

    private void RequireFiles()
    {
        var named = Manifest.Files.Select(file => file.Name).ToList();
        var there = Directory.EnumerateFileSystemEntries(Path).Select(entry => System.IO.Path.GetFileName(entry)!).ToHashSet(StringComparer.Ordinal);
        if (named.Except(Allowed).FirstOrDefault() is { } forbidden) throw Forbidden(forbidden, "no backup may hold such a file");
        if (there.Except([.. named, ManifestFile, ManifestHashFile]).Order(StringComparer.Ordinal).FirstOrDefault() is { } stray) throw Forbidden(stray, "the manifest does not name it; take it away");
        if (named.Concat([Genesis, Chain, State]).Except(there).FirstOrDefault() is { } missing)
            throw new BackupException(BackupProblem.BackupIncomplete, $"{System.IO.Path.Combine(Path, missing)} is missing: a part of the backup is gone; use another one");
    }

    private BackupException Forbidden(string file, string why) => new(BackupProblem.BackupForbidden, $"{System.IO.Path.Combine(Path, file)}: {why}");
}
