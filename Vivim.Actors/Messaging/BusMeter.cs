using System.Diagnostics.Metrics;

namespace Vivim.Actors.Messaging;

/// <summary>What became of a message at its receiver.</summary>
internal enum BusOutcome
{
    Handled,
    Failed,
    Expired,
    Refused,
}

/// <summary>Counts messages of the bus on this node, by outcome and priority.</summary>
public static class BusMeter
{
    /// <summary>The name of the meter.</summary>
    public const string Name = "Vivim.Bus";

    private static readonly Meter Meter = new(Name);
    private static readonly Counter<long> Messages = Meter.CreateCounter<long>("vivim.bus.messages", description: "Messages that reached a worker's inbox on this node, by what became of them");

    internal static void Count(BusOutcome outcome, MessagePriority priority) => Messages.Add(
        1, new KeyValuePair<string, object?>("outcome", outcome.ToString().ToLowerInvariant()), new KeyValuePair<string, object?>("priority", priority.ToString().ToLowerInvariant()));
}
