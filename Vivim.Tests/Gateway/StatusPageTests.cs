using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Json;
using System.Text.RegularExpressions;
using Vivim.Gateway.Limits;
using Vivim.Gateway.StatusPage;

namespace Vivim.Tests.Gateway;

/// <summary>The page at / of a real node: what it shows, and what it must not.</summary>
[Collection(NodeCollection.Name)]
public sealed partial class StatusPageTests(AdministeredNode fixture) : IClassFixture<AdministeredNode>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task The_page_is_whole_in_itself_and_its_policy_allows_no_inline_code()
    {
        using var http = new HttpClient { BaseAddress = fixture.Node.Http };
        using var answer = await http.GetAsync(new Uri("/", UriKind.Relative));
        Assert.Equal((HttpStatusCode.OK, "text/html"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        var policy = answer.Headers.GetValues("Content-Security-Policy").Single();
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        var page = await answer.Content.ReadAsStringAsync();
        Assert.DoesNotMatch(@"<style|<script>| style=| on\w+=|//", page);
        var parts = Reference().Matches(page).Select(match => match.Groups["path"].Value).Where(path => path.StartsWith('/') && !path.StartsWith("/v1", StringComparison.Ordinal)).ToList();
        Assert.Equal(["/status.css", "/status.js"], parts);
        foreach (var part in parts)
        {
            var content = await http.GetStringAsync(new Uri(part, UriKind.Relative));
            Assert.DoesNotMatch("https?://|@import|eval|innerHTML", content);
        }
    }

    [Fact]
    public async Task It_is_sent_public_facts_and_nothing_that_only_operators_may_see()
    {
        // A partition of the pool starts anew: what started with the node may be too long ago to be shown.
        Assert.Equal(0, (await fixture.RunAsync("workers", "restart", "txpool-3", "--key", fixture.OwnKeyFile)).ExitCode);
        var text = "";
        var status = new List<JsonElement>();
        var kinds = new HashSet<string?>();
        using var stop = new CancellationTokenSource(Patience);
        await foreach (var item in Read(stop.Token))
        {
            text += item.Data;
            var value = JsonDocument.Parse(item.Data).RootElement;
            if (item.EventType == "status")
            {
                Assert.Equal(["chainId", "height", "nodes", "validators", "version"], Names(value));
                Assert.Equal(["isSelf", "name", "status", "unreachable"], Names(value.GetProperty("nodes")[0]));
                Assert.All(value.GetProperty("validators").EnumerateArray(), validator => Assert.Equal(["did", "isJailed", "isNextProposer", "power"], Names(validator)));
                status.Add(value);
            }
            else
            {
                Assert.Equal(("supervision", "at,kind,node,region"), (item.EventType, string.Join(',', Names(value))));
                kinds.Add(value.GetProperty("kind").GetString());
            }

            if (status.Count >= 3 && kinds.Contains("started")) break;
        }

        Assert.Contains("started", kinds);
        Assert.Equal((fixture.ChainId, 1, 2), (status[0].GetProperty("chainId").GetString(), status[0].GetProperty("nodes").GetArrayLength(), status[0].GetProperty("validators").GetArrayLength()));
        Assert.Equal(("this node", "up", false), (status[0].GetProperty("nodes")[0].GetProperty("name").GetString(), status[0].GetProperty("nodes")[0].GetProperty("status").GetString(), status[0].GetProperty("nodes")[0].GetProperty("unreachable").GetBoolean()));
        Assert.DoesNotMatch(@"akka|127\.0\.0\.1|/user|/system|Exception", text);
    }

    [Fact]
    public async Task More_viewers_than_allowed_are_refused_and_a_place_is_free_again_when_one_goes()
    {
        using var http = new HttpClient { BaseAddress = fixture.Node.Http, Timeout = Patience };
        var open = new List<HttpResponseMessage>();
        try
        {
            await Eventually.Async(async () =>
            {
                var answer = await Open();
                open.Add(answer);
                return answer.StatusCode == HttpStatusCode.ServiceUnavailable;
            });
            // Another test's viewer may not have gone quite yet.
            Assert.InRange(open.Count, 8, (StatusViewers.Max / 2) + 1);
            Assert.Contains("pages are open already", await open[^1].Content.ReadAsStringAsync(), StringComparison.Ordinal);
            open[0].Dispose();
            await Eventually.Async(async () =>
            {
                var answer = await Open();
                open.Add(answer);
                return answer.StatusCode == HttpStatusCode.OK;
            });
        }
        finally
        {
            foreach (var answer in open) answer.Dispose();
        }

        Task<HttpResponseMessage> Open() => http.GetAsync(new Uri("/events/status", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
    }

    [Fact]
    public void No_address_takes_all_places_for_viewers()
    {
        var viewers = new StatusViewers();
        var (greedy, other) = (CallerAddress.Of(IPAddress.Parse("192.0.2.1")), CallerAddress.Of(IPAddress.Parse("192.0.2.2")));
        var taken = 0;
        while (viewers.TryOpen(greedy)) taken++;
        Assert.InRange(taken, 4, StatusViewers.Max / 4);
        Assert.True(viewers.TryOpen(other));
        var own = 0;
        while (viewers.TryOpen(CallerAddress.OwnMachine)) own++;
        Assert.InRange(own, 8, StatusViewers.Max / 2);
        viewers.Close(greedy);
        Assert.True(viewers.TryOpen(CallerAddress.OwnMachine));
    }

    [BrowserFact]
    public async Task A_browser_shows_the_height_advancing()
    {
        using var files = new NodeFiles();
        await using var node = await NodeProcess.StartAsync(files, "genesis { block-interval = 500ms, empty-block-interval = 500ms, validators = 4 }");
        await using var browser = await Browser.StartAsync();
        await using var page = await browser.OpenAsync(node.Http, width: 420, height: 900, isDark: false);

        await Eventually.Async(async () => await page.TextAsync("#connection") == "live");
        await Eventually.Async(async () => await HeightAsync() >= 2);
        var before = await HeightAsync();
        await Eventually.Async(async () => await HeightAsync() >= before + 3);
        Assert.InRange(await HeightAsync(), 1UL, (await node.Client.GetStatusAsync()).Height);
        Assert.Equal((await node.Client.GetStatusAsync()).ChainId, await page.TextAsync("#chain"));
        Assert.Equal("4", await page.EvaluateAsync("document.querySelectorAll('#validators tr').length"));
        Assert.Contains("started", await page.TextAsync("#events"), StringComparison.Ordinal);
        // On a phone's width nothing is to be scrolled sideways.
        Assert.Equal("true", await page.EvaluateAsync("document.documentElement.scrollWidth <= window.innerWidth"));
        Assert.Empty(page.Complaints);
        await page.ScreenshotAsync("status-phone");

        await using var dark = await browser.OpenAsync(node.Http, width: 1_000, height: 760, isDark: true);
        await Eventually.Async(async () => await dark.TextAsync("#connection") == "live" && (await dark.TextAsync("#events")).Length > 0);
        Assert.NotEqual(await page.EvaluateAsync("getComputedStyle(document.body).backgroundColor"), await dark.EvaluateAsync("getComputedStyle(document.body).backgroundColor"));
        await dark.ScreenshotAsync("status");

        // A node that goes away is told, and one that comes back is found.
        await node.StopAsync();
        await Eventually.Async(async () => (await page.TextAsync("#connection")).StartsWith("no connection", StringComparison.Ordinal));
        await using var again = await NodeProcess.StartAsync(new NodeStart(files) { Arguments = ["--http-port", $"{node.Http.Port}", "--grpc-port", "0"] });
        await Eventually.Async(async () => await page.TextAsync("#connection") == "live");

        async Task<ulong> HeightAsync() => ulong.TryParse((await page.TextAsync("#height")).Replace(",", "", StringComparison.Ordinal), out var height) ? height : 0;
    }

    private static string[] Names(JsonElement value) => [.. value.EnumerateObject().Select(property => property.Name).Order(StringComparer.Ordinal)];

    private async IAsyncEnumerable<SseItem<string>> Read([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        using var http = new HttpClient { BaseAddress = fixture.Node.Http };
        var answer = await http.GetAsync(new Uri("/events/status", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cancellation);
        // The viewers of another test may not have gone quite yet.
        while (answer.StatusCode == HttpStatusCode.ServiceUnavailable)
        {
            answer.Dispose();
            await Task.Delay(100, cancellation);
            answer = await http.GetAsync(new Uri("/events/status", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cancellation);
        }

        using var open = answer;
        Assert.Equal((HttpStatusCode.OK, "text/event-stream"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        await using var body = await answer.Content.ReadAsStreamAsync(cancellation);
        await foreach (var item in SseParser.Create(body).EnumerateAsync(cancellation)) yield return item;
    }

    [GeneratedRegex("(href|src)=\"(?<path>[^\"]*)\"", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Reference();
}
