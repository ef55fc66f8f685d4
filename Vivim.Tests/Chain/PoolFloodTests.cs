using FsCheck;
using FsCheck.Xunit;
using Vivim.Chain.Pool;
using Vivim.Ledger.Execution;
using Vivim.Protocol.Identity;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;
using Vivim.Tests.Ledger;

namespace Vivim.Tests.Chain;

/// <summary>Those who want all of the pool get no more than their share of it, and everybody else gets theirs.</summary>
public sealed class PoolFloodTests
{
    private readonly FloodedPool flooded = new();

    [Fact]
    public void Unregistered_keys_that_never_send_their_first_nonce_keep_no_registration_out()
    {
        for (var key = 0; key < 100; key++)
        {
            for (var nonce = 1ul; nonce < 1_024; nonce++) flooded.Submit(FloodedPool.Registration(key, nonce));
        }

        Assert.InRange(flooded.Core.Places.Taken, 1, FloodedPool.Limits.Places / PoolLimits.ParkedShare);
        Assert.False(flooded.Core.HasWork);
        for (var key = 1_000; key < 1_500; key++) Assert.Null(flooded.Submit(FloodedPool.Registration(key, 0)).Refusal);
        Assert.Equal(500, flooded.Core.Reap(int.MaxValue, long.MaxValue).Count);
    }

    [Fact]
    public void A_flood_from_a_thousand_identities_keeps_no_honest_sender_out()
    {
        for (var nonce = 0ul; nonce < 200; nonce++)
        {
            for (var attacker = 0; attacker < 1_000; attacker++) flooded.Submit(FloodedPool.Follow(attacker, nonce));
        }

        Assert.Equal((FloodedPool.Limits.Places, 0), flooded.Core.Places);
        Assert.Equal(RefusalReason.PoolFull, flooded.Submit(FloodedPool.Follow(0, 4)).Refusal!.Reason);
        for (var honest = 2_000; honest < 2_300; honest++) Assert.Null(flooded.Submit(FloodedPool.Follow(honest, 0)).Refusal);

        // With attackers who fill every place again, blocks of a hundred take everybody's turn in time.
        var left = Enumerable.Range(2_000, 300).Select(honest => FloodedPool.PersonOf(honest)).ToHashSet();
        for (var block = 0; left.Count > 0; block++)
        {
            Assert.InRange(block, 0, 200);
            left.ExceptWith(flooded.CommitBlock(100));
            for (var attacker = 0; attacker < 1_000; attacker++) flooded.Submit(FloodedPool.Follow(attacker, flooded.AccountOf(FloodedPool.PersonOf(attacker)).Nonce + 4));
        }
    }

    [Fact]
    public void Whoever_loses_a_place_cannot_take_it_back()
    {
        for (var nonce = 0ul; nonce < 1_024; nonce++) Assert.Null(flooded.Submit(FloodedPool.Follow(1, nonce)).Refusal);
        for (var nonce = 0ul; nonce < 1_024; nonce++) Assert.Null(flooded.Submit(FloodedPool.Follow(2, nonce)).Refusal);
        for (var nonce = 0ul; nonce < 1_024; nonce++) Assert.Null(flooded.Submit(FloodedPool.Follow(3, nonce)).Refusal);
        for (var nonce = 0ul; nonce < 928; nonce++) Assert.Null(flooded.Submit(FloodedPool.Follow(4, nonce)).Refusal);
        Assert.Equal(FloodedPool.Limits.Places, flooded.Core.Places.Taken);

        // The newcomer's nonce takes the last of the greatest, who can take nothing in return: not now, and not from another.
        var admission = flooded.Submit(FloodedPool.Follow(5, 0));
        var gone = Assert.Single(admission.Dropped);
        Assert.Equal(RefusalReason.PoolFull, gone.Reason);
        for (var sender = 1; sender <= 3; sender++)
        {
            var again = flooded.Submit(FloodedPool.Follow(sender, 1_023));
            Assert.Empty(again.Dropped);
            Assert.True(again is { Admit: false, Refusal: null or { Reason: RefusalReason.PoolFull } });
        }
    }

