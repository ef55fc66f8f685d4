using Google.Protobuf;
using Vivim.Actors.Serialization;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Transactions;

namespace Vivim.Chain.Pool;

/// <summary>The forms of what is said of the pool's senders, and of what is dropped; a part of <see cref="ChainSerializer.Forms"/>.</summary>
internal static class PoolSenderForms
{
    public static readonly IReadOnlyList<MessageForm> All =
    [
        ChainSerializer.Form<TransactionsDropped, V1.DroppedTransactions>("dropped/1", V1.DroppedTransactions.Parser, Write, Read),
        ChainSerializer.Form<ListSenders, V1.ListSenders>("list-senders/1", V1.ListSenders.Parser, Write, Read),
        ChainSerializer.Form<SendersListed, V1.PoolSenders>("senders/1", V1.PoolSenders.Parser, Write, Read),
        ChainSerializer.Form<DropSender, V1.DropSender>("drop-sender/1", V1.DropSender.Parser, Write, Read),
        ChainSerializer.Form<SenderDropped, V1.Count>("sender-dropped/1", V1.Count.Parser, Write, Read),
    ];

    private static V1.DroppedTransactions Write(TransactionsDropped dropped)
    {
        var message = new V1.DroppedTransactions();
        foreach (var one in dropped.Transactions)
        {
            var id = ChainSerializer.Bytes(one.TransactionId);
            message.Transactions.Add(new V1.DroppedTransaction { TransactionId = id, ExpiryHeight = one.ExpiryHeight, Reason = (int)one.Reason });
        }

        return message;
    }

    private static TransactionsDropped Read(V1.DroppedTransactions message) => new([.. message.Transactions.Select(Read)]);

    private static DroppedTransaction Read(V1.DroppedTransaction one) =>
        new(ChainSerializer.Hash(one.TransactionId), one.ExpiryHeight, (RefusalReason)one.Reason);

    private static V1.ListSenders Write(ListSenders list)
    {
        var message = new V1.ListSenders { Partition = list.Partition, AfterPlaces = list.AfterPlaces, Limit = list.Limit };
        if (list.After is { } after) message.After = Bytes(after);
        return message;
    }

    private static ListSenders Read(V1.ListSenders message) =>
        new(message.Partition, message.AfterPlaces, message.After.IsEmpty ? null : ReadDid(message.After), message.Limit);

    private static V1.PoolSenders Write(SendersListed listed)
    {
        var message = new V1.PoolSenders();
        message.Senders.AddRange(listed.Senders.Select(Write));
        return message;
    }

    private static SendersListed Read(V1.PoolSenders message) => new([.. message.Senders.Select(Read)]);

    private static V1.PoolSender Write(PoolSender sender)
    {
        var message = new V1.PoolSender
        {
            Sender = Bytes(sender.Sender),
            Transactions = sender.Transactions,
            Parked = sender.Parked,
            Places = sender.Places,
            Bytes = sender.Bytes,
            NextNonce = sender.NextNonce,
        };
        if (sender.Reason is { } reason) message.Reason = (int)reason;
        return message;
    }

    private static PoolSender Read(V1.PoolSender sender)
    {
        RefusalReason? reason = sender.HasReason ? (RefusalReason)sender.Reason : null;
        return new PoolSender(ReadDid(sender.Sender), sender.Transactions, sender.Parked, sender.Places, sender.Bytes, sender.NextNonce, reason);
    }

    private static V1.DropSender Write(DropSender drop) => new() { Partition = drop.Partition, Sender = Bytes(drop.Sender), By = drop.By };

    private static DropSender Read(V1.DropSender message) => new(message.Partition, ReadDid(message.Sender), message.By);

    private static V1.Count Write(SenderDropped dropped) => new() { Count_ = dropped.Count };

    private static SenderDropped Read(V1.Count message) => new((int)message.Count_);

    private static ByteString Bytes(in Did did)
    {
        var writer = new CanonicalWriter(Did.Size);
        did.Encode(writer);
        return ByteString.CopyFrom(writer.Written);
    }

    private static Did ReadDid(ByteString bytes)
    {
        var reader = new CanonicalReader(bytes.Span);
        var did = Did.Decode(ref reader);
        reader.End();
        return did;
    }
}
