using System.Buffers.Binary;
using System.Net;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Vivim.Protocol.V1;
using Vivim.Tests.Ledger;
using Vivim.Tests.Protocol;

namespace Vivim.Tests.Cli;

/// <summary>What a hostile node answers.</summary>
public enum Hostility
{
    /// <summary>Whatever a client must be able to read is right, every other text is hostile.</summary>
    Plausible,

    /// <summary>Every text is hostile, and every number as large as can be.</summary>
    Wild,

    /// <summary>Every call is refused, with a hostile message and a hostile reason.</summary>
    Refusing,
}

/// <summary>
/// A node that answers every method of every service there is with texts that take over a terminal, made from the descriptors: a new
/// method or a new field is
/// hostile too, without anybody thinking of it.
/// </summary>
internal sealed class HostileNode : IAsyncDisposable
{
    /// <summary>Begins a line of its own, where a line break gets through.</summary>
    public const string FeignedLine = "FEIGNED";

    public const string Text = "\e]0;PWNED\a\e[31mred\e[2J\u009b31mC1 \u202egnp.exe\u2066\u200f\u200b\ufeff\u2028[red]markup[/]{0}\U000E0041\r\t\n" + FeignedLine + " line";

    private static readonly FileDescriptor[] Files =
    [
        ChainReflection.Descriptor, ClusterReflection.Descriptor, GraphReflection.Descriptor, IdentityReflection.Descriptor, LogsReflection.Descriptor, PoolReflection.Descriptor,
        SupervisionReflection.Descriptor, WorkersReflection.Descriptor,
    ];

    private static readonly Dictionary<string, MethodDescriptor> Methods =
        Files.SelectMany(file => file.Services).SelectMany(service => service.Methods).ToDictionary(method => $"/{method.Service.FullName}/{method.Name}");

    private readonly WebApplication application;
    private readonly Hostility hostility;

    private HostileNode(WebApplication application, Hostility hostility)
    {
        this.application = application;
        this.hostility = hostility;
    }

    public string Address => application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    public static async Task<HostileNode> StartAsync(Hostility hostility)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        var node = new HostileNode(builder.Build(), hostility);
        node.application.Run(node.AnswerAsync);
        await node.application.StartAsync();
        return node;
    }

    public ValueTask DisposeAsync() => application.DisposeAsync();

    private async Task AnswerAsync(HttpContext http)
    {
        var response = http.Response;
        response.ContentType = "application/grpc";
        await response.StartAsync();
        if (hostility == Hostility.Refusing)
        {
            var status = new Google.Rpc.Status { Code = 3, Message = Text, Details = { Any.Pack(new ErrorInfo { Domain = Text, Reason = Text, Metadata = { [Text] = Text } }) } };
            response.AppendTrailer("grpc-status", "3");
            response.AppendTrailer("grpc-message", Uri.EscapeDataString(Text));
            response.AppendTrailer("grpc-status-details-bin", Convert.ToBase64String(status.ToByteArray()));
            return;
        }

        var method = Methods[http.Request.Path.Value!];
        for (var messages = method.IsServerStreaming ? 2 : 1; messages > 0; messages--)
        {
            var message = Encode(method.OutputType, depth: 0);
            var frame = new byte[5 + message.Length];
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
            message.CopyTo(frame, 5);
            await response.Body.WriteAsync(frame);
        }

        response.AppendTrailer("grpc-status", "0");
    }

    private byte[] Encode(MessageDescriptor type, int depth)
    {
        const int deepest = 6;
        using var bytes = new MemoryStream();
        using (var output = new CodedOutputStream(bytes, leaveOpen: true))
        {
            // Of a oneof the first, as the last that is sent would count.
            foreach (var field in type.Fields.InFieldNumberOrder().Where(field => field.RealContainingOneof is not { } oneof || oneof.Fields[0] == field))
            {
                for (var times = field.IsRepeated ? 2 : 1; times > 0 && depth < deepest; times--) Encode(field, output, depth);
            }
        }

        return bytes.ToArray();
    }

    private void Encode(FieldDescriptor field, CodedOutputStream output, int depth)
    {
        var number = hostility == Hostility.Wild ? ulong.MaxValue : 5;
        switch (field.FieldType)
        {
            case FieldType.String:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.LengthDelimited);
                output.WriteString(hostility == Hostility.Wild ? Text : PlausibleText(field));
                break;
            case FieldType.Bytes:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.LengthDelimited);
                output.WriteBytes(field.Name == "genesis" && hostility == Hostility.Plausible ? ByteString.CopyFrom(TestChain.GenesisWith(TestChain.Parameters).ToJson()) : ByteString.CopyFromUtf8(Text));
                break;
            case FieldType.Message:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.LengthDelimited);
                output.WriteBytes(ByteString.CopyFrom(Encode(field.MessageType, depth + 1)));
                break;
            case FieldType.Enum:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.Varint);
                output.WriteInt32(hostility == Hostility.Wild ? int.MaxValue : field.EnumType.Values[^1].Number);
                break;
            case FieldType.Double:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.Fixed64);
                output.WriteDouble(hostility == Hostility.Wild ? double.NaN : 5);
                break;
            case FieldType.Bool:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.Varint);
                output.WriteBool(true);
                break;
            case FieldType.UInt64 or FieldType.Int64 or FieldType.UInt32 or FieldType.Int32:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.Varint);
                output.WriteUInt64(number);
                break;
            default:
                throw new NotSupportedException($"{field.FullName} is a {field.FieldType}: let the hostile node answer with it too");
        }
    }

    private static string PlausibleText(FieldDescriptor field) => field.Name switch
    {
        "did" => Examples.Bob.Did.ToString(),
        "cursor" => "1:0",
        "next_page_token" => "",
        "type" when field.ContainingType.Name == nameof(Worker) => "backup",
        "worker" when field.ContainingType.Name == nameof(Worker) => "backup-" + Text,
        _ => Text,
    };
}
