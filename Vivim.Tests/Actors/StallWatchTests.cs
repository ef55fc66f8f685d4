using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Vivim.Chain.Consensus;
using Vivim.Chain.Ledger;
using Vivim.Tests.Ledger;

namespace Vivim.Tests.Actors;

/// <summary>The watch ends a node that commits nothing. Its time is the test's.</summary>
[Collection(ActorTests.Collection)]
public sealed class StallWatchTests : TestKit
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public StallWatchTests()
        : base("akka.scheduler.implementation = \"Akka.TestKit.TestScheduler, Akka.TestKit\"")
    {
        Sys.EventStream.Subscribe(TestActor, typeof(NodeFault));
        var watch = Sys.ActorOf(Props.Create(() => new StallWatch(Limit)));
        // It listens once it has answered.
        watch.Ask<ActorIdentity>(new Identify(null)).Wait();
    }

    [Fact]
    public async Task A_node_that_commits_nothing_ends_with_the_last_that_each_validator_said()
    {
        var (ann, bob) = (TestChain.ValidatorOf(0).Key.PublicKey, TestChain.ValidatorOf(1).Key.PublicKey);
        Sys.EventStream.Publish(new ValidatorReport(ann, "height 5, round 0", 0));
        Sys.EventStream.Publish(new ValidatorReport(ann, "height 5, round 7", 7));
        Sys.EventStream.Publish(new ValidatorReport(bob, "takes no part", 0));
        Pass(Limit);

        var reason = (await ExpectMsgAsync<NodeFault>(Patience)).Reason;

        Assert.Contains("nothing was committed for 20 s", reason, StringComparison.Ordinal);
        Assert.Contains($"{ann.ToString()[..8]}: height 5, round 7", reason, StringComparison.Ordinal);
        Assert.Contains($"{bob.ToString()[..8]}: takes no part", reason, StringComparison.Ordinal);
        Assert.DoesNotContain("round 0", reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_commit_in_time_gives_the_node_its_time_again()
    {
        var committed = new BlockCommitted(new TestChain().Ledger.Tip, false, [], new Dictionary<Vivim.Protocol.Identity.Did, ulong>(), 0, []);
        for (var i = 0; i < 3; i++)
        {
            Pass(Limit - TimeSpan.FromSeconds(1));
            Sys.EventStream.Publish(committed);
        }

        Pass(Limit - TimeSpan.FromSeconds(1));
        Sys.EventStream.Publish(new NodeFault("the next second"));
        Pass(TimeSpan.FromSeconds(1));

        Assert.Equal("the next second", (await ExpectMsgAsync<NodeFault>(Patience)).Reason);
        Assert.Contains("no validator has reported", (await ExpectMsgAsync<NodeFault>(Patience)).Reason, StringComparison.Ordinal);
    }

    /// <summary>Second by second, which is how often the watch looks.</summary>
    private void Pass(TimeSpan time)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += TimeSpan.FromSeconds(1)) ((TestScheduler)Sys.Scheduler).Advance(TimeSpan.FromSeconds(1));
    }
}
