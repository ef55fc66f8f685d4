using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Vivim.Chain.Consensus;
using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Keys;

namespace Vivim.Tests.Chain;

/// <summary>What stands between a validator and signing two different things.</summary>
public sealed class SignerTests : IDisposable
{
    private const string ChainId = "vivim-test";
    private static readonly Hash256 A = Hash256.Of("A"u8);
    private static readonly (ulong Height, uint Round, Step Step)[] Places =
        [.. from height in new ulong[] { 6, 7, 8 } from round in new uint[] { 0, 1, 2 } from step in Enum.GetValues<Step>() select (height, round, step)];

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vivim-signer-");
    private readonly SigningKey key = SigningKey.Generate();

    private static class Rows
    {
        public static Arbitrary<SignerRow> Any()
        {
            var hash = Gen.Choose(0, 1000).Select(n => Hash256.Of(BitConverter.GetBytes(n)));
            var number = Gen.OneOf(Gen.Choose(0, 5).Select(n => (ulong)n), Gen.Constant(ulong.MaxValue));
            var round = Gen.OneOf(Gen.Choose(0, 5).Select(n => (uint)n), Gen.Constant(uint.MaxValue));
            var roundValue = Gen.OneOf(Gen.Constant(RoundValue.None), from r in Gen.Choose(0, 5) from v in hash select new RoundValue(r, v));
            var proposal = from h in number from v in hash from r in Gen.Choose(0, 5) from vr in Gen.Choose(-1, r - 1) select new Proposal(h, (uint)r, vr, v, TestValidator.Key(r), default);
            var vote = from h in number from v in Gen.OneOf(hash.Select(x => (Hash256?)x), Gen.Constant<Hash256?>(null)) from r in round from t in Gen.Elements(Enum.GetValues<VoteType>()) select new Vote(t, h, r, v, TestValidator.Key(1), default);
            return (from version in number
                    from height in number
                    from r in round
                    from step in Gen.Elements(Enum.GetValues<Step>())
                    from locked in roundValue
                    from valid in roundValue
                    from polka in vote.ListOf()
                    from proposals in proposal.ListOf()
                    from votes in vote.ListOf()
                    select new SignerRow(version, height, r, step, new Standing(locked, valid, polka), proposals, votes)).ToArbitrary();
        }
    }

    public void Dispose()
    {
        key.Dispose();
        folder.Delete(recursive: true);
    }

    [Property(Arbitrary = [typeof(Rows)])]
    public void A_row_survives_its_encoding(SignerRow row)
    {
        var again = SignerRow.FromBytes(row.ToBytes());
        Assert.Equal(row with { Standing = again.Standing, Proposals = again.Proposals, Votes = again.Votes }, again);
        Assert.Equal((row.Standing.Locked, row.Standing.Valid), (again.Standing.Locked, again.Standing.Valid));
        Assert.Equal(row.Standing.Grounds, again.Standing.Grounds);
        Assert.Equal(row.Proposals, again.Proposals);
        Assert.Equal(row.Votes, again.Votes);
    }

    [Property(Arbitrary = [typeof(Rows)])]
    public void Damaged_bytes_are_refused_or_are_the_one_encoding_of_another_row(SignerRow row, uint place, byte mask, uint length)
    {
        var bytes = row.ToBytes();
        bytes[place % bytes.Length] ^= mask;
        foreach (var damaged in new[] { bytes, bytes[..(int)(length % bytes.Length)], [.. bytes, mask] })
        {
            try
            {
                Assert.Equal(damaged, SignerRow.FromBytes(damaged).ToBytes());
            }
            catch (MalformedException)
            {
                // Refused.
            }
        }
    }

    [Fact]
    public void A_row_takes_only_what_is_above_it()
    {
        foreach (var before in Places)
        {
            var row = SignerRow.Initial.With(before.Height, before.Round, before.Step, Standing.Initial, null, VoteAt(before));
            foreach (var after in Places)
            {
                SignerRow Next() => row.With(after.Height, after.Round, after.Step, Standing.Initial, null, VoteAt(after));
                if (after.CompareTo(before) > 0) Assert.Equal((2ul, after.Height == before.Height ? 2 : 1), (Next().Version, Next().Votes.Count));
                else Assert.Throws<SignerRegressionException>(Next);
            }
        }
    }

    [Fact]
    public void What_is_signed_verifies_and_is_in_the_row_of_the_next_start()
    {
        using var store = NewStore();
        var signer = NewSigner(store);
        var proposal = signer.SignProposal(7, 0, -1, A, Standing.Initial);
        store.Record(key.PublicKey, signer.Row);
        var vote = signer.SignVote(VoteType.Prevote, 7, 0, A, Standing.Initial);
        store.Record(key.PublicKey, signer.Row);
        var nil = signer.SignVote(VoteType.Precommit, 7, 0, null, new Standing(new RoundValue(0, A), new RoundValue(0, A), [vote]));
        store.Record(key.PublicKey, signer.Row);
        Assert.True(proposal.SignatureVerifies(ChainId, Ed25519Scheme.Instance) && vote.SignatureVerifies(ChainId, Ed25519Scheme.Instance) && nil.SignatureVerifies(ChainId, Ed25519Scheme.Instance));
        Assert.False(vote.SignatureVerifies("another chain", Ed25519Scheme.Instance));

        using var reopened = new SqliteSignerStore(Path.Combine(folder.FullName, "signer.db"));
        var row = reopened.Require(key.PublicKey);
        Assert.Equal((3ul, 7ul, 0u, Step.Precommit, new RoundValue(0, A)), (row.Version, row.Height, row.Round, row.Step, row.Standing.Locked));
        Assert.Equal([proposal], row.Proposals);
        Assert.Equal([vote, nil], row.Votes);
    }

