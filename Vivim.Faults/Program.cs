using Vivim.Faults;

return await new FaultsCommand(Console.Out, Console.Error).RunAsync(args);
