using System.CommandLine;
using Vivim.Client;
using Vivim.Protocol.Identity;

namespace Vivim.Cli.Commands;

/// <summary><c>vivim key new|show|list</c>: the keys on this machine. Needs no node.</summary>
internal static class KeyCommands
{
    private sealed record KeyView(string Name, string Did, string KeyDid);

    public static Command Build(VivimCommand vivim)
    {
        var newName = new Argument<string>("NAME") { Description = "Letters, digits, '-', '_' or '.'" };
        var create = new Command("new", "Make a new key") { newName };
        vivim.Run(create, (context, _) =>
        {
            var name = context.Arguments.GetRequiredValue(newName);
            context.Keys.Create(name).Dispose();
            Show(context, name);
            return Task.FromResult(VivimCommand.Success);
        });

        var shownName = new Argument<string?>("NAME") { Description = "The key's name; without it, the one --key names", Arity = ArgumentArity.ZeroOrOne };
        var show = new Command("show", "Show a key's DIDs") { shownName };
        vivim.Run(show, (context, _) =>
        {
            Show(context, context.Arguments.GetValue(shownName) ?? context.KeyName);
            return Task.FromResult(VivimCommand.Success);
        });

        var list = new Command("list", "List all keys");
        vivim.Run(list, (context, _) =>
        {
            List(context);
            return Task.FromResult(VivimCommand.Success);
        });
        return new Command("key", "Keys on this machine") { create, show, list };
    }

    private static void Show(CommandContext context, string name)
    {
        var view = View(context, name);
        context.Terminal.Show(view, ("name", view.Name), ("did", view.Did), ("key", view.KeyDid), ("file", Path.Combine(context.Keys.Folder, name)));
    }

    private static void List(CommandContext context)
    {
        var keys = new List<KeyView>();
        foreach (var name in context.Keys.Names())
        {
            try
            {
                keys.Add(View(context, name));
            }
            catch (CommandFailedException e)
            {
                context.Terminal.Remark($"{e.Message}");
            }
        }

        if (keys.Count == 0) context.Terminal.Remark($"No keys yet; make one with: vivim key new default");
        context.Terminal.Show(new { keys }, text =>
        {
            if (keys.Count > 0) text.Table(["name", "did"], keys.Select(key => (string[])[key.Name, key.Did]));
        });
    }

    private static KeyView View(CommandContext context, string name)
    {
        using var key = context.Keys.Open(name);
        return new KeyView(name, Person.DidOf(key.PublicKey).ToString(), Did.OfKey(key.PublicKey).ToString());
    }
}
