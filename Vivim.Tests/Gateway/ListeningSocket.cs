using System.Globalization;
using System.Net;

namespace Vivim.Tests.Gateway;

/// <summary>A socket that waits for others, of a process.</summary>
/// <param name="Kind">tcp, udp or unix.</param>
/// <param name="Place">Address and port, or the path of its file.</param>
internal sealed record ListeningSocket(string Kind, string Place)
{
    private const string TcpListen = "0A", UdpBound = "07";
    private const int UnixAccepts = 0x10000;

    /// <summary>All that a process holds, read from /proc.</summary>
    public static IReadOnlyList<ListeningSocket> Of(int process)
    {
        var inodes = Directory.GetFiles($"/proc/{process}/fd").Select(TargetOf)
            .Where(name => name.StartsWith("socket:[", StringComparison.Ordinal)).Select(name => name["socket:[".Length..^1]).ToHashSet(StringComparer.Ordinal);
        return
        [
            .. Internet(process, "tcp", TcpListen, inodes), .. Internet(process, "tcp6", TcpListen, inodes), .. Internet(process, "udp", UdpBound, inodes), .. Internet(process, "udp6", UdpBound, inodes),
            .. Rows(process, "unix").Where(row => inodes.Contains(row[6]) && (int.Parse(row[3], NumberStyles.HexNumber) & UnixAccepts) != 0).Select(row => new ListeningSocket("unix", row.Length > 7 ? row[7] : "")),
        ];
    }

    /// <summary>What a descriptor stands for; empty where the process has closed it since it was listed.</summary>
    private static string TargetOf(string descriptor)
    {
        try
        {
            return File.ResolveLinkTarget(descriptor, returnFinalTarget: false)?.Name ?? "";
        }
        catch (FileNotFoundException)
        {
            return "";
        }
    }

    private static IEnumerable<ListeningSocket> Internet(int process, string table, string state, HashSet<string> inodes) =>
        Rows(process, table).Where(row => row[3] == state && inodes.Contains(row[9])).Select(row => new ListeningSocket(table[..3], Endpoint(row[1]).ToString()));

    private static IEnumerable<string[]> Rows(int process, string table) =>
        File.ReadLines($"/proc/{process}/net/{table}").Skip(1).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    /// <summary>The address in words of four bytes, each in the machine's order, and the port, in hexadecimal digits.</summary>
    private static IPEndPoint Endpoint(string text)
    {
        var (address, port) = (Convert.FromHexString(text[..text.IndexOf(':')]), text[(text.IndexOf(':') + 1)..]);
        for (var word = 0; word < address.Length; word += 4) Array.Reverse(address, word, 4);
        return new IPEndPoint(new IPAddress(address), int.Parse(port, NumberStyles.HexNumber));
    }
}
