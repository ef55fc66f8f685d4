using System.Text.Json;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1Alpha;
using Vivim.Client;
using Vivim.Protocol;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Proofs;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Tests.Gateway;

/// <summary>One running node on which Alice follows Bob, and Carol nobody.</summary>
public sealed class FollowedNode : IAsyncLifetime, IDisposable
{
    private readonly NodeFiles files = new();

    internal NodeProcess Node { get; private set; } = null!;

    internal GenesisFile Genesis { get; private set; } = null!;

    internal TestPerson Alice { get; private set; } = null!;

    internal TestPerson Bob { get; private set; } = null!;

    internal TestPerson Carol { get; private set; } = null!;

    /// <summary>Of the follow.</summary>
    internal V1.Receipt Receipt { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Node = await NodeProcess.StartAsync(files, "genesis.block-interval = 250ms");
        Genesis = GenesisFile.FromJson(await File.ReadAllBytesAsync(files.Genesis));
        var people = await TestPerson.RegisteredAsync(Node, 3);
        (Alice, Bob, Carol) = (people[0], people[1], people[2]);
        Receipt = await Node.Client.As(Alice.Key).FollowAsync(Bob.Did);
        await Node.Client.AwaitCertifiedAsync();
    }

    public async Task DisposeAsync() => await Node.DisposeAsync();

    public void Dispose() => files.Dispose();
}

/// <summary>What a client gets from a node at work.</summary>
[Collection(NodeCollection.Name)]
public sealed class NodeTests(FollowedNode world) : IClassFixture<FollowedNode>
{
    private V1.Chain.ChainClient Chain => new(world.Node.Channel);

    private V1.Identity.IdentityClient Identity => new(world.Node.Channel);

    private V1.Graph.GraphClient Graph => new(world.Node.Channel);

    [Fact]
    public async Task The_genesis_served_is_the_one_in_the_data_folder()
    {
        var served = await world.Node.Client.GetGenesisAsync();

        Assert.Equal(world.Genesis.Hash, served.Hash);
        Assert.Equal(world.Genesis.Hash.ToString(), (await world.Node.Client.GetStatusAsync()).GenesisHash);
    }

    [Fact]
    public async Task An_identity_is_proven_by_its_did_and_by_its_signing_key()
    {
        var byDid = await Identity.GetIdentityAsync(new V1.GetIdentityRequest { Did = world.Alice.Did.ToString(), Prove = true });
        var byKey = await Identity.GetIdentityAsync(new V1.GetIdentityRequest { Did = world.Alice.KeyDid.ToString(), Prove = true });

        Assert.Equal(world.Alice.Did.ToString(), byKey.Did);
        Assert.Equal(world.Alice.Key.PublicKey, Identified(byDid).SigningKey);
        Assert.Equal(world.Alice.Key.PublicKey, Identified(byKey).SigningKey);
        Assert.Equal(world.Alice.Did.Identifier, new Hash256(Proven(byKey.Proof, byKey.Height).ValueOf(StateKey.SigningKey(world.Alice.Key.PublicKey))!.Value.Span));

        IdentityRecord Identified(V1.GetIdentityResponse answer) => IdentityRecord.FromBytes(Proven(answer.Proof, answer.Height).ValueOf(StateKey.Identity(world.Alice.Did))!.Value.Span);
    }

    [Fact]
    public async Task A_stranger_is_proven_to_be_absent()
    {
        using var stranger = new TestPerson(world.Genesis.ChainId);

        var byDid = await Identity.GetIdentityAsync(new V1.GetIdentityRequest { Did = stranger.Did.ToString(), Prove = true });
        var byKey = await Identity.GetIdentityAsync(new V1.GetIdentityRequest { Did = stranger.KeyDid.ToString(), Prove = true });

        Assert.False(byDid.Found);
        Assert.False(byKey.Found);
        Assert.Null(Proven(byDid.Proof, byDid.Height).ValueOf(StateKey.Identity(stranger.Did)));
        Assert.Null(Proven(byKey.Proof, byKey.Height).ValueOf(StateKey.SigningKey(stranger.Key.PublicKey)));
    }

    [Fact]
    public async Task An_account_is_proven()
    {
        var answer = await Identity.GetAccountAsync(new V1.GetAccountRequest { Did = world.Alice.Did.ToString(), Prove = true });

        var account = AccountRecord.FromBytes(Proven(answer.Proof, answer.Height).ValueOf(StateKey.Account(world.Alice.Did))!.Value.Span);
        Assert.Equal((answer.Nonce, answer.Followers, answer.Following), (account.Nonce, account.Followers, account.Following));
        Assert.Equal((1UL, 0U, 1U), (answer.Nonce, answer.Followers, answer.Following));
        Assert.Equal(world.Genesis.Parameters.QuotaActions - 1, answer.QuotaLeft);
        Assert.Equal(100UL, answer.QuotaRenewsAt);
    }

