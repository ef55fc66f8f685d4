using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;
using Vivim.Ledger.Storage.Sqlite;
using Vivim.Protocol;
using Vivim.Protocol.Genesis;

namespace Vivim.Ledger.Backups;

/// <summary>What a backup is made of.</summary>
/// <param name="Manifest">All but the files.</param>
/// <param name="Genesis">Path of the genesis file.</param>
/// <param name="Databases">Snapshots that were taken, by their names in the backup.</param>
public sealed record BackupContent(BackupManifest Manifest, string Genesis, IReadOnlyDictionary<string, SqliteSnapshot> Databases);

/// <summary>
/// The directory where the backups of one node of one chain are kept; other nodes and chains may use the same. A backup is a folder, named
/// <c>CHAIN-NODE-HEIGHT-TIME</c>, which gets its name when all in it is synced.
/// </summary>
/// <param name="spaceLeft">Bytes left on the disk of a folder; null to ask the system.</param>
public sealed class BackupDirectory(string directory, string chainId, string node, Func<string, long>? spaceLeft = null)
{
    /// <summary>The end of the name of a backup that is being made, or deleted.</summary>
    public const string Unfinished = ".partial";

    /// <summary>Room for what the node itself writes meanwhile.</summary>
    private const long SpareSpace = 64L << 20;

    private const int SqliteFull = 13;

    private readonly Func<string, long> spaceLeft = spaceLeft ?? (static folder => new DriveInfo(folder).AvailableFreeSpace);

