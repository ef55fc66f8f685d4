using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;
using Vivim.Simulator.Oracle;

namespace Vivim.Tests.Simulator;

/// <summary>Forks written by hand: who is to blame is known.</summary>
public sealed class AuditorTests
{
    private static readonly PublicKey[] Keys = [.. Enumerable.Range(0, 4).Select(i => new PublicKey(Hash256.Of([(byte)i]).Bytes)).Order()];
    private static readonly Hash256 X = Hash256.Of("x"u8);
    private static readonly Hash256 Y = Hash256.Of("y"u8);

    private readonly VoteLog log = new([.. Keys.Select(key => new Member(key, 10))]);

    [Fact]
    public void Who_signs_for_both_blocks_of_a_round_is_named()
    {
        Vote(VoteType.Prevote, 0, X, 0, 1, 2);
        Vote(VoteType.Precommit, 0, X, 0, 1, 2);
        Vote(VoteType.Prevote, 0, Y, 1, 2, 3);
        Vote(VoteType.Precommit, 0, Y, 1, 2, 3);
        Assert.Equal([Keys[1], Keys[2]], Blame(Decided(X, 0, 0, 1, 2), Decided(Y, 0, 1, 2, 3)));
    }

    [Fact]
    public void Who_forgets_a_lock_is_named()
    {
        Vote(VoteType.Prevote, 0, X, 0, 1, 2);
        Vote(VoteType.Precommit, 0, X, 0, 1, 2);
        Vote(VoteType.Prevote, 0, null, 3);
        Vote(VoteType.Prevote, 1, Y, 1, 2, 3);
        Vote(VoteType.Precommit, 1, Y, 1, 2, 3);
        Assert.Equal([Keys[1], Keys[2]], Blame(Decided(Y, 1, 1, 2, 3), Decided(X, 0, 0, 1, 2)));
    }

    [Fact]
    public void Who_follows_a_later_polka_is_not_named_but_those_who_made_it_are()
    {
        // Validator 0 has seen the polka of round 1, and is free; 1 and 2 made it against their locks.
        Vote(VoteType.Prevote, 0, X, 0, 1, 2);
        Vote(VoteType.Precommit, 0, X, 0, 1, 2);
        Vote(VoteType.Prevote, 1, Y, 1, 2, 3);
        Vote(VoteType.Precommit, 1, null, 1);
        Vote(VoteType.Prevote, 2, Y, 0, 1, 2, 3);
        Vote(VoteType.Precommit, 2, Y, 0, 2, 3);
        Assert.Equal([Keys[1], Keys[2]], Blame(Decided(X, 0, 0, 1, 2), Decided(Y, 2, 0, 2, 3)));
    }

    [Fact]
    public void Who_precommits_without_a_polka_is_named()
    {
        Vote(VoteType.Prevote, 0, X, 0, 1, 2);
        Vote(VoteType.Precommit, 0, X, 0, 1, 2);
        Vote(VoteType.Prevote, 3, Y, 3);
        Vote(VoteType.Precommit, 3, Y, 1, 2, 3);
        Assert.Equal([Keys[1], Keys[2], Keys[3]], Blame(Decided(X, 0, 0, 1, 2), Decided(Y, 3, 1, 2, 3)));
    }

    private static Decision Decided(Hash256 block, uint round, params int[] signers) => new(block, round, [.. signers.Select(i => Keys[i])]);

    private void Vote(VoteType type, uint round, Hash256? block, params int[] voters)
    {
        foreach (var voter in voters) log.Add(new Vote(type, 1, round, block, Keys[voter], default));
    }

    private IReadOnlyList<PublicKey> Blame(Decision first, Decision second) => Auditor.Blame(new Disagreement(1, first, second), log);
}
