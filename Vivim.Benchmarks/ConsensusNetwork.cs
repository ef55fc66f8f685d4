using Vivim.Chain.Consensus;
using Vivim.Ledger;
using Vivim.Ledger.Storage.Sqlite;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;

namespace Vivim.Benchmarks;

/// <summary>
/// Validators in one process over a network that loses nothing: real cores and signatures, one ledger for all, time that jumps to the next timer
/// when nothing is on its way. So what is measured is consensus itself, on one thread.
/// </summary>
internal sealed class ConsensusNetwork : IDisposable
{
    private static readonly ConsensusTimeouts Timeouts = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(0.5));

    private readonly SigningKey[] keys;
    private readonly Dictionary<PublicKey, ValidatorCore> cores;
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vivim-bench-");
    private readonly SqliteChainStore chainStore;
    private readonly SqliteStateStore stateStore;
    private readonly NodeLedger ledger;
    private readonly Queue<(PublicKey To, ValidatorInput Input)> arriving = new();
    private readonly PriorityQueue<(PublicKey To, ConsensusTimer Timer), (long Due, long Number)> timers = new();
    private long now = 1_000_000;

    public ConsensusNetwork(int validators)
    {
        keys = [.. Enumerable.Range(0, validators).Select(_ => SigningKey.Generate())];
        var genesis = new GenesisFile { ChainId = "vivim-bench", Time = now, RulesVersion = 1, Validators = [.. keys.Select(key => new GenesisValidator(Did.OfKey(key.PublicKey).ToString(), 1))] };
        chainStore = new SqliteChainStore(Path.Combine(folder.FullName, "chain.db"));
        stateStore = new SqliteStateStore(Path.Combine(folder.FullName, "state.db"));
        ledger = new NodeLedger(genesis, chainStore, stateStore, Ed25519Scheme.Instance);
        cores = keys.ToDictionary(key => key.PublicKey, key => new ValidatorCore(genesis.ChainId, key, SignerRow.Initial, Ed25519Scheme.Instance, Timeouts));
        AnnounceTip([]);
    }

    /// <summary>Heights committed.</summary>
    public ulong Height => ledger.Tip.Height;

    /// <summary>Messages that have been delivered: a broadcast counts once for each receiver.</summary>
    public long Messages { get; private set; }

    public void RunTo(ulong height)
    {
        while (ledger.Tip.Height < height)
        {
            while (arriving.TryDequeue(out var next)) Feed(next.To, next.Input);
            if (!timers.TryDequeue(out var timer, out var due)) throw new InvalidOperationException("nothing is on its way and no timer runs");
            now = Math.Max(now, due.Due);
            Feed(timer.To, new ValidatorInput.Elapsed(timer.Timer));
        }
    }

    public void Dispose()
    {
        foreach (var key in keys) key.Dispose();
        chainStore.Dispose();
        stateStore.Dispose();
        folder.Delete(recursive: true);
    }

    private void Feed(PublicKey validator, ValidatorInput input)
    {
        foreach (var output in cores[validator].Apply(input, now)) Do(validator, output);
    }

    private void Do(PublicKey self, ValidatorOutput output)
    {
        switch (output)
        {
            case ValidatorOutput.Broadcast { Message: var message }:
                foreach (var key in keys.Where(key => key.PublicKey != self)) Deliver(self, key.PublicKey, message);
                break;
            case ValidatorOutput.Send { To: var to, Message: var message }:
                Deliver(self, to, message);
                break;
            case ValidatorOutput.Schedule { Timer: var timer, After: var after }:
                timers.Enqueue((self, timer), (now + (long)after.TotalMilliseconds, timers.Count));
                break;
            case ValidatorOutput.Build build:
                arriving.Enqueue((self, new ValidatorInput.Built(build.Round, ledger.Assemble([], build.Evidence, build.Round, build.Time, self))));
                break;
            case ValidatorOutput.Judge { Block: var block }:
                arriving.Enqueue((self, new ValidatorInput.Judged(block.Header.Height, block.Id, ledger.Validate(block, static _ => false))));
                break;
            case ValidatorOutput.Commit { Block: var block, Certificate: var certificate } when block.Header.Height > ledger.Tip.Height:
                Commit(block, certificate);
                break;
        }
    }

    private void Commit(Block block, CommitCertificate certificate)
    {
        ledger.Commit(block, certificate, static _ => false);
        AnnounceTip(block.Evidence);
    }

    private void AnnounceTip(IReadOnlyList<Evidence> evidence)
    {
        foreach (var key in keys) arriving.Enqueue((key.PublicKey, new ValidatorInput.TipReached(ledger.Tip, HasUncertifiedState: true, evidence)));
    }

    private void Deliver(PublicKey from, PublicKey to, ConsensusMessage message)
    {
        Messages++;
        arriving.Enqueue((to, new ValidatorInput.Received(from, message)));
    }
}