    [Fact]
    public void Of_two_incarnations_only_one_can_sign_and_the_other_gets_nothing_out()
    {
        using var store = NewStore();
        using var other = new SqliteSignerStore(Path.Combine(folder.FullName, "signer.db"));
        var (first, second) = (NewSigner(store), NewSigner(other));
        var vote = first.SignVote(VoteType.Prevote, 7, 0, A, Standing.Initial);
        store.Record(key.PublicKey, first.Row);
        second.SignVote(VoteType.Prevote, 7, 0, null, Standing.Initial);
        Assert.Throws<StaleSignerException>(() => other.Record(key.PublicKey, second.Row));
        Assert.Equal([vote], store.Load(key.PublicKey)!.Votes);
        Assert.Empty(store.Load(key.PublicKey)!.Proposals);
    }

    [Fact]
    public void A_write_that_fails_lets_nothing_out_and_one_that_was_kept_nevertheless_is_found_at_the_next_start()
    {
        using var store = NewStore();
        var lost = NewSigner(store);
        lost.SignVote(VoteType.Prevote, 7, 0, A, Standing.Initial);
        Assert.Throws<IOException>(() => new FaultyStore(store, keeps: false).Record(key.PublicKey, lost.Row));
        Assert.Equal(0ul, store.Load(key.PublicKey)!.Version);

        var kept = NewSigner(store);
        kept.SignVote(VoteType.Prevote, 7, 0, A, Standing.Initial);
        Assert.Throws<IOException>(() => new FaultyStore(store, keeps: true).Record(key.PublicKey, kept.Row));
        var next = NewSigner(store);
        Assert.Throws<SignerRegressionException>(() => next.SignVote(VoteType.Prevote, 7, 0, null, Standing.Initial));
        Assert.Equal(A, Assert.Single(next.Row.Votes).BlockId);
    }

    [Fact]
    public void A_key_without_a_row_does_not_sign()
    {
        using var store = new SqliteSignerStore(Path.Combine(folder.FullName, "signer.db"));
        Assert.Throws<InvalidOperationException>(() => store.Require(key.PublicKey));
    }

    [Fact]
    public void Votes_of_any_power_are_added_without_overflow()
    {
        ulong[] powers = [ValidatorSet.MaxTotalPower / 2, ValidatorSet.MaxTotalPower / 3, 1, 1];
        var keeper = new VoteKeeper(new ValidatorSet(powers.Select((power, i) => new Validator(TestValidator.Key(i), power))));
        keeper.Add(TestValidator.VoteOf(0, VoteType.Prevote, 0, A), 0);
        Assert.False(keeper.HasQuorum(VoteType.Prevote, 0, A));
        keeper.Add(TestValidator.VoteOf(2, VoteType.Prevote, 0, A), 0);
        keeper.Add(TestValidator.VoteOf(3, VoteType.Prevote, 0, A), 0);
        Assert.False(keeper.HasQuorumOfAny(VoteType.Prevote, 0));
        Assert.Equal(powers[0] + 2, keeper.PowerSeen(0));
        keeper.Add(TestValidator.VoteOf(1, VoteType.Prevote, 0, A), 0);
        Assert.True(keeper.HasQuorum(VoteType.Prevote, 0, A));
    }

    private static Vote VoteAt((ulong Height, uint Round, Step Step) place) => TestValidator.VoteOf(0, VoteType.Prevote, place.Round, A) with { Height = place.Height };

    private Signer NewSigner(ISignerStore store) => new(ChainId, key, store.Require(key.PublicKey));

    private SqliteSignerStore NewStore()
    {
        var store = new SqliteSignerStore(Path.Combine(folder.FullName, "signer.db"));
        store.Create(key.PublicKey, SignerRow.Initial);
        return store;
    }

    /// <summary>Fails every write, and keeps it all the same or not.</summary>
    private sealed class FaultyStore(ISignerStore inner, bool keeps) : ISignerStore
    {
        public SignerRow? Load(PublicKey key) => inner.Load(key);

        public void Create(PublicKey key, SignerRow row) => inner.Create(key, row);

        public bool CompareAndSet(PublicKey key, ulong expectedVersion, SignerRow row)
        {
            if (keeps) inner.CompareAndSet(key, expectedVersion, row);
            throw new IOException("the disk is gone");
        }
    }
}
