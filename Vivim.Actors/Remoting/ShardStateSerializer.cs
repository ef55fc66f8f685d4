using Akka.Actor;
using Akka.Configuration;

namespace Vivim.Actors.Remoting;

/// <summary>
/// Reads of all replicated data only the state of a shard coordinator. Akka.NET takes the type of a replicated value by the name that came with it.
/// </summary>
public sealed class ShardStateSerializer(ExtendedActorSystem system, Config config) : AdmittingSerializer(system, config)
{
    private const string State = "Akka.Cluster.Sharding.ShardCoordinator+CoordinatorState, Akka.Cluster.Sharding";

    protected override bool IsAdmitted(byte[] bytes) => V1.ReplicatedRegister.Parser.WithDiscardUnknownFields(true).ParseFrom(bytes).Type?.Name == State;
}
