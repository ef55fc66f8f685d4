using System.Security.Cryptography;
using System.Text;
using FsCheck.Xunit;
using Vivim.Ledger.Backups;

namespace Vivim.Tests.Backups;

/// <summary>What is a backup and what is not, on real files.</summary>
public sealed class BackupFolderTests
{
    private static readonly string[] Files = ["manifest.json", "manifest.sha256", "genesis", "chain.db", "state.db", "journal-pool.db"];

    public static TheoryData<string> EachFile => [.. Files];

    [Property(MaxTest = 15)]
    public void Taken_at_any_moment_of_flushes_and_commits_it_restores_to_that_height_and_root(int seed)
    {
        var random = new System.Random(seed);
        using var chain = new BackedUpChain(seed);
        for (var i = 0; i < 4; i++)
        {
            chain.Commit(random.Next(1, 4));
            if (random.Next(2) == 0) chain.Flush(toEnd: random.Next(2) == 0);
            var tip = chain.Chain.Ledger.Tip;

            // What comes after the moment, and deletes what the moment needs, does not count.
            var backup = chain.Backup(meanwhile: () =>
            {
                chain.Commit(random.Next(3));
                chain.Flush(toEnd: true);
            });

            var restored = chain.Verify(backup.Path);
            Assert.Equal((tip.Height, tip.StateRoot.ToString(), tip.Height), (restored.Manifest.Height, restored.Manifest.StateRoot, restored.Executed));
        }
    }

    [Theory]
    [MemberData(nameof(EachFile))]
    public void A_changed_byte_anywhere_in_a_file_is_refused_and_the_file_named(string file)
    {
        using var chain = new BackedUpChain(1);
        chain.Commit(3);
        var path = Path.Combine(chain.Backup().Path, file);
        var good = File.ReadAllBytes(path);
        var random = new System.Random(1);
        foreach (var at in new[] { 0, good.Length - 1 }.Concat(Enumerable.Range(0, 20).Select(_ => random.Next(good.Length))))
        {
            var bad = good.ToArray();
            bad[at] ^= 1;
            File.WriteAllBytes(path, bad);
            var refused = Refused(chain);
            Assert.Equal(BackupProblem.BackupDamaged, refused.Problem);
            Assert.Contains(file.StartsWith("manifest", StringComparison.Ordinal) ? "manifest.json" : file, refused.Message, StringComparison.Ordinal);
            Assert.Contains("use another backup", refused.Message, StringComparison.Ordinal);
        }

        File.WriteAllBytes(path, good);
        chain.Verify(chain.Directory.List()[0].Path);
    }

    [Theory]
    [MemberData(nameof(EachFile))]
    public void What_is_cut_short_or_lacks_a_file_is_refused_and_the_file_named(string file)
    {
        using var chain = new BackedUpChain(1);
        chain.Commit(2);
        var backup = chain.Backup().Path;
        var path = Path.Combine(backup, file);
        var good = File.ReadAllBytes(path);
        foreach (var length in new[] { 0, good.Length / 2, good.Length - 1 })
        {
            File.WriteAllBytes(path, good[..length]);
            Assert.Equal(BackupProblem.BackupDamaged, Assert.Throws<BackupException>(() => chain.Verify(backup)).Problem);
        }

        File.Delete(path);
        var refused = Assert.Throws<BackupException>(() => chain.Verify(backup));
        Assert.Equal(BackupProblem.BackupIncomplete, refused.Problem);
        Assert.Contains(path, refused.Message, StringComparison.Ordinal);
        Assert.Empty(chain.Directory.List());
    }

