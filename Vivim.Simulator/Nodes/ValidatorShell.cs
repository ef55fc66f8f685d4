using Vivim.Chain.Consensus;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;
using Vivim.Simulator.Oracle;
using Vivim.Simulator.Storage;

namespace Vivim.Simulator.Nodes;

/// <summary>
/// Runs one incarnation of the node's <see cref="ValidatorCore"/>, as its actor does in a real node: one input after another, each output in its
/// order, nothing after one that failed. While the signer's row is being written, inputs wait.
/// </summary>
internal sealed class ValidatorShell(World world, Node node, SeededRandom random)
{
    private readonly Queue<ValidatorInput> inputs = new();
    private readonly Queue<ValidatorOutput> outputs = new();
    private ValidatorCore? core;
    private bool isWriting;
    private bool isPumping;
    private int life;

    /// <summary>Where it is, in words.</summary>
    public string Position => core?.Describe() ?? "stopped";

    /// <summary>The running core, or null.</summary>
    public ValidatorCore? Core => core;

    /// <summary>Begins from the stored row.</summary>
    public void Start()
    {
        core = new ValidatorCore(world.Genesis.ChainId, node.Key, node.SignerFile.Load(node.Key.PublicKey)!, world.Scheme, world.Timeouts);
        OnTip();
        Tick(life);
    }

    public void Stop()
    {
        life++;
        core = null;
        inputs.Clear();
        outputs.Clear();
        isWriting = false;
    }

    public void OnTip() => Feed(new ValidatorInput.TipReached(node.Ledger.Tip, node.Ledger.HasUncertifiedState, node.Ledger.LastEvidence));

    public void OnWork() => Feed(new ValidatorInput.WorkArrived());

    public void Hear(PublicKey from, ConsensusMessage message) => Feed(new ValidatorInput.Received(from, message));

    private void Tick(int of)
    {
        if (of != life) return;
        Feed(new ValidatorInput.Tick());
        node.After(ValidatorCore.TickInterval, () => Tick(of));
    }

    /// <summary>What failed is given up; after a while it begins again.</summary>
    private void Fail(string why)
    {
        world.Note(node.Index, "validator stops:", why);
        Stop();
        var next = life;
        world.Agenda.After(random.Between(100, 800), () =>
        {
            if (next == life && node.IsUp && node.Validators.Contains(this)) Start();
        });
    }

    private void Feed(ValidatorInput input)
    {
        if (core is null) return;
        inputs.Enqueue(input);
        Pump();
    }

    private void Pump()
    {
        if (isPumping) return;
        isPumping = true;
        while (core is not null && !isWriting)
        {
            if (outputs.TryDequeue(out var output)) Do(output);
            else if (inputs.TryDequeue(out var input)) Apply(input);
            else break;
        }

        isPumping = false;
    }

    private void Apply(ValidatorInput input)
    {
        foreach (var output in core!.Apply(input, node.Clock)) outputs.Enqueue(output);
        if (node.Traitor is null) world.Oracle.Held(node.Index, core.HeldItems);
    }

    private void Do(ValidatorOutput output)
    {
        switch (output)
        {
            case ValidatorOutput.Record record:
                Record(record.Row);
                break;
            case ValidatorOutput.Broadcast broadcast:
                node.Say(null, broadcast.Message);
                break;
            case ValidatorOutput.Send send:
                if (world.NumberOf(send.To) is var to && to != node.Index) node.Say(to, send.Message);
                break;
            case ValidatorOutput.Schedule schedule:
                node.After(schedule.After, InThisLife(() => Feed(new ValidatorInput.Elapsed(schedule.Timer))));
                break;
            case ValidatorOutput.Build build:
                Build(build);
                break;
            case ValidatorOutput.Judge judge:
                Judge(judge.Block);
                break;
            case ValidatorOutput.Recover recover:
                world.Agenda.After(1, InThisLife(() => Feed(new ValidatorInput.Recovered(recover.Height, node.BlockFile.Of(recover.Height)))));
                break;
            case ValidatorOutput.Commit commit:
                node.Ledger.Commit(commit.Block, commit.Certificate);
                break;
            case ValidatorOutput.Accuse accuse:
                if (node.Traitor is null) world.Oracle.Accused(node.Index, accuse.Evidence);
                break;
            case ValidatorOutput.Fault fault:
                if (node.Traitor is null) throw new ViolationException("node-stopped", $"n{node.Index} says: {fault.Reason}");
                break;
        }
    }

    private void Record(SignerRow row)
    {
        isWriting = true;
        var isSet = false;
        var of = life;
        node.Disk.Begin(StoreKind.Signer, () => isSet = node.SignerFile.CompareAndSet(node.Key.PublicKey, row.Version - 1, row), isAcknowledged =>
        {
            if (of != life) return;
            isWriting = false;
            if (!isAcknowledged) Fail("the row's write failed");
            else if (!isSet) Fail("another incarnation has written the row");
            else Pump();
        });
    }

    private void Build(ValidatorOutput.Build build)
    {
        var answer = InThisLife(() => Feed(new ValidatorInput.Built(build.Round, node.BlockFile.Own(build.Height, build.Round)!)));
        if (node.BlockFile.Own(build.Height, build.Round) is not null) world.Agenda.After(1, answer);
        else if (node.Ledger.Tip.Height + 1 == build.Height) Store(node.Ledger.Assemble(build.Round, build.Time, build.Evidence), isOwn: true, answer);
    }

    private void Judge(Block block)
    {
        var problem = node.Ledger.Validate(block);
        var answer = InThisLife(() => Feed(new ValidatorInput.Judged(block.Header.Height, block.Id, problem)));
        if (problem is null) Store(block, isOwn: false, answer);
        else world.Agenda.After(1, answer);
    }

    private void Store(Block block, bool isOwn, Action answer)
    {
        var of = life;
        node.Disk.Begin(StoreKind.Blocks, () => node.BlockFile.Store(block, isOwn), isAcknowledged =>
        {
            if (isAcknowledged) answer();
            else if (of == life) Fail("a block's write failed");
        });
    }

    private Action InThisLife(Action happen)
    {
        var of = life;
        return () =>
        {
            if (of == life) happen();
        };
    }
}
