using System.Text;
using System.Text.Json;
using Vivim.Protocol.Genesis;

namespace Vivim.Tests.Gateway;

/// <summary>Judges every acknowledgement of a node under strace: its transaction was in the journal and synced before the answer left.</summary>
[Collection(NodeCollection.Name)]
public sealed class SyncTraceTests
{
    private const int Each = 50;
    private const int People = 4;

    /// <summary>SubmitResponse.transaction_id: field 1, 64 characters of lower-case hex.</summary>
    private const string Acknowledgement = @"\x0a\x40([0-9a-f]{64})";

    private const string Calls = "fsync,fdatasync,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg";

    [TracedFact]
    public async Task A_sync_precedes_every_acknowledgement()
    {
        using var files = new NodeFiles();
        var log = files.PathOf("strace.log");
        string[] tracer = ["strace", "-D", "-f", "-ttt", "-yy", "-xx", "-s", "65536", "--seccomp-bpf", "-o", log, "-e", $"trace={Calls}"];
        await using var node = await NodeProcess.StartAsync(new NodeStart(files) { Settings = "genesis.block-interval = 250ms", Under = tracer });
        using var load = await FollowLoad.PrepareAsync(node, People, Each);

        // One after the other: each has a journal write and a sync of its own to show.
        foreach (var (_, envelope) in load.Transactions) await node.Client.SubmitAsync(envelope);
        await node.StopAsync();
        var chainId = GenesisFile.FromJson(await File.ReadAllBytesAsync(files.Genesis)).ChainId;
        var all = load.Registrations.Concat(load.Transactions.Select(t => t.Value)).ToList();
        await File.WriteAllLinesAsync(files.PathOf("names"), all.Select(envelope => $"{Convert.ToHexStringLower(Encoding.ASCII.GetBytes(envelope.IdOn(chainId).ToString()))} {envelope.Signature}"));
        var summary = await TestTools.RunAsync(
            "python3", TestTools.PathOf("sync-before-ack.py"), log, "--data", files.Data, "--file", "journal-pool.db-wal", "--marker", Acknowledgement, "--names", files.PathOf("names"), "--expect", $"{all.Count}");

        Assert.Equal(all.Count, JsonDocument.Parse(summary).RootElement.GetProperty("keys").GetInt32());
    }

    /// <summary>Skipped, saying so, where the tracer is absent.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class TracedFactAttribute : FactAttribute
    {
        public TracedFactAttribute() => Skip = OperatingSystem.IsLinux() && TestTools.Has("strace") && TestTools.Has("python3") ? null : "needs Linux, strace and python3, to trace a node's system calls";
    }
}
