using System.Net;
using System.Text.Json;
using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using Vivim.Cli;
using Vivim.Cli.Keys;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Tests.Gateway;

/// <summary>
/// Two nodes with small limits: on one blocks come fast, on the other there is none after the first, so that what is admitted waits.
/// Alice is registered on the fast one.
/// </summary>
public sealed class SmallNodes : IAsyncLifetime, IDisposable
{
    /// <summary>Actions per window on both.</summary>
    public const int Quota = 6;

    /// <summary>Registrations per window on the fast one.</summary>
    public const int Registrations = 4;

    /// <summary>Pool places of the stalled one, over eight partitions.</summary>
    public const int Places = 64;

    private readonly NodeFiles fastFiles = new();
    private readonly NodeFiles stalledFiles = new();

    internal NodeProcess Fast { get; private set; } = null!;

    internal NodeProcess Stalled { get; private set; } = null!;

    internal string FastChain { get; private set; } = "";

    internal string StalledChain { get; private set; } = "";

    internal TestPerson Alice { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Fast = await NodeProcess.StartAsync(fastFiles, $"ledger.keep-blocks = 5\n genesis {{ block-interval = 250ms, empty-block-interval = 250ms, quota-actions = {Quota}, max-registrations = {Registrations} }}");
        Stalled = await NodeProcess.StartAsync(stalledFiles, $"pool.max-transactions = {Places}\n genesis {{ block-interval = 600s, empty-block-interval = 600s, quota-actions = {Quota} }}");
        FastChain = (await Fast.Client.GetStatusAsync()).ChainId;
        StalledChain = (await Stalled.Client.GetStatusAsync()).ChainId;
        Alice = await TestPerson.RegisteredAsync(Fast);
        await Eventually.Async(async () => (await Stalled.Client.GetStatusAsync()).Height == 1);
    }

    public async Task DisposeAsync()
    {
        await Fast.DisposeAsync();
        await Stalled.DisposeAsync();
    }

    public void Dispose()
    {
        fastFiles.Dispose();
        stalledFiles.Dispose();
    }
}

/// <summary>Every wrong input has a canonical code, a reason and a sentence, and leaves the node at work.</summary>
[Collection(NodeCollection.Name)]
public sealed class BadInputTests(SmallNodes nodes) : IClassFixture<SmallNodes>, IAsyncLifetime
{
    private const ulong Free = 3;

    private V1.Chain.ChainClient Chain => new(nodes.Fast.Channel);

    private V1.Identity.IdentityClient Identity => new(nodes.Fast.Channel);

    private V1.Graph.GraphClient Graph => new(nodes.Fast.Channel);

    private TestPerson Alice => nodes.Alice;

    public Task InitializeAsync() => Task.CompletedTask;

    /// <summary>After each test, whatever was sent: both nodes are ready.</summary>
    public async Task DisposeAsync()
    {
        Assert.True(await nodes.Fast.IsReadyAsync());
        Assert.True(await nodes.Stalled.IsReadyAsync());
    }

    [Fact]
    public Task A_body_above_4096_bytes() =>
        RefusesAsync(StatusCode.InvalidArgument, "TOO_LARGE", new V1.SignedTransaction { Body = ByteString.CopyFrom(new byte[4_097]), Signer = ByteString.CopyFrom(new byte[32]), Signature = ByteString.CopyFrom(new byte[64]) });

    [Fact]
    public async Task A_transaction_that_is_none()
    {
        var good = Alice.Sign(Alice.Following(Alice.Did, Free)).ToMessage();

        await RefusesAsync(StatusCode.InvalidArgument, "MALFORMED", (V1.SignedTransaction?)null);
        await RefusesAsync(StatusCode.InvalidArgument, "MALFORMED", new V1.SignedTransaction());
        await RefusesAsync(StatusCode.InvalidArgument, "MALFORMED", new V1.SignedTransaction(good) { Signer = ByteString.CopyFrom(new byte[31]) });
        await RefusesAsync(StatusCode.InvalidArgument, "MALFORMED", new V1.SignedTransaction(good) { Signature = ByteString.CopyFrom(new byte[65]) });
        await RefusesAsync(StatusCode.InvalidArgument, "MALFORMED", new V1.SignedTransaction(good) { Body = ByteString.CopyFrom(0xff) });
        await RefusesAsync(StatusCode.InvalidArgument, "MALFORMED", new V1.TransactionBody { ChainId = nodes.FastChain, Sender = "did:vivim:bäöü", Follow = new V1.Follow { Followee = "did:key:zäöü" } });
        await RefusesAsync(StatusCode.InvalidArgument, "MALFORMED", new V1.SignedTransaction(good) { Body = ByteString.CopyFrom([.. good.Body, .. "\x28\0"u8]) });
    }

