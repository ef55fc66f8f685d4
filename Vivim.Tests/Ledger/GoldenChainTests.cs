using System.Text.Json;
using Vivim.Ledger;
using Vivim.Ledger.Execution;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Transactions;

namespace Vivim.Tests.Ledger;

/// <summary>
/// A chain kept as files in tests/golden-chain. Whoever changes what it replays to has changed the rules of every chain there is; the
/// README there says when it may be written anew (<c>VIVIM_WRITE_GOLDEN=1</c>).
/// </summary>
public sealed class GoldenChainTests
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };
    private static readonly string Folder = Repository.PathOf("tests", "golden-chain");

    private static readonly ChainParameters Parameters = TestChain.Parameters with { QuotaWindowHeights = 5, QuotaActions = 20, MaxRegistrations = 12 };

    private static readonly Lazy<IReadOnlyList<(Block Block, CommitCertificate Certificate)>> Generated = new(() =>
    {
        var blocks = Generate();
        if (Environment.GetEnvironmentVariable("VIVIM_WRITE_GOLDEN") == "1") Write(blocks);
        return blocks;
    });

    /// <summary>What executing a block made.</summary>
    private sealed record Roots(ulong Height, string BlockId, string StateRoot, string ReceiptRoot, string EventRoot, IReadOnlyList<string> Receipts);

    [Fact]
    public void The_golden_chain_is_executed_to_the_same_roots()
    {
        var verifier = new ChainVerifier(ReadGenesis());
        var expected = ReadRoots();
        Assert.InRange(expected.Length, 12, 1_000);
        foreach (var roots in expected)
        {
            var (block, certificate) = ReadBlock(roots.Height);
            var actual = RootsOf(block, verifier.Add(block, certificate), verifier);
            Assert.Equal(roots with { Receipts = [] }, actual with { Receipts = [] });
            Assert.Equal(roots.Receipts, actual.Receipts);
        }
    }

    [Fact]
    public void The_golden_chain_would_be_made_the_same_today()
    {
        Assert.Equal(Generated.Value[0].Block.Header.Parent, ReadGenesis().Hash);
        Assert.All(Generated.Value, made =>
        {
            var (block, certificate) = ReadBlock(made.Block.Header.Height);
            Assert.Equal(block.ToBytes(), made.Block.ToBytes());
            Assert.Equal(certificate.ToBytes(), made.Certificate.ToBytes());
        });
    }

    [Fact]
    public void The_golden_chain_holds_every_outcome_an_empty_block_evidence_and_changes_of_the_validators()
    {
        var roots = ReadRoots();
        Assert.Superset(Enum.GetValues<ReceiptCode>().Select(code => UpperSnakeCase.Of(code.ToString())).ToHashSet(), roots.SelectMany(r => r.Receipts).ToHashSet());
        Assert.Contains(roots, r => r.Receipts.Count == 0);
        Assert.Contains(Generated.Value, made => made.Block.Evidence.Count > 0);
        Assert.Equal(3, Generated.Value.Select(made => made.Block.Header.NextValidatorSetHash).Distinct().Count());
        Assert.InRange(roots.Sum(r => r.Receipts.Count), 60, 1_000);
    }

    private static List<(Block Block, CommitCertificate Certificate)> Generate()
    {
        var chain = new TestChain(Parameters, validators: TestChain.Validators(5));
        Person[] people = [.. Enumerable.Range(0, 12).Select(i => new Person($"golden {i}"))];
        var nonces = new ulong[people.Length];

        chain.Commit([.. people.Take(8).Select(p => p.Register())]);
        chain.Commit(people[0].Register(nonce: 1), people[1].Register(nonce: 1, variant: 1), Follow(0, 1), Follow(0, 1), Follow(0, 0), Follow(1, 11), Unfollow(2, 3));
        chain.Commit();
        chain.Commit([.. Enumerable.Range(1, 7).Select(i => Follow(i, 0)), .. Enumerable.Range(2, 6).Select(i => Follow(1, i))]);
        chain.Commit([.. people.Skip(8).Select(p => p.Register())]);
        chain.Commit(Unfollow(0, 1), Follow(0, 1), Unfollow(0, 1), Unfollow(0, 1));
        chain.Commit([.. Enumerable.Range(8, 4).SelectMany(i => new[] { Follow(i, 0), Follow(0, i) })]);
        chain.Commit();
        chain.Commit([.. Enumerable.Range(1, 7).Select(i => Unfollow(i, 0))]);
        chain.Commit([.. Enumerable.Range(0, 20).Select(_ => Follow(3, 3))]);
        chain.Commit(people[11].Register(nonce: 1, variant: 2), Follow(11, 10), Unfollow(11, 9));
        chain.Commit();
        ChangeValidators(chain);
        return [.. chain.Stored()];

        TransactionEnvelope Follow(int follower, int followee) => people[follower].Follow(people[followee].Did, nonces[follower]++);

        TransactionEnvelope Unfollow(int follower, int followee) => people[follower].Unfollow(people[followee].Did, nonces[follower]++);
    }

    /// <summary>Takes in a sixth validator, with every way to fail, then jails the fifth.</summary>
    private static void ChangeValidators(TestChain chain)
    {
        Person[] validators = [.. Enumerable.Range(0, 6).Select(TestChain.ValidatorOf)];
        var proposal = validators[0].Propose(validators[5], 2, 0);
        chain.Commit(proposal, validators[1].Approve(validators[0], proposal, 0), validators[2].Approve(validators[0], proposal, 0), validators[1].Approve(validators[0], proposal, 1),
            validators[3].Approve(validators[2], proposal, 0), validators[4].Propose(validators[4], 1, 0));
        chain.Commit(validators[3].Approve(validators[0], proposal, 1), validators[2].Propose(validators[0], 0, 1));
        chain.Commit();
        chain.Commit(chain.Make([validators[4].Equivocate(14, 2, VoteType.Precommit)]));
        for (var i = 0; i < 4; i++) chain.Commit();
    }

    private static void Write(IReadOnlyList<(Block Block, CommitCertificate Certificate)> blocks)
    {
        var genesis = TestChain.GenesisWith(Parameters) with { Validators = TestChain.Validators(5) };
        File.WriteAllBytes(Path.Combine(Folder, "genesis.json"), genesis.ToJson());
        var verifier = new ChainVerifier(genesis);
        var roots = new List<Roots>();
        foreach (var (block, certificate) in blocks)
        {
            roots.Add(RootsOf(block, verifier.Add(block, certificate), verifier));
            File.WriteAllText(PathOf(block.Header.Height), $"{Convert.ToHexStringLower(block.ToBytes())}\n{Convert.ToHexStringLower(certificate.ToBytes())}\n");
        }

        File.WriteAllText(Path.Combine(Folder, "roots.json"), JsonSerializer.Serialize(roots, Json) + "\n");
    }

    private static Roots RootsOf(Block block, ExecutionResult result, ChainVerifier verifier) => new(
        block.Header.Height, block.Id.ToString(), verifier.StateRoot.ToString(), result.ReceiptRoot.ToString(), result.EventRoot.ToString(), [.. result.Receipts.Select(r => r.CodeName)]);

    /// <summary>Read after the chain has been made, in case that writes it.</summary>
    private static Roots[] ReadRoots() => Generated.Value.Count == 0 ? [] : JsonSerializer.Deserialize<Roots[]>(File.ReadAllText(Path.Combine(Folder, "roots.json")), Json)!;

    private static GenesisFile ReadGenesis() => GenesisFile.FromJson(File.ReadAllBytes(Path.Combine(Folder, "genesis.json")));

    private static (Block Block, CommitCertificate Certificate) ReadBlock(ulong height)
    {
        var lines = File.ReadAllLines(PathOf(height));
        return (Block.FromBytes(Convert.FromHexString(lines[0])), CommitCertificate.FromBytes(Convert.FromHexString(lines[1])));
    }

    private static string PathOf(ulong height) => Path.Combine(Folder, $"{height:D4}.hex");
}
