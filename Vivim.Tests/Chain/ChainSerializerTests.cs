using System.Collections;
using System.Globalization;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Vivim.Actors;
using Vivim.Actors.Logging;
using Vivim.Actors.Messaging;
using Vivim.Actors.Serialization;
using Vivim.Actors.Supervision;
using Vivim.Chain;
using Vivim.Chain.BlockMaking;
using Vivim.Chain.Consensus;
using Vivim.Chain.Pool;
using Vivim.Chain.Sync;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;
using Vivim.Tests.Actors;
using Vivim.Tests.Gateway;

namespace Vivim.Tests.Chain;

/// <summary>What leaves a node or enters a journal has one form, for ever.</summary>
public sealed class ChainSerializerTests : SerializerTests
{
    /// <summary>Manifests in journals. A changed message gets a new one beside the old.</summary>
    private static readonly Dictionary<string, string> Manifests = new()
    {
        ["SubmitTransactions"] = "submit/3",
        ["TransactionsAdmitted"] = "admitted/1",
        ["Reaped"] = "reaped/1",
        ["SubmitOutcomes"] = "outcomes/1",
        ["Reap"] = "reap/1",
        ["FindTransactions"] = "find/2",
        ["TransactionsFound"] = "found/3",
        ["CountPending"] = "count/1",
        ["PendingCount"] = "pending/1",
        ["WakePartition"] = "wake-partition/1",
        ["WorkAvailable"] = "work/1",
        ["BuildBlock"] = "build/2",
        ["BlockBuilt"] = "built/1",
        ["BlockStored"] = "stored/1",
        ["KeepBlock"] = "keep-block/1",
        ["BlockKept"] = "kept/1",
        ["FindBlocks"] = "find-blocks/1",
        ["BlocksFound"] = "found-blocks/1",
        ["DeliverMessage"] = "deliver/1",
        ["WakeValidator"] = "wake-validator/1",
        ["HeightDecided"] = "decided/1",
        ["PartitionStarted"] = "partition-started/1",
        ["SyncReceived"] = "sync/1",
        ["TransactionsDropped"] = "dropped/1",
        ["ListSenders"] = "list-senders/1",
        ["SendersListed"] = "senders/1",
        ["DropSender"] = "drop-sender/1",
        ["SenderDropped"] = "sender-dropped/1",
    };

    /// <summary>Records that are no messages: settings, parts of messages, what the cores work with.</summary>
    private static readonly Type[] NoMessages =
    [
        typeof(MessageForm), typeof(PoolLimits), typeof(PoolSettings), typeof(BlockMakerSettings), typeof(ValidatorSettings), typeof(ConsensusTimeouts),
        typeof(SubmitOutcome), typeof(PoolTip), typeof(PoolSender), typeof(DroppedTransaction), typeof(SignerRow), typeof(Standing), typeof(ConsensusTimer),
        typeof(FollowedTransaction), typeof(PoolTransactionState), typeof(NodeQuestions), typeof(RingPage<>), typeof(LogRecord), typeof(LogFilter),
        typeof(SupervisionEvent), typeof(SupervisionFilter), typeof(SupervisionPage), typeof(Vivim.Actors.Remoting.InboundRefusal),
    ];

    [Fact]
    public void Every_message_has_a_form_or_never_leaves_its_node()
    {
        // Those of workers and their tasks are walked by their own serializer's tests.
        var messages = new[] { typeof(ChainSerializer).Assembly, typeof(MessageForm).Assembly }.SelectMany(a => a.GetExportedTypes())
            .Where(t => t.Namespace is not ("Vivim.Actors.Workers" or "Vivim.Actors.Tasks" or "Vivim.Actors.V1"))
            .Where(t => t is { IsSealed: true, IsNested: false } && t.GetMethod("<Clone>$") is not null)
            .Where(t => !t.IsAssignableTo(typeof(INoSerializationVerificationNeeded)))
            .Except(NoMessages);
        Assert.Equal(messages.Select(t => t.Name).Order(), ChainSerializer.Forms.Concat(SupervisionSerializer.Forms).Concat(MessagingSerializer.Forms).Concat(LogSerializer.Forms).Concat(EntitySerializer.Forms).Where(f => f.Type.IsPublic).Select(f => f.Type.Name).Order());
    }