    [Fact]
    public void A_signers_row_or_a_key_is_never_restored_whatever_a_manifest_says()
    {
        using var chain = new BackedUpChain(1);
        chain.Commit(2);
        var backup = chain.Backup(addTable: "signer").Path;
        var refused = Assert.Throws<BackupException>(() => chain.Verify(backup));
        Assert.Equal(BackupProblem.BackupForbidden, refused.Problem);
        Assert.Contains("signers' rows", refused.Message, StringComparison.Ordinal);

        foreach (var forbidden in new[] { "signer.db", "validator.key" })
        {
            File.WriteAllText(Path.Combine(backup, forbidden), "x");
            Assert.Equal(BackupProblem.BackupForbidden, Assert.Throws<BackupException>(() => chain.Verify(backup)).Problem);
            Forge(backup, manifest => manifest with { Files = [.. manifest.Files, new BackupFile(forbidden, 1, Convert.ToHexStringLower(SHA256.HashData("x"u8)))] });
            Assert.Equal(BackupProblem.BackupForbidden, Assert.Throws<BackupException>(() => chain.Verify(backup)).Problem);
            File.Delete(Path.Combine(backup, forbidden));
        }
    }

    [Fact]
    public void A_manifest_that_states_another_chain_than_the_files_hold_is_refused()
    {
        using var chain = new BackedUpChain(1);
        chain.Commit(3);
        var backup = chain.Backup().Path;
        var good = chain.Directory.List()[0].Manifest;
        foreach (var wrong in new[] { good with { Height = 2 }, good with { StateRoot = good.BlockId }, good with { BlockId = good.StateRoot }, good with { ChainId = "another" } })
        {
            Forge(backup, _ => wrong);
            Assert.Equal(BackupProblem.BackupMismatch, Assert.Throws<BackupException>(() => chain.Verify(backup, BackupCheck.Restore)).Problem);
        }

        Forge(backup, _ => good with { Format = 2 });
        Assert.Equal(BackupProblem.BackupFormatUnknown, Assert.Throws<BackupException>(() => chain.Verify(backup)).Problem);
        Forge(backup, _ => good);
        Assert.Equal(3UL, chain.Verify(backup).Executed);
    }

