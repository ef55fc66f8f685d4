namespace Vivim.Gateway.Configuration;

/// <summary>The machine's clock, ahead by a fixed amount: a node with a wrong clock, for tests.</summary>
internal sealed class OffsetClock : TimeProvider
{
    private readonly TimeSpan offset;

    private OffsetClock(TimeSpan offset) => this.offset = offset;

    public static TimeProvider Of(TimeSpan offset) => offset == TimeSpan.Zero ? System : new OffsetClock(offset);

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + offset;
}
