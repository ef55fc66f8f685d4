using Akka.Actor;
using Google.Protobuf;
using Vivim.Actors.Serialization;
using Vivim.Actors.Telemetry;
using Vivim.Chain.BlockMaking;
using Vivim.Chain.Consensus;
using Vivim.Chain.Pool;
using Vivim.Chain.Sync;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;

namespace Vivim.Chain;

/// <summary>The forms of every chain message that leaves a node or enters a journal. A manifest is for ever: a changed message gets a new one.</summary>
public sealed class ChainSerializer(ExtendedActorSystem system) : ManifestSerializer(system, SerializerId, Forms)
{
    private const int SerializerId = 7401;

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<MessageForm> Forms =
    [
        Form<SubmitTransactions, V1.Envelopes>("submit/3", V1.Envelopes.Parser, Write, m => new SubmitTransactions(m.Partition, Read(m), m.Height) { TraceParent = TransactionTrace.Checked(m.TraceParent), Origin = m.Origin }),
        Form<TransactionsAdmitted, V1.Envelopes>("admitted/1", V1.Envelopes.Parser, m => Write(0, m.Transactions), m => new TransactionsAdmitted(Read(m))),
        Form<Reaped, V1.Envelopes>("reaped/1", V1.Envelopes.Parser, Write, m => new Reaped(Read(m)) { Followed = ReadFollowed(m) }),
        Form<SubmitOutcomes, V1.SubmitOutcomes>("outcomes/1", V1.SubmitOutcomes.Parser, Write, Read),
        Form<Reap, V1.Reap>("reap/1", V1.Reap.Parser, m => new V1.Reap { Partition = m.Partition, MaxTransactions = m.MaxTransactions, MaxBytes = m.MaxBytes }, m => new Reap(m.Partition, m.MaxTransactions, m.MaxBytes)),
        Form<FindTransactions, V1.FindTransactions>("find/2", V1.FindTransactions.Parser, Write, m => new FindTransactions(m.Partition, [.. m.TransactionIds.Select(Hash)])),
        Form<TransactionsFound, V1.TransactionsFound>("found/3", V1.TransactionsFound.Parser, Write, m => new TransactionsFound([.. m.States.Select(Read)])),
        Form<CountPending, V1.PartitionNumber>("count/1", V1.PartitionNumber.Parser, m => new V1.PartitionNumber { Partition = m.Partition }, m => new CountPending(m.Partition)),
        Form<PendingCount, V1.Count>("pending/1", V1.Count.Parser, m => new V1.Count { Count_ = m.Count }, m => new PendingCount(m.Count_)),
        Form<WakePartition, V1.PartitionNumber>("wake-partition/1", V1.PartitionNumber.Parser, m => new V1.PartitionNumber { Partition = m.Partition }, m => new WakePartition(m.Partition)),
        Form<WorkAvailable, V1.Empty>("work/1", V1.Empty.Parser, _ => new V1.Empty(), _ => WorkAvailable.Instance),
        Form<BuildBlock, V1.BuildBlock>("build/2", V1.BuildBlock.Parser, Write, Read),
        Form<BlockBuilt, V1.BlockBytes>("built/1", V1.BlockBytes.Parser, m => new V1.BlockBytes { Block = Bytes(m.Block) }, m => new BlockBuilt(Block.FromBytes(m.Block.Span))),
        Form<BlockStored, V1.BlockBytes>("stored/1", V1.BlockBytes.Parser, m => new V1.BlockBytes { Block = Bytes(m.Block) }, m => new BlockStored(Block.FromBytes(m.Block.Span))),
        Form<KeepBlock, V1.KeepBlock>("keep-block/1", V1.KeepBlock.Parser, m => new V1.KeepBlock { Validator = Bytes(m.Validator), Block = Bytes(m.Block) }, m => new KeepBlock(Key(m.Validator), Block.FromBytes(m.Block.Span))),
        Form<BlockKept, V1.BlockId>("kept/1", V1.BlockId.Parser, m => new V1.BlockId { Id = Bytes(m.BlockId) }, m => new BlockKept(Hash(m.Id))),
        Form<FindBlocks, V1.FindBlocks>("find-blocks/1", V1.FindBlocks.Parser, m => new V1.FindBlocks { Validator = Bytes(m.Validator), Height = m.Height }, m => new FindBlocks(Key(m.Validator), m.Height)),
        Form<BlocksFound, V1.Blocks>("found-blocks/1", V1.Blocks.Parser, Write, m => new BlocksFound([.. m.Blocks_.Select(block => Block.FromBytes(block.Span))])),
        Form<WakeValidator, V1.ValidatorKey>("wake-validator/1", V1.ValidatorKey.Parser, m => new V1.ValidatorKey { Validator = Bytes(m.Validator) }, m => new WakeValidator(Key(m.Validator))),
        Form<DeliverMessage, V1.DeliverMessage>("deliver/1", V1.DeliverMessage.Parser, Write, m => new DeliverMessage(Key(m.Validator), Key(m.From), ConsensusMessage.FromBytes(m.Message.Span))),
        Form<HeightDecided, V1.HeightDecided>("decided/1", V1.HeightDecided.Parser, m => new V1.HeightDecided { Height = m.Height, Round = m.Round, BlockId = Bytes(m.BlockId) }, m => new HeightDecided(m.Height, m.Round, Hash(m.BlockId))),
        Form<PartitionStarted, V1.Empty>("partition-started/1", V1.Empty.Parser, _ => new V1.Empty(), _ => PartitionStarted.Instance),
        Form<SyncReceived, V1.SyncReceived>("sync/1", V1.SyncReceived.Parser, m => new V1.SyncReceived { From = m.From.Value, Message = UnsafeByteOperations.UnsafeWrap(m.Message.ToBytes()) }, m => new SyncReceived(new PeerId(m.From), SyncMessage.FromBytes(m.Message.Span))),
        .. PoolSenderForms.All,
    ];