    [Fact]
    public void A_state_that_no_execution_gives_is_found_though_its_hashes_are_right()
    {
        using var chain = new BackedUpChain(1);
        chain.Commit(3);
        chain.Flush(toEnd: true);
        // What a node whose disk or memory has gone wrong would back up: one value of its state is not what the blocks make.
        using (var state = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={chain.PathOf("state.db")};Pooling=False"))
        {
            state.Open();
            using var spoil = state.CreateCommand();
            spoil.CommandText = "UPDATE state SET value = x'00' WHERE key = (SELECT max(key) FROM state)";
            Assert.Equal(1, spoil.ExecuteNonQuery());
        }

        var backup = chain.Backup().Path;
        Assert.Equal(BackupProblem.BackupMismatch, Assert.Throws<BackupException>(() => chain.Verify(backup, BackupCheck.Restore)).Problem);
    }

    [Fact]
    public void The_backup_of_another_network_is_refused()
    {
        using var chain = new BackedUpChain(1);
        chain.Commit(1);
        var other = chain.Chain.Genesis with { Time = chain.Chain.Genesis.Time + 1 };
        var refused = Assert.Throws<BackupException>(() => new BackupRestore(BackupCheck.Chain, other).Verify(chain.Backup().Path, chain.PathOf(""), CancellationToken.None));
        Assert.Equal(BackupProblem.WrongNetwork, refused.Problem);
    }

    [Fact]
    public void Nothing_is_restored_over_what_is_there_and_nothing_half_is_left()
    {
        using var chain = new BackedUpChain(1);
        chain.Commit(2);
        var backup = chain.Backup().Path;
        var restore = new BackupRestore(BackupCheck.Restore);
        var target = chain.PathOf("target");
        Directory.CreateDirectory(target);
        File.WriteAllText(Path.Combine(target, "LOCK"), "");
        var refused = Assert.Throws<BackupException>(() => restore.Restore(backup, target, CancellationToken.None));
        Assert.Equal(BackupProblem.TargetNotEmpty, refused.Problem);
        Assert.Contains("a node's data folder", refused.Message, StringComparison.Ordinal);
        Assert.Equal(["LOCK"], Directory.GetFileSystemEntries(target).Select(Path.GetFileName));

        File.Delete(Path.Combine(target, "LOCK"));
        restore.Restore(backup, target, CancellationToken.None);
        Assert.Equal(["chain.db", "genesis", "journal-pool.db", "restored.json", "state.db"], Directory.GetFileSystemEntries(target).Select(Path.GetFileName).Order());

        File.WriteAllBytes(Path.Combine(backup, "chain.db"), [1]);
        Assert.Throws<BackupException>(() => restore.Restore(backup, chain.PathOf("second"), CancellationToken.None));
        Assert.DoesNotContain(Directory.GetDirectories(chain.PathOf("")), path => path.Contains("second", StringComparison.Ordinal));
    }

    [Fact]
    public void A_full_disk_and_a_directory_that_is_none_are_told_and_leave_nothing()
    {
        using var full = new BackedUpChain(1, spaceLeft: _ => 70 << 20);
        full.Commit(2);
        var refused = Assert.Throws<BackupException>(() => full.Backup(meanwhile: () => full.Run("INSERT INTO journal (message) VALUES (zeroblob(30000000))")));
        Assert.Equal(BackupProblem.NoSpace, refused.Problem);
        Assert.Contains("MiB are left", refused.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(full.Directory.Path));

        File.WriteAllText(full.PathOf("file"), "");
        var nowhere = new BackupDirectory(full.PathOf("file/backups"), "c", "n");
        Assert.Equal(BackupProblem.FolderUnusable, Assert.Throws<BackupException>(nowhere.RequireWritable).Problem);
    }

    [Fact]
    public void One_that_is_cut_off_leaves_nothing_that_looks_whole_and_goes_with_the_next()
    {
        using var chain = new BackedUpChain(1);
        chain.Commit(2);
        using var cut = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => chain.Backup(meanwhile: cut.Cancel, cancellation: cut.Token));
        Assert.Empty(Directory.GetFileSystemEntries(chain.Directory.Path));

        // What a killed process leaves: all files but the last that is written.
        var whole = chain.Backup();
        var dead = whole.Path + BackupDirectory.Unfinished;
        Directory.Move(whole.Path, dead);
        File.Delete(Path.Combine(dead, BackupFolder.ManifestFile));
        Assert.Empty(chain.Directory.List());
        Assert.Equal(BackupProblem.BackupIncomplete, Assert.Throws<BackupException>(() => chain.Verify(dead)).Problem);
        var verifying = Directory.CreateDirectory(Path.Combine(chain.Directory.Path, $".{Path.GetFileName(whole.Path)}.restoring")).FullName;
        var stranger = Directory.CreateDirectory(Path.Combine(chain.Directory.Path, "another-local-000000000001-20260102T030405678Z.partial")).FullName;

        chain.Backup();

        Assert.False(Directory.Exists(dead) || Directory.Exists(verifying));
        Assert.True(Directory.Exists(stranger), "another chain's is not touched");
        Assert.Single(chain.Directory.List());
    }

    [Fact]
    public void Of_whole_backups_the_newest_are_kept()
    {
        using var chain = new BackedUpChain(1);
        var all = Enumerable.Range(0, 5).Select(_ =>
        {
            chain.Commit(1);
            return chain.Backup().Path;
        }).ToList();

        Assert.Equal(3, chain.Directory.Keep(2));

        Assert.Equal([all[4], all[3]], chain.Directory.List().Select(folder => folder.Path));
        Assert.Equal(2, Directory.GetFileSystemEntries(chain.Directory.Path).Length);
    }

    private static BackupException Refused(BackedUpChain chain)
    {
        var backup = Directory.GetDirectories(chain.Directory.Path).Single();
        return Assert.Throws<BackupException>(() => chain.Verify(backup));
    }

    /// <summary>Writes a manifest as whoever can write the folder could, with its hash.</summary>
    private static void Forge(string backup, Func<BackupManifest, BackupManifest> change)
    {
        var path = Path.Combine(backup, BackupFolder.ManifestFile);
        var json = change(BackupManifest.FromJson(File.ReadAllBytes(path))).ToJson();
        File.WriteAllBytes(path, json);
        File.WriteAllText(Path.Combine(backup, BackupFolder.ManifestHashFile), $"{Convert.ToHexStringLower(SHA256.HashData(json))}  manifest.json\n", new UTF8Encoding(false));
    }
}
