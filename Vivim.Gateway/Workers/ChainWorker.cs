using Akka.Actor;
using Vivim.Actors;
using Vivim.Actors.Workers;

namespace Vivim.Gateway.Workers;

/// <summary>An entity of the chain, as a worker looks after it.</summary>
/// <param name="Region">Reaches it, wherever it runs.</param>
/// <param name="Id">Its id there.</param>
/// <param name="Name">What people call it.</param>
internal sealed record ChainEntity(IActorRef Region, string Id, string Name);

/// <summary>
/// The worker side of an entity of the chain: a partition of the pool, a block maker, a validator. It tells how the entity is, and restarts or
/// crashes it where an operator says so. The chain does not depend on it: entities are hosted and kept alive without workers, and its stop leaves
/// them alone.
/// </summary>
/// <param name="entity">Found when it is first needed.</param>
internal sealed class ChainWorker(Func<ChainEntity> entity) : ServiceWorker
{
    /// <summary>The type of those for the pool's partitions.</summary>
    public const string Pool = "txpool";

    /// <summary>The type of those for the validators' block makers.</summary>
    public const string BlockMaker = "blockmaker";

    /// <summary>The type of those for validators.</summary>
    public const string Validator = "validator";

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>How long the entity may take to answer; then what was sent to it may be lost.</summary>
    public TimeSpan AnswerLimit { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>None: what the chain has to do it does by itself.</summary>
    public override IReadOnlyDictionary<string, bool> Jobs { get; } = new Dictionary<string, bool>(StringComparer.Ordinal);

    /// <exception cref="TimeoutException">The entity has not answered.</exception>
    public override Task Initialize(CancellationToken cancellationToken) => InTime("has not answered", asked => Answer(asked, null, cancellationToken));

    public override Task Start(CancellationToken cancellationToken) => Task.CompletedTask;

    public override Task Stop(CancellationToken cancellationToken) => Task.CompletedTask;

    public override Task<string> Execute(TaskAttempt attempt, CancellationToken cancellationToken) => throw new NothingDoneException("it takes no tasks");

    public override async Task<WorkerHealth> CheckHealth(CancellationToken cancellationToken)
    {
        var checkedOne = entity();
        return await Check(checkedOne, cancellationToken) is { } status
            ? new WorkerHealth(HealthStatus.Healthy, status.Message)
            : new WorkerHealth(HealthStatus.Unhealthy, $"{NameOf(checkedOne)} did not answer within {AnswerLimit.TotalSeconds:0.##} s");
    }

    /// <exception cref="TimeoutException">The entity has not begun a new life.</exception>
    public override Task Renew(string by, CancellationToken cancellationToken) => InTime("has not begun anew", async renewed =>
    {
        // Of one that does not answer no life is known, and any in which it does will do.
        var former = await Check(renewed, cancellationToken);
        renewed.Region.Tell(new RestartEntity(renewed.Id, by));
        await Answer(renewed, former?.Life, cancellationToken);
    });

    public override Task Crash(string by, CancellationToken cancellationToken)
    {
        var crashed = entity();
        crashed.Region.Tell(new CrashEntity(crashed.Id, by));
        return Task.CompletedTask;
    }

    /// <summary>What the entity has not done before its time was over is said of it by name.</summary>
    private async Task InTime(string failure, Func<ChainEntity, Task> wait)
    {
        var asked = entity();
        try
        {
            await wait(asked);
        }
        catch (OperationCanceledException e)
        {
            throw new TimeoutException($"{NameOf(asked)} {failure}", e);
        }
    }

    private static string NameOf(ChainEntity asked) => $"{asked.Name} in {asked.Region.Path.ToStringWithoutAddress()}";

    /// <summary>Waits until the entity answers in another life than the former, or at all.</summary>
    private async Task Answer(ChainEntity asked, string? former, CancellationToken cancellationToken)
    {
        while (await Check(asked, cancellationToken) is not { } status || status.Life == former) await Task.Delay(Pause, cancellationToken);
    }

    /// <summary>How the entity is; null where it does not answer.</summary>
    private async Task<EntityStatus?> Check(ChainEntity asked, CancellationToken cancellationToken)
    {
        try
        {
            return await asked.Region.Ask<EntityStatus>(new CheckEntity(asked.Id), AnswerLimit, cancellationToken);
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }
}
