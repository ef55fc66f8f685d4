using Vivim.Chain.Consensus;
using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Tests.Chain;

/// <summary>
/// A <see cref="TendermintCore"/> and its signer's row, run as the node runs them: what it wants sent is recorded first, then delivered to itself.
/// Signatures are left out; the core does not look at them.
/// </summary>
internal sealed class TestValidator
{
    public const ulong Height = 7;

    private readonly Queue<ConsensusInput> inputs = new();

    public TestValidator(int count, int index, SignerRow? row = null)
    {
        Index = index;
        Row = row ?? SignerRow.Initial;
        Core = NewCore(count, index);
    }

    public int Index { get; }

    public TendermintCore Core { get; }

    public SignerRow Row { get; private set; }

    /// <summary>All that was sent, in order: proposals and votes.</summary>
    public List<ConsensusInput> Sent { get; } = [];

    /// <summary>All inputs in order, its own messages too, and the outputs of each.</summary>
    public List<(ConsensusInput Input, IReadOnlyList<ConsensusOutput> Outputs)> Log { get; } = [];

    public CommitCertificate? Decision { get; private set; }

    /// <summary>Thrown, after a write, in place of going on.</summary>
    public int CrashAfterWrites { get; init; } = int.MaxValue;

    /// <summary>Validators in the order of their keys, one power each.</summary>
    public static ValidatorSet SetOf(int count) => new(Enumerable.Range(0, count).Select(i => new Validator(Key(i), 1)));

    public static PublicKey Key(int index)
    {
        var bytes = new byte[PublicKey.Size];
        bytes[0] = (byte)index;
        bytes[1] = 1;
        return new PublicKey(bytes);
    }

    /// <summary>The core alone; the proposer of a round is its number modulo the validators'.</summary>
    public static TendermintCore NewCore(int count, int index) => new(Height, SetOf(count), Key(index), round => Key((int)(round % count)));

    public static Vote VoteOf(int validator, VoteType type, uint round, Hash256? value) => new(type, Height, round, value, Key(validator), default);

    public static Proposal ProposalOf(int proposer, uint round, Hash256 value, int validRound = -1) => new(Height, round, validRound, value, Key(proposer), default);

    /// <summary>Goes on from the row: the same row in a new process.</summary>
    public IReadOnlyList<ConsensusOutput> Resume() => Feed(Row.Height != Height
        ? [new ConsensusInput.Start()]
        :
        [
            new ConsensusInput.Resume(Row.Round, Row.Step, Row.Standing.Locked, Row.Standing.Valid),
            .. Row.Proposals.Select(p => new ConsensusInput.ProposalReceived(p, IsValid: true)),
            .. Row.Standing.Grounds.Concat(Row.Votes).Select(v => new ConsensusInput.VoteReceived(v)),
        ]);

    /// <summary>Feeds inputs, and its own messages after them.</summary>
    /// <returns>All outputs, those of its own messages too.</returns>
    public IReadOnlyList<ConsensusOutput> Feed(params IEnumerable<ConsensusInput> fed)
    {
        foreach (var input in fed) inputs.Enqueue(input);
        var all = new List<ConsensusOutput>();
        while (inputs.TryDequeue(out var input))
        {
            var outputs = Core.Apply(input);
            Log.Add((input, outputs));
            all.AddRange(outputs);
            foreach (var output in outputs) Do(output);
        }

        return all;
    }

    /// <summary>Outputs as text, with the certificate's content.</summary>
    public static string Text(IEnumerable<ConsensusOutput> outputs) =>
        string.Join('\n', outputs.Select(output => output is ConsensusOutput.Decided decided ? $"decided {Convert.ToHexString(decided.Certificate.ToBytes())}" : output.ToString()));

    private void Do(ConsensusOutput output)
    {
        switch (output)
        {
            case ConsensusOutput.SendProposal send:
                var proposal = ProposalOf(Index, send.Round, send.Value, send.ValidRound);
                Send(Row.With(Height, send.Round, Step.Propose, Core.Standing, proposal, null), new ConsensusInput.ProposalReceived(proposal, IsValid: true));
                break;
            case ConsensusOutput.SendVote send:
                var vote = VoteOf(Index, send.Type, send.Round, send.Value);
                Send(Row.With(Height, send.Round, send.Type == VoteType.Prevote ? Step.Prevote : Step.Precommit, Core.Standing, null, vote), new ConsensusInput.VoteReceived(vote));
                break;
            case ConsensusOutput.Decided decided:
                Decision = decided.Certificate;
                break;
        }
    }

    private void Send(SignerRow next, ConsensusInput message)
    {
        Row = SignerRow.FromBytes(next.ToBytes());
        if (Row.Version >= (ulong)CrashAfterWrites) throw new CrashException();
        Sent.Add(message);
        inputs.Enqueue(message);
    }

    /// <summary>The process ends here.</summary>
    public sealed class CrashException() : Exception("crash");
}