    internal static MessageForm Form<T, TProto>(string manifest, MessageParser<TProto> parser, Func<T, TProto> write, Func<TProto, T> read)
        where T : notnull
        where TProto : IMessage<TProto> =>
        MessageForm.Of<T>(manifest, message => write(message).ToByteArray(), bytes => read(parser.ParseFrom(bytes)));

    internal static ByteString Bytes(in Hash256 hash) => ByteString.CopyFrom(hash.Bytes);

    private static ByteString Bytes(in PublicKey key) => ByteString.CopyFrom(key.Bytes);

    internal static Hash256 Hash(ByteString bytes) => new(bytes.Span);

    private static PublicKey Key(ByteString bytes) => new(bytes.Span);

    private static V1.Envelopes Write(int partition, IReadOnlyList<TransactionEnvelope> envelopes, ulong height = 0)
    {
        var message = new V1.Envelopes { Partition = partition, Height = height };
        foreach (var envelope in envelopes)
        {
            var writer = new CanonicalWriter(envelope.Size);
            envelope.Encode(writer);
            message.Envelopes_.Add(ByteString.CopyFrom(writer.Written));
        }

        return message;
    }

    private static V1.Envelopes Write(SubmitTransactions submission)
    {
        var message = Write(submission.Partition, submission.Transactions, submission.Height);
        message.TraceParent = submission.TraceParent;
        message.Origin = submission.Origin;
        return message;
    }

    private static V1.Envelopes Write(Reaped reaped)
    {
        var message = Write(0, reaped.Transactions);
        message.Followed.AddRange(reaped.Followed.Select(one => new V1.FollowedTransaction { TransactionId = Bytes(one.TransactionId), TraceParent = one.TraceParent }));
        return message;
    }

    private static FollowedTransaction[] ReadFollowed(V1.Envelopes message) =>
        [.. message.Followed.Take(Reaped.MaxTraces).Select(one => new FollowedTransaction(Hash(one.TransactionId), TransactionTrace.Checked(one.TraceParent)))];

