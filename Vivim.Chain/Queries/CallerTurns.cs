namespace Vivim.Chain.Queries;

/// <summary>
/// Lets calls that cost much work one after the other instead of all at once: a call works only while it has a turn (<see cref="TurnRing{T}"/>).
/// How many calls wait is bounded where calls come in. Thread-safe.
/// </summary>
/// <param name="atOnce">Turns at the same time.</param>
public sealed class CallerTurns(int atOnce)
{
    private readonly Lock gate = new();
    private readonly TurnRing<Turn> ring = new(atOnce);

    /// <summary>Calls that wait for a turn.</summary>
    public int Waiting
    {
        get
        {
            lock (gate) return ring.Waiting;
        }
    }

    /// <summary>Waits for a turn. Dispose the turn before waiting for anything else: others wait meanwhile.</summary>
    /// <param name="caller">Who shares turns: an address.</param>
    /// <exception cref="OperationCanceledException">Cancelled; the wish is withdrawn.</exception>
    public async Task<Turn> Next(string caller, CancellationToken cancellation)
    {
        var turn = new Turn(this);
        lock (gate)
        {
            ring.Ask(caller, turn);
            Grant();
        }

        try
        {
            await turn.Granted.Task.WaitAsync(cancellation);
            return turn;
        }
        catch
        {
            turn.Dispose();
            throw;
        }
    }

    private void Grant()
    {
        while (ring.Grant() is { } next) next.Granted.SetResult();
    }

    /// <summary>A turn, until it is disposed.</summary>
    public sealed class Turn : IDisposable
    {
        private readonly CallerTurns turns;

        internal Turn(CallerTurns turns) => this.turns = turns;

        internal TaskCompletionSource Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Gives the turn to the next call, or withdraws the wish for it.</summary>
        public void Dispose()
        {
            lock (turns.gate)
            {
                turns.ring.Give(this);
                turns.Grant();
            }
        }
    }
}
