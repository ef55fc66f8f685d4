using System.CommandLine;
using Spectre.Console;
using Vivim.Cli.Demo;

namespace Vivim.Cli.Commands;

/// <summary><c>vivim demo</c>: see <see cref="DemoRun"/>.</summary>
internal static class DemoCommand
{
    public static Command Build(VivimCommand vivim)
    {
        var gateway = new Option<FileInfo?>("--gateway") { Description = "The gateway to run, Vivim.Gateway.dll or an executable, instead of the one built beside this program", HelpName = "PATH" };
        var command = new Command("demo", "Start a node, load a graph, kill the node, go on, prove what it holds: each step with its command and time") { gateway };
        return vivim.Run(command, async (context, cancellationToken) =>
        {
            var file = context.Arguments.GetValue(gateway);
            if (file is { Exists: false }) throw new CommandFailedException("GATEWAY_NOT_FOUND", $"there is no file {file}; build it with: dotnet build Vivim.Gateway");
            using var demo = new DemoRun(file?.FullName ?? GatewayProcess.Find(), step => Show(context.Terminal, step));
            return await demo.RunAsync(cancellationToken) ? VivimCommand.Success : VivimCommand.Failure;
        });
    }

    private static void Show(Terminal terminal, DemoStep step) => terminal.Show(step, text =>
    {
        text.Line($"", $"{(step.Passed ? "PASS" : "FAIL")}", $"{step.Seconds,7:N2} s  {step.Title}: {step.Detail}", step.Passed ? Color.Green : Color.Red);
        text.Line($"               $ {step.Command}", $"", $"", Color.Default);
    });
}