    private static TransactionEnvelope[] Read(V1.Envelopes message) => [.. message.Envelopes_.Select(ReadEnvelope)];

    private static TransactionEnvelope ReadEnvelope(ByteString bytes)
    {
        var reader = new CanonicalReader(bytes.Span);
        var envelope = TransactionEnvelope.Decode(ref reader);
        reader.End();
        return envelope;
    }

    private static ByteString Bytes(Block block) => UnsafeByteOperations.UnsafeWrap(block.ToBytes());

    private static V1.FindTransactions Write(FindTransactions find)
    {
        var message = new V1.FindTransactions { Partition = find.Partition };
        message.TransactionIds.AddRange(find.TransactionIds.Select(id => Bytes(id)));
        return message;
    }

    private static V1.TransactionsFound Write(TransactionsFound found)
    {
        var message = new V1.TransactionsFound();
        message.States.AddRange(found.States.Select(state => new V1.PoolTransactionState { State = (int)state.State, Height = state.Height, Dropped = Write(state.Dropped) }));
        return message;
    }

    private static PoolTransactionState Read(V1.PoolTransactionState message) => new((PoolState)message.State, message.Height) { Dropped = Read(message.Dropped) };

    private static V1.Blocks Write(BlocksFound found)
    {
        var message = new V1.Blocks();
        message.Blocks_.AddRange(found.Blocks.Select(Bytes));
        return message;
    }

    private static V1.DeliverMessage Write(DeliverMessage delivery) =>
        new() { Validator = Bytes(delivery.Validator), From = Bytes(delivery.From), Message = UnsafeByteOperations.UnsafeWrap(delivery.Message.ToBytes()) };

    private static V1.BuildBlock Write(BuildBlock build)
    {
        var message = new V1.BuildBlock { Validator = Bytes(build.Validator), Height = build.Height, Round = build.Round, Time = build.Time };
        foreach (var evidence in build.Evidence)
        {
            var writer = new CanonicalWriter();
            evidence.Encode(writer);
            message.Evidence.Add(ByteString.CopyFrom(writer.Written));
        }

        return message;
    }

    private static BuildBlock Read(V1.BuildBlock message) => new(Key(message.Validator), message.Height, message.Round, message.Time, [.. message.Evidence.Select(ReadEvidence)]);

    private static Evidence ReadEvidence(ByteString bytes)
    {
        var reader = new CanonicalReader(bytes.Span);
        var evidence = Evidence.Decode(ref reader);
        reader.End();
        return evidence;
    }

    private static V1.SubmitOutcomes Write(SubmitOutcomes outcomes)
    {
        var message = new V1.SubmitOutcomes();
        foreach (var outcome in outcomes.Outcomes)
        {
            var item = new V1.SubmitOutcome { TransactionId = Bytes(outcome.TransactionId) };
            if (outcome.Receipt is { } receipt)
            {
                var writer = new CanonicalWriter(Receipt.Size);
                receipt.Encode(writer);
                item.Receipt = ByteString.CopyFrom(writer.Written);
            }

            item.Refusal = Write(outcome.Refusal);
            message.Outcomes.Add(item);
        }

        return message;
    }

    private static SubmitOutcomes Read(V1.SubmitOutcomes message) => new([.. message.Outcomes.Select(item =>
        new SubmitOutcome(Hash(item.TransactionId), ReadReceipt(item.Receipt), Read(item.Refusal)))]);

    private static V1.Refusal? Write(Refusal? refusal) => refusal is null ? null : new V1.Refusal { Reason = (int)refusal.Reason, Message = refusal.Message };

    private static Refusal? Read(V1.Refusal? refusal) => refusal is null ? null : new Refusal((RefusalReason)refusal.Reason, refusal.Message);

    private static Receipt? ReadReceipt(ByteString bytes)
    {
        if (bytes.IsEmpty) return null;
        var reader = new CanonicalReader(bytes.Span);
        return Receipt.Decode(ref reader);
    }
}