    [Fact]
    public async Task Random_and_mutated_bytes_are_refused_one_by_one_for_reasons_that_fit()
    {
        var random = new Random(1);
        var good = Alice.Sign(Alice.Following(Alice.Did, Free)).ToMessage();
        var wrong = Enumerable.Range(0, 300).Select(_ => Noise(random)).Concat(Enumerable.Range(0, 600).Select(_ => Mutation(random, good))).ToList();
        using var call = Chain.SubmitMany();
        var sending = Task.Run(async () =>
        {
            foreach (var transaction in wrong) await call.RequestStream.WriteAsync(new V1.SubmitRequest { Transaction = transaction });
            await call.RequestStream.CompleteAsync();
        });

        var answers = await call.ResponseStream.ReadAllAsync().ToListAsync();

        await sending;
        Assert.Equal(wrong.Count, answers.Count);
        string[] fitting = ["MALFORMED", "UNKNOWN_ACTION", "WRONG_CHAIN", "BAD_SIGNATURE"];
        Assert.All(answers, answer => Assert.Contains(answer.Refused?.Reason, fitting));
        Assert.All(answers, answer => Assert.Contains(' ', answer.Refused.Message));
        Assert.True(fitting.All(reason => answers.Any(answer => answer.Refused.Reason == reason)), "the mutations reach every check");
    }

    [Fact]
    public Task A_transaction_for_another_chain()
    {
        var body = Alice.Following(Alice.Did, Free);
        body.ChainId = "somewhere-else";
        return RefusesAsync(StatusCode.InvalidArgument, "WRONG_CHAIN", body);
    }

    [Fact]
    public Task A_signature_that_does_not_verify()
    {
        var message = Alice.Sign(Alice.Following(Alice.Did, Free)).ToMessage();
        var signature = message.Signature.ToByteArray();
        signature[10] ^= 1;
        message.Signature = ByteString.CopyFrom(signature);
        return RefusesAsync(StatusCode.InvalidArgument, "BAD_SIGNATURE", message);
    }

    [Fact]
    public Task A_key_of_small_order_whose_signature_every_message_has()
    {
        // The neutral element: R = A = 1 and S = 0 satisfy the equation for any message, where the key is not looked at.
        byte[] neutral = [1, .. new byte[31]];
        var did = Did.OfKey(new PublicKey(neutral)).ToString();
        var body = new V1.TransactionBody { ChainId = nodes.FastChain, Sender = did, ExpiryHeight = 1_000, RegisterIdentity = new V1.RegisterIdentity { SigningKey = did, RotationKeys = { did } } };
        return RefusesAsync(StatusCode.InvalidArgument, "BAD_SIGNATURE", new V1.SignedTransaction { Body = body.ToByteString(), Signer = ByteString.CopyFrom(neutral), Signature = ByteString.CopyFrom([.. neutral, .. new byte[32]]) });
    }

    [Fact]
    public Task A_nonce_that_is_used_with_other_bytes()
    {
        var body = Alice.Registration();
        body.ExpiryHeight++;
        return RefusesAsync(StatusCode.FailedPrecondition, "NONCE_STALE", body);
    }

    [Fact]
    public async Task An_expiry_in_the_past_or_too_far_ahead()
    {
        var past = Alice.Following(Alice.Did, Free);
        past.ExpiryHeight = 1;
        var far = Alice.Following(Alice.Did, Free);
        far.ExpiryHeight = ulong.MaxValue;

        await RefusesAsync(StatusCode.FailedPrecondition, "EXPIRED", past);
        await RefusesAsync(StatusCode.InvalidArgument, "EXPIRY_TOO_FAR", far);
    }

    [Fact]
    public Task A_fee()
    {
        var body = Alice.Following(Alice.Did, Free);
        body.Fee = 1;
        return RefusesAsync(StatusCode.InvalidArgument, "FEE_NOT_ZERO", body);
    }

