using System.Text.Json;
using Vivim.Cli;
using Vivim.Cli.Demo;
using Vivim.Cli.Keys;
using Vivim.Client;
using Vivim.Protocol;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Proofs;
using Vivim.Protocol.State;
using Vivim.Tests.Gateway;

namespace Vivim.Tests.Cli;

/// <summary>One real node as its own process, and a folder for a user's keys and files.</summary>
public sealed class NodeFixture : IAsyncLifetime
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vivim-e2e-");

    public NodeFixture() => Node = new GatewayProcess(GatewayProcess.Find(), folder.CreateSubdirectory("node").FullName);

    internal GatewayProcess Node { get; }

    public string PathOf(string name) => Path.Combine(folder.FullName, name);

    public Task InitializeAsync() => Node.StartAsync(CancellationToken.None);

    /// <summary>Runs a command line as a shell would.</summary>
    public async Task<(int ExitCode, string Output, string Error)> RunAsync(string command)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var vivim = new VivimCommand(new KeyStore(PathOf("keys")), output, error);
        var exitCode = await vivim.RunAsync([.. command.Split(' '), "--json", "--node", Node.Node.OriginalString]);
        return (exitCode, output.ToString(), error.ToString());
    }

    /// <summary>Runs a command line that is to succeed, and reads its JSON.</summary>
    public async Task<JsonElement> DoAsync(string command)
    {
        var (exitCode, output, error) = await RunAsync(command);
        Assert.True(exitCode == VivimCommand.Success, $"{command}: exit code {exitCode}, {error}");
        return JsonDocument.Parse(output).RootElement;
    }

    /// <summary>Runs a command line that is to fail, and reads its reason.</summary>
    public async Task<string?> ReasonOfAsync(string command)
    {
        var (exitCode, output, error) = await RunAsync(command);
        Assert.Equal((VivimCommand.Failure, ""), (exitCode, output));
        return JsonDocument.Parse(error).RootElement.GetProperty("error").GetProperty("reason").GetString();
    }

    public Task DisposeAsync()
    {
        Node.Dispose();
        folder.Delete(recursive: true);
        return Task.CompletedTask;
    }
}

/// <summary>The command line against a real node.</summary>
[Collection(NodeCollection.Name)]
public sealed class EndToEndTests(NodeFixture fixture) : IClassFixture<NodeFixture>
{
    private async Task<(string Ann, string Bob)> TwoPeopleAsync(string suffix)
    {
        var (ann, bob) = ($"ann-{suffix}", $"bob-{suffix}");
        foreach (var name in (string[])[ann, bob])
        {
            await fixture.DoAsync($"key new {name}");
            await fixture.DoAsync($"id register --key {name}");
        }

        return (ann, bob);
    }

    [Fact]
    public async Task People_register_follow_and_unfollow()
    {
        var (ann, bob) = await TwoPeopleAsync("graph");
        var annsDid = (await fixture.DoAsync($"id show {ann}")).GetProperty("did").GetString();

        var followed = await fixture.DoAsync($"follow {bob} --key {ann}");
        var followers = await fixture.DoAsync($"followers {bob}");
        Assert.Equal(annsDid, followers.GetProperty("followers")[0].GetProperty("did").GetString());
        Assert.Equal(1, followers.GetProperty("total").GetInt32());
        var transaction = await fixture.DoAsync($"tx show {followed.GetProperty("transactionId").GetString()}");
        Assert.Equal("OK", transaction.GetProperty("receipt").GetProperty("code").GetString());

        await fixture.DoAsync($"unfollow {bob} --key {ann}");
        Assert.Equal(0, (await fixture.DoAsync($"followers {bob}")).GetProperty("total").GetInt32());
    }

    [Fact]
    public async Task Somebody_is_found_by_the_did_of_their_key_too()
    {
        var (ann, bob) = await TwoPeopleAsync("did");
        var bobsKey = (await fixture.DoAsync($"key show {bob}")).GetProperty("keyDid").GetString();

        await fixture.DoAsync($"follow {bobsKey} --key {ann}");

        Assert.Equal(1, (await fixture.DoAsync($"followers {bobsKey}")).GetProperty("total").GetInt32());
    }