    [Fact]
    public void Manifests_never_change() => Assert.Equal(Manifests, ChainSerializer.Forms.ToDictionary(f => f.Type.Name, f => f.Manifest));

    [Fact]
    public void Every_form_gives_back_what_was_written()
    {
        var kinds = new HashSet<Type>();
        for (var seed = 0; seed < 50; seed++)
        {
            foreach (var message in new Sample(seed).Messages())
            {
                kinds.Add(message.GetType());
                var serializer = Assert.IsType<ChainSerializer>(System.Serialization.FindSerializerFor(message));
                var again = System.Serialization.Deserialize(serializer.ToBinary(message), serializer.Identifier, serializer.Manifest(message));
                Assert.Equal(Describe(message), Describe(again));
            }
        }

        Assert.Equal(ChainSerializer.Forms.Select(f => f.Type).ToHashSet(), kinds);
    }

    [Fact]
    public void Nothing_without_a_form_is_written_there_is_no_fallback()
    {
        Assert.Throws<SerializationException>(() => System.Serialization.Serialize(new { Anything = 1 }));
        Assert.Throws<SerializationException>(() => System.Serialization.Serialize(new List<int>()));
        Assert.Throws<SerializationException>(() => new ChainSerializer((ExtendedActorSystem)System).FromBinary([], "unknown/1"));
    }

