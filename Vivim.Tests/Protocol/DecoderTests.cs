using System.Buffers.Text;
using System.Text;
using System.Text.Json.Nodes;
using FsCheck.Xunit;
using Vivim.Ledger.Execution;
using Vivim.Ledger.Snapshots;
using Vivim.Ledger.State;
using Vivim.Ledger.Storage;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Proofs;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;

namespace Vivim.Tests.Protocol;

/// <summary>
/// Every decoder, with random bytes and damaged encodings: it fails with the exception it documents, allocates little, and what it takes is
/// the one encoding of what it made.
/// </summary>
public sealed class DecoderTests
{
    private static readonly Dictionary<string, Decoder> Decoders = new()
    {
        ["block"] = Binary(Examples.Block.ToBytes(), bytes => Block.FromBytes(bytes).ToBytes()),
        ["header"] = Binary(Examples.Encode(Examples.Header.Encode), bytes => Again(bytes, BlockHeader.Decode, static (v, w) => v.Encode(w))),
        ["certificate"] = Binary(Examples.Certificate.ToBytes(), bytes => CommitCertificate.FromBytes(bytes).ToBytes()),
        ["prevote"] = Binary(Examples.Encode(Examples.Prevote.Encode), bytes => Again(bytes, Vote.Decode, static (v, w) => v.Encode(w))),
        ["precommit"] = Binary(Examples.Encode(Examples.Precommit.Encode), bytes => Again(bytes, Vote.Decode, static (v, w) => v.Encode(w))),
        ["proposal"] = Binary(Examples.Encode(Examples.Proposal.Encode), bytes => Again(bytes, Proposal.Decode, static (v, w) => v.Encode(w))),
        ["evidence"] = Binary(Examples.Encode(Examples.Evidence.Encode), bytes => Again(bytes, Evidence.Decode, static (v, w) => v.Encode(w))),
        ["validator set"] = Binary(Examples.Encode(Examples.Validators.Encode), bytes => Again(bytes, ValidatorSet.Decode, static (v, w) => v.Encode(w))),
        ["receipt"] = Binary(Examples.Encode(Examples.Receipt.Encode), bytes => Again(bytes, Receipt.Decode, static (v, w) => v.Encode(w))),
        ["receipts"] = Binary(Twice(Examples.Receipt.Encode), bytes => Examples.Encode(w => StoredReceipts.Decode(bytes).ToList().ForEach(r => r.Encode(w)))),
        ["event"] = Binary(Examples.Encode(Examples.Event.Encode), bytes => Again(bytes, LedgerEvent.Decode, static (v, w) => v.Encode(w))),
        ["events"] = Binary(Twice(Examples.Event.Encode), bytes => Examples.Encode(w => StoredEvents.Decode(bytes).ToList().ForEach(e => e.Encode(w)))),
        ["envelope"] = Binary(Examples.Encode(Examples.Follow.Encode), bytes => Again(bytes, TransactionEnvelope.Decode, static (v, w) => v.Encode(w))),
        ["proof file"] = Binary(Examples.ProofFile.ToBytes(), bytes => ProofFile.FromBytes(bytes).ToBytes()),
        ["proof file with its digest"] = Binary(WithoutDigest(Examples.ProofFile.ToBytes()), bytes => WithoutDigest(ProofFile.FromBytes([.. bytes, .. Hash256.Of(bytes).Bytes]).ToBytes())),
        ["existence proof"] = Binary(Examples.Encode(((ProofEntry.State)Examples.ProofFile.Entries[0]).Proof.Encode), bytes => Again(bytes, StateProof.Decode, static (v, w) => v.Encode(w))),
        ["absence proof"] = Binary(Examples.Encode(((ProofEntry.State)Examples.ProofFile.Entries[1]).Proof.Encode), bytes => Again(bytes, StateProof.Decode, static (v, w) => v.Encode(w))),
        ["account"] = Binary(Examples.Account.ToBytes(), bytes => AccountRecord.FromBytes(bytes).ToBytes()),
        ["identity"] = Binary(Examples.Identity.ToBytes(), bytes => IdentityRecord.FromBytes(bytes).ToBytes()),
        ["edge"] = Binary(Examples.Edge.ToBytes(), bytes => EdgeRecord.FromBytes(bytes).ToBytes()),
        ["parameters"] = Binary(Examples.Encode(Examples.Genesis.Parameters.Encode), bytes => Again(bytes, ChainParameters.Decode, static (v, w) => v.Encode(w))),
        ["change set"] = Binary(WriteSet.Encode(Examples.Changes), bytes => WriteSet.Encode(WriteSet.Decode(bytes))),
        ["did"] = Binary(Examples.Encode(Examples.Alice.Did.Encode), bytes => Again(bytes, Did.Decode, static (v, w) => v.Encode(w))),
        ["edge key"] = Binary(StateKey.Edge(Examples.Alice.Did, Examples.Bob.Did), bytes => StateKey.ParseEdge(bytes) is var (follower, followee) ? StateKey.Edge(follower, followee) : []),
        ["registration body"] = new(Examples.Registration.Body.ToArray(), DecodeBody, IsDocumented: _ => false),
        ["follow body"] = new(Examples.Follow.Body.ToArray(), DecodeBody, IsDocumented: _ => false),
        ["did:key text"] = new(Encoding.Latin1.GetBytes(Examples.Alice.KeyDid.ToString()), DecodeDidText, IsDocumented: _ => false),
        ["did:vivim text"] = new(Encoding.Latin1.GetBytes(Examples.Alice.Did.ToString()), DecodeDidText, IsDocumented: _ => false),
        ["caller token text"] = new(Encoding.Latin1.GetBytes(Examples.Token.ToText()), bytes => Encoding.Latin1.GetBytes(CallerToken.Parse(Encoding.Latin1.GetString(bytes)).ToText()), IsDocumented: e => e is MalformedException),
        ["caller token"] = new(Base64Url.DecodeFromChars(Examples.Token.ToText()), bytes => Base64Url.DecodeFromChars(CallerToken.Parse(Base64Url.EncodeToString(bytes)).ToText()), IsDocumented: e => e is MalformedException),
        ["cursor"] = new("18446744073709551615:4294967295"u8.ToArray(), DecodeCursor, IsDocumented: e => e is FormatException),
        ["proposed"] = Message(new ConsensusMessage.Proposed(Examples.Proposal, Examples.Block)),
        ["proposed without its block"] = Message(new ConsensusMessage.Proposed(Examples.Proposal, null)),
        ["voted"] = Message(new ConsensusMessage.Voted(Examples.Precommit)),
        ["accused"] = Message(new ConsensusMessage.Accused(Examples.Evidence)),
        ["status"] = Message(new ConsensusMessage.Status(5, 1, 2, Examples.Digest, VoteBits.Of(12, i => i is 1 or 9), default, HasWork: true)),
        ["sync tip"] = Message(new SyncMessage.Tip(5)),
        ["sync request"] = Message(new SyncMessage.GetBlocks(5)),
        ["sync blocks"] = Message(new SyncMessage.Blocks([new CertifiedBlock(Examples.Block, Examples.Certificate), new CertifiedBlock(Examples.Block, Examples.Certificate)])),
        ["snapshots question"] = Message(new SyncMessage.GetSnapshots()),
        ["snapshots"] = Message(new SyncMessage.Snapshots([new SnapshotOffer(5, Examples.Digest), new SnapshotOffer(6, Examples.Digest)])),
        ["manifest request"] = Message(new SyncMessage.GetManifest(Examples.Digest)),
        ["manifest answer"] = Message(new SyncMessage.Manifest(Examples.Digest, new byte[] { 1, 2, 3 })),
        ["chunk request"] = Message(new SyncMessage.GetChunk(Examples.Digest, 7)),
        ["chunk answer"] = Message(new SyncMessage.Chunk(Examples.Digest, 7, new byte[] { 1, 2, 3 })),
        ["snapshot manifest"] = Binary(Examples.Manifest.ToBytes(), bytes => SnapshotManifest.FromBytes(bytes).ToBytes()),
        ["chunk map"] = Binary(Examples.Encode(Examples.Manifest.Chunks.Encode), bytes => Again(bytes, ChunkMap.Decode, static (v, w) => v.Encode(w))),
        ["genesis"] = new(Examples.Genesis.ToJson(), DecodeGenesis, IsDocumented: e => e is InvalidDataException),
    };