    [Fact]
    public void An_address_takes_half_of_a_windows_registrations_and_another_still_finds_places()
    {
        var (first, second) = (0, 0);
        for (var key = 0; key < 2_000; key++)
        {
            if (flooded.Submit(FloodedPool.Registration(key, 0), "192.0.2.1").Admit) first++;
        }

        Assert.Equal(RefusalReason.RegistrationsLimited, flooded.Submit(FloodedPool.Registration(2_000, 0), "192.0.2.1").Refusal!.Reason);
        for (var key = 3_000; key < 5_000; key++)
        {
            if (flooded.Submit(FloodedPool.Registration(key, 0), "192.0.2.2").Admit) second++;
        }

        // This is one partition of eight.
        var part = (int)FloodedPool.Parameters.MaxRegistrations / PoolPartitions.Count;
        Assert.Equal((part / 2, (part + 2) / 4), (first, second));
        // Included ones count as well, until the window is over.
        flooded.CommitBlock(10_000, (uint)(FloodedPool.Parameters.MaxRegistrations - (PoolPartitions.Count * (first + second))));
        Assert.Equal(RefusalReason.RegistrationsLimited, flooded.Submit(FloodedPool.Registration(5_000, 0), "192.0.2.1").Refusal!.Reason);
        flooded.Core.OnCommitted(FloodedPool.TipAt(100), new Dictionary<Did, ulong>());
        Assert.Null(flooded.Submit(FloodedPool.Registration(5_001, 0), "192.0.2.1").Refusal);
    }

    /// <summary>One address parks registrations, and another closes the gaps before them: it is charged with all that get a place by that.</summary>
    [Fact]
    public void Registrations_that_get_a_place_with_another_one_are_charged_to_whoever_sends_that()
    {
        for (var key = 0; key < 19; key++)
        {
            for (var nonce = 1UL; nonce <= 64; nonce++) flooded.Submit(FloodedPool.Registration(key, nonce), "192.0.2.1");
        }

        foreach (var opener in (string[])["192.0.2.2", "192.0.2.3"])
        {
            for (var key = 0; key < 19; key++) flooded.Submit(FloodedPool.Registration(key, 0), opener);
        }

        for (var key = 100; key < 105; key++) Assert.Null(flooded.Submit(FloodedPool.Registration(key, 0), $"198.51.100.{key}").Refusal);
    }

    /// <summary>A line may have a /56 or a /48 of IPv6, and a program of the node's machine all of 127.0.0.0/8.</summary>
    [Theory]
    [InlineData("2001:db8:7:{0:x}::/64", 0x100, "2001:db8:8::/64")]
    [InlineData("2001:db8:7:1{0:x2}::/64", 0x1, "2001:db8:8::/64")]
    [InlineData("127.0.0.{0}", 0x1, "127.0.0.1")]
    public void Many_addresses_of_one_line_have_the_share_of_one(string format, int step, string elsewhere)
    {
        var taken = 0;
        for (var key = 0; key < 2_000; key++)
        {
            var origin = string.Format(System.Globalization.CultureInfo.InvariantCulture, format, (2 + (key % 200)) * step);
            if (flooded.Submit(FloodedPool.Registration(key, 0), origin).Admit) taken++;
        }

        Assert.Equal((int)FloodedPool.Parameters.MaxRegistrations / PoolPartitions.Count / 2, taken);
        Assert.Null(flooded.Submit(FloodedPool.Registration(2_000, 0), elsewhere).Refusal);
    }

    [Fact]
    public void Parked_transactions_go_first_also_where_they_do_not_suffice()
    {
        for (var sender = 1; sender <= 4; sender++)
        {
            for (var nonce = 0ul; nonce < (sender < 4 ? 1_024ul : 925ul); nonce++) Assert.Null(flooded.Submit(FloodedPool.Follow(sender, nonce)).Refusal);
        }

        for (var nonce = 1ul; nonce <= 3; nonce++) Assert.Null(flooded.Submit(FloodedPool.Follow(5, nonce)).Refusal);
        Assert.Equal((FloodedPool.Limits.Places, 3), flooded.Core.Places);

        // It needs four places, and three are parked.
        var admission = flooded.Submit(FloodedPool.Follow(6, 0, body: (4 * 1_024) - TransactionEnvelope.Overhead));
        Assert.True(admission.Admit);
        Assert.Equal([.. Enumerable.Repeat(RefusalReason.NonceGap, 3), RefusalReason.PoolFull], admission.Dropped.Select(gone => gone.Reason));
        Assert.Equal((FloodedPool.Limits.Places, 0), flooded.Core.Places);
    }

