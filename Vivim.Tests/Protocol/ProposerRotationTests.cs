using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Keys;

namespace Vivim.Tests.Protocol;

/// <summary>Proposers against the definition, and against what CometBFT's own tests expect (cometbft/cometbft, types/validator_set_test.go).</summary>
public sealed class ProposerRotationTests
{
    [Fact]
    public void Powers_one_and_three_give_the_second_first() => Assert.Equal("2 1 2 2 2 1 2 2", Elected(Set(("1", 1), ("2", 3)), 8));

    /// <summary>TestProposerSelection1: ninety-nine elections of 1000, 300 and 330.</summary>
    [Fact]
    public void Ninety_nine_elections_go_as_CometBFT_publishes_them()
    {
        const string expected = "foo baz foo bar foo foo baz foo bar foo foo baz foo foo bar foo baz foo foo bar"
            + " foo foo baz foo bar foo foo baz foo bar foo foo baz foo foo bar foo baz foo foo bar"
            + " foo baz foo foo bar foo baz foo foo bar foo baz foo foo foo baz bar foo foo foo baz"
            + " foo bar foo foo baz foo bar foo foo baz foo bar foo foo baz foo bar foo foo baz foo"
            + " foo bar foo baz foo foo bar foo baz foo foo bar foo baz foo foo";
        Assert.Equal(expected, Elected(Set(("foo", 1000), ("bar", 300), ("baz", 330)), 99));
    }

    /// <summary>TestProposerSelection2 and 3.</summary>
    [Theory]
    [InlineData(100, 100, 100, "0 1 2 0 1 2 0 1 2 0 1 2 0 1 2")]
    [InlineData(100, 100, 400, "2 0")]
    [InlineData(100, 100, 401, "2 2 0")]
    public void Power_decides_and_the_lower_key_breaks_ties(ulong first, ulong second, ulong third, string expected) =>
        Assert.Equal(expected, Elected(Set(("0", first), ("1", second), ("2", third)), expected.Split(' ').Length));

    /// <summary>TestAveragingInIncrementProposerPriorityWithVotingPower: powers 10, 1, 1, eleven elections.</summary>
    [Fact]
    public void Priorities_of_eleven_elections_are_as_CometBFT_publishes_them()
    {
        var rotation = ProposerRotation.Start(Set(("0", 10), ("1", 1), ("2", 1)));
        int[] firstWins = [1, 2, 3, 4, 4, 5, 6, 7, 7, 8, 9];
        for (var elections = 1; elections <= 11; elections++)
        {
            Assert.Equal(elections switch { 5 => "1", 9 => "2", _ => "0" }, Name(rotation.Proposer(0)));
            rotation = rotation.Next();
            long[] expected = [elections * 10 - firstWins[elections - 1] * 12, elections - (elections >= 5 ? 12 : 0), elections - (elections >= 9 ? 12 : 0)];
            Assert.Equal(expected, rotation.Priorities);
        }
    }