    [Fact]
    public async Task An_action_this_version_does_not_know()
    {
        var none = Alice.Following(Alice.Did, Free);
        none.ClearAction();
        // Field 15 of the oneof to come, with an empty message.
        var unknown = none.ToByteArray().Concat("\x7a\0"u8.ToArray()).ToArray();

        await RefusesAsync(StatusCode.Unimplemented, "UNKNOWN_ACTION", none);
        await RefusesAsync(StatusCode.Unimplemented, "UNKNOWN_ACTION", new V1.SignedTransaction { Body = ByteString.CopyFrom(unknown), Signer = ByteString.CopyFrom(Alice.Key.PublicKey.Bytes), Signature = ByteString.CopyFrom(Alice.Key.Sign(SigningDomain.Transaction.Frame(nodes.FastChain, unknown)).Bytes) });
    }

    [Fact]
    public async Task A_sender_or_signer_without_the_right()
    {
        using var stranger = new TestPerson(nodes.FastChain);
        var asKey = stranger.Following(Alice.Did, 0);
        asKey.Sender = stranger.KeyDid.ToString();

        await RefusesAsync(StatusCode.FailedPrecondition, "SENDER_UNKNOWN", stranger.Sign(stranger.Following(Alice.Did, 0)).ToMessage());
        await RefusesAsync(StatusCode.FailedPrecondition, "SENDER_UNKNOWN", stranger.Sign(asKey).ToMessage());
        await RefusesAsync(StatusCode.PermissionDenied, "SIGNER_NOT_AUTHORIZED", stranger.Sign(Alice.Following(stranger.Did, Free)).ToMessage());
    }

    [Fact]
    public async Task More_actions_than_the_quota()
    {
        var nonce = (await nodes.Fast.Client.GetAccountAsync(Alice.Did)).Nonce;

        // A window may end in between, but not twice.
        var refusal = await FirstRefusalAsync(SmallNodes.Quota * 2, i => Alice.Sign(i % 2 == 0 ? Alice.Following(Alice.Did, nonce + i) : Alice.Unfollowing(Alice.Did, nonce + i)));

        Assert.Equal((StatusCode.ResourceExhausted, "QUOTA_EXCEEDED"), (refusal.Code, refusal.Reason));
        Assert.Equal(0U, (await nodes.Fast.Client.GetAccountAsync(Alice.Did)).QuotaLeft);
    }

    [Fact]
    public async Task More_registrations_than_the_chain_takes()
    {
        // Of so small a window each partition gives an address one at a time; a window may end in between.
        var reasons = new HashSet<string>();
        for (var i = 0; i < 1_000 && !reasons.Contains("REGISTRATIONS_EXCEEDED"); i++)
        {
            using var person = new TestPerson(nodes.FastChain);
            try
            {
                await Chain.SubmitAsync(new V1.SubmitRequest { Transaction = person.Sign(person.Registration()).ToMessage() });
            }
            catch (RpcException e)
            {
                var status = e.GetRpcStatus()!;
                reasons.Add(status.GetDetail<ErrorInfo>()!.Reason);
                Assert.Equal(StatusCode.ResourceExhausted, e.StatusCode);
                Assert.True(status.GetDetail<RetryInfo>()!.RetryDelay.ToTimeSpan() >= TimeSpan.Zero);
                Assert.Contains("send again from height", status.Message, StringComparison.Ordinal);
            }
        }

        Assert.Contains("REGISTRATIONS_EXCEEDED", reasons);
        Assert.Subset(new HashSet<string>(["REGISTRATIONS_EXCEEDED", "REGISTRATIONS_LIMITED"]), reasons);
    }

