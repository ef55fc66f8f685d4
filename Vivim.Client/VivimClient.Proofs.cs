using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Proofs;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Client;

/// <summary>Whether one follows another at a height, proven.</summary>
/// <param name="Since">The event of the follow; null when there is no such follow.</param>
/// <param name="Proof">The file that proves it to others.</param>
public sealed record ProvenEdge(Did Follower, Did Followee, EventCursor? Since, ulong Height, ReadOnlyMemory<byte> Proof)
{
    public bool Exists => Since is not null;
}

/// <summary>All followers of somebody at a height: each proven, and proven to be all.</summary>
public sealed record ProvenFollowers(Did Followee, IReadOnlyList<Did> Followers, ulong Height);

/// <summary>An account at a height, proven; <see cref="AccountRecord.Empty"/> when proven absent.</summary>
public sealed record ProvenAccount(Did Did, AccountRecord Account, ulong Height);

/// <summary>Reads that trust only a genesis. Each throws <see cref="ProofException"/> when the node's proof does not hold.</summary>
public sealed partial class VivimClient
{
    private const uint ProvenPageSize = 100;

    private static readonly TimeSpan CertificationPoll = TimeSpan.FromMilliseconds(100);

    /// <summary>Waits until all that is committed now can be proven: one block more, unless the last one changed nothing.</summary>
    public async Task<V1.GetStatusResponse> AwaitCertifiedAsync(CancellationToken cancellationToken = default)
    {
        var status = await GetStatusAsync(cancellationToken);
        var height = status.Height;
        while (status.CertifiedHeight < height && status.CertifiedStateRoot != status.StateRoot)
        {
            await Task.Delay(CertificationPoll, time, cancellationToken);
            status = await GetStatusAsync(cancellationToken);
        }

        return status;
    }

    /// <summary>Whether one did:vivim follows another in the last certified state, with the proof.</summary>
    public async Task<ProvenEdge> ProveEdgeAsync(Did follower, Did followee, GenesisFile genesis, CancellationToken cancellationToken = default)
    {
        var request = new V1.GetEdgeRequest { Follower = follower.ToString(), Followee = followee.ToString(), Prove = true };
        var answer = await CallAsync(o => graph.GetEdgeAsync(request, o), cancellationToken);
        var state = ProofFile.FromBytes(answer.Proof.Span).Verify(genesis);
        EventCursor? since = state.ValueOf(StateKey.Edge(follower, followee)) is { } value ? EdgeRecord.FromBytes(value.Span).Since : null;
        return new ProvenEdge(follower, followee, since, state.Height, answer.Proof.Memory);
    }

    /// <summary>Somebody's account in the last certified state.</summary>
    public async Task<ProvenAccount> ProveAccountAsync(Did did, GenesisFile genesis, CancellationToken cancellationToken = default)
    {
        var answer = await CallAsync(o => identity.GetAccountAsync(new V1.GetAccountRequest { Did = did.ToString(), Prove = true }, o), cancellationToken);
        var state = ProofFile.FromBytes(answer.Proof.Span).Verify(genesis);
        return new ProvenAccount(did, Account(state, did), state.Height);
    }

    /// <summary>
    /// All of somebody's followers in one certified state. That none is left out follows from the account's follower count.
    /// Starts over while the chain moves on between pages; wait for a quiet moment when somebody has many.
    /// </summary>
    public async Task<ProvenFollowers> ProveFollowersAsync(Did did, GenesisFile genesis, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            if (await TryProveFollowersAsync(did, genesis, cancellationToken) is { } followers) return followers;
        }
    }

    /// <summary>Null when the pages were of different heights.</summary>
    private async Task<ProvenFollowers?> TryProveFollowersAsync(Did did, GenesisFile genesis, CancellationToken cancellationToken)
    {
        var followers = new HashSet<Did>();
        ulong? height = null;
        var token = "";
        while (true)
        {
            var request = new V1.ListFollowersRequest { Did = did.ToString(), PageSize = ProvenPageSize, PageToken = token, Prove = true };
            var page = await CallAsync(o => graph.ListFollowersAsync(request, o), cancellationToken);
            var state = ProofFile.FromBytes(page.Proof.Span).Verify(genesis);
            height ??= state.Height;
            if (state.Height != height) return null;
            foreach (var follower in page.Followers.Select(f => Did.Parse(f.Did)))
            {
                if (state.ValueOf(StateKey.Edge(follower, did)) is null) throw new ProofException($"the node lists {follower} as a follower and proves that they are not");
                followers.Add(follower);
            }

            token = page.NextPageToken;
            if (token.Length > 0) continue;
            var total = Account(state, did).Followers;
            return followers.Count == total ? new ProvenFollowers(did, [.. followers], state.Height) : throw new ProofException($"the node proves {followers.Count} followers, but there are {total}");
        }
    }

    private static AccountRecord Account(ProvenFacts state, Did did) =>
        state.ValueOf(StateKey.Account(did)) is { } value ? AccountRecord.FromBytes(value.Span) : AccountRecord.Empty;
}
