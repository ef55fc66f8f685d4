using Vivim.Simulator;

return await new SimulatorCommand(Console.Out, Console.Error).RunAsync(args);