    [Fact]
    public async Task A_follow_and_its_absence_the_other_way_round_are_proven()
    {
        var follow = await world.Node.Client.ProveEdgeAsync(world.Alice.Did, world.Bob.Did, world.Genesis);
        var reverse = await world.Node.Client.ProveEdgeAsync(world.Bob.Did, world.Alice.Did, world.Genesis);

        Assert.Equal(world.Receipt.Height, follow.Since?.Height);
        Assert.False(reverse.Exists);
    }

    [Fact]
    public async Task All_followers_are_proven_to_be_all()
    {
        Assert.Equal([world.Alice.Did], (await world.Node.Client.ProveFollowersAsync(world.Bob.Did, world.Genesis)).Followers);
        Assert.Empty((await world.Node.Client.ProveFollowersAsync(world.Carol.Did, world.Genesis)).Followers);
    }

    [Fact]
    public async Task Followers_come_in_pages_that_join()
    {
        var fans = await TestPerson.RegisteredAsync(world.Node, 5);
        var star = await TestPerson.RegisteredAsync(world.Node);
        await Task.WhenAll(fans.Select(fan => world.Node.Client.As(fan.Key).FollowAsync(star.Did)));

        var pages = new List<V1.ListFollowersResponse>();
        for (var token = ""; pages.Count == 0 || token.Length > 0; token = pages[^1].NextPageToken) pages.Add(await Graph.ListFollowersAsync(new V1.ListFollowersRequest { Did = star.Did.ToString(), PageSize = 2, PageToken = token }));

        Assert.Equal([2, 2, 1], pages.Select(page => page.Followers.Count));
        Assert.All(pages, page => Assert.Equal(5U, page.Total));
        Assert.Equal(fans.Select(fan => fan.Did).OrderBy(did => did.Identifier), pages.SelectMany(page => page.Followers).Select(follower => Did.Parse(follower.Did)));
    }

    [Fact]
    public async Task A_receipt_is_proven()
    {
        var answer = await Chain.GetTransactionAsync(new V1.GetTransactionRequest { Id = world.Receipt.TransactionId, Prove = true });

        var file = ProofFile.FromBytes(answer.Proof.Span);
        file.Verify(world.Genesis);
        var proven = Assert.IsType<ProofEntry.Included>(Assert.Single(file.Entries)).Receipt;
        Assert.Equal((V1.TransactionState.Committed, world.Receipt), (answer.State, answer.Receipt));
        Assert.Equal((world.Receipt.TransactionId, world.Receipt.Height, "OK"), (proven.TransactionId.ToString(), proven.Height, proven.CodeName));
    }

    [Fact]
    public async Task A_block_header_is_proven()
    {
        var answer = await Chain.GetBlockAsync(new V1.GetBlockRequest { Height = world.Receipt.Height, Prove = true });

        var file = ProofFile.FromBytes(answer.Proof.Span);
        file.Verify(world.Genesis);
        Assert.Equal(answer.BlockId, file.Header.Id.ToString());
        Assert.Contains(world.Receipt.TransactionId, answer.DecodeReceipts().Select(receipt => receipt.TransactionId.ToString()));
    }

    [Fact]
    public async Task The_chain_re_executes_to_the_state_of_the_node()
    {
        var chain = await DownloadedChain.VerifyAsync(world.Node, world.Genesis);

        Assert.Equal(ReceiptCode.Ok, Assert.Single(chain.Receipts[Hash256.FromHex(world.Receipt.TransactionId)]).Code);
    }

    [Fact]
    public async Task Status_identities_and_edges_are_served_as_JSON_too()
    {
        using var http = new HttpClient { BaseAddress = world.Node.Http };

        var status = await Get("v1/status");
        var edge = await Get($"v1/edges/{world.Alice.Did}/{world.Bob.Did}");
        var receipt = await Get($"v1/transactions/{world.Receipt.TransactionId}");

        Assert.Equal(world.Genesis.ChainId, status.GetProperty("chainId").GetString());
        Assert.True(edge.GetProperty("found").GetBoolean());
        Assert.Equal("COMMITTED", receipt.GetProperty("state").GetString());
        Assert.Equal("ok", await http.GetStringAsync(new Uri("healthz", UriKind.Relative)));

        async Task<JsonElement> Get(string path) => JsonDocument.Parse(await http.GetStringAsync(new Uri(path, UriKind.Relative))).RootElement;
    }

