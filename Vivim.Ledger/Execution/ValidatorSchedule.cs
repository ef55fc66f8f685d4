using Vivim.Ledger.State;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.State;

namespace Vivim.Ledger.Execution;

/// <summary>
/// Which validators are in force from which height on: past sets as far back as evidence reaches, the present one, and one that is to come. Immutable.
/// In the state only blocks that change the set write it: the heights under one key, and under a key of its own each set with its
/// proposers' priorities at that height, from which those of later heights follow.
/// </summary>
public sealed class ValidatorSchedule
{
    /// <summary>No more sets are kept: older evidence finds no set to be judged by.</summary>
    public const int MaxEntries = 64;

    private readonly Entry[] entries;

    private ValidatorSchedule(Entry[] entries) => this.entries = entries;

    private sealed record Entry(ulong From, ProposerRotation Rotation);

    /// <summary>The schedule of a new chain: its validators from height 1 on.</summary>
    public static ValidatorSchedule Of(ValidatorSet genesis) => new([new Entry(1, ProposerRotation.Start(genesis))]);

    /// <summary>The validators of a height; null where it is older than all kept.</summary>
    public ValidatorSet? At(ulong height) => EntryAt(height)?.Rotation.Validators;

    /// <summary>The proposers of a height, computed from the last change at or before it: one election for every height between.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Older than all kept.</exception>
    public ProposerRotation Proposers(ulong height)
    {
        var entry = EntryAt(height) ?? throw new ArgumentOutOfRangeException(nameof(height));
        var rotation = entry.Rotation;
        for (var at = entry.From; at < height; at++) rotation = rotation.Next();
        return rotation;
    }

    /// <summary>The proposers of the height after <paramref name="height"/>, given that height's: one election at most.</summary>
    public ProposerRotation ProposersAfter(ulong height, ProposerRotation proposers) =>
        EntryAt(height + 1) is { } entry && entry.From == height + 1 ? entry.Rotation : proposers.Next();

    /// <summary>The schedule with another set from a height on, which is above all of its own.</summary>
    /// <param name="oldest">Sets that are in force below this height only are no longer needed.</param>
    public ValidatorSchedule With(ulong from, ProposerRotation rotation, ulong oldest)
    {
        if (from <= entries[^1].From) throw new InvalidOperationException($"a validator set is scheduled from height {entries[^1].From} on, another one cannot be from {from} on");
        Entry[] all = [.. entries, new Entry(from, rotation)];
        var first = Math.Max(0, all.Length - MaxEntries);
        while (first + 1 < all.Length && all[first + 1].From <= oldest) first++;
        return new ValidatorSchedule(all[first..]);
    }

    /// <exception cref="InvalidDataException">The state has no schedule: it is not a chain's state.</exception>
    public static ValidatorSchedule Read(IStateReader state)
    {
        var reader = new CanonicalReader(state.Get(StateKey.Validators) ?? throw new InvalidDataException("the state has no validators"));
        var read = new Entry[reader.Count(MaxEntries, 8)];
        for (var i = 0; i < read.Length; i++)
        {
            var from = reader.U64();
            read[i] = new Entry(from, Decode(state.Get(StateKey.ValidatorsFrom(from)) ?? throw new InvalidDataException($"the state lacks the validators of height {from}")));
        }

        reader.End();
        return read.Length > 0 ? new ValidatorSchedule(read) : throw new InvalidDataException("the state has no validators");
    }

    /// <summary>The keys to write where the state has <paramref name="before"/>, or nothing where that is null; a null value deletes.</summary>
    public IEnumerable<KeyValuePair<byte[], byte[]?>> ChangesFrom(ValidatorSchedule? before)
    {
        var writer = new CanonicalWriter(8 * entries.Length + 4).U32((uint)entries.Length);
        foreach (var entry in entries) writer.U64(entry.From);
        yield return new(StateKey.Validators, writer.ToArray());
        foreach (var added in entries.Where(entry => before?.Has(entry.From) != true)) yield return new(StateKey.ValidatorsFrom(added.From), Encode(added.Rotation));
        foreach (var dropped in (before?.entries ?? []).Where(entry => !Has(entry.From))) yield return new(StateKey.ValidatorsFrom(dropped.From), null);
    }

    private bool Has(ulong from) => entries.Any(entry => entry.From == from);

    private Entry? EntryAt(ulong height) => entries.LastOrDefault(entry => entry.From <= height);

    private static byte[] Encode(ProposerRotation rotation)
    {
        var writer = new CanonicalWriter(4 + rotation.Validators.Count * 48);
        rotation.Validators.Encode(writer);
        rotation.Encode(writer);
        return writer.ToArray();
    }

    private static ProposerRotation Decode(byte[] value)
    {
        var reader = new CanonicalReader(value);
        var rotation = ProposerRotation.Decode(ref reader, ValidatorSet.Decode(ref reader));
        reader.End();
        return rotation;
    }
}
