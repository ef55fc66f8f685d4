using Vivim.Faults.Network;
using Vivim.Faults.Postgres;

namespace Vivim.Faults.Cluster;

/// <summary>The HOCON file of one node of a cluster.</summary>
/// <param name="NetworkFolder">With genesis and keys, shared by all nodes.</param>
/// <param name="Seeds">Addresses of all nodes for remoting.</param>
internal sealed record NodeSettingsFile(int Node, string Data, string NetworkFolder, NodeAddress Address, IReadOnlyList<NodeAddress> Seeds, string DatabaseHost, PostgresServer Database)
{
    public TimeSpan ClockOffset { get; init; }

    /// <summary>More of the section <c>vivim {}</c>.</summary>
    public string More { get; init; } = "";

    /// <summary>Writes it.</summary>
    /// <returns>Its path.</returns>
    public string WriteTo(string path)
    {
        var seeds = string.Join(',', Seeds.Select(seed => $"{seed.Host}:{seed.RemotingPort}"));
        File.WriteAllText(path, $$"""
            vivim {
              data = "{{Data}}"
              network = "{{NetworkFolder}}"
              insecure-bind = true
              http.host = "{{Address.Host}}"
              http.port = {{Address.HttpPort}}
              grpc.host = "{{Address.Host}}"
              grpc.port = {{Address.GrpcPort}}
              genesis.validators = {{Seeds.Count}}
              testing.clock-offset = {{(long)ClockOffset.TotalMilliseconds}}ms
              cluster {
                name = "node{{Node}}"
                host = "{{Address.Host}}"
                port = {{Address.RemotingPort}}
                seed-nodes = "{{seeds}}"
                home-of = "{{Node}}"
              }
              database {
                provider = "postgresql"
                host = "{{DatabaseHost}}"
                port = {{Database.Port}}
                name = "{{PostgresServer.Database}}"
                user = "{{PostgresServer.User}}"
                password-file = "{{Database.PasswordFile}}"
              }
              {{More}}
            }

            """);
        return path;
    }
}