    private delegate T Decode<out T>(ref CanonicalReader reader);

    /// <param name="Valid">An encoding that decodes.</param>
    /// <param name="DecodeAndEncode">Returns the input, in its one spelling; null where it was refused without an exception.</param>
    private sealed record Decoder(byte[] Valid, Func<byte[], byte[]?> DecodeAndEncode, Func<Exception, bool> IsDocumented);

    public static TheoryData<string> Names => [.. Decoders.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_example_is_taken(string name) => Assert.Equal(Decoders[name].Valid, Decoders[name].DecodeAndEncode(Decoders[name].Valid));

    [Theory]
    [MemberData(nameof(Names))]
    public void Bytes_left_over_or_missing_are_refused(string name)
    {
        var decoder = Decoders[name];
        Assert.False(IsTaken(decoder, [.. decoder.Valid, 1]));
        var shorter = decoder.Valid.AsSpan().TrimEnd((byte)'\n')[..^1].ToArray();
        if (name != "cursor") Assert.False(IsTaken(decoder, shorter));
    }

    [Property(MaxTest = 400)]
    public void Random_bytes_do_no_harm(byte[] bytes)
    {
        foreach (var decoder in Decoders.Values) IsTaken(decoder, bytes);
    }

    [Property(MaxTest = 400)]
    public void Damaged_encodings_do_no_harm(int seed)
    {
        var random = new System.Random(seed);
        foreach (var decoder in Decoders.Values) IsTaken(decoder, Mutation.Of(decoder.Valid, random));
    }

    [Fact]
    public void A_short_input_that_claims_long_lists_allocates_little()
    {
        var header = Examples.Encode(Examples.Header.Encode);
        byte[] most = [0xFF, 0xFF, 0xFF, 0xFF];
        IsTaken(Decoders["block"], [.. header, .. most]);
        IsTaken(Decoders["block"], [.. header, 0, 0, 0, 1, .. most]);
        IsTaken(Decoders["certificate"], [.. Examples.Certificate.ToBytes()[..44], .. most]);
        IsTaken(Decoders["validator set"], most);
        IsTaken(Decoders["change set"], most);
        IsTaken(Decoders["envelope"], most);
        IsTaken(Decoders["sync blocks"], [3, .. most]);
        IsTaken(Decoders["sync blocks"], [3, 0, 0, 0, 1, .. most]);
    }

    [Fact]
    public void The_largest_paths_stay_below_what_a_message_may_cost()
    {
        // A path of 256 placeholders takes 32 bytes, and 8 KiB once decoded: the worst there is.
        var leaf = new ProvenLeaf("k"u8.ToArray(), "v"u8.ToArray(), [.. Enumerable.Repeat(Jellyfish.Placeholder, 256)]);
        var file = Examples.ProofFile with { Entries = [.. Enumerable.Repeat(new ProofEntry.State(new StateProof.Absence("a"u8.ToArray(), leaf, leaf)), ProofFile.MaxEntries)] };
        var bytes = file.ToBytes();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(ProofFile.MaxEntries, ProofFile.FromBytes(bytes).Entries.Count);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, bytes.Length, 20 << 20);
    }

