using System.Net;
using FsCheck.Xunit;
using Vivim.Gateway.Limits;

namespace Vivim.Tests.Limits;

/// <summary>How something scarce is shared between addresses.</summary>
public sealed class FairSharesTests
{
    private const long Total = 1_024;
    private const long Divisor = 8;

    /// <summary>Whatever is taken, charged and given back in whatever order.</summary>
    [Property(MaxTest = 500)]
    public void What_is_held_adds_up_and_no_address_takes_more_than_its_part_of_what_is_free(byte[] steps)
    {
        var shares = new FairShares(Total);
        var held = new long[8];
        for (var i = 0; i + 1 < steps.Length; i += 2)
        {
            var (index, amount) = (steps[i] % held.Length, steps[i + 1] % 40L);
            var address = Caller(index);
            switch (steps[i] / held.Length % 4)
            {
                case 0 when held[index] >= amount:
                    shares.Give(address, amount);
                    held[index] -= amount;
                    break;
                case 1 when steps[i + 1] < 40:
                    shares.Charge(address, amount);
                    held[index] += amount;
                    break;
                default:
                    var before = held[index];
                    if (!shares.TryTake(address, amount, Divisor)) break;
                    held[index] += amount;
                    Assert.True(shares.Used <= Total);
                    Assert.True(before == 0 || held[index] <= (Total - held.Sum()) * (address.IsOwnMachine ? 4 : 1) / Divisor);
                    break;
            }

            Assert.Equal(held.Sum(), shares.Used);
            Assert.Equal(held[index], shares.Held(address));
        }

        Assert.Throws<InvalidOperationException>(() => shares.Give(Caller(0), held[0] + 1));
    }

    /// <summary>Each takes all it can, one after the other; whoever comes next always gets something, and the own machine most.</summary>
    [Fact]
    public void However_many_take_all_they_can_something_is_left_for_the_next_and_for_the_own_machine()
    {
        var shares = new FairShares(Total);
        var before = long.MaxValue;
        for (var i = 1; i <= 20; i++)
        {
            var taken = TakeAll(shares, Caller(i));
            Assert.InRange(taken, 8, before);
            before = taken;
        }

        Assert.InRange(TakeAll(shares, CallerAddress.OwnMachine), Total / 32, Total);
    }

    [Fact]
    public void A_network_of_IPv6_is_one_caller_and_the_own_machine_is_one_by_both_protocols()
    {
        Assert.Equal(CallerAddress.Of(IPAddress.Parse("2001:db8:0:1::1")), CallerAddress.Of(IPAddress.Parse("2001:db8:0:1:ffff::")));
        Assert.NotEqual(CallerAddress.Of(IPAddress.Parse("2001:db8:0:1::1")), CallerAddress.Of(IPAddress.Parse("2001:db8:0:2::1")));
        Assert.Equal(CallerAddress.Of(IPAddress.Parse("192.0.2.7")), CallerAddress.Of(IPAddress.Parse("::ffff:192.0.2.7")));
        Assert.All([IPAddress.Loopback, IPAddress.IPv6Loopback, IPAddress.Loopback.MapToIPv6()], address => Assert.True(CallerAddress.Of(address).IsOwnMachine));
        Assert.All([IPAddress.Parse("127.0.0.2"), IPAddress.Any, IPAddress.IPv6Any, null], address => Assert.False(CallerAddress.Of(address).IsOwnMachine));
    }

    /// <summary>The own machine for 0, others for others.</summary>
    internal static CallerAddress Caller(int number) => CallerAddress.Of(new IPAddress([127, 0, 0, (byte)(number + 1)]));

    private static long TakeAll(FairShares shares, CallerAddress address)
    {
        while (shares.TryTake(address, 1, Divisor)) continue;
        return shares.Held(address);
    }
}
