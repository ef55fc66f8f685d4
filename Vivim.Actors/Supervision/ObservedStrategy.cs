using Akka.Actor;

namespace Vivim.Actors.Supervision;

/// <summary>
/// An actor has failed, and what is done about it. Published on the node's event stream by its supervisor's <see cref="ObservedStrategy"/>, or by
/// the actor itself where it ends by its own decision; before it is done.
/// </summary>
/// <param name="Then">Of a restart that the strategy does not permit any more, a stop follows.</param>
public sealed record ActorFailed(IActorRef Actor, Exception Cause, Directive Then) : INoSerializationVerificationNeeded;

/// <summary>
/// One for one, telling the supervision stream of each decision. It restarts what fails, and stops what cannot start or was killed, as Akka's own
/// default does; another decider can be given.
/// </summary>
public sealed class ObservedStrategy : OneForOneStrategy
{
    public ObservedStrategy()
        : base(DefaultDecider)
    {
    }

    public ObservedStrategy(Func<Exception, Directive> decider)
        : base(decider)
    {
    }

    protected override void LogFailure(IActorContext context, IActorRef child, Exception cause, Directive directive)
    {
        base.LogFailure(context, child, cause, directive);
        context.System.EventStream.Publish(new ActorFailed(child, cause, directive));
    }
}

/// <summary>Makes <see cref="ObservedStrategy"/> the strategy of all that is made under /user; named in akka.actor.guardian-supervisor-strategy.</summary>
public sealed class ObservedGuardian : SupervisorStrategyConfigurator
{
    public override SupervisorStrategy Create() => new ObservedStrategy();
}