    [Fact]
    public void A_new_validator_starts_at_the_back()
    {
        // By hand: together 110, so the new one starts at -(110 + 13); the average of 0 and -123, rounded down, is -62.
        var one = ProposerRotation.Start(Set(("1", 10)));
        var two = one.Change(Set(("1", 10), ("2", 100)));
        Assert.Equal([62, -61], two.Priorities);
        Assert.Equal("1", Name(two.Proposer(0)));
        Assert.Equal([62 + 10 - 110, -61 + 100], two.Next().Priorities);

        // Leaving counts: after an election 10 and -10; together 100 + 1 + 10, so the new one starts at -(111 + 13); the average is -67.
        var swapped = ProposerRotation.Start(Set(("1", 10), ("2", 100))).Change(Set(("2", 100), ("3", 1)));
        Assert.Equal([57, -57], swapped.Priorities);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Over_as_many_elections_as_power_everyone_proposes_exactly_their_power(int seed)
    {
        var random = new System.Random(seed);
        for (var run = 0; run < 30; run++)
        {
            var set = RandomSet(random, 60);
            var rotation = ProposerRotation.Start(set);
            var counts = new Dictionary<PublicKey, ulong>();
            for (var i = 0UL; i < set.TotalPower; i++)
            {
                counts[rotation.Proposer(0)] = counts.GetValueOrDefault(rotation.Proposer(0)) + 1;
                rotation = rotation.Next();
            }

            for (var i = 0; i < set.Count; i++) Assert.Equal(set[i].Power, counts[set[i].Key]);
            Assert.All(rotation.Priorities, priority => Assert.Equal(0, priority));
        }
    }

    [Theory]
    [InlineData(4, 60)]
    [InlineData(5, 1_000_000)]
    [InlineData(6, long.MaxValue / 64)]
    public void Through_random_changes_priorities_stay_bounded_and_rounds_are_further_elections(int seed, long maxPower)
    {
        var random = new System.Random(seed);
        var rotation = ProposerRotation.Start(RandomSet(random, maxPower));
        for (var step = 0; step < 400; step++)
        {
            rotation = random.Next(4) == 0 ? rotation.Change(RandomSet(random, maxPower)) : rotation.Next();
            var power = (Int128)rotation.Validators.TotalPower;
            Assert.True((Int128)rotation.Priorities.Max() - rotation.Priorities.Min() <= 3 * power);
            var changed = rotation.Change(RandomSet(random, maxPower));
            Assert.True((Int128)changed.Priorities.Max() - changed.Priorities.Min() <= 2 * (Int128)changed.Validators.TotalPower);
            Assert.InRange(changed.Priorities.Aggregate(Int128.Zero, (sum, p) => sum + p), 0, 14);

            var further = rotation;
            for (var round = 0U; round < 5; round++)
            {
                Assert.Equal(further.Proposer(0), rotation.Proposer(round));
                further = further.Next();
            }

            var reader = new CanonicalReader(Examples.Encode(rotation.Encode));
            Assert.Equal(rotation.Priorities, ProposerRotation.Decode(ref reader, rotation.Validators).Priorities);
            reader.End();
        }
    }

    [Fact]
    public void The_largest_powers_do_not_overflow()
    {
        var rotation = ProposerRotation.Start(Set(("1", ValidatorSet.MaxTotalPower)));
        rotation = rotation.Change(Set(("2", ValidatorSet.MaxTotalPower - 1), ("3", 1)));
        rotation = rotation.Change(Set(("3", 1), ("4", 1)));
        for (var i = 0; i < 100; i++) rotation = i % 7 == 0 ? rotation.Change(Set(("4", 1), ("5", ValidatorSet.MaxTotalPower - 2), ((char)('a' + i % 20) + "", 1))) : rotation.Next();
        Assert.NotEqual(default, rotation.Proposer(3));
    }

    [Fact]
    public void There_is_a_last_round()
    {
        var rotation = ProposerRotation.Start(Set(("1", 1), ("2", 1)));
        Assert.Equal("1", Name(rotation.Proposer(ProposerRotation.MaxRound)));
        Assert.Throws<ArgumentOutOfRangeException>(() => rotation.Proposer(ProposerRotation.MaxRound + 1));
    }

    [Fact]
    public void Impossible_priorities_are_refused() => Assert.Throws<MalformedException>(() =>
    {
        var reader = new CanonicalReader(new CanonicalWriter().I64(4).ToArray());
        ProposerRotation.Decode(ref reader, Set(("1", 1)));
    });

    private static string Elected(ValidatorSet set, int elections)
    {
        var names = new List<string>();
        for (var rotation = ProposerRotation.Start(set); names.Count < elections; rotation = rotation.Next()) names.Add(Name(rotation.Proposer(0)));
        return string.Join(' ', names);
    }

    private static ValidatorSet Set(params (string Name, ulong Power)[] validators) => new(validators.Select(v => new Validator(Key(v.Name), v.Power)));

    private static PublicKey Key(string name)
    {
        var bytes = new byte[PublicKey.Size];
        System.Text.Encoding.ASCII.GetBytes(name, bytes);
        return new PublicKey(bytes);
    }

    private static string Name(PublicKey key) => System.Text.Encoding.ASCII.GetString(key.Bytes).TrimEnd('\0');

    private static ValidatorSet RandomSet(System.Random random, long maxPower) =>
        new(Enumerable.Range(0, 15).Where(i => i == 7 || random.Next(2) == 0).Select(i => new Validator(Key($"validator {i:00}"), (ulong)random.NextInt64(1, maxPower / 16 + 2))));
}
