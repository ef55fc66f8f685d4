using Vivim.Protocol.Transactions;

namespace Vivim.Simulator.Clients;

/// <summary>The people behind the validators: send one change of the set after another, each when the one before is in the chain.</summary>
internal sealed class Governors
{
    private const int Pause = 120;

    private readonly World world;
    private readonly int hosts;
    private readonly SeededRandom random;
    private readonly Queue<SetChange> changes;

    /// <param name="hosts">Validators that stay.</param>
    public Governors(World world, int hosts, long start)
    {
        this.world = world;
        this.hosts = hosts;
        random = world.Stream(5);
        changes = new Queue<SetChange>(Authorities.Of(hosts).Changes);
        world.Agenda.At(start, Act);
    }

    /// <summary>The set is again what it was, but for those who were jailed.</summary>
    public bool IsDone => changes.Count == 0;

    private void Act()
    {
        if (!changes.TryPeek(out var change)) return;
        if (!IsCommitted(change.Proposal) && !IsByMember(change.Proposal))
        {
            // Who proposes everything was jailed.
            changes.Clear();
            return;
        }

        if (!IsCommitted(change.Proposal)) Send(change.Proposal);
        else if (change.Approvals.Where(approval => IsByMember(approval) && !IsCommitted(approval)).ToList() is { Count: > 0 } missing) missing.ForEach(Send);
        else changes.Dequeue();
        world.Agenda.After(random.Between(Pause / 2, Pause), Act);
    }

    private bool IsCommitted(Transaction transaction) => world.Oracle.Acknowledgements.IsCommitted(transaction.Id);

    /// <summary>Who was jailed has no say any more.</summary>
    private bool IsByMember(Transaction transaction)
    {
        var key = transaction.Sender.Key;
        return world.Oracle.MembersAt(world.Oracle.Height + 2).Any(member => member.Key == key);
    }

    private void Send(Transaction transaction)
    {
        var node = world.Nodes[random.Below(hosts)];
        if (!node.IsUp || node.Traitor is not null) return;
        world.Oracle.Acknowledgements.Submitted(transaction.Id, transaction.ExpiryHeight);
        node.Pool.Submit(transaction, static _ => { });
    }
}
