using Akka.Actor;
using Akka.Event;
using Akka.TestKit.Xunit2;
using Vivim.Actors.Remoting;
using Vivim.Tests.Actors;

namespace Vivim.Tests.Remoting;

/// <summary>What is refused is counted one by one, and told of in one line for many.</summary>
[Collection(ActorTests.Collection)]
public sealed class RefusedMessagesTests() : TestKit("akka { loglevel = WARNING, stdout-loglevel = OFF, loggers = [\"Akka.TestKit.TestEventListener, Akka.TestKit\"] }")
{
    [Fact]
    public async Task A_flood_of_refusals_makes_one_line_and_says_how_many_they_were()
    {
        var counted = new RefusalCount();
        var clock = new SetTime(DateTimeOffset.UnixEpoch);
        var refused = new RefusedMessages(Sys, clock);
        var log = CreateTestProbe();
        Sys.EventStream.Subscribe<Warning>(log);
        for (var i = 0; i < 1_000; i++) refused.Add(new InboundRefusal(InboundRefusalReason.Form, "first"));
        clock.Now += RefusedMessages.Pause;
        refused.Add(new InboundRefusal(InboundRefusalReason.Recipient, "second"));
        Assert.Contains("refused 1 messages", (await log.ExpectMsgAsync<Warning>()).ToString(), StringComparison.Ordinal);
        Assert.Contains("refused 1000 messages", (await log.ExpectMsgAsync<Warning>()).ToString(), StringComparison.Ordinal);
        Sys.EventStream.Publish(new Warning("", typeof(RefusedMessagesTests), "the end"));
        Assert.EndsWith("the end", (await log.ExpectMsgAsync<Warning>()).ToString(), StringComparison.Ordinal);
        Assert.Equal((1_000, 1), (counted[InboundRefusalReason.Form], counted[InboundRefusalReason.Recipient]));
    }

    [Fact]
    public async Task What_others_have_written_is_cut_and_holds_nothing_that_a_terminal_obeys()
    {
        var log = CreateTestProbe();
        Sys.EventStream.Subscribe<Warning>(log);
        new RefusedMessages(Sys, TimeProvider.System).Add(InboundRefusal.OfForm(1, "\u001b[31m\u202e\n" + new string('x', 1 << 20)));
        var line = (await log.ExpectMsgAsync<Warning>()).Message.ToString()!;
        Assert.InRange(line.Length, 1, 400);
        Assert.All(line, c => Assert.InRange(c, ' ', '~'));
        Assert.Contains("serializer 1", line, StringComparison.Ordinal);
    }
}
