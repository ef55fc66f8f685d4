using System.Collections.Concurrent;
using Akka.Actor;
using Microsoft.Data.Sqlite;
using Vivim.Actors;
using Vivim.Chain.BlockMaking;
using Vivim.Chain.Consensus;
using Vivim.Chain.Ledger;
using Vivim.Protocol;
using Vivim.Protocol.Keys;

namespace Vivim.Tests.Actors;

/// <summary>
/// The validators of a node, as its shard regions and keepers run them, over a network, a journal and a signer store that fail from a seed. The
/// first validator has a twin while things fail: a second incarnation on the same signer row.
/// </summary>
internal sealed class ValidatorFleet
{
    private static readonly TimeSpan KeepInterval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan ReapDeadline = TimeSpan.FromSeconds(5);
    private static readonly ConsensusTimeouts Timeouts = new(TimeSpan.FromMilliseconds(400), TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(200));

    private readonly ActorSystem system;
    private readonly IReadOnlyList<SigningKey> keys;
    private readonly string journal;
    private readonly Random random;
    private readonly ConcurrentDictionary<(string Maker, Hash256 BlockId), bool> kept = new();
    private readonly IActorRef makers;
    private readonly IActorRef validators;
    private readonly IActorRef twin;
    private readonly IActorRef twinKeeper;
    private volatile bool hasTwin = true;
    private int journalFaults;

    /// <param name="journal">The file of the consensus journal.</param>
    public ValidatorFleet(ActorSystem system, IReadOnlyList<SigningKey> keys, IActorRef ledger, ISignerStore signers, string journal, int seed)
    {
        this.system = system;
        this.keys = keys;
        this.journal = journal;
        random = new Random(seed);
        Signers = new FaultySignerStore(signers, seed);
        Network = new FaultyNetwork(seed, Signers.HasStored, (key, blockId) => kept.ContainsKey((MakerOf(key), blockId)));
        JournalFaults.Of("consensus").Stored = stored =>
        {
            if (stored.Payload is BlockStored { Block.Id: var id }) kept[(stored.PersistenceId, id)] = true;
        };

        var witness = system.ActorOf(Props.Create(() => new LedgerWitness(ledger, Decided)));
        var pool = system.ActorOf<EmptyPool>();
        makers = Region("makers", message => ((IBlockMakingMessage)message).Validator, key => Props.Create(() => new BlockMaker(key.PublicKey, new BlockMakerSettings(ledger, pool, ReapDeadline))));
        var network = Network.Open(system, Deliver);
        var settings = new ValidatorSettings(witness, makers, network, Signers, Timeouts, TimeProvider.System);
        validators = Validators("validators", settings);
        twin = Validators("twin", settings);
        Keep(validators, keys);
        twinKeeper = Keep(twin, [keys[0]]);
    }

    public FaultySignerStore Signers { get; }

    public FaultyNetwork Network { get; }

    /// <summary>The blocks that validators told the ledger to commit, with their certificates.</summary>
    public ConcurrentQueue<CommitBlock> Decided { get; } = [];

    /// <summary>Writes of the journal and of rows went wrong, a twin's row was stale, messages were lost: each at least once.</summary>
    public bool HasFailedInEveryWay => journalFaults > 0 && Signers.Failures > 0 && Signers.StaleWrites > 0 && Network.Lost > 0;

    /// <summary>From now on writes and messages fail.</summary>
    public void Spoil()
    {
        Signers.IsFaulty = true;
        Network.IsFaulty = true;
        var fates = new Random(random.Next());
        JournalFaults.Of("consensus").Next = () =>
        {
            // On the journal's own thread, one write at a time.
            var fault = fates.Next(100) switch { < 6 => JournalFault.Fail, < 12 => JournalFault.StoreAndFail, < 16 => JournalFault.Reject, < 22 => JournalFault.Hold, _ => JournalFault.None };
            if (fault != JournalFault.None) Interlocked.Increment(ref journalFaults);
            return fault;
        };
    }

    /// <summary>One of the things that can befall a node.</summary>
    public void Strike()
    {
        FaultyJournal.Release(system, "consensus");
        var key = keys[random.Next(keys.Count)].PublicKey;
        switch (random.Next(7))
        {
            case 0:
                validators.Tell(new Crash(key));
                break;
            case 1:
                makers.Tell(new Crash(key));
                break;
            case 2:
                validators.Tell(new Crash(key));
                makers.Tell(new Crash(key));
                break;
            case 5:
                validators.Tell(random.Next(2) == 0 ? new CrashEntity(key.ToString(), "the test") : new RestartEntity(key.ToString(), "the test"));
                break;
            case 6:
                makers.Tell(random.Next(2) == 0 ? new CrashEntity(key.ToString(), "the test") : new RestartEntity(key.ToString(), "the test"));
                break;
            case 3:
                // Of one only: were a block lost everywhere, nobody could go on from the votes for it.
                LoseJournal(keys[^1].PublicKey);
                break;
        }
    }

    /// <summary>Nothing fails any more, and the twin is gone.</summary>
    public void Heal()
    {
        Signers.IsFaulty = false;
        Network.IsFaulty = false;
        hasTwin = false;
        system.Stop(twinKeeper);
        system.Stop(twin);
        JournalFaults.Of("consensus").Next = static () => JournalFault.None;
        FaultyJournal.Release(system, "consensus");
    }

    private static string MakerOf(PublicKey key) => $"block-maker-{key}";

    /// <summary>The block maker comes back with a journal as it was before it kept any block.</summary>
    private void LoseJournal(PublicKey key)
    {
        using var connection = new SqliteConnection($"Data Source={journal}");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "DELETE FROM journal WHERE persistence_id = $maker";
        command.Parameters.AddWithValue("$maker", MakerOf(key));
        command.ExecuteNonQuery();
        validators.Tell(new Crash(key));
        makers.Tell(new Crash(key));
    }

    private void Deliver(DeliverMessage message)
    {
        validators.Tell(message, ActorRefs.NoSender);
        if (hasTwin && message.Validator == keys[0].PublicKey) twin.Tell(message, ActorRefs.NoSender);
    }

    private IActorRef Validators(string name, ValidatorSettings settings) =>
        Region(name, message => ((IValidatorMessage)message).Validator, key => Props.Create(() => new ValidatorActor(key, settings)).WithDispatcher(ValidatorActor.Dispatcher));

    private IActorRef Region(string name, Func<object, PublicKey> keyOf, Func<SigningKey, Props> props)
    {
        Func<PublicKey, Props> propsOf = publicKey => props(keys.Single(key => key.PublicKey == publicKey));
        return system.ActorOf(Props.Create(() => new EntityRegion(keyOf, propsOf)), name);
    }

    private IActorRef Keep(IActorRef region, IReadOnlyList<SigningKey> kept)
    {
        IReadOnlyList<object> wake = [.. kept.Select(key => new WakeValidator(key.PublicKey))];
        return system.ActorOf(Props.Create(() => new EntityKeeper(region, wake, KeepInterval)));
    }

    /// <summary>Stands before the ledger and keeps what it is told to commit.</summary>
    private sealed class LedgerWitness : ReceiveActor
    {
        public LedgerWitness(IActorRef ledger, ConcurrentQueue<CommitBlock> decided)
        {
            Receive<CommitBlock>(commit =>
            {
                decided.Enqueue(commit);
                ledger.Forward(commit);
            });
            ReceiveAny(ledger.Forward);
        }
    }
}