    [Fact]
    public async Task Nonces_quota_and_places_that_what_waits_has_taken()
    {
        var chain = new V1.Chain.ChainClient(nodes.Stalled.Channel);
        using var dora = new TestPerson(nodes.StalledChain);
        for (var nonce = 0UL; nonce < SmallNodes.Quota; nonce++) Assert.Equal(V1.TransactionState.Pending, (await SubmitAsync(dora.Sign(dora.Registration(nonce)))).State);
        var conflict = dora.Registration();
        conflict.ExpiryHeight++;

        await SeenRefusal.IsAsync(StatusCode.AlreadyExists, "NONCE_CONFLICT", () => SubmitAsync(dora.Sign(conflict)));
        await SeenRefusal.IsAsync(StatusCode.ResourceExhausted, "NONCE_TOO_FAR", () => SubmitAsync(dora.Sign(dora.Registration(1_024))));
        await SeenRefusal.IsAsync(StatusCode.ResourceExhausted, "QUOTA_EXCEEDED", () => SubmitAsync(dora.Sign(dora.Registration(1_023))));
        await SeenRefusal.IsAsync(StatusCode.ResourceExhausted, "POOL_FULL", async () =>
        {
            for (var i = 0; i <= SmallNodes.Places; i++)
            {
                using var person = new TestPerson(nodes.StalledChain);
                await SubmitAsync(person.Sign(person.Registration()));
            }
        });
        Assert.Equal(V1.TransactionState.Pending, (await SubmitAsync(dora.Sign(dora.Registration()))).State);

        Task<V1.SubmitResponse> SubmitAsync(TransactionEnvelope envelope) => chain.SubmitAsync(new V1.SubmitRequest { Transaction = envelope.ToMessage() }).ResponseAsync;
    }