    [Fact]
    public async Task What_fails_has_a_reason()
    {
        var (ann, bob) = await TwoPeopleAsync("reason");
        await fixture.DoAsync("key new nobody");
        await fixture.DoAsync($"follow {bob} --key {ann}");

        Assert.Equal("ALREADY_FOLLOWING", await fixture.ReasonOfAsync($"follow {bob} --key {ann}"));
        Assert.Equal("NOT_FOLLOWING", await fixture.ReasonOfAsync($"unfollow {ann} --key {bob}"));
        Assert.Equal("SELF_FOLLOW", await fixture.ReasonOfAsync($"follow {ann} --key {ann}"));
        Assert.Equal("FOLLOWEE_UNKNOWN", await fixture.ReasonOfAsync($"follow nobody --key {ann}"));
        Assert.Equal("SENDER_UNKNOWN", await fixture.ReasonOfAsync($"follow {ann} --key nobody"));
        Assert.Contains(await fixture.ReasonOfAsync($"id register --key {ann}"), (string[])["IDENTITY_EXISTS", "KEY_IN_USE"]);
        Assert.Equal("NOT_REGISTERED", await fixture.ReasonOfAsync("id show nobody"));
        Assert.Equal("TRANSACTION_UNKNOWN", await fixture.ReasonOfAsync($"tx show {new string('0', 64)}"));
    }

    [Fact]
    public async Task A_validator_is_taken_in_and_removed_with_the_key_of_the_node()
    {
        var authority = fixture.PathOf("node/keys/validator.key");
        await fixture.DoAsync("key new candidate");
        var candidate = (await fixture.DoAsync("key show candidate")).GetProperty("keyDid").GetString();
        var before = await fixture.DoAsync("validators list");
        var own = before.GetProperty("validators")[0];
        Assert.Equal((1, true), (before.GetProperty("validators").GetArrayLength(), own.GetProperty("isNextProposer").GetBoolean()));

        Assert.Equal("NOT_AN_AUTHORITY", await fixture.ReasonOfAsync($"validators propose --validator {candidate} --power 1 --key candidate"));
        Assert.Equal("CHANGE_IMPOSSIBLE", await fixture.ReasonOfAsync($"validators propose --validator {candidate} --power 0 --key {authority}"));
        Assert.Equal("PROPOSAL_UNKNOWN", await fixture.ReasonOfAsync($"validators approve {own.GetProperty("validator").GetString()} {new string('0', 64)} --key {authority}"));

        // Alone enough for a quorum, since the candidate does not run.
        await fixture.DoAsync($"validators propose --validator {own.GetProperty("validator").GetString()} --power 20 --key {authority}");
        await fixture.DoAsync($"validators propose --validator {candidate} --power 1 --key {authority}");
        Assert.Equal(2, (await ValidatorsWithNextPower()).Union([candidate, own.GetProperty("validator").GetString()]).Count());
        await fixture.DoAsync($"validators propose --validator {candidate} --power 0 --key {authority}");
        Assert.Equal(own.GetProperty("validator").GetString(), Assert.Single(await ValidatorsWithNextPower()));
        Assert.Equal("KEY_NOT_FOUND", await fixture.ReasonOfAsync($"validators propose --validator {candidate} --power 1 --key {authority}.gone"));

        async Task<string?[]> ValidatorsWithNextPower() => [.. (await fixture.DoAsync("validators list")).GetProperty("validators").EnumerateArray()
            .Where(v => v.GetProperty("nextPower").GetUInt64() > 0).Select(v => v.GetProperty("validator").GetString())];
    }

    [Fact]
    public async Task A_load_is_exact_and_a_rerun_counts_the_same_without_sending()
    {
        await File.WriteAllTextAsync(fixture.PathOf("graph.txt"), "# with one edge twice\n1 2\n1 3\n1 2\n2 3\n3 1\n");
        var load = $"load graph {fixture.PathOf("graph.txt")}";

        var first = await fixture.DoAsync(load);
        var second = await fixture.DoAsync(load);

        Assert.Equal([3, 5, 4, 1, 0], CountsOf(first));
        Assert.Equal([3, 0, 4, 1, 0], CountsOf(second));
        Assert.Equal(64, first.GetProperty("stateRoot").GetString()!.Length);

        static long[] CountsOf(JsonElement result) =>
            [.. ((string[])["identities", "submitted", "committed", "rejected", "lost"]).Select(n => result.GetProperty(n).GetInt64())];
    }

