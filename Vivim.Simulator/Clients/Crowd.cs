using Vivim.Protocol.Transactions;
using Vivim.Simulator.Nodes;

namespace Vivim.Simulator.Clients;

/// <summary>
/// The people of a simulation: each sends its transactions in order, to any correct node, again and again until one acknowledges; and sends
/// another one in place of what has expired.
/// </summary>
internal sealed class Crowd
{
    private const int Patience = 400;

    private readonly World world;
    private readonly SeededRandom random;
    private readonly List<Node> nodes;
    private readonly Person[] people;

    /// <param name="hosts">Nodes to send to: those that are validators all the time.</param>
    /// <param name="pause">Milliseconds from one transaction of a person to the next, at most.</param>
    public Crowd(World world, int hosts, int pause)
    {
        this.world = world;
        random = world.Stream(2);
        nodes = [.. world.Nodes.Take(hosts).Where(node => node.Traitor is null)];
        people = [.. Traffic.Instance.People.Select(script => new Person(script))];
        foreach (var person in people) world.Agenda.After(random.Between(0, pause), () => Act(person, pause));
    }

    /// <summary>Everything that anyone wanted is in the chain.</summary>
    public bool IsDone => people.All(person => person.IsDone && world.Oracle.Acknowledgements.IsCommitted(person.Script[^1].Transaction.Id) | (person.Script[^1].Instead is { } other && world.Oracle.Acknowledgements.IsCommitted(other.Id)));

    private sealed class Person(IReadOnlyList<Deed> script)
    {
        public IReadOnlyList<Deed> Script => script;

        public int Next { get; set; }

        /// <summary>Deeds acknowledged in their first form, which may still expire.</summary>
        public List<Deed> Perishable { get; } = [];

        public bool IsDone => Next == script.Count && Perishable.Count == 0;
    }

    private void Act(Person person, int pause)
    {
        Replace(person);
        if (person.Next < person.Script.Count)
        {
            var deed = person.Script[person.Next];
            var transaction = deed.Instead is { } other && deed.Transaction.ExpiryHeight <= world.Oracle.Height ? other : deed.Transaction;
            Send(transaction, () =>
            {
                if (person.Next >= person.Script.Count || person.Script[person.Next] != deed) return;
                person.Next++;
                if (deed.Instead is not null && transaction == deed.Transaction) person.Perishable.Add(deed);
            });
        }

        if (!person.IsDone) world.Agenda.After(random.Between(20, Math.Min(pause, Patience)), () => Act(person, pause));
    }

    /// <summary>What has expired is sent in its other form.</summary>
    private void Replace(Person person)
    {
        foreach (var deed in person.Perishable.ToArray())
        {
            if (world.Oracle.Acknowledgements.IsCommitted(deed.Transaction.Id) || world.Oracle.Acknowledgements.IsCommitted(deed.Instead!.Id)) person.Perishable.Remove(deed);
            else if (deed.Transaction.ExpiryHeight <= world.Oracle.Height) Send(deed.Instead, static () => { });
        }
    }

    private void Send(Transaction transaction, Action onAcknowledged)
    {
        var node = random.Pick(nodes);
        if (!node.IsUp) return;
        world.Oracle.Acknowledgements.Submitted(transaction.Id, transaction.ExpiryHeight);
        world.Agenda.After(random.Between(1, 5), () =>
        {
            if (!node.IsUp) return;
            node.Pool.Submit(transaction, submission =>
            {
                if (submission != Submission.Acknowledged) return;
                world.Oracle.Acknowledgements.Acknowledged(transaction.Id);
                onAcknowledged();
            });
        });
    }
}