    [Fact]
    public void What_no_next_block_may_include_is_no_work_until_its_window_opens()
    {
        flooded.Submit(FloodedPool.Registration(1, 0));
        flooded.Submit(FloodedPool.Follow(2, 0));
        flooded.Submit(FloodedPool.Follow(3, 1));
        flooded.Know(FloodedPool.PersonOf(4), AccountRecord.Empty with { QuotaUsed = FloodedPool.Parameters.QuotaActions - 1 });
        flooded.Submit(FloodedPool.Follow(4, 0));
        Assert.True(flooded.Core.HasWork);

        // Others' blocks take the rest of the window, the nonce before and the quota.
        flooded.Core.OnCommitted(FloodedPool.TipAt(1, registrationsLeft: 0), new Dictionary<Did, ulong> { [FloodedPool.PersonOf(2)] = 1 });
        Assert.True(flooded.Core.HasWork);
        flooded.CommitBlock(100, registrationsLeft: 0);
        Assert.Equal((2, false, 0), (flooded.Core.Count, flooded.Core.HasWork, flooded.Core.Reap(int.MaxValue, long.MaxValue).Count));
        for (var height = flooded.Core.Height + 1; height < 99; height++)
        {
            flooded.Core.OnCommitted(FloodedPool.TipAt(height, registrationsLeft: 0), new Dictionary<Did, ulong>());
            Assert.False(flooded.Core.HasWork);
        }

        flooded.Core.OnCommitted(FloodedPool.TipAt(99), new Dictionary<Did, ulong>());
        Assert.True(flooded.Core.HasWork);
        Assert.Single(flooded.Core.Reap(int.MaxValue, long.MaxValue));
    }

    /// <summary>Whatever comes in, all that is reaped is included by the real rules: an announcement of work is never followed by a block without any.</summary>
    [Property(MaxTest = 25)]
    public void All_that_is_reaped_is_included_by_the_rules(int seed)
    {
        var sequenceNr = 0;
        var traffic = new RandomTraffic(seed);
        var chain = RandomTraffic.NewChain();
        var pool = new PoolCore(TestChain.ChainId, chain.Genesis.Parameters, FloodedPool.Limits, PoolTip.Of(chain.Ledger));
        for (var i = 0; i < 24; i++)
        {
            foreach (var envelope in traffic.Next(chain.NextHeight))
            {
                var transaction = TestChain.Decode(envelope);
                var sender = SenderState.Read(chain.Ledger.State, transaction.Sender, chain.Ledger.Tip.Validators);
                if (pool.Admit(transaction, sender).Admit) pool.MarkDurable([transaction.Id], ++sequenceNr);
            }

            var reaped = pool.Reap(int.MaxValue, long.MaxValue);
            Assert.Equal(reaped.Count > 0, pool.HasWork);
            // Now and then another pool's block comes first.
            var block = chain.Assemble(i % 3 == 2 ? traffic.Next(chain.NextHeight) : reaped);
            if (i % 3 != 2) Assert.Equal(reaped, block.Transactions);
            chain.Commit(block);
            var included = block.Transactions.Select(TestChain.Decode).ToList();
            traffic.Included(included);
            pool.OnCommitted(PoolTip.Of(chain.Ledger), included.GroupBy(t => t.Sender).ToDictionary(g => g.Key, g => g.Max(t => t.Nonce) + 1));
        }
    }

    /// <summary>Whatever many attackers have sent, an honest sender with less than a fair share gets in and is included, and limits hold.</summary>
    [Property(MaxTest = 25)]
    public void Whatever_attackers_send_the_limits_hold_and_an_honest_sender_is_included(int seed)
    {
        var world = new FloodedPool();
        var random = new System.Random(seed);
        var attackers = random.Next(1, 400);
        for (var i = 0; i < 12_000; i++)
        {
            var attacker = random.Next(attackers);
            var nonce = (ulong)random.Next(random.Next(2) == 0 ? 1_024 : 40);
            world.Submit(random.Next(4) == 0 ? FloodedPool.Registration(attacker, nonce) : FloodedPool.Follow(attacker, nonce, body: random.Next(3) == 0 ? 4_000 : 200), $"{random.Next(5)}");
            if (i % 1_000 == 0) world.CommitBlock(random.Next(300));
            Assert.True(world.Core.Places.Taken <= FloodedPool.Limits.Places && world.Core.Places.Parked <= world.Core.Places.Taken);
        }

        var honest = FloodedPool.PersonOf(9_999);
        for (var nonce = 0ul; nonce < 3; nonce++) Assert.Null(world.Submit(FloodedPool.Follow(9_999, nonce)).Refusal);
        for (var block = 0; world.AccountOf(honest).Nonce < 3; block++)
        {
            Assert.InRange(block, 0, 60);
            world.CommitBlock(200);
            for (var i = 0; i < 400; i++) world.Submit(FloodedPool.Follow(random.Next(attackers), (ulong)random.Next(1_024)));
        }
    }

    [Fact]
    public void Blocks_take_from_the_partitions_in_turns()
    {
        var first = Enumerable.Range(0, 3).Select(nonce => FloodedPool.Follow(1, (ulong)nonce).Envelope).ToList();
        var second = Enumerable.Range(0, 2).Select(nonce => FloodedPool.Follow(2, (ulong)nonce).Envelope).ToList();
        Assert.Equal([first[0], second[0], first[1], second[1], first[2]], Vivim.Chain.BlockMaking.BlockMaker.InTurns([new Reaped(first), new Reaped([]), new Reaped(second)]));
    }
}
