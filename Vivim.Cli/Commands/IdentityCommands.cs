using System.CommandLine;
using Vivim.Client;

namespace Vivim.Cli.Commands;

/// <summary><c>vivim id register|show</c>: identities on the chain.</summary>
internal static class IdentityCommands
{
    public static Command Build(VivimCommand vivim)
    {
        var register = new Command("register", "Register the identity of the key that --key names");
        vivim.Run(register, RegisterAsync);

        var who = Who();
        var show = new Command("show", "Show somebody's identity and account") { who };
        vivim.Run(show, (context, cancellationToken) => ShowAsync(context, context.Arguments.GetRequiredValue(who), cancellationToken));
        return new Command("id", "Identities on the chain") { register, show };
    }

    /// <summary>The argument that names a person.</summary>
    public static Argument<string> Who(string name = "WHO") => new(name) { Description = "A key's name, a did:key or a did:vivim" };

    private static async Task<int> RegisterAsync(CommandContext context, CancellationToken cancellationToken)
    {
        using var key = context.OpenKey();
        var person = context.Client.As(key);
        var receipt = await person.RegisterAsync(cancellationToken);
        context.Terminal.Show(
            new { did = person.Did.ToString(), keyDid = person.KeyDid.ToString(), height = receipt.Height, transactionId = receipt.TransactionId },
            ("did", person.Did), ("key", person.KeyDid), ("height", receipt.Height), ("transaction", receipt.TransactionId));
        return VivimCommand.Success;
    }

    private static async Task<int> ShowAsync(CommandContext context, string who, CancellationToken cancellationToken)
    {
        var did = context.People.Find(who);
        var identity = await context.Client.GetIdentityAsync(did, cancellationToken);
        if (!identity.Found) throw new CommandFailedException("NOT_REGISTERED", $"{did} is not registered on this chain; its owner does so with: vivim id register");
        var account = await context.Client.GetAccountAsync(Protocol.Identity.Did.Parse(identity.Did), cancellationToken);
        context.Terminal.Show(
            new
            {
                did = identity.Did,
                signingKey = identity.SigningKey,
                rotationKeys = identity.RotationKeys.ToArray(),
                registeredAt = identity.RegisteredAt,
                nonce = account.Nonce,
                quotaLeft = account.QuotaLeft,
                quotaRenewsAt = account.QuotaRenewsAt,
                followers = account.Followers,
                following = account.Following,
                height = account.Height,
            },
            ("did", identity.Did), ("signing key", identity.SigningKey), ("rotation keys", identity.RotationKeys),
            ("registered at", identity.RegisteredAt), ("nonce", account.Nonce), ("quota left", $"{account.QuotaLeft}, renewed at height {account.QuotaRenewsAt}"),
            ("followers", account.Followers), ("following", account.Following));
        return VivimCommand.Success;
    }
}