    [Fact]
    public void A_block_filled_to_the_largest_limit_is_decoded()
    {
        var body = new byte[TransactionEnvelope.MaxBodySize];
        var envelope = new TransactionEnvelope(body, Examples.Registration.Signer, Examples.Registration.Signature);
        var signatures = Enumerable.Range(0, ValidatorSet.MaxValidators).Select(i => new CommitSignature((ushort)i, envelope.Signature));
        var block = new Block(
            Examples.Header with { ChainId = new string('x', Transaction.MaxChainIdLength) },
            [.. Enumerable.Repeat(envelope, Block.MaxTransactionsSize / envelope.Size)],
            [.. Enumerable.Repeat(new Evidence(Examples.Precommit, Examples.Precommit), Block.MaxEvidence)],
            new CommitCertificate(4, 0, Examples.Digest, [.. signatures]));
        Assert.Null(new ChainParameters { MaxBlockBytes = Block.MaxTransactionsSize }.Problem());
        Assert.NotNull(new ChainParameters { MaxBlockBytes = Block.MaxTransactionsSize + 1 }.Problem());
        Assert.Equal(block.Id, Block.FromBytes(block.ToBytes()).Id);
        Assert.Throws<MalformedException>(() => Block.FromBytes(new byte[Block.MaxSize + 1]));
    }

