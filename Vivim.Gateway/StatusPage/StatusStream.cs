using System.Data.Common;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Threading.Channels;
using Akka.Actor;
using Vivim.Actors.Supervision;
using Vivim.Gateway.Node;
using Vivim.Gateway.Rpc;
using Vivim.Protocol;
using Vivim.Protocol.V1;

namespace Vivim.Gateway.StatusPage;

/// <summary>
/// What one open status page is sent: the node's status every second, and supervision events as they happen, without paths, addresses and
/// causes.
/// </summary>
internal sealed class StatusStream(RunningNode node, StatusAnswers answers)
{
    /// <summary>Events from before to begin with.</summary>
    private const int Past = 20;

    /// <summary>What a node on its own, which has no name, is called.</summary>
    private const string NoName = "this node";

    /// <summary>Items that wait for a slow reader; then it gets fewer.</summary>
    private const int Ahead = 8;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan NamesInterval = TimeSpan.FromSeconds(10);

    private readonly Channel<SseItem<string>> items = Channel.CreateBounded<SseItem<string>>(Ahead);
    private IReadOnlyDictionary<Address, string> names = new Dictionary<Address, string>();
    private IReadOnlyList<object> validators = [];
    private ulong? validatorsAt;

    /// <summary>The items, until cancelled.</summary>
    public async IAsyncEnumerable<SseItem<string>> Read([EnumeratorCancellation] CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var sending = Task.WhenAll(Send(SendStatus, stop.Token), Send(SendEvents, stop.Token));
        try
        {
            while (await MayRead(cancellation))
            {
                while (items.Reader.TryRead(out var item)) yield return item;
            }
        }
        finally
        {
            await stop.CancelAsync();
            await sending;
        }
    }

    /// <summary>An end that was asked for is the end of the stream, and no failure.</summary>
    private async Task<bool> MayRead(CancellationToken cancellation)
    {
        try
        {
            return await items.Reader.WaitToReadAsync(cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task Send(Func<CancellationToken, Task> send, CancellationToken cancellation)
    {
        try
        {
            await send(cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The reader has gone.
        }
        catch (Exception e)
        {
            // The page connects again.
            items.Writer.TryComplete(e);
        }
    }

    private async Task SendStatus(CancellationToken cancellation)
    {
        for (var round = 0; ; round++)
        {
            if (round % (int)(NamesInterval / Interval) == 0) await ReadNames(cancellation);
            await Send("status", await Status(cancellation), cancellation);
            await Task.Delay(Interval, cancellation);
        }
    }

    private async Task SendEvents(CancellationToken cancellation)
    {
        await foreach (var item in node.Supervision.Watch(SupervisionFilter.All, Past, null, cancellation))
        {
            var name = item.Node == item.Address ? NoName : item.Node;
            await (item.Event is { } e
                ? Send("supervision", new { e.At, Node = name, Kind = KebabCase.Of(e.Kind.ToString()), e.Region }, cancellation)
                : Send("supervision", new { Node = name, item.Lost }, cancellation));
        }
    }

    private async Task<object> Status(CancellationToken cancellation)
    {
        var height = node.Heights.Current;
        if (height != validatorsAt)
        {
            var list = await answers.Validators(cancellation);
            var shown = list.Validators.Select(entry =>
                new { Did = entry.Validator, entry.Power, entry.IsNextProposer, IsJailed = entry.JailedAt > 0 });
            validators = [.. shown];
            validatorsAt = height;
        }

        var cluster = Akka.Cluster.Cluster.Get(node.System);
        var nodes = cluster.State.Members.Select(member => new
        {
            Name = names.GetValueOrDefault(member.Address, NoName),
            Status = member.Status.ToString().ToLowerInvariant(),
            Unreachable = cluster.State.Unreachable.Contains(member),
            IsSelf = member.Address == cluster.SelfAddress,
        });
        return new
        {
            node.Genesis.ChainId,
            Height = height,
            Version = NodeHost.Version.Split('+')[0],
            Nodes = nodes.OrderBy(member => member.Name, StringComparer.Ordinal),
            Validators = validators,
        };
    }

    private async Task ReadNames(CancellationToken cancellation)
    {
        try
        {
            names = await node.NodeNames(cancellation);
        }
        catch (DbException)
        {
            // The names are in the database; while that is away, those known before are as good.
        }
    }

    private ValueTask Send(string type, object value, CancellationToken cancellation) =>
        items.Writer.WriteAsync(new SseItem<string>(JsonSerializer.Serialize(value, JsonSerializerOptions.Web), type), cancellation);
}
