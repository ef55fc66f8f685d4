using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Tests.Ledger;

namespace Vivim.Tests.Gateway;

/// <summary>A node that cannot go on alone says so, and ends, for whoever supervises it.</summary>
[Collection(ClusterCollection.Name)]
public sealed class StallTests
{
    [Fact]
    public async Task A_node_with_one_key_of_four_ends_and_says_how_far_its_validator_came()
    {
        using var files = new NodeFiles();
        SigningKey[] keys = [.. Enumerable.Range(0, 4).Select(i => Person.KeyOf($"operator {i}"))];
        var genesis = TestChain.GenesisWith(new ChainParameters()) with { Validators = [.. keys.Select(key => new GenesisValidator(Did.OfKey(key.PublicKey).ToString(), 1))] };
        await using var prepared = OperatorNode.Prepare(0, new DirectoryInfo(files.PathOf("operators")), new PeerNetwork(seed: 0), genesis, keys[0]);

        var exit = await NodeProcess.RunAsync(new NodeStart(files) { Settings = "consensus.stall-limit = 10s", Data = files.PathOf("operators/node-0") });

        Assert.StartsWith("vivim: nothing was committed for 10 s", exit.Error, StringComparison.Ordinal);
        Assert.Contains($"{keys[0].PublicKey.ToString()[..8]}: height 1, round", exit.Error, StringComparison.Ordinal);
        Assert.Contains("more than two thirds of the validators", exit.Error, StringComparison.Ordinal);
        Assert.Single(exit.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(1, exit.Code);
    }
}