    private readonly Regex ownName = new($@"^\.?{Regex.Escape($"{chainId}-{node}-")}\d{{12,}}-\d{{8}}T\d{{9}}Z(\.[a-z]+)?$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));

    public string Path { get; } = System.IO.Path.GetFullPath(directory);

    /// <summary>This node's whole backups, newest first.</summary>
    /// <exception cref="BackupException">The directory cannot be read.</exception>
    public IReadOnlyList<BackupFolder> List() => [.. BackupFolder.List(Path).Where(folder => ownName.IsMatch(System.IO.Path.GetFileName(folder.Path)))];

    /// <summary>Makes the directory where it is absent, and writes in it.</summary>
    /// <exception cref="BackupException">It cannot be written.</exception>
    public void RequireWritable() => Guarded(() =>
    {
        Directory.CreateDirectory(Path);
        var probe = System.IO.Path.Combine(Path, $".{chainId}-{node}-probe");
        File.WriteAllBytes(probe, [0]);
        File.Delete(probe);
    });

    /// <summary>Sees that a backup of this many bytes can be made and restored beside itself.</summary>
    /// <exception cref="BackupException">The disk has no room for it.</exception>
    public void RequireSpace(long bytes)
    {
        var (needed, left) = ((3 * bytes) + SpareSpace, spaceLeft(Path));
        if (left < needed) throw NoSpace($"a backup needs {needed >> 20} MiB for a while, {left >> 20} MiB are left");
    }

    /// <summary>Writes a backup; it is whole and durable when this returns, and nothing of it is there when this throws.</summary>
    /// <exception cref="BackupException">The disk is full, or the directory cannot be written.</exception>
    public BackupFolder Write(BackupContent content, CancellationToken cancellationToken)
    {
        var made = DateTimeOffset.FromUnixTimeMilliseconds(content.Manifest.MadeAt).ToString("yyyyMMdd'T'HHmmssfff'Z'", CultureInfo.InvariantCulture);
        var path = System.IO.Path.Combine(Path, string.Create(CultureInfo.InvariantCulture, $"{chainId}-{node}-{content.Manifest.Height:D12}-{made}"));
        RequireWritable();
        RequireSpace(content.Databases.Values.Sum(snapshot => LengthOf(snapshot.Path) + LengthOf(snapshot.Path + "-wal")));
        DropUnfinished();
        var unfinished = path + Unfinished;
        try
        {
            return Guarded(() =>
            {
                Directory.CreateDirectory(unfinished);
                WriteFiles(unfinished, content, cancellationToken);
                DurableFile.SyncFolder(unfinished);
                Directory.Move(unfinished, path);
                DurableFile.SyncFolder(Path);
                return BackupFolder.Open(path);
            });
        }
        catch
        {
            if (Directory.Exists(unfinished)) Directory.Delete(unfinished, recursive: true);
            throw;
        }
    }

    /// <summary>Deletes this node's oldest whole backups beyond a number, and what was never finished.</summary>
    /// <returns>How many whole ones.</returns>
    /// <exception cref="BackupException">One cannot be deleted.</exception>
    public int Keep(int newest)
    {
        var old = List().Skip(newest).ToList();
        foreach (var folder in old) Delete(folder);
        DropUnfinished();
        return old.Count;
    }

    /// <summary>Deletes a backup. One that is half deleted does not look like a whole one.</summary>
    /// <exception cref="BackupException">It cannot be deleted.</exception>
    public void Delete(BackupFolder folder) => Guarded(() =>
    {
        var leaving = folder.Path + Unfinished;
        Directory.Move(folder.Path, leaving);
        Directory.Delete(leaving, recursive: true);
    });

    /// <summary>Deletes what a process that died had begun to make, to verify or to delete. One node makes one backup at a time.</summary>
    public void DropUnfinished() => Guarded(() =>
    {
        foreach (var path in Directory.GetDirectories(Path).Where(path => System.IO.Path.GetExtension(path) is Unfinished or BackupRestore.Unfinished && ownName.IsMatch(System.IO.Path.GetFileName(path)))) Directory.Delete(path, recursive: true);
    });

    private static long LengthOf(string file) => new FileInfo(file) is { Exists: true } found ? found.Length : 0;

    private static void WriteFiles(string folder, BackupContent content, CancellationToken cancellationToken)
    {
        WriteSynced(System.IO.Path.Combine(folder, BackupFolder.Genesis), RegularFile.Read(content.Genesis, GenesisFile.MaxSize));
        foreach (var (name, snapshot) in content.Databases) snapshot.CopyTo(System.IO.Path.Combine(folder, name), cancellationToken);
        var files = content.Databases.Keys.Prepend(BackupFolder.Genesis).Select(name => Describe(folder, name)).ToList();
        var json = (content.Manifest with { Files = files }).ToJson();
        WriteSynced(System.IO.Path.Combine(folder, BackupFolder.ManifestHashFile), System.Text.Encoding.UTF8.GetBytes(BackupFolder.HashLine(json)));
        // The last: without it there is no backup.
        WriteSynced(System.IO.Path.Combine(folder, BackupFolder.ManifestFile), json);
    }

    private static BackupFile Describe(string folder, string name)
    {
        using var file = RegularFile.Open(System.IO.Path.Combine(folder, name));
        return new BackupFile(name, file.Length, Convert.ToHexStringLower(SHA256.HashData(file)));
    }

    private static void WriteSynced(string path, byte[] content)
    {
        using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write);
        file.Write(content);
        file.Flush(flushToDisk: true);
    }

    private void Guarded(Action action) => Guarded(() =>
    {
        action();
        return true;
    });

    private T Guarded<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (SqliteException e) when (e.SqliteErrorCode == SqliteFull)
        {
            throw NoSpace("it became full while the backup was written", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SqliteException)
        {
            throw new BackupException(BackupProblem.FolderUnusable, $"the backup directory {Path} cannot be used: {e.Message.TrimEnd('.')}; name another in vivim.workers.backup.directory, or let the node write there", e);
        }
    }

    private BackupException NoSpace(string how, Exception? inner = null) =>
        new(BackupProblem.NoSpace, $"the disk of the backup directory {Path} has no room: {how}; make room, keep fewer backups (vivim.workers.backup.keep) or use another disk", inner);
}
