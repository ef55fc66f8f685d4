using System.CommandLine;
using Vivim.Gateway;
using Vivim.Gateway.Clustering;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Logging;
using Vivim.Gateway.Node;

var data = new Option<string?>("--data") { Description = "folder of everything the node keeps" };
var config = new Option<string?>("--config") { Description = "HOCON file with settings that differ from hocon/vivim.conf", Recursive = true };
var httpPort = new Option<string?>("--http-port") { Description = "port for HTTP/1.1; 0 takes a free one", Recursive = true };
var grpcPort = new Option<string?>("--grpc-port") { Description = "port for gRPC; 0 takes a free one" };
var validators = new Option<string?>("--validators") { Description = "validators of the chain that a first start makes, all run by this node" };
var network = new Option<string?>("--network") { Description = "folder of the genesis and the keys that the nodes of a cluster share", Recursive = true };

var command = new RootCommand("Runs a VIVIM node. With no options: a whole network of one node, in ./data.") { data, config, httpPort, grpcPort, validators, network };
command.SetAction((arguments, _) => Run(arguments, GatewayHost.Run));

var addValidator = new Option<bool>("--add-validator") { Description = "make the key of one more validator, with its signer row" };
var init = new Command("init", "Prepares what the nodes of a cluster share: genesis, keys, the database, certificates. A second run adds only certificates that are missing or near their end.") { addValidator };
init.SetAction((arguments, cancellation) => Run(arguments, async settings =>
{
    NodeConsole.Write(arguments.GetValue(addValidator) ? await NetworkInit.AddValidator(settings) : await NetworkInit.Run(settings, TimeProvider.System, cancellation));
    return 0;
}));
command.Subcommands.Add(init);

var healthCheck = new Command("healthcheck", "Ends with 0 when the node on this machine is ready, else with 1.");
healthCheck.SetAction((arguments, _) => Run(arguments, settings => HealthProbe.Run(settings.Http)));
command.Subcommands.Add(healthCheck);

// The host hears SIGTERM and SIGINT itself, and may need longer for an orderly stop than the parser would give it.
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });

async Task<int> Run(ParseResult arguments, Func<NodeSettings, Task<int>> run)
{
    var overrides = new Dictionary<string, string>();
    Override("data", data);
    Override("http.port", httpPort);
    Override("grpc.port", grpcPort);
    Override("genesis.validators", validators);
    Override("network", network);
    try
    {
        var reference = Path.Combine(AppContext.BaseDirectory, "hocon", "vivim.conf");
        return await run(NodeSettings.From(new SettingsReader(reference, arguments.GetValue(config), Environment.GetEnvironmentVariable, overrides)));
    }
    catch (SettingsException e)
    {
        await NodeConsole.Fail(e.Message);
        return 2;
    }
    catch (StartException e)
    {
        await NodeConsole.Fail(e.Message);
        return 1;
    }

    void Override(string key, Option<string?> option)
    {
        if (arguments.GetValue(option) is { } value) overrides[key] = value;
    }
}
