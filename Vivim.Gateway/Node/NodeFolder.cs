using Vivim.Ledger.Backups;

namespace Vivim.Gateway.Node;

/// <summary>The node cannot start. The message is one sentence saying why and what to do.</summary>
internal sealed class StartException(string message) : Exception(message);

/// <summary>The folder of everything that is a node's own (DESIGN §14), locked while the node runs.</summary>
internal sealed class NodeFolder : IDisposable
{
    private readonly string path;
    private readonly FileStream heldLock;

    private NodeFolder(string path, FileStream heldLock)
    {
        this.path = path;
        this.heldLock = heldLock;
    }

    public string ChainDatabase => Path.Combine(path, "chain.db");

    public string StateDatabase => Path.Combine(path, "state.db");

    /// <summary>Snapshots of the state that the node offers.</summary>
    public string Snapshots => Path.Combine(path, "snapshots");

    /// <summary>Chunks of a snapshot that the node is getting.</summary>
    public string Staging => Path.Combine(path, "state-sync");

    public string SignerDatabase => Path.Combine(path, "signer.db");

    /// <summary>Whether this folder was restored from a backup.</summary>
    public bool IsRestored => File.Exists(Path.Combine(path, BackupFolder.RestoredMark));

    /// <summary>The journal file of one group of persistent actors.</summary>
    public string JournalDatabase(string group) => Path.Combine(path, $"journal-{group}.db");

    /// <summary>Creates the folder where it is absent, and takes its lock.</summary>
    /// <exception cref="StartException">Another process holds the lock, or the folder cannot be used.</exception>
    public static NodeFolder Open(string folder)
    {
        var full = Path.GetFullPath(folder);
        try
        {
            Directory.CreateDirectory(full);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException($"the data folder {full} cannot be used: {e.Message}");
        }

        try
        {
            return new NodeFolder(full, new FileStream(Path.Combine(full, "LOCK"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException($"another process is using the data folder {full}: stop it, or start with another --data");
        }
    }

    public void Dispose() => heldLock.Dispose();
}
