using Vivim.Cli.Load;
using Vivim.Client;
using Vivim.Ledger;
using Vivim.Ledger.Storage.Sqlite;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Benchmarks;

/// <summary>The chain of a graph, as a node with one validator would have it: everybody registers, then follows, in blocks of a second's load.</summary>
internal sealed class GraphChain : IDisposable
{
    /// <summary>About what a node on a small machine commits in a second.</summary>
    private const int BlockTransactions = 4_500;

    private readonly SqliteChainStore chain;
    private readonly SqliteStateStore values;
    private readonly SigningKey validator = SigningKey.Generate();

    private GraphChain(string folder, FollowGraph graph)
    {
        Directory.CreateDirectory(folder);
        ChainDatabase = Path.Combine(folder, "chain.db");
        StateDatabase = Path.Combine(folder, "state.db");
        Genesis = new GenesisFile
        {
            ChainId = "vivim-bench",
            Time = 1_700_000_000_000,
            RulesVersion = 1,
            Validators = [new GenesisValidator(Did.OfKey(validator.PublicKey).ToString(), 1)],
            Parameters = new ChainParameters(),
        };
        chain = new SqliteChainStore(ChainDatabase);
        values = new SqliteStateStore(StateDatabase);
        Reader = new SqliteChainReader(ChainDatabase);
        Ledger = new NodeLedger(Genesis, chain, values, Ed25519Scheme.Instance);
        People = graph.People.Count;
        Edges = graph.EdgeCount;
    }

    public GenesisFile Genesis { get; }

    public NodeLedger Ledger { get; }

    public SqliteChainStore Chain => chain;

    public SqliteChainReader Reader { get; }

    public string ChainDatabase { get; }

    public string StateDatabase { get; }

    public int People { get; }

    public long Edges { get; }

    /// <summary>Signs and commits everything.</summary>
    public static GraphChain Make(string graphFile, string folder)
    {
        using var text = File.OpenText(graphFile);
        var graph = GraphFile.Parse(text);
        var made = new GraphChain(folder, graph);
        var people = new GraphPeople(graph);
        // Who is registered can act from the next block on.
        foreach (var block in made.Registrations(people).Chunk(BlockTransactions).Concat(made.Follows(graph, people).Chunk(BlockTransactions))) made.Commit(block);
        return made;
    }

    /// <summary>Commits a block with these.</summary>
    public void Commit(IReadOnlyList<TransactionEnvelope> envelopes)
    {
        var candidates = envelopes.Select(envelope => Transaction.TryDecode(envelope, out var transaction, out var refusal) ? transaction : throw new InvalidOperationException(refusal.Message)).ToList();
        var block = Ledger.Assemble(candidates, [], 0, Ledger.Tip.Time + 1_000, validator.PublicKey);
        if (block.Transactions.Count != envelopes.Count) throw new InvalidOperationException($"{block.Transactions.Count} of {envelopes.Count} transactions fit block {block.Header.Height}");
        var vote = Vote.Sign(VoteType.Precommit, block.Header.Height, 0, block.Id, Genesis.ChainId, validator);
        Ledger.Commit(block, new CommitCertificate(block.Header.Height, 0, block.Id, [new CommitSignature(0, vote.Signature)]), static _ => true);
    }

    /// <summary>Writes the state to its database; returns the height.</summary>
    public ulong Flush()
    {
        var flush = Ledger.BeginFlush() ?? throw new InvalidOperationException("a flush is under way");
        Ledger.WriteFlush(flush);
        Ledger.CompleteFlush(flush);
        return flush.Height;
    }

    public void Dispose()
    {
        Reader.Dispose();
        values.Dispose();
        chain.Dispose();
        validator.Dispose();
    }

    private IEnumerable<TransactionEnvelope> Registrations(GraphPeople people)
    {
        for (var person = 0; person < people.Count; person++)
        {
            using var key = people.KeyOf(person);
            yield return Sign(key, people.KeyDidOf(person), 0, body => body.RegisterIdentity = Person.Registration(key.PublicKey));
        }
    }

    private IEnumerable<TransactionEnvelope> Follows(FollowGraph graph, GraphPeople people)
    {
        for (var person = 0; person < people.Count; person++)
        {
            using var key = people.KeyOf(person);
            for (var i = 0; i < graph.Follows[person].Count; i++)
            {
                var followee = people.DidOf(graph.Follows[person][i]).ToString();
                yield return Sign(key, people.DidOf(person), (ulong)i, body => body.Follow = new V1.Follow { Followee = followee });
            }
        }
    }

    private TransactionEnvelope Sign(SigningKey key, Did sender, ulong nonce, Action<V1.TransactionBody> act)
    {
        var body = new V1.TransactionBody { ChainId = Genesis.ChainId, Sender = sender.ToString(), Nonce = nonce, ExpiryHeight = Person.DefaultExpiry };
        act(body);
        return TransactionEnvelope.Sign(body, key);
    }
}
