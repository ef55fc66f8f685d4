using Vivim.Chain.Sync;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Transactions;
using Vivim.Simulator.Byzantine;
using Vivim.Simulator.Keys;
using Vivim.Simulator.Storage;

namespace Vivim.Simulator.Nodes;

/// <summary>
/// One node: the real cores and the real ledger in simulated shells. What is in its files outlives it; the shells go with every crash.
/// </summary>
internal sealed class Node
{
    private readonly World world;
    private readonly SeededRandom random;
    private readonly List<ValidatorShell> validators = [];

    public Node(World world, int index, SimulatedKey key)
    {
        this.world = world;
        Index = index;
        Key = key;
        random = world.Stream(100 + (ulong)index);
        Disk = new Disk(world.Agenda, random, PowerFails);
        SignerFile.Create(key.PublicKey, Vivim.Chain.Consensus.SignerRow.Initial);
    }

    public int Index { get; }

    public SimulatedKey Key { get; }

    public Disk Disk { get; }

    public SignerFile SignerFile { get; } = new();

    public ChainFile ChainFile { get; } = new();

    public BlockFile BlockFile { get; } = new();

    public PoolFile PoolFile { get; } = new();

    public bool IsUp { get; private set; }

    /// <summary>By how many milliseconds its clock is wrong.</summary>
    public long Skew { get; set; }

    /// <summary>How fast its timers run, in permille.</summary>
    public int TimerSpeed { get; set; } = 1_000;

    /// <summary>Takes over what the node says, when it lies.</summary>
    public Traitor? Traitor { get; set; }

    public LedgerShell Ledger { get; private set; } = null!;

    public PoolShell Pool { get; private set; } = null!;

    public SyncShell Sync { get; private set; } = null!;

    /// <summary>The incarnations of its validator: one, unless something went wrong.</summary>
    public IReadOnlyList<ValidatorShell> Validators => validators;

    /// <summary>Its clock, in milliseconds since 1970.</summary>
    public long Clock => world.Time + Skew;

    public PeerId Peer => new(Index.ToString(System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>Starts from what the files hold.</summary>
    public void Start()
    {
        if (IsUp) return;
        IsUp = true;
        Ledger = new LedgerShell(world, this);
        Pool = new PoolShell(world, this);
        Sync = new SyncShell(world, this);
        validators.Add(new ValidatorShell(world, this, random));
        world.Note(Index, "starts at height", Ledger.Tip.Height);
        Sync.Start();
        validators[0].Start();
    }

    /// <summary>Stops at once; what was being written is lost in part.</summary>
    public void Crash()
    {
        if (!IsUp) return;
        world.Note(Index, "crashes");
        Disk.LosePower();
        IsUp = false;
        foreach (var validator in validators) validator.Stop();
        validators.Clear();
        Sync.Stop();
    }

    /// <summary>Crashes, and comes back soon.</summary>
    public void PowerFails()
    {
        Crash();
        world.Agenda.After(random.Between(200, 1_500), Start);
    }

    /// <summary>The pool forgets what it has in memory and reads its journal.</summary>
    public void RestartPool()
    {
        Disk.Abandon(Storage.StoreKind.Pool);
        Pool = new PoolShell(world, this);
    }

    /// <summary>Another incarnation of its validator appears.</summary>
    public void Duplicate()
    {
        if (!IsUp || validators.Count > 1) return;
        world.Note(Index, "has a second validator");
        validators.Add(new ValidatorShell(world, this, random));
        validators[1].Start();
    }

    /// <summary>The older incarnation goes.</summary>
    public void EndDuplicate()
    {
        if (validators.Count < 2) return;
        world.Note(Index, "has one validator again");
        validators[0].Stop();
        validators.RemoveAt(0);
    }

    public void OnMessage(int from, object message)
    {
        if (!IsUp) return;
        if (message is ConsensusMessage or SyncMessage) world.Note(Index, $"<- n{from}", message);
        Traitor?.OnHeard(from, message);
        switch (message)
        {
            case ConsensusMessage consensus:
                // A copy of the list: an incarnation may go while it listens.
                foreach (var validator in validators.ToArray()) validator.Hear(world.Nodes[from].Key.PublicKey, consensus);
                break;
            case SyncMessage sync:
                Sync.Hear(world.Nodes[from].Peer, sync);
                break;
            case Transaction transaction:
                Pool.Submit(transaction, static _ => { });
                break;
        }
    }

    /// <summary>A block has been committed: everyone here is told.</summary>
    public void OnCommitted()
    {
        foreach (var validator in validators.ToArray()) validator.OnTip();
        Sync.OnTip();
    }

    public void OnWork()
    {
        foreach (var validator in validators.ToArray()) validator.OnWork();
    }

    /// <summary>Says something to one node, or to all others.</summary>
    public void Say(int? to, object message)
    {
        if (Traitor is { } traitor) traitor.OnOwn(to, message);
        else Emit(to, message);
    }

    /// <summary>Sends, as it is.</summary>
    public void Emit(int? to, object message)
    {
        if (message is ConsensusMessage consensus) world.Oracle.Sent(Index, consensus);
        if (to is { } one)
        {
            world.Network.Send(Index, one, message);
            return;
        }

        for (var other = 0; other < world.Nodes.Count; other++)
        {
            if (other != Index) world.Network.Send(Index, other, message);
        }
    }

    /// <summary>Lets something happen after a time on this node's timers.</summary>
    public void After(TimeSpan time, Action happen) => world.Agenda.After((long)time.TotalMilliseconds * 1_000 / TimerSpeed, happen);
}
