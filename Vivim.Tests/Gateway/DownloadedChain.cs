using Vivim.Ledger;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Transactions;

namespace Vivim.Tests.Gateway;

/// <summary>Every block of a node, executed again here: its receipts by transaction, its senders' nonces.</summary>
internal sealed class DownloadedChain
{
    private readonly Dictionary<Did, List<ulong>> nonces = [];

    public Dictionary<Hash256, List<Receipt>> Receipts { get; } = [];

    /// <summary>Downloads and verifies all blocks under the genesis; the state must be the node's.</summary>
    public static async Task<DownloadedChain> VerifyAsync(NodeProcess node, GenesisFile genesis)
    {
        var chain = new DownloadedChain();
        var verifier = new ChainVerifier(genesis);
        var status = await node.Client.GetStatusAsync();
        while (verifier.Height != status.Height)
        {
            await foreach (var answer in node.Client.BlocksAsync(verifier.Height + 1)) chain.Add(verifier, Block.FromBytes(answer.Block.Span), CommitCertificate.FromBytes(answer.Certificate.Span));
            status = await node.Client.GetStatusAsync();
        }

        Assert.Equal(status.StateRoot, verifier.StateRoot.ToString());
        Assert.Equal(status.BlockId, verifier.BlockId.ToString());
        foreach (var (sender, used) in chain.nonces) Assert.True(used.Select((nonce, i) => nonce == (ulong)i).All(inOrder => inOrder), $"{sender} has nonces {string.Join(' ', used)}");
        return chain;
    }

    private void Add(ChainVerifier verifier, Block block, CommitCertificate certificate)
    {
        foreach (var receipt in verifier.Add(block, certificate).Receipts)
        {
            if (!Receipts.TryGetValue(receipt.TransactionId, out var list)) Receipts[receipt.TransactionId] = list = [];
            list.Add(receipt);
        }

        foreach (var envelope in block.Transactions)
        {
            Assert.True(Transaction.TryDecode(envelope, out var transaction, out _));
            if (!nonces.TryGetValue(transaction.Sender, out var used)) nonces[transaction.Sender] = used = [];
            used.Add(transaction.Nonce);
        }
    }
}