    /// <summary>A value with all its parts, lists too, as text.</summary>
    private static string Describe(object? value) => value switch
    {
        null => "null",
        ReadOnlyMemory<byte> bytes => Convert.ToHexString(bytes.Span),
        string text => text,
        IEnumerable list => $"[{string.Join(", ", list.Cast<object?>().Select(Describe))}]",
        _ when value.GetType().GetMethod("<Clone>$") is not null => $"{value.GetType().Name}({string.Join(", ", value.GetType().GetProperties().Where(p => !p.GetMethod!.IsStatic).Select(p => $"{p.Name}={Describe(p.GetValue(value))}"))})",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    /// <summary>One message of every kind, with values from a seed, extreme ones among them.</summary>
    private sealed class Sample(int seed)
    {
        private readonly Random random = new(seed);

        public object[] Messages() =>
        [
            new SubmitTransactions(Int(), List(Envelope), U64()) { TraceParent = Maybe(TraceParent) ?? "", Origin = Maybe(() => $"192.0.2.{random.Next(256)}") ?? "" },
            new TransactionsAdmitted(List(Envelope)),
            new Reaped(List(Envelope)) { Followed = List(() => new FollowedTransaction(Hash(), TraceParent())) },
            new SubmitOutcomes(List(() => new SubmitOutcome(Hash(), Maybe(Receipt), Maybe(Refusal)))),
            new Reap(Int(), Int(), (long)U64()),
            new FindTransactions(Int(), List(Hash)),
            new TransactionsFound(List(() => new PoolTransactionState(OneOf<PoolState>(), U64()) { Dropped = Maybe(Refusal) })),
            new TransactionsDropped(List(() => new DroppedTransaction(Hash(), U64(), OneOf<RefusalReason>()))),
            new ListSenders(Int(), Int(), random.Next(2) == 0 ? null : Did(), Int()),
            new SendersListed(List(() => new PoolSender(Did(), Int(), Int(), Int(), (long)U64(), U64(), random.Next(2) == 0 ? null : OneOf<RefusalReason>()))),
            new DropSender(Int(), Did(), $"did:key:{random.Next()}"),
            new SenderDropped(Int()),
            new CountPending(Int()),
            new PendingCount((long)U64()),
            new WakePartition(Int()),
            WorkAvailable.Instance,
            new BuildBlock(Key(), U64(), U32(), (long)U64(), List(Evidence)),
            new BlockBuilt(Block()),
            new BlockStored(Block()),
            new KeepBlock(Key(), Block()),
            new BlockKept(Hash()),
            new FindBlocks(Key(), U64()),
            new BlocksFound(List(Block)),
            new DeliverMessage(Key(), Key(), Message()),
            new WakeValidator(Key()),
            new HeightDecided(U64(), U32(), Hash()),
            PartitionStarted.Instance,
            new SyncReceived(new PeerId($"akka.tcp://vivim@node{random.Next()}:4053"), SyncMessage()),
        ];

        private int Int() => random.Next(3) switch { 0 => 0, 1 => int.MaxValue, _ => random.Next() };

        private uint U32() => (uint)Int() * 2;

        private ulong U64() => random.Next(3) switch { 0 => 0, 1 => ulong.MaxValue, _ => (ulong)random.NextInt64() };

        private byte[] Bytes(int length)
        {
            var bytes = new byte[length];
            random.NextBytes(bytes);
            return bytes;
        }

        private string TraceParent() => $"00-{Convert.ToHexStringLower(Bytes(16))}-{Convert.ToHexStringLower(Bytes(8))}-0{random.Next(2)}";

        private Hash256 Hash() => new(Bytes(Hash256.Size));

        private Did Did() => new(OneOf<DidMethod>(), Hash());

        private Refusal Refusal() => new(OneOf<RefusalReason>(), $"sentence {random.Next()}");

        private PublicKey Key() => new(Bytes(PublicKey.Size));

        private Signature Signature() => new(Bytes(Vivim.Protocol.Keys.Signature.Size));

        private List<T> List<T>(Func<T> item) => [.. Enumerable.Range(0, random.Next(4)).Select(_ => item())];

        private T? Maybe<T>(Func<T> item)
            where T : class => random.Next(2) == 0 ? null : item();

        private T OneOf<T>()
            where T : struct, Enum => Enum.GetValues<T>()[random.Next(Enum.GetValues<T>().Length)];

        private TransactionEnvelope Envelope() => new(Bytes(random.Next(200)), Key(), Signature());

        private Receipt Receipt() => new(Hash(), U64(), U32(), OneOf<ReceiptCode>(), (ushort)random.Next(ushort.MaxValue));

        private Vote Vote() => new(OneOf<VoteType>(), U64(), U32(), random.Next(2) == 0 ? null : Hash(), Key(), Signature());

        private Evidence Evidence() => new(Vote(), Vote());

        private VoteBits Bits() => VoteBits.Of(random.Next(100), _ => random.Next(3) == 0);

        private ConsensusMessage Message() => random.Next(4) switch
        {
            0 => new ConsensusMessage.Proposed(new Proposal(U64(), 7, random.Next(-1, 7), Hash(), Key(), Signature()), Maybe(Block)),
            1 => new ConsensusMessage.Voted(Vote()),
            2 => new ConsensusMessage.Accused(Evidence()),
            _ => new ConsensusMessage.Status(U64(), U32(), (byte)random.Next(4), random.Next(2) == 0 ? null : Hash(), Bits(), Bits(), random.Next(2) == 0),
        };

        private SyncMessage SyncMessage() => random.Next(9) switch
        {
            0 => new SyncMessage.Tip(U64()),
            1 => new SyncMessage.GetBlocks(U64()),
            2 => new SyncMessage.GetSnapshots(),
            3 => new SyncMessage.Snapshots([new SnapshotOffer(U64(), Hash())]),
            4 => new SyncMessage.GetManifest(Hash()),
            5 => new SyncMessage.Manifest(Hash(), Hash().ToArray()),
            6 => new SyncMessage.GetChunk(Hash(), (uint)random.Next()),
            7 => new SyncMessage.Chunk(Hash(), (uint)random.Next(), Hash().ToArray()),
            _ => new SyncMessage.Blocks(List(() => new CertifiedBlock(Block(), Certificate()))),
        };

        private Block Block() => new(Header(), List(Envelope), List(Evidence), Maybe(Certificate));

        private CommitCertificate Certificate() => new(U64(), U32(), Hash(), List(() => new CommitSignature((ushort)random.Next(1024), Signature())));

        private BlockHeader Header() => new()
        {
            Version = BlockHeader.CurrentVersion,
            RulesVersion = U32(),
            ChainId = "vivim-test",
            Height = U64(),
            Round = U32(),
            Time = (long)U64(),
            Parent = Hash(),
            TransactionRoot = Hash(),
            ValidatorSetHash = Hash(),
            NextValidatorSetHash = Hash(),
            Proposer = Key(),
            EvidenceRoot = Hash(),
            ParentCertificateHash = Hash(),
            StateRoot = Hash(),
            ReceiptRoot = Hash(),
            EventRoot = Hash(),
        };
    }
}