    [Fact]
    public async Task A_message_above_the_limit_of_the_transport()
    {
        var huge = new V1.SubmitRequest { Transaction = new V1.SignedTransaction { Body = ByteString.CopyFrom(new byte[2 << 20]) } };
        using var call = Chain.SubmitMany();

        var single = await Assert.ThrowsAsync<RpcException>(async () => await Chain.SubmitAsync(huge));
        // The node may end the call before it has taken all; the call's status says why.
        await Record.ExceptionAsync(() => call.RequestStream.WriteAsync(huge));
        var streamed = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None));

        // The transport refuses it before any code of ours: there is a code and a sentence, but no ErrorInfo.
        Assert.Equal((StatusCode.ResourceExhausted, StatusCode.ResourceExhausted), (single.StatusCode, streamed.StatusCode));
        Assert.Contains("exceeds the maximum", single.Status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("soon")]
    [InlineData("1:")]
    [InlineData(":1")]
    [InlineData("1:2:3")]
    [InlineData("-1:0")]
    [InlineData("+1:0")]
    [InlineData(" 1:0")]
    [InlineData("18446744073709551616:0")]
    [InlineData("1:4294967296")]
    public Task A_cursor_that_is_none(string from) => RefusesAsync(StatusCode.InvalidArgument, "INVALID_ARGUMENT", new V1.SubscribeEventsRequest { From = from });

    [Theory]
    [InlineData("1000000:0")]
    [InlineData("18446744073709551615:4294967295")]
    public Task A_cursor_in_the_future(string from) => RefusesAsync(StatusCode.OutOfRange, "CURSOR_IN_FUTURE", new V1.SubscribeEventsRequest { From = from });

    [Fact]
    public async Task A_cursor_beyond_its_blocks_last_event()
    {
        var height = (await nodes.Fast.Client.GetStatusAsync()).Height;
        await RefusesAsync(StatusCode.OutOfRange, "CURSOR_IN_FUTURE", new V1.SubscribeEventsRequest { From = $"{height}:4294967295" });
    }

    [Fact]
    public async Task Heights_that_are_no_longer_kept()
    {
        await Eventually.Async(async () => (await nodes.Fast.Client.GetStatusAsync()).OldestHeight > 1);

        await RefusesAsync(StatusCode.OutOfRange, "CURSOR_TOO_OLD", new V1.SubscribeEventsRequest { From = "1:0" });
        await RefusesAsync(StatusCode.OutOfRange, "CURSOR_TOO_OLD", new V1.SubscribeEventsRequest());
        await SeenRefusal.IsAsync(StatusCode.OutOfRange, "BLOCK_PRUNED", async () => await Chain.GetBlockAsync(new V1.GetBlockRequest { Height = 1 }));
        await SeenRefusal.IsAsync(StatusCode.OutOfRange, "BLOCK_PRUNED", async () =>
        {
            using var call = Chain.StreamBlocks(new V1.StreamBlocksRequest());
            await call.ResponseStream.MoveNext(CancellationToken.None);
        });

        using var error = new StringWriter();
        var exitCode = await new VivimCommand(new KeyStore("no-keys"), TextWriter.Null, error).RunAsync(["chain", "verify", "--json", "--node", nodes.Fast.Grpc.OriginalString]);
        var told = JsonDocument.Parse(error.ToString()).RootElement.GetProperty("error");
        Assert.Equal((VivimCommand.Failure, "BLOCK_PRUNED"), (exitCode, told.GetProperty("reason").GetString()));
        Assert.Contains("name a node that has them with --node", told.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Heights_that_are_not_there_yet()
    {
        await SeenRefusal.IsAsync(StatusCode.NotFound, "HEIGHT_IN_FUTURE", async () => await Chain.GetBlockAsync(new V1.GetBlockRequest { Height = ulong.MaxValue }));
        await SeenRefusal.IsAsync(StatusCode.OutOfRange, "HEIGHT_IN_FUTURE", async () =>
        {
            using var call = Chain.StreamBlocks(new V1.StreamBlocksRequest { FromHeight = ulong.MaxValue });
            await call.ResponseStream.MoveNext(CancellationToken.None);
        });
    }

    [Fact]
    public async Task Filters_that_are_none()
    {
        await RefusesAsync(StatusCode.InvalidArgument, "INVALID_ARGUMENT", new V1.SubscribeEventsRequest { Types_ = { "followed" } });
        await RefusesAsync(StatusCode.InvalidArgument, "INVALID_ARGUMENT", new V1.SubscribeEventsRequest { Types_ = { "" } });
        await RefusesAsync(StatusCode.InvalidArgument, "INVALID_ARGUMENT", new V1.SubscribeEventsRequest { Authors = { "alice" } });
        await RefusesAsync(StatusCode.InvalidArgument, "INVALID_ARGUMENT", new V1.SubscribeEventsRequest { Authors = { Enumerable.Repeat(Alice.Did.ToString(), 1_025) } });
    }

    [Theory]
    [InlineData("")]
    [InlineData("alice")]
    [InlineData("did:key:z")]
    [InlineData("did:vivim:b")]
    [InlineData("did:vivim:bäöü")]
    [InlineData("did:web:example.org")]
    [InlineData("did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doKx")]
    [InlineData("did:vivim:BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public async Task A_did_that_is_none(string did)
    {
        await SeenRefusal.IsAsync(StatusCode.InvalidArgument, "INVALID_ARGUMENT", async () => await Identity.GetIdentityAsync(new V1.GetIdentityRequest { Did = did }));
        await SeenRefusal.IsAsync(StatusCode.InvalidArgument, "INVALID_ARGUMENT", async () => await Identity.GetAccountAsync(new V1.GetAccountRequest { Did = did }));
        await SeenRefusal.IsAsync(StatusCode.InvalidArgument, "INVALID_ARGUMENT", async () => await Graph.GetEdgeAsync(new V1.GetEdgeRequest { Follower = Alice.Did.ToString(), Followee = did }));
        await SeenRefusal.IsAsync(StatusCode.InvalidArgument, "INVALID_ARGUMENT", async () => await Graph.ListFollowersAsync(new V1.ListFollowersRequest { Did = did }));
    }

    [Fact]
    public Task A_did_key_where_only_the_registered_have_edges() =>
        SeenRefusal.IsAsync(StatusCode.InvalidArgument, "INVALID_ARGUMENT", async () => await Graph.GetEdgeAsync(new V1.GetEdgeRequest { Follower = Alice.KeyDid.ToString(), Followee = Alice.Did.ToString() }));

    [Theory]
    [InlineData("")]
    [InlineData("abc")]
    [InlineData("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz")]
    public Task A_transaction_id_that_is_none(string id) =>
        SeenRefusal.IsAsync(StatusCode.InvalidArgument, "INVALID_ARGUMENT", async () => await Chain.GetTransactionAsync(new V1.GetTransactionRequest { Id = id }));

    [Fact]
    public async Task A_transaction_that_nobody_sent_is_unknown() =>
        Assert.Equal(V1.TransactionState.Unknown, (await Chain.GetTransactionAsync(new V1.GetTransactionRequest { Id = new string('0', 64) })).State);

    [Fact]
    public async Task Pages_that_are_too_large_and_tokens_that_are_none()
    {
        await RefusesAsync(new V1.ListFollowersRequest { PageSize = 1_001 });
        await RefusesAsync(new V1.ListFollowersRequest { PageSize = 101, Prove = true });
        await RefusesAsync(new V1.ListFollowersRequest { PageSize = uint.MaxValue });
        await RefusesAsync(new V1.ListFollowersRequest { PageToken = "next" });

        Task RefusesAsync(V1.ListFollowersRequest request)
        {
            request.Did = Alice.Did.ToString();
            return SeenRefusal.IsAsync(StatusCode.InvalidArgument, "INVALID_ARGUMENT", async () => await Graph.ListFollowersAsync(request));
        }
    }

    [Fact]
    public async Task Wrong_JSON_requests_have_the_fitting_HTTP_codes()
    {
        using var http = new HttpClient { BaseAddress = nodes.Fast.Http };
        using var noJson = new StringContent("{", null, "application/json");
        using var huge = new StringContent($"{{\"body\":\"{new string('A', 2 << 20)}\"}}", null, "application/json");
        // The node answers before it has read a body that is too large, and closes: a client that is still writing may not see the answer.
        http.DefaultRequestHeaders.ExpectContinue = true;

        using var refused = await http.GetAsync(new Uri("v1/identities/alice", UriKind.Relative));
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains("\"reason\":\"INVALID_ARGUMENT\"", (await refused.Content.ReadAsStringAsync()).Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri("v1/blocks/1000000", UriKind.Relative))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri("v1/nothing", UriKind.Relative))).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await http.PostAsync(new Uri("v1/transactions", UriKind.Relative), noJson)).StatusCode);
        Assert.False((await http.PostAsync(new Uri("v1/transactions", UriKind.Relative), huge)).IsSuccessStatusCode);
    }

    private static V1.SignedTransaction Noise(Random random)
    {
        var (body, signer, signature) = (new byte[random.Next(400)], new byte[32], new byte[64]);
        random.NextBytes(body);
        random.NextBytes(signer);
        random.NextBytes(signature);
        return new V1.SignedTransaction { Body = ByteString.CopyFrom(body), Signer = ByteString.CopyFrom(signer), Signature = ByteString.CopyFrom(signature) };
    }

    /// <summary>One bit of a good transaction changed, or its body cut, or doubled.</summary>
    private static V1.SignedTransaction Mutation(Random random, V1.SignedTransaction good)
    {
        var part = random.Next(5);
        if (part == 3) return new V1.SignedTransaction(good) { Body = ByteString.CopyFrom(good.Body.Span[..random.Next(good.Body.Length)]) };
        if (part == 4) return new V1.SignedTransaction(good) { Body = ByteString.CopyFrom([.. good.Body, .. good.Body]) };
        var bytes = (part == 0 ? good.Signature : part == 1 ? good.Signer : good.Body).ToByteArray();
        bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
        var changed = ByteString.CopyFrom(bytes);
        return part switch
        {
            0 => new V1.SignedTransaction(good) { Signature = changed },
            1 => new V1.SignedTransaction(good) { Signer = changed },
            _ => new V1.SignedTransaction(good) { Body = changed },
        };
    }

    /// <summary>Submits, each after the receipt of the one before, until one is refused.</summary>
    private async Task<SeenRefusal> FirstRefusalAsync(int atMost, Func<ulong, TransactionEnvelope> make) => await SeenRefusal.OfAsync(async () =>
    {
        for (var i = 0UL; i <= (ulong)atMost; i++)
        {
            var envelope = make(i);
            await Chain.SubmitAsync(new V1.SubmitRequest { Transaction = envelope.ToMessage() });
            await nodes.Fast.Client.AwaitReceiptAsync(envelope.IdOn(nodes.FastChain));
        }
    });

    private Task RefusesAsync(StatusCode code, string reason, V1.TransactionBody byAlice) => RefusesAsync(code, reason, Alice.Sign(byAlice).ToMessage());

    private Task RefusesAsync(StatusCode code, string reason, V1.SignedTransaction? transaction) =>
        SeenRefusal.IsAsync(code, reason, async () => await Chain.SubmitAsync(new V1.SubmitRequest { Transaction = transaction }));

    private Task RefusesAsync(StatusCode code, string reason, V1.SubscribeEventsRequest request) => SeenRefusal.IsAsync(code, reason, async () =>
    {
        using var call = Chain.SubscribeEvents(request);
        await call.ResponseStream.MoveNext(CancellationToken.None);
    });
}
