using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;

namespace Vivim.Chain.Consensus;

/// <summary>
/// All that a consensus key has signed at its current height, and what it is locked on (DESIGN §7). A message leaves only after the row
/// that contains it is durable; after a crash the stored messages are sent again, never made anew. The votes it stands on go
/// with it: were they lost in a power cut, nobody could show a locked block's polka (L28), or why this validator is in a later round (L55).
/// </summary>
/// <param name="Version">Counts the writes; a writer whose version is stale is another incarnation's and must stop.</param>
public sealed record SignerRow(ulong Version, ulong Height, uint Round, Step Step, Standing Standing, IReadOnlyList<Proposal> Proposals, IReadOnlyList<Vote> Votes)
{
    private const int MaxMessages = 3 * ((int)ProposerRotation.MaxRound + 1);

    /// <summary>The row of a key that has signed nothing.</summary>
    public static readonly SignerRow Initial = new(0, 0, 0, Step.Propose, Standing.Initial, [], []);

    /// <summary>The next row with one more message at (height, round, step).</summary>
    /// <exception cref="SignerRegressionException">That step, or a later one, has been signed already.</exception>
    public SignerRow With(ulong height, uint round, Step step, Standing standing, Proposal? proposal, Vote? vote)
    {
        var isFirst = Version == 0;
        if (!isFirst && (height, round, (byte)step).CompareTo((Height, Round, (byte)Step)) <= 0)
            throw new SignerRegressionException($"the key has signed at height {Height}, round {Round}, step {Step}; it will not sign at {height}, {round}, {step}");
        var sameHeight = height == Height;
        IReadOnlyList<Proposal> proposals = [.. sameHeight ? Proposals : [], .. proposal is null ? [] : new[] { proposal }];
        IReadOnlyList<Vote> votes = [.. sameHeight ? Votes : [], .. vote is null ? [] : new[] { vote }];
        return new SignerRow(Version + 1, height, round, step, standing, proposals, votes);
    }

    public byte[] ToBytes()
    {
        var writer = new CanonicalWriter(1024).U64(Version).U64(Height).U32(Round).U8((byte)Step);
        Encode(writer, Standing.Locked);
        Encode(writer, Standing.Valid);
        Encode(writer, Standing.Grounds);
        writer.U32((uint)Proposals.Count);
        foreach (var proposal in Proposals) proposal.Encode(writer);
        Encode(writer, Votes);
        return writer.ToArray();
    }

    /// <exception cref="MalformedException">The stored bytes are damaged.</exception>
    public static SignerRow FromBytes(ReadOnlySpan<byte> bytes)
    {
        var reader = new CanonicalReader(bytes);
        var (version, height, round, step) = (reader.U64(), reader.U64(), reader.U32(), (Step)reader.U8());
        if (!Enum.IsDefined(step)) throw new MalformedException($"{(byte)step} is not a step");
        var standing = new Standing(DecodeRoundValue(ref reader), DecodeRoundValue(ref reader), DecodeVotes(ref reader));
        var proposals = new Proposal[reader.Count(MaxMessages, 1)];
        for (var i = 0; i < proposals.Length; i++) proposals[i] = Proposal.Decode(ref reader);
        var votes = DecodeVotes(ref reader);
        reader.End();
        return new SignerRow(version, height, round, step, standing, proposals, votes);
    }

    private static void Encode(CanonicalWriter writer, IReadOnlyList<Vote> votes)
    {
        writer.U32((uint)votes.Count);
        foreach (var vote in votes) vote.Encode(writer);
    }

    private static Vote[] DecodeVotes(ref CanonicalReader reader)
    {
        var votes = new Vote[reader.Count(MaxMessages, 1)];
        for (var i = 0; i < votes.Length; i++) votes[i] = Vote.Decode(ref reader);
        return votes;
    }

    private static void Encode(CanonicalWriter writer, RoundValue value) => writer.I32(value.Round).Hash(value.Value ?? Hash256.Zero);

    private static RoundValue DecodeRoundValue(ref CanonicalReader reader)
    {
        var round = reader.I32();
        var value = reader.Hash();
        if (round < -1 || (round == -1 && !value.IsZero)) throw new MalformedException($"round {round} has no value {value}");
        return round == -1 ? RoundValue.None : new RoundValue(round, value);
    }
}

/// <summary>A key was asked to sign what it may have signed differently before.</summary>
public sealed class SignerRegressionException(string message) : Exception(message);
