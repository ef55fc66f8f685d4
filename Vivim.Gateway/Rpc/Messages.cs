using Vivim.Protocol.Transactions;

namespace Vivim.Gateway.Rpc;

/// <summary>The chain's own types as API messages.</summary>
internal static class Messages
{
    public static Protocol.V1.Receipt ToMessage(this Receipt receipt) => new()
    {
        TransactionId = receipt.TransactionId.ToString(),
        Height = receipt.Height,
        Index = receipt.Index,
        Code = receipt.CodeName,
        EventCount = receipt.EventCount,
    };

    public static Protocol.V1.Event ToMessage(this LedgerEvent e) => new()
    {
        Cursor = e.Cursor.ToString(),
        Type = e.TypeName,
        Actor = e.Actor.ToString(),
        Subject = e.Subject.ToString(),
        TransactionId = e.TransactionId.ToString(),
    };
}
