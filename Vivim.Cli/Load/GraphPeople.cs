using System.Security.Cryptography;
using Vivim.Client;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;

namespace Vivim.Cli.Load;

/// <summary>
/// The keys of a graph's people, derived from the graph: seed = SHA-256(u16 length, "vivim/load-graph/v1", graph fingerprint, u16 length, name).
/// The same graph gives the same people on every run and machine, which makes a load resumable; another graph gives others.
/// Anyone who has the graph has the keys: they are for trying things out, not for people.
/// </summary>
public sealed class GraphPeople
{
    private const string Domain = "vivim/load-graph/v1";

    private readonly FollowGraph graph;
    private readonly byte[] fingerprint;
    private readonly Did[] dids;
    private readonly Did[] keyDids;

    public GraphPeople(FollowGraph graph)
    {
        this.graph = graph;
        fingerprint = graph.Fingerprint().ToArray();
        dids = new Did[graph.People.Count];
        keyDids = new Did[graph.People.Count];
        for (var person = 0; person < dids.Length; person++)
        {
            using var key = KeyOf(person);
            dids[person] = Person.DidOf(key.PublicKey);
            keyDids[person] = Did.OfKey(key.PublicKey);
        }
    }

    public int Count => dids.Length;

    /// <summary>The did:vivim of each person.</summary>
    public Did DidOf(int person) => dids[person];

    /// <summary>The did:key of each person.</summary>
    public Did KeyDidOf(int person) => keyDids[person];

    /// <summary>A person's key, made anew each time: a key holds locked memory, too much of it for all people at once. The caller disposes it.</summary>
    public SigningKey KeyOf(int person) =>
        new(SHA256.HashData(new CanonicalWriter(128).Text(Domain).Raw(fingerprint).Text(graph.People[person]).Written));
}
