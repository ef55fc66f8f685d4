using System.Numerics;
using Vivim.Protocol.Keys;

namespace Vivim.Simulator.Oracle;

/// <summary>Whose turn it is, by CometBFT's definition written down naively with big integers.</summary>
internal sealed class ProposerOrder
{
    private List<(Member Member, BigInteger Priority)> atHeight;

    public ProposerOrder(IReadOnlyList<Member> members) => atHeight = [.. members.OrderBy(member => member.Key).Select(member => (member, BigInteger.Zero))];

    private static BigInteger Total(IEnumerable<Member> members) => members.Aggregate(BigInteger.Zero, (sum, member) => sum + member.Power);

    /// <summary>The proposer of a round of the height under way.</summary>
    public PublicKey Of(uint round)
    {
        var turn = atHeight;
        for (var i = 0U; i < round; i++) turn = Elect(turn).After;
        return Elect(turn).Winner;
    }

    /// <summary>A height has passed; the next one has these members.</summary>
    public void Advance(IReadOnlyList<Member> next)
    {
        var now = Elect(atHeight).After;
        if (now.Select(entry => entry.Member).SequenceEqual(next.OrderBy(member => member.Key)))
        {
            atHeight = now;
            return;
        }

        var together = Total(next) + Total(now.Select(entry => entry.Member).Where(member => next.All(other => other.Key != member.Key)));
        var late = -(together + together / 8);
        atHeight = Settle([.. next.OrderBy(member => member.Key).Select(member => (member, now.Exists(entry => entry.Member.Key == member.Key) ? now.Find(entry => entry.Member.Key == member.Key).Priority : late))]);
    }

    private static (List<(Member Member, BigInteger Priority)> After, PublicKey Winner) Elect(List<(Member Member, BigInteger Priority)> before)
    {
        var raised = Settle(before).ConvertAll(entry => (entry.Member, Priority: entry.Priority + entry.Member.Power));
        var highest = raised.Max(entry => entry.Priority);
        var winner = raised.FindIndex(entry => entry.Priority == highest);
        raised[winner] = (raised[winner].Member, raised[winner].Priority - Total(raised.Select(entry => entry.Member)));
        return (raised, raised[winner].Member.Key);
    }

    /// <summary>At most twice the total power apart, and around zero.</summary>
    private static List<(Member Member, BigInteger Priority)> Settle(List<(Member Member, BigInteger Priority)> entries)
    {
        var window = 2 * Total(entries.Select(entry => entry.Member));
        var spread = entries.Max(entry => entry.Priority) - entries.Min(entry => entry.Priority);
        var ratio = spread > window ? (spread + window - 1) / window : BigInteger.One;
        var scaled = entries.ConvertAll(entry => (entry.Member, Priority: entry.Priority / ratio));
        var sum = scaled.Aggregate(BigInteger.Zero, (total, entry) => total + entry.Priority);
        var average = BigInteger.DivRem(sum, scaled.Count, out var rest) - (rest < 0 ? 1 : 0);
        return scaled.ConvertAll(entry => (entry.Member, entry.Priority - average));
    }
}