    [Theory]
    [InlineData("00000002" + "0000000102" + "00" + "0000000101" + "00", "not above")]
    [InlineData("00000002" + "0000000101" + "00" + "0000000101" + "00", "not above")]
    [InlineData("00000001" + "0000000101" + "02", "neither deleted")]
    public void A_change_set_has_one_spelling(string hex, string reason) =>
        Assert.Contains(reason, Assert.Throws<MalformedException>(() => WriteSet.Decode(Convert.FromHexString(hex))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(" 1:0")]
    [InlineData("1: 0")]
    [InlineData("+1:0")]
    [InlineData("-1:0")]
    [InlineData("1:")]
    [InlineData(":1")]
    [InlineData("")]
    [InlineData("1:2:3")]
    [InlineData("18446744073709551616:0")]
    [InlineData("1:4294967296")]
    public void What_is_no_cursor_is_refused(string text) =>
        Assert.Contains("write height:index", Assert.Throws<FormatException>(() => EventCursor.Parse(text)).Message, StringComparison.Ordinal);

    [Property]
    public void A_cursor_is_read_as_written(ulong height, uint index)
    {
        var cursor = new EventCursor(height, index);
        Assert.Equal(cursor, EventCursor.Parse(cursor.ToString()));
        Assert.Equal(new EventCursor(height, 0), EventCursor.Parse($"{height}"));
        Assert.True(cursor < new EventCursor(height, index + 1) || index == uint.MaxValue);
        Assert.True(new EventCursor(height, index) < new EventCursor(height + 1, 0) || height == ulong.MaxValue);
    }

    /// <summary>Fails the test on an undocumented exception, on a second spelling, and on allocations out of proportion.</summary>
    private static bool IsTaken(Decoder decoder, byte[] bytes)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            var again = decoder.DecodeAndEncode(bytes);
            if (again is not null) Assert.Equal(bytes, again);
            return again is not null;
        }
        catch (Exception e) when (decoder.IsDocumented(e))
        {
            Assert.InRange(e.Message.Length, 10, 500);
            return false;
        }
        finally
        {
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (128 << 10) + 64L * bytes.Length);
        }
    }

    private static Decoder Message(ConsensusMessage message) => Binary(message.ToBytes(), bytes => ConsensusMessage.FromBytes(bytes).ToBytes());

    private static Decoder Message(SyncMessage message) => Binary(message.ToBytes(), bytes => SyncMessage.FromBytes(bytes).ToBytes());

    private static Decoder Binary(byte[] valid, Func<byte[], byte[]?> decodeAndEncode) => new(valid, decodeAndEncode, e => e is MalformedException);

    private static byte[] Again<T>(byte[] bytes, Decode<T> decode, Action<T, CanonicalWriter> encode)
    {
        var reader = new CanonicalReader(bytes);
        var value = decode(ref reader);
        reader.End();
        return Examples.Encode(w => encode(value, w));
    }

    private static byte[] Twice(Action<CanonicalWriter> encode) => [.. Examples.Encode(encode), .. Examples.Encode(encode)];

    private static byte[] WithoutDigest(byte[] file) => file[..^Hash256.Size];

    /// <summary>The body is kept as received; that it is the one encoding shows in the decoded fields.</summary>
    private static byte[]? DecodeBody(byte[] body)
    {
        if (!Transaction.TryDecode(Examples.Follow with { Body = body }, out var transaction, out var refusal))
        {
            Assert.True(refusal.Reason is RefusalReason.Malformed or RefusalReason.TooLarge or RefusalReason.UnknownAction);
            return null;
        }

        return BodyOf(transaction);
    }

    private static byte[] BodyOf(Transaction transaction)
    {
        var body = new Vivim.Protocol.V1.TransactionBody { ChainId = transaction.ChainId, Sender = transaction.Sender.ToString(), Nonce = transaction.Nonce, ExpiryHeight = transaction.ExpiryHeight, Fee = transaction.Fee };
        switch (transaction.Action)
        {
            case Follow follow:
                body.Follow = new() { Followee = follow.Followee.ToString() };
                break;
            case Unfollow unfollow:
                body.Unfollow = new() { Followee = unfollow.Followee.ToString() };
                break;
            case RegisterIdentity registration:
                body.RegisterIdentity = new() { SigningKey = Did.OfKey(registration.SigningKey).ToString(), RotationKeys = { registration.RotationKeys.Select(key => Did.OfKey(key).ToString()) } };
                break;
        }

        return Google.Protobuf.MessageExtensions.ToByteArray(body);
    }

    private static byte[]? DecodeDidText(byte[] bytes) => Did.TryParse(Encoding.Latin1.GetString(bytes), out var did) ? Encoding.Latin1.GetBytes(did.ToString()) : null;

    /// <summary>A cursor's index may be left out, and leading zeros do no harm: what counts is that the value is the same.</summary>
    private static byte[] DecodeCursor(byte[] bytes)
    {
        var cursor = EventCursor.Parse(Encoding.Latin1.GetString(bytes));
        Assert.Equal(cursor, EventCursor.Parse(cursor.ToString()));
        return bytes;
    }

    /// <summary>JSON has many spellings; what counts is that the content is the same.</summary>
    private static byte[] DecodeGenesis(byte[] json)
    {
        var genesis = GenesisFile.FromJson(json);
        Assert.Equal(genesis.Hash, GenesisFile.FromJson(genesis.ToJson()).Hash);
        Assert.Equal(JsonNode.Parse(json)!["chainId"]?.ToString() ?? genesis.ChainId, genesis.ChainId);
        return json;
    }
}
