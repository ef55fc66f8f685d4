using System.Net;
using Vivim.Gateway.Logging;

namespace Vivim.Gateway;

/// <summary>Asks a node on this machine whether it is ready: the container image has no other program that could.</summary>
internal static class HealthProbe
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    /// <returns>The exit code: 0 when /readyz answers 200 in time, else 1, with a sentence on standard error.</returns>
    public static async Task<int> Run(Configuration.Endpoint http)
    {
        var address = IPAddress.Parse(http.Host);
        var reached = address.Equals(IPAddress.Any) ? IPAddress.Loopback : address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : address;
        var readiness = new Uri($"http://{new IPEndPoint(reached, http.Port)}/readyz");
        // A proxy of the environment is not for the own machine.
        using var handler = new SocketsHttpHandler { UseProxy = false };
        using var client = new HttpClient(handler) { Timeout = Limit };
        try
        {
            using var answer = await client.GetAsync(readiness);
            if (answer.StatusCode == HttpStatusCode.OK) return 0;
            return await Fail($"{readiness} answers {(int)answer.StatusCode}: the node is starting or stopping");
        }
        catch (HttpRequestException e)
        {
            return await Fail($"{readiness} cannot be reached: {e.Message.TrimEnd('.')}");
        }
        catch (TaskCanceledException)
        {
            return await Fail($"{readiness} has not answered within {Limit.TotalSeconds:N0} s");
        }
    }

    private static async Task<int> Fail(string reason)
    {
        await NodeConsole.Fail(reason);
        return 1;
    }
}