    [Fact]
    public async Task A_transaction_can_be_sent_as_JSON()
    {
        using var http = new HttpClient { BaseAddress = world.Node.Http };
        using var dora = new TestPerson(world.Genesis.ChainId);
        var envelope = dora.Sign(dora.Registration());
        using var body = new StringContent(Google.Protobuf.JsonFormatter.Default.Format(envelope.ToMessage()), null, "application/json");

        using var answer = await http.PostAsync(new Uri("v1/transactions", UriKind.Relative), body);

        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        Assert.Equal("OK", (await world.Node.Client.AwaitReceiptAsync(envelope.IdOn(world.Genesis.ChainId))).Code);
    }

    [Fact]
    public async Task Reflection_lists_the_services()
    {
        using var call = new ServerReflection.ServerReflectionClient(world.Node.Channel).ServerReflectionInfo();
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" });
        await call.RequestStream.CompleteAsync();
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));

        var services = call.ResponseStream.Current.ListServicesResponse.Service.Select(service => service.Name).ToList();

        Assert.Contains("vivim.v1.Chain", services);
        Assert.Contains("vivim.v1.Identity", services);
        Assert.Contains("vivim.v1.Graph", services);
    }

    [Fact]
    public async Task The_health_service_says_that_it_serves() =>
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, (await new Health.HealthClient(world.Node.Channel).CheckAsync(new HealthCheckRequest())).Status);

    [Fact]
    public async Task Events_are_filtered_by_author_and_type_and_resumed_from_any_of_them()
    {
        var all = await EventsAsync(new V1.SubscribeEventsRequest());
        var byAlice = await EventsAsync(new V1.SubscribeEventsRequest { Authors = { world.Alice.Did.ToString() } });
        var herFollows = await EventsAsync(new V1.SubscribeEventsRequest { Authors = { world.Alice.Did.ToString() }, Types_ = { "FOLLOWED" } });

        Assert.Equal(["IDENTITY_REGISTERED", "FOLLOWED"], byAlice.Select(e => e.Type));
        var follow = Assert.Single(herFollows);
        Assert.Equal((world.Alice.Did.ToString(), world.Bob.Did.ToString(), world.Receipt.TransactionId), (follow.Actor, follow.Subject, follow.TransactionId));
        for (var i = 0; i < all.Count; i++)
        {
            var rest = await EventsAsync(new V1.SubscribeEventsRequest { From = all[i].Cursor });
            Assert.Equal(all.Skip(i), rest.Take(all.Count - i));
        }
    }

    [Fact]
    public async Task A_filter_without_a_match_still_shows_how_far_it_has_looked()
    {
        var status = await world.Node.Client.GetStatusAsync();
        using var call = Chain.SubscribeEvents(new V1.SubscribeEventsRequest { Authors = { world.Carol.Did.ToString() }, Types_ = { "UNFOLLOWED" } });
        var items = await call.ResponseStream.ReadAllAsync().ToListAsync();

        var mark = EventCursor.Parse(items[^1].Progress);
        Assert.True(mark > new EventCursor(status.Height, 0));
        Assert.All(items, item => Assert.Equal(V1.SubscribeEventsResponse.ItemOneofCase.Progress, item.ItemCase));
        Assert.Empty(await EventsAsync(new V1.SubscribeEventsRequest { From = mark.ToString(), Types_ = { "UNFOLLOWED" } }));
    }

    [Fact]
    public async Task A_stream_that_follows_brings_what_happens_next()
    {
        var dora = await TestPerson.RegisteredAsync(world.Node);
        // Somebody of her own: what other tests prove of the people they share must not depend on which test runs first.
        var emil = await TestPerson.RegisteredAsync(world.Node);
        var next = (await world.Node.Client.GetStatusAsync()).Height + 1;
        using var call = Chain.SubscribeEvents(new V1.SubscribeEventsRequest { From = $"{next}:0", Authors = { dora.Did.ToString() }, Follow = true });

        var receipt = await world.Node.Client.As(dora.Key).FollowAsync(emil.Did);

        await foreach (var item in call.ResponseStream.ReadAllAsync())
        {
            if (item.Event is not { } followed) continue;
            Assert.Equal(("FOLLOWED", receipt.TransactionId), (followed.Type, followed.TransactionId));
            break;
        }
    }

    private ProvenFacts Proven(Google.Protobuf.ByteString proof, ulong height)
    {
        var state = ProofFile.FromBytes(proof.Span).Verify(world.Genesis);
        Assert.Equal(height, state.Height);
        return state;
    }

    private async Task<List<V1.Event>> EventsAsync(V1.SubscribeEventsRequest request)
    {
        using var call = Chain.SubscribeEvents(request);
        return await call.ResponseStream.ReadAllAsync().Where(item => item.Event is not null).Select(item => item.Event).ToListAsync();
    }
}
