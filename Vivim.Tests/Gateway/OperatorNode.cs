using Akka.Actor;
using Microsoft.Extensions.Logging.Abstractions;
using Vivim.Chain.Consensus;
using Vivim.Chain.Ledger;
using Vivim.Chain.Pool;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Node;
using Vivim.Ledger.Execution;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;
using Vivim.Tests.Ledger;

namespace Vivim.Tests.Gateway;

/// <summary>A node of one operator, whole but for its ports, with peers. It can be stopped and started again on its folder.</summary>
internal sealed class OperatorNode(int number, DirectoryInfo folder, PeerNetwork network, IReadOnlyList<SigningKey> validators) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private RunningNode? node;

    /// <summary>Why the node wanted to end; null while it did not.</summary>
    public string? Fault { get; private set; }

    public RunningNode Node => node ?? throw new InvalidOperationException($"node {number} does not run");

    /// <summary>Writes what a node's folder holds before its first start: the genesis, its keys, its signer rows.</summary>
    public static OperatorNode Prepare(int number, DirectoryInfo parent, PeerNetwork network, GenesisFile genesis, params IReadOnlyList<SigningKey> validators)
    {
        var folder = parent.CreateSubdirectory($"node-{number}");
        var keys = folder.CreateSubdirectory("keys").FullName;
        for (var i = 0; i < validators.Count; i++) validators[i].WriteTo(Path.Combine(keys, i == 0 ? "validator.key" : $"validator-{i + 1}.key"));
        using var operatorKey = SigningKey.Generate();
        operatorKey.WriteTo(Path.Combine(keys, "operator.key"));
        using var signers = new SqliteSignerStore(Path.Combine(folder.FullName, "signer.db"));
        foreach (var validator in validators) signers.Create(validator.PublicKey, SignerRow.Initial);
        File.WriteAllBytes(Path.Combine(folder.FullName, "genesis"), genesis.ToJson());
        return new OperatorNode(number, folder, network, validators);
    }

    public async Task Start(params (string Key, string Value)[] changed)
    {
        var settings = TestSettings.Of([("data", folder.FullName), ("log-level", "ERROR"), .. changed]);
        var own = validators.Select(key => key.PublicKey).ToHashSet();
        node = await RunningNode.Start(settings, TimeProvider.System, NullLoggerFactory.Instance, reason => Fault = reason, CancellationToken.None, system => network.Join(number, system, own));
        await node.Serve(CancellationToken.None);
    }

    public async Task Stop()
    {
        network.Leave(number);
        await Node.DisposeAsync();
        node = null;
    }

    /// <summary>Loses the chain and the state; what has been signed stays.</summary>
    public void ForgetChain()
    {
        foreach (var file in folder.GetFiles("*.db*").Where(file => file.Name.StartsWith("chain.db", StringComparison.Ordinal) || file.Name.StartsWith("state.db", StringComparison.Ordinal))) file.Delete();
    }

    public Task<ChainTip> Tip() => Node.Ledger.Read(ledger => ledger.Tip);

    /// <summary>Waits until a height is committed here.</summary>
    public async Task<ChainTip> Reaches(ulong height)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (true)
        {
            var tip = await Tip();
            if (tip.Height >= height) return tip;
            if (limit.IsCancellationRequested) throw new TimeoutException($"node {number} is at height {tip.Height}, not at {height}{(Fault is null ? "" : $": {Fault}")}");
            await Task.Delay(50, CancellationToken.None);
        }
    }

    /// <summary>Waits until a transaction is committed here.</summary>
    public async Task Commits(TransactionEnvelope envelope)
    {
        var id = envelope.IdOn(TestChain.ChainId);
        for (var height = 1UL; Node.Chain.Find(id) is null; height++) await Reaches(height);
    }

    /// <summary>Submits a transaction; returns when it is acknowledged.</summary>
    public async Task Submit(TransactionEnvelope envelope)
    {
        if (!Transaction.TryDecode(envelope, out var transaction, out var malformed)) throw new ArgumentException(malformed.Message, nameof(envelope));
        var outcomes = await Node.Pool.Ask<SubmitOutcomes>(new SubmitTransactions(PoolPartitions.Of(transaction.Sender), [envelope], 0), Patience);
        if (outcomes.Outcomes[0].Refusal is { } refusal) throw new InvalidOperationException(refusal.Message);
    }

    public async ValueTask DisposeAsync()
    {
        if (node is not null) await Stop();
    }
}
