namespace Vivim.Ledger.Backups;

/// <summary>Why a backup cannot be made or used.</summary>
public enum BackupProblem
{
    /// <summary>There is no backup at that place.</summary>
    BackupNotFound,

    /// <summary>It was never finished, or a part of it is gone.</summary>
    BackupIncomplete,

    /// <summary>A file is not as it was written.</summary>
    BackupDamaged,

    /// <summary>It holds what no backup may hold: a signer's row, a key, a file that the manifest does not name.</summary>
    BackupForbidden,

    /// <summary>This program does not know its format.</summary>
    BackupFormatUnknown,

    /// <summary>It is of another chain than the one trusted.</summary>
    WrongNetwork,

    /// <summary>What it holds does not amount to the chain and state that its manifest states.</summary>
    BackupMismatch,

    /// <summary>The disk has no room.</summary>
    NoSpace,

    /// <summary>A folder cannot be read or written.</summary>
    FolderUnusable,

    /// <summary>What is there would be overwritten.</summary>
    TargetNotEmpty,
}

/// <summary>A backup cannot be made or used. The message names the file and says what to do.</summary>
public sealed class BackupException(BackupProblem problem, string message, Exception? inner = null) : Exception(message, inner)
{
    public BackupProblem Problem { get; } = problem;
}
