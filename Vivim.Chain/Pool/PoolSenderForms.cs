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
        ChainSerializer.Form<TransactionsDropped, V1.DroppedTransactions>("dropped/1", V1.DroppedTransactions.Parser, Write, m => new TransactionsDropped([.. m.Transactions.Select(Read)])),
        ChainSerializer.Form<ListSenders, V1.ListSenders>("list-senders/1", V1.ListSenders.Parser, Write, m => new ListSenders(m.Partition, m.AfterPlaces, m.After.IsEmpty ? null : ReadDid(m.After), m.Limit)),
        ChainSerializer.Form<SendersListed, V1.PoolSenders>("senders/1", V1.PoolSenders.Parser, Write, m => new SendersListed([.. m.Senders.Select(Read)])),
        ChainSerializer.Form<DropSender, V1.DropSender>("drop-sender/1", V1.DropSender.Parser, m => new V1.DropSender { Partition = m.Partition, Sender = Bytes(m.Sender), By = m.By }, m => new DropSender(m.Partition, ReadDid(m.Sender), m.By)),
        ChainSerializer.Form<SenderDropped, V1.Count>("sender-dropped/1", V1.Count.Parser, m => new V1.Count { Count_ = m.Count }, m => new SenderDropped((int)m.Count_)),
    ];

    private static V1.DroppedTransactions Write(TransactionsDropped dropped)
    {
        var message = new V1.DroppedTransactions();
        message.Transactions.AddRange(dropped.Transactions.Select(one => new V1.DroppedTransaction { TransactionId = ChainSerializer.Bytes(one.TransactionId), ExpiryHeight = one.ExpiryHeight, Reason = (int)one.Reason }));
        return message;
    }

    private static DroppedTransaction Read(V1.DroppedTransaction one) => new(ChainSerializer.Hash(one.TransactionId), one.ExpiryHeight, (RefusalReason)one.Reason);

    private static V1.ListSenders Write(ListSenders list)
    {
        var message = new V1.ListSenders { Partition = list.Partition, AfterPlaces = list.AfterPlaces, Limit = list.Limit };
        if (list.After is { } after) message.After = Bytes(after);
        return message;
    }

    private static V1.PoolSenders Write(SendersListed listed)
    {
        var message = new V1.PoolSenders();
        message.Senders.AddRange(listed.Senders.Select(Write));
        return message;
    }

    private static V1.PoolSender Write(PoolSender sender)
    {
        var message = new V1.PoolSender { Sender = Bytes(sender.Sender), Transactions = sender.Transactions, Parked = sender.Parked, Places = sender.Places, Bytes = sender.Bytes, NextNonce = sender.NextNonce };
        if (sender.Reason is { } reason) message.Reason = (int)reason;
        return message;
    }

    private static PoolSender Read(V1.PoolSender sender) =>
        new(ReadDid(sender.Sender), sender.Transactions, sender.Parked, sender.Places, sender.Bytes, sender.NextNonce, sender.HasReason ? (RefusalReason)sender.Reason : null);

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
