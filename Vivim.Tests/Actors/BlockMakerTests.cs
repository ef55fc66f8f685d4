using Akka.Actor;
using Vivim.Chain.BlockMaking;
using Vivim.Chain.Ledger;
using Vivim.Chain.Pool;
using Vivim.Protocol.Keys;

namespace Vivim.Tests.Actors;

[Collection(Collection)]
public sealed class BlockMakerTests : ActorTests
{
    [Fact]
    public async Task The_same_block_is_given_for_a_round_after_a_restart_too_and_no_round_displaces_another()
    {
        var maker = Start();
        var first = await Build(maker, round: 0, time: 5_000);
        var third = await Build(maker, round: 2, time: 6_000);
        Assert.NotEqual(first, third);
        await End(maker);

        maker = Start();
        Assert.Equal(first, await Build(maker, round: 0, time: 7_000));
        Assert.Equal(third, await Build(maker, round: 2, time: 7_000));
        Assert.Equal([first, third], await Find(maker, 1));
        Assert.Empty(await Find(maker, 2));
    }

    [Fact]
    public async Task A_block_of_another_validator_is_kept_and_does_not_stand_for_its_own()
    {
        var maker = Start();
        var foreign = await Ledger.Read(l => l.Assemble([], [], 0, 9_000, SigningKey.Generate().PublicKey));
        await maker.Ask<BlockKept>(new KeepBlock(ValidatorKey.PublicKey, foreign), Patience);
        var own = await Build(maker, round: 0, time: 5_000);
        Assert.NotEqual(foreign.Id, own);
        await End(maker);
        Assert.Equal([foreign.Id, own], await Find(Start(), 1));
    }

    [Fact]
    public async Task Asked_twice_at_once_it_makes_one_block()
    {
        var maker = Start();
        var blocks = await Task.WhenAll(Enumerable.Range(0, 5).Select(i => Build(maker, round: 0, time: 5_000 + i)));
        Assert.Single(blocks.Distinct());
        await End(maker);
        Assert.Equal(blocks[0], await Build(Start(), round: 0, time: 6_000));
    }

    [Fact]
    public async Task Blocks_of_a_past_height_are_forgotten_and_cannot_be_asked_for()
    {
        var maker = Start();
        var first = await Build(maker, round: 0, time: 5_000);
        await Commit();
        await Build(maker, round: 0, time: 6_000, height: 2);
        Assert.DoesNotContain(first, await Find(maker, 2));
        Assert.Empty(await Find(maker, 1));
        await Assert.ThrowsAsync<InvalidOperationException>(() => Build(maker, round: 1, time: 7_000));
    }

    [Theory]
    [InlineData("Fail")]
    [InlineData("Reject")]
    [InlineData("StoreAndFail")]
    public async Task A_block_that_cannot_be_stored_is_not_given_and_who_asked_is_told(string fault)
    {
        var maker = Start();
        await WatchAsync(maker);
        JournalFaults.Of("consensus").Next = () => Enum.Parse<JournalFault>(fault);
        await Assert.ThrowsAsync<IOException>(() => Build(maker, round: 0, time: 5_000));
        await ExpectTerminatedAsync(maker, Patience);

        JournalFaults.Of("consensus").Next = static () => JournalFault.None;
        maker = Start();
        var block = await Build(maker, round: 0, time: 6_000);
        Assert.Equal([block], await Find(maker, 1));
    }

    [Fact]
    public async Task Partitions_that_do_not_answer_are_left_out()
    {
        var maker = Sys.ActorOf(Props.Create(() => new BlockMaker(ValidatorKey.PublicKey, new BlockMakerSettings(Ledger, TestActor, TimeSpan.FromMilliseconds(50)))));
        await Build(maker, round: 0, time: 5_000);
    }

    private async Task<Vivim.Protocol.Hash256> Build(IActorRef maker, uint round, long time, ulong height = 1) =>
        (await maker.Ask<BlockBuilt>(new BuildBlock(ValidatorKey.PublicKey, height, round, time, []), Patience)).Block.Id;

    private async Task<IEnumerable<Vivim.Protocol.Hash256>> Find(IActorRef maker, ulong height) =>
        (await maker.Ask<BlocksFound>(new FindBlocks(ValidatorKey.PublicKey, height), Patience)).Blocks.Select(block => block.Id);

    private IActorRef Start()
    {
        var pool = Sys.ActorOf<EmptyPool>();
        return Sys.ActorOf(Props.Create(() => new BlockMaker(ValidatorKey.PublicKey, new BlockMakerSettings(Ledger, pool, Patience))));
    }
}

/// <summary>Partitions in which nothing waits.</summary>
internal sealed class EmptyPool : ReceiveActor
{
    public EmptyPool() => Receive<Reap>(_ => Sender.Tell(new Reaped([])));
}
