using System.CommandLine;
using Vivim.Protocol;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Proofs;
using Vivim.Protocol.State;

namespace Vivim.Cli.Commands;

/// <summary><c>vivim proof follow|verify</c>: fetch a proof of the graph, and check one without any node.</summary>
internal static class ProofCommands
{
    public static Command Build(VivimCommand vivim) => new("proof", "Proofs that need no trust in a node") { Follow(vivim), Verify(vivim) };

    private static Command Follow(VivimCommand vivim)
    {
        var follower = IdentityCommands.Who("FOLLOWER");
        var followee = IdentityCommands.Who("FOLLOWEE");
        var target = new Option<FileInfo?>("--output", "-o") { Description = "Write the proof to this file", HelpName = "FILE" };
        var trusted = GenesisCommand.Trusted();
        var command = new Command("follow", "Prove that somebody follows somebody, or does not") { follower, followee, target, trusted };
        return vivim.Run(command, async (context, cancellationToken) =>
        {
            var arguments = context.Arguments;
            OutputFile.RequireNew(arguments.GetValue(target));
            var a = await context.ResolveAsync(arguments.GetRequiredValue(follower), cancellationToken);
            var b = await context.ResolveAsync(arguments.GetRequiredValue(followee), cancellationToken);
            var genesis = await GenesisCommand.TrustedOrNodesAsync(context, arguments.GetValue(trusted), cancellationToken);
            await context.Client.AwaitCertifiedAsync(cancellationToken);
            var edge = await RefuseUnprovenAsync(() => context.Client.ProveEdgeAsync(a, b, genesis, cancellationToken));
            var file = arguments.GetValue(target);
            if (file is not null) OutputFile.Write(file, edge.Proof.Span);
            ShowProven(context.Terminal, ProofFile.FromBytes(edge.Proof.Span), genesis, file);
            return VivimCommand.Success;
        });
    }

    private static Command Verify(VivimCommand vivim)
    {
        var proof = new Argument<FileInfo>("FILE") { Description = "The proof" };
        var trusted = GenesisCommand.Trusted();
        trusted.Required = true;
        return vivim.Run(new Command("verify", "Check a proof without a node; exit code 1 when it is refused") { proof, trusted }, async (context, cancellationToken) =>
        {
            var file = context.Arguments.GetRequiredValue(proof);
            var genesis = GenesisCommand.Read(context.Arguments.GetRequiredValue(trusted)!);
            var bytes = Read(file);
            var verified = await RefuseUnprovenAsync(() => Task.FromResult(Verified(bytes, genesis)));
            ShowProven(context.Terminal, verified, genesis, file: null);
            return VivimCommand.Success;
        });
    }

    private static byte[] Read(FileInfo file)
    {
        try
        {
            return RegularFile.Read(file.FullName, ProofFile.MaxSize);
        }
        catch (FileNotFoundException e)
        {
            throw new CommandFailedException("FILE_NOT_FOUND", $"there is no file {file}; fetch a proof with: vivim proof follow A B -o {file}", e);
        }
    }

    private static ProofFile Verified(byte[] bytes, GenesisFile genesis)
    {
        var file = ProofFile.FromBytes(bytes);
        file.Verify(genesis);
        return file;
    }

    private static async Task<T> RefuseUnprovenAsync<T>(Func<Task<T>> verify)
    {
        try
        {
            return await verify();
        }
        catch (Exception e) when (e is ProofException or MalformedException)
        {
            throw new CommandFailedException("PROOF_REFUSED", $"the proof is refused: {e.Message}", e);
        }
    }

    private static void ShowProven(Terminal terminal, ProofFile proof, GenesisFile genesis, FileInfo? file)
    {
        var header = proof.Header;
        var height = header.Height - 1;
        var claims = proof.Entries.Select(ClaimOf).ToList();
        var view = new
        {
            valid = true,
            chainId = genesis.ChainId,
            genesisHash = genesis.Hash.ToString(),
            height,
            time = header.Time,
            stateRoot = header.StateRoot.ToString(),
            claims,
            file = file?.FullName,
        };
        terminal.Show(view, text =>
        {
            foreach (var claim in claims) text.Line($"Proven: {claim.Text}");
            text.Line($"As of height {height} of {genesis.ChainId}, state root {header.StateRoot}, certified by its validators.");
            if (file is not null) text.Line($"Written to {file.FullName}; check it with: vivim proof verify {file} --genesis FILE");
        });
    }

    private sealed record Claim(string Kind, bool Exists, string Text, string? Follower = null, string? Followee = null, string? Since = null);

    private static Claim ClaimOf(ProofEntry entry) => entry switch
    {
        ProofEntry.Included { Receipt: var receipt } =>
            new Claim("receipt", Exists: true, $"transaction {receipt.TransactionId} is in block {receipt.Height} at {receipt.Index} with the result {receipt.CodeName}"),
        ProofEntry.State { Proof: var proof } when StateKey.IsEdge(proof.Key.Span) => EdgeClaim(proof),
        ProofEntry.State { Proof: StateProof.Existence existence } =>
            new Claim("state", Exists: true, $"{StateKey.Describe(existence.Key.Span)} is {Convert.ToHexStringLower(existence.Leaf.Value.Span)}"),
        ProofEntry.State { Proof: var proof } => new Claim("state", Exists: false, $"there is no {StateKey.Describe(proof.Key.Span)}"),
        _ => throw new InvalidOperationException($"a proof of unknown kind {entry.GetType().Name}"),
    };

    private static Claim EdgeClaim(StateProof proof)
    {
        var (follower, followee) = StateKey.ParseEdge(proof.Key.Span);
        if (proof is not StateProof.Existence existence) return new Claim("follow", Exists: false, $"{follower} does not follow {followee}", $"{follower}", $"{followee}");
        var since = EdgeRecord.FromBytes(existence.Leaf.Value.Span).Since;
        return new Claim("follow", Exists: true, $"{follower} follows {followee} since {since}", $"{follower}", $"{followee}", $"{since}");
    }
}
