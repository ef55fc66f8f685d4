using Vivim.Chain.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;
using Vivim.Simulator.Clients;
using Vivim.Simulator.Keys;
using Vivim.Simulator.Network;
using Vivim.Simulator.Nodes;
using Vivim.Simulator.Oracle;
using Vivim.Simulator.Time;

namespace Vivim.Simulator;

/// <summary>What the parts of one simulation share: time, network, nodes, and the oracle that is told what they do.</summary>
internal sealed class World
{
    /// <summary>The genesis' time in milliseconds since 1970; nodes start a second later.</summary>
    private const long GenesisTime = 1_700_000_000_000;

    /// <summary>What a validator may hold in memory: messages, votes, blocks.</summary>
    private const int HeldPerNetwork = 100;

    private const int HeldPerNode = 40;

    private readonly Authorities? authorities;
    private readonly Dictionary<PublicKey, int> numbers;

    public World(ulong seed, int nodes, IReadOnlyList<ulong> powers, Authorities? authorities, bool realSignatures, bool keepsText)
    {
        Seed = seed;
        this.authorities = authorities;
        Trace = new Trace(keepsText);
        Keys = [.. Enumerable.Range(0, nodes).Select(i => new SimulatedKey(ValidatorKeys.Real(i), !realSignatures))];
        numbers = Keys.Select((key, i) => (key, i)).ToDictionary(pair => pair.key.PublicKey, pair => pair.i);
        Scheme = realSignatures ? Ed25519Scheme.Instance : new KeyedHashScheme(Keys);
        Genesis = new GenesisFile
        {
            ChainId = Traffic.ChainId,
            Time = GenesisTime,
            RulesVersion = 1,
            Validators = [.. powers.Select((power, i) => new GenesisValidator(Did.OfKey(Keys[i].PublicKey).ToString(), power))],
            Parameters = new ChainParameters { BlockIntervalMs = 250, EmptyBlockIntervalMs = 1_500 },
        };
        Network = new SimulatedNetwork(Agenda, Stream(1), nodes, (from, to, message) => Nodes![to].OnMessage(from, message));
        Oracle = new SafetyOracle(new GenesisFacts(Genesis.ChainId, Genesis.Hash, [.. powers.Select((power, i) => new Member(Keys[i].PublicKey, power))]), Scheme) { HoldLimit = HeldPerNetwork + HeldPerNode * nodes };
        Nodes = [.. Keys.Select((key, i) => new Node(this, i, key))];
    }

    public ulong Seed { get; }

    public Agenda Agenda { get; } = new();

    public Trace Trace { get; }

    public GenesisFile Genesis { get; }

    public IReadOnlyList<SimulatedKey> Keys { get; }

    public ISignatureScheme Scheme { get; }

    public ConsensusTimeouts Timeouts { get; } = new(TimeSpan.FromMilliseconds(1_000), TimeSpan.FromMilliseconds(500), TimeSpan.FromMilliseconds(500));

    public SimulatedNetwork Network { get; }

    public SafetyOracle Oracle { get; }

    public IReadOnlyList<Node> Nodes { get; }

    /// <summary>The right time, in milliseconds since 1970.</summary>
    public long Time => GenesisTime + 1_000 + Agenda.Now;

    /// <summary>Chance for one part of the simulation.</summary>
    public SeededRandom Stream(ulong part) => new(Seed, part);

    /// <summary>The transaction that a client of this world has signed as these bytes, or null.</summary>
    public Transaction? Find(TransactionEnvelope envelope) => Traffic.Instance.Find(envelope) ?? authorities?.Find(envelope);

    /// <summary>The node whose validator has this key.</summary>
    public int NumberOf(PublicKey key) => numbers[key];

    public void Note(int node, string what, object? detail = null) => Trace.Add(Agenda.Now, node, what, detail);
}
