using System.CommandLine;
using Vivim.Protocol.Identity;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Cli.Commands;

/// <summary><c>vivim follow|unfollow|followers</c>.</summary>
internal static class GraphCommands
{
    private const uint LargestPage = 1_000;

    public static Command Follow(VivimCommand vivim) => Change(vivim, "follow", "Follow somebody", follow: true);

    public static Command Unfollow(VivimCommand vivim) => Change(vivim, "unfollow", "No longer follow somebody", follow: false);

    public static Command Followers(VivimCommand vivim)
    {
        var who = IdentityCommands.Who();
        var limit = new Option<uint>("--limit") { Description = $"Followers a page, 1 to {LargestPage}", HelpName = "N", DefaultValueFactory = static _ => 100 };
        limit.Validators.Add(static result =>
        {
            if (result.GetValueOrDefault<uint>() is 0 or > LargestPage) result.AddError($"--limit must be 1 to {LargestPage}");
        });
        var page = new Option<string>("--page") { Description = "The next page, as the last one named it", HelpName = "TOKEN", DefaultValueFactory = static _ => "" };
        var command = new Command("followers", "List who follows somebody") { who, limit, page };
        return vivim.Run(command, async (context, cancellationToken) =>
        {
            var did = await context.ResolveAsync(context.Arguments.GetRequiredValue(who), cancellationToken);
            var answer = await context.Client.ListFollowersAsync(did, context.Arguments.GetValue(limit), context.Arguments.GetValue(page)!, cancellationToken);
            ShowFollowers(context.Terminal, did, answer);
            return VivimCommand.Success;
        });
    }

    private static Command Change(VivimCommand vivim, string name, string description, bool follow)
    {
        var who = IdentityCommands.Who();
        return vivim.Run(new Command(name, description) { who }, async (context, cancellationToken) =>
        {
            using var key = context.OpenKey();
            var person = context.Client.As(key);
            var followee = await context.ResolveAsync(context.Arguments.GetRequiredValue(who), cancellationToken);
            var receipt = follow ? await person.FollowAsync(followee, cancellationToken) : await person.UnfollowAsync(followee, cancellationToken);
            context.Terminal.Show(
                new { follower = person.Did.ToString(), followee = followee.ToString(), height = receipt.Height, transactionId = receipt.TransactionId },
                ("follower", person.Did), (follow ? "follows" : "no longer follows", followee), ("height", receipt.Height), ("transaction", receipt.TransactionId));
            return VivimCommand.Success;
        });
    }

    private static void ShowFollowers(Terminal terminal, Did did, V1.ListFollowersResponse page)
    {
        var view = new
        {
            did = did.ToString(),
            total = page.Total,
            height = page.Height,
            followers = page.Followers.Select(f => new { did = f.Did, since = f.Since }).ToList(),
            nextPage = page.NextPageToken.Length > 0 ? page.NextPageToken : null,
        };
        terminal.Show(view, text =>
        {
            if (page.Followers.Count > 0) text.Table(["follower", "since"], page.Followers.Select(follower => (string[])[follower.Did, follower.Since]));
            text.Line($"{page.Total} in all");
            if (view.nextPage is not null) text.Line($"more: --page {view.nextPage}");
        });
    }
}
