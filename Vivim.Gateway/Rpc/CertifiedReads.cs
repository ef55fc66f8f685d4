using Google.Protobuf;
using Grpc.Core;
using Vivim.Chain.Ledger;
using Vivim.Gateway.Node;
using Vivim.Ledger;
using Vivim.Ledger.State;

namespace Vivim.Gateway.Rpc;

/// <summary>Reads of the state: of the latest, or with a proof of the last certified one.</summary>
internal static class CertifiedReads
{
    /// <summary>Runs a read on the ledger in the caller's turn; where a proof is wanted but not possible yet, the caller is told to come again.</summary>
    /// <exception cref="RpcException">NOT_YET_CERTIFIED.</exception>
    public static async Task<T> ReadState<T>(this RunningNode node, Func<NodeLedger, T> read, ServerCallContext context)
        where T : notnull
    {
        using var turn = await node.Queries.Reads.Next(context);
        try
        {
            return await node.Ledger.Read(read, context.CancellationToken);
        }
        catch (ProofPrunedException)
        {
            throw RpcErrors.NotYetCertified();
        }
    }

    /// <summary>The height whose state is read.</summary>
    public static ulong ReadHeight(this NodeLedger ledger, bool prove) => prove ? ledger.CertifiedHeight ?? throw RpcErrors.NotYetCertified() : ledger.Tip.Height;

    public static byte[]? Value(this NodeLedger ledger, byte[] key, bool prove) => prove ? ledger.GetCertified(key) : ledger.State.Get(key);

    /// <summary>The proof file's bytes; empty where none is wanted.</summary>
    public static ByteString ProofOf(this NodeLedger ledger, bool prove, IEnumerable<byte[]> keys) =>
        prove ? ByteString.CopyFrom((ledger.Prove(keys) ?? throw RpcErrors.NotYetCertified()).ToBytes()) : ByteString.Empty;
}