    [Fact]
    public async Task Every_changed_byte_of_a_proof_is_refused_without_a_node()
    {
        var (ann, bob) = await TwoPeopleAsync("proof");
        await fixture.DoAsync($"follow {bob} --key {ann}");
        await fixture.DoAsync($"genesis show -o {fixture.PathOf("genesis.json")}");
        var genesis = GenesisFile.FromJson(await File.ReadAllBytesAsync(fixture.PathOf("genesis.json")));
        foreach (var (edge, exists) in ((string, bool)[])[($"{ann} {bob}", true), ($"{bob} {ann}", false)])
        {
            var path = fixture.PathOf($"{exists}.proof");
            await fixture.DoAsync($"proof follow {edge} -o {path}");
            var verified = await fixture.DoAsync($"proof verify {path} --genesis {fixture.PathOf("genesis.json")}");
            Assert.Equal(exists, verified.GetProperty("claims")[0].GetProperty("exists").GetBoolean());
            var claim = verified.GetProperty("claims")[0];
            var key = StateKey.Edge(Did.Parse(claim.GetProperty("follower").GetString()!), Did.Parse(claim.GetProperty("followee").GetString()!));
            AssertEveryByteCounts(await File.ReadAllBytesAsync(path), genesis, key);
        }
    }

    /// <summary>A changed byte is refused; and when a forger mends the digest, nothing is proven about the key that was asked for.</summary>
    private static void AssertEveryByteCounts(byte[] proof, GenesisFile genesis, byte[] key)
    {
        for (var i = 0; i < proof.Length - Hash256.Size; i++)
        {
            var changed = proof.ToArray();
            changed[i] ^= 0x01;
            AssertRefused(i, () => ProofFile.FromBytes(changed).Verify(genesis));
            Hash256.Of(changed.AsSpan(..^Hash256.Size)).Bytes.CopyTo(changed.AsSpan(^Hash256.Size..));
            AssertRefused(i, () => ProofFile.FromBytes(changed).Verify(genesis).ValueOf(key));
        }

        for (var i = proof.Length - Hash256.Size; i < proof.Length; i++)
        {
            var changed = proof.ToArray();
            changed[i] ^= 0x01;
            AssertRefused(i, () => ProofFile.FromBytes(changed).Verify(genesis));
        }
    }

    private static void AssertRefused(int position, Func<object?> verify)
    {
        var refusal = Record.Exception(verify);
        Assert.True(refusal is ProofException or MalformedException, $"byte {position}: {refusal?.GetType().Name ?? "accepted"}");
    }

    [Fact]
    public async Task Followers_are_proven_to_be_all()
    {
        var (ann, bob) = await TwoPeopleAsync("all");
        await fixture.DoAsync($"follow {bob} --key {ann}");
        using var client = VivimClient.Connect(fixture.Node.Node);
        await client.AwaitCertifiedAsync();
        var bobsDid = Did.Parse((await fixture.DoAsync($"key show {bob}")).GetProperty("did").GetString()!);
        var annsDid = Did.Parse((await fixture.DoAsync($"key show {ann}")).GetProperty("did").GetString()!);

        var proven = await client.ProveFollowersAsync(bobsDid, await client.GetGenesisAsync());

        Assert.Equal([annsDid], proven.Followers);
    }

    [Fact]
    public async Task Events_are_listed_once_in_order_and_the_same_after_a_restart()
    {
        await TwoPeopleAsync("events");
        var (_, before, _) = await fixture.RunAsync("events --from 0");

        await fixture.Node.KillAsync(CancellationToken.None);
        await fixture.Node.StartAsync(CancellationToken.None);

        var (_, after, _) = await fixture.RunAsync("events --from 0");
        Assert.Equal(before, after);
        var cursors = before.TrimEnd('\n').Split('\n').Select(line => Vivim.Protocol.Transactions.EventCursor.Parse(JsonDocument.Parse(line).RootElement.GetProperty("cursor").GetString()!)).ToList();
        Assert.Equal(cursors.Distinct().Order(), cursors);
    }

    [Fact]
    public async Task The_chain_verifies_to_the_nodes_state_root()
    {
        await TwoPeopleAsync("chain");

        var verified = await fixture.DoAsync("chain verify");

        Assert.True(verified.GetProperty("matches").GetBoolean());
        Assert.Equal(verified.GetProperty("nodeStateRoot").GetString(), verified.GetProperty("stateRoot").GetString());
    }
}

/// <summary>The demonstration, with its own node.</summary>
[Collection(NodeCollection.Name)]
public sealed class DemoTests
{
    [Fact]
    public async Task Every_step_of_the_demonstration_passes()
    {
        var steps = new List<DemoStep>();
        using var demo = new DemoRun(GatewayProcess.Find(), steps.Add);

        Assert.True(await demo.RunAsync(CancellationToken.None), steps.LastOrDefault()?.Detail);

        Assert.Equal(12, steps.Count);
        Assert.All(steps, step => Assert.True(step.Passed));
    }
}
