using Vivim.Cli;
using Vivim.Cli.Keys;

return await new VivimCommand(KeyStore.OfUser(), Console.Out, Console.Error).RunAsync(args);
