using Vivim.Ledger.Execution;
using Vivim.Ledger.State;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Keys;

namespace Vivim.Ledger;

/// <summary>
/// Re-executes a chain from its genesis, trusting nobody: every certificate, header, signature and rule is checked, and every state computed.
/// Holds the whole state in memory.
/// </summary>
public sealed class ChainVerifier
{
    private readonly LedgerState state = new(historyBudget: 0);
    private ChainTip tip;

    public ChainVerifier(GenesisFile genesis)
    {
        var root = state.Apply(0, GenesisState.Of(genesis));
        tip = ChainTip.Of(genesis, root, state);
    }

    /// <summary>The last height verified; 0 at first.</summary>
    public ulong Height => tip.Height;

    /// <summary>The state's root after <see cref="Height"/>.</summary>
    public Hash256 StateRoot => tip.StateRoot;

    /// <summary>The id of the last block verified; the genesis hash at first.</summary>
    public Hash256 BlockId => tip.BlockId;

    /// <summary>Keys in the state.</summary>
    public long KeyCount => state.KeyCount;

    /// <summary>Verifies and executes the next block.</summary>
    /// <returns>What executing it made.</returns>
    /// <exception cref="InvalidBlockException">It does not follow, or its certificate does not hold; nothing has changed.</exception>
    /// <exception cref="RulesVersionUnknownException">This program lacks the rules of its height.</exception>
    public ExecutionResult Add(Block block, CommitCertificate certificate)
    {
        if (certificate.Height != block.Header.Height || certificate.BlockId != block.Id) throw new InvalidBlockException($"the certificate given with height {block.Header.Height} is for another block");
        if (certificate.Verify(tip.ChainId, tip.Validators, Ed25519Scheme.Instance) is { } problem) throw new InvalidBlockException(problem);
        var transactions = BlockValidity.Check(block, tip, state, Ed25519Scheme.Instance, isKnownValid: static _ => false);
        var result = BlockExecution.Execute(state, tip, block, transactions);
        var root = state.Apply(block.Header.Height, result.Changes);
        tip = tip.After(block, certificate, result, root, state);
        return result;
    }
}
