using System.CommandLine;
using Vivim.Gateway;
using Vivim.Gateway.Configuration;

var data = new Option<string?>("--data") { Description = "folder of everything the node keeps" };
var config = new Option<string?>("--config") { Description = "HOCON file with settings that differ from hocon/vivim.conf", Recursive = true };
var httpPort = new Option<string?>("--http-port") { Description = "port for HTTP/1.1; 0 takes a free one", Recursive = true };
var grpcPort = new Option<string?>("--grpc-port") { Description = "port for gRPC; 0 takes a free one" };

var validators = new Option<string?>("--validators") { Description = "validators of the chain that a first start makes, all run by this node" };

var healthCheck = new Command("healthcheck", "Ends with 0 when the node on this machine is ready, else with 1.");
healthCheck.SetAction((arguments, _) => WithSettings(arguments, settings => HealthProbe.Run(settings.Http)));

var command = new RootCommand("Runs a VIVIM node. With no options: a whole network of one node, in ./data.") { data, config, httpPort, grpcPort, validators, healthCheck };
command.SetAction((arguments, _) => WithSettings(arguments, GatewayHost.Run));
// The host hears SIGTERM and SIGINT itself, and may need longer for an orderly stop than the parser would give it.
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });

async Task<int> WithSettings(ParseResult arguments, Func<NodeSettings, Task<int>> run)
{
    var overrides = new Dictionary<string, string>();
    Override("data", data);
    Override("http.port", httpPort);
    Override("grpc.port", grpcPort);
    Override("genesis.validators", validators);
    try
    {
        var reference = Path.Combine(AppContext.BaseDirectory, "hocon", "vivim.conf");
        return await run(NodeSettings.From(new SettingsReader(reference, arguments.GetValue(config), Environment.GetEnvironmentVariable, overrides)));
    }
    catch (SettingsException e)
    {
        await Console.Error.WriteLineAsync($"vivim: {e.Message}");
        return 2;
    }

    void Override(string key, Option<string?> option)
    {
        if (arguments.GetValue(option) is { } value) overrides[key] = value;
    }
}
