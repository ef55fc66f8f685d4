namespace Vivim.Chain.Queries;

/// <summary>
/// Lets calls that cost much work one after the other instead of all at once: a call takes a place, of which each caller and all together have a
/// bounded number, and works only while it has a turn (<see cref="TurnRing{T}"/>). Thread-safe.
/// </summary>
/// <param name="atOnce">Turns at the same time.</param>
/// <param name="perCaller">Calls of one caller under way, working or waiting.</param>
/// <param name="inAll">Calls of all callers under way.</param>
public sealed class CallerTurns(int atOnce, int perCaller, int inAll)
{
    private readonly Lock gate = new();
    private readonly CallerPlaces places = new(perCaller, inAll);
    private readonly TurnRing<Place> ring = new(atOnce);

    /// <summary>Calls under way.</summary>
    public int Count
    {
        get
        {
            lock (gate) return places.Count;
        }
    }

    /// <summary>Begins a call.</summary>
    /// <param name="caller">Who shares places and turns: an address.</param>
    /// <returns>To be disposed at the call's end; null where the caller, or all together, have as many calls under way as they may.</returns>
    public Place? TryEnter(string caller)
    {
        lock (gate) return places.TryEnter(caller) ? new Place(this, caller) : null;
    }

    private void Grant()
    {
        while (ring.Grant() is { } next) next.Granted.SetResult();
    }

    /// <summary>A call's place. It has one turn at a time.</summary>
    public sealed class Place : IDisposable
    {
        private readonly CallerTurns turns;
        private readonly string caller;
        private bool hasLeft;

        internal Place(CallerTurns turns, string caller)
        {
            this.turns = turns;
            this.caller = caller;
        }

        internal TaskCompletionSource Granted { get; private set; } = new();

        /// <summary>Waits for a turn. Dispose it before waiting for anything else: others wait meanwhile.</summary>
        /// <exception cref="OperationCanceledException">Cancelled; the wish is withdrawn.</exception>
        public async Task<Turn> Next(CancellationToken cancellation)
        {
            Task granted;
            lock (turns.gate)
            {
                Granted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                granted = Granted.Task;
                turns.ring.Ask(caller, this);
                turns.Grant();
            }

            try
            {
                await granted.WaitAsync(cancellation);
                return new Turn(this);
            }
            catch
            {
                Give();
                throw;
            }
        }

        /// <summary>The call is over: its place is free at once.</summary>
        public void Dispose()
        {
            lock (turns.gate)
            {
                if (hasLeft) return;
                hasLeft = true;
                turns.ring.Give(this);
                turns.places.Leave(caller);
                turns.Grant();
            }
        }

        internal void Give()
        {
            lock (turns.gate)
            {
                turns.ring.Give(this);
                turns.Grant();
            }
        }
    }

    /// <summary>A turn, until it is disposed.</summary>
    public readonly struct Turn(Place place) : IDisposable
    {
        /// <summary>Gives the turn to the next.</summary>
        public void Dispose() => place.Give();
    }
}
