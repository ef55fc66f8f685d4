using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Vivim.Tests.Gateway;

/// <summary>A headless Chromium as a child process, spoken to by its DevTools protocol. Killed when disposed.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo profile = Directory.CreateTempSubdirectory("vivim-browser-");
    private readonly Process process;
    private readonly TaskCompletionSource<Uri> listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Browser(string program)
    {
        // Without its sandbox, as that wants what a container's root has not; it is shown nothing but this project's own page.
        string[] options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-port=0", $"--user-data-dir={profile.FullName}", "about:blank"];
        process = new Process { StartInfo = new ProcessStartInfo(program, options) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true } };
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += (_, line) =>
        {
            const string announced = "DevTools listening on ";
            if (line.Data is { } text && text.StartsWith(announced, StringComparison.Ordinal)) listening.TrySetResult(new Uri(text[announced.Length..]));
        };
    }

    /// <summary>The program, or null where there is none.</summary>
    public static string? Program { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(folder => new[] { "chromium", "chromium-browser", "google-chrome" }.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);

    public static async Task<Browser> StartAsync()
    {
        var browser = new Browser(Program!);
        browser.process.Start();
        browser.process.BeginErrorReadLine();
        browser.process.BeginOutputReadLine();
        await browser.listening.Task.WaitAsync(Limit);
        return browser;
    }

    /// <summary>A page of this size, in pixels.</summary>
    public async Task<BrowserPage> OpenAsync(Uri address, int width, int height, bool isDark)
    {
        var tools = await listening.Task;
        using var http = new HttpClient { Timeout = Limit };
        using var opened = await http.PutAsync(new Uri($"http://{tools.Authority}/json/new?about:blank"), null);
        var target = JsonNode.Parse(await opened.Content.ReadAsStringAsync())!;
        var page = await BrowserPage.ConnectAsync(new Uri((string)target["webSocketDebuggerUrl"]!));
        await page.CallAsync("Runtime.enable");
        await page.CallAsync("Log.enable");
        await page.CallAsync("Emulation.setDeviceMetricsOverride", new { width, height, deviceScaleFactor = 1, mobile = false });
        await page.CallAsync("Emulation.setEmulatedMedia", new { features = new[] { new { name = "prefers-color-scheme", value = isDark ? "dark" : "light" } } });
        await page.CallAsync("Page.navigate", new { url = address.AbsoluteUri });
        return page;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
        try
        {
            profile.Delete(recursive: true);
        }
        catch (IOException e)
        {
            // A child that is still ending may write once more; it is a temporary folder.
            Trace.WriteLine(e.Message);
        }
    }
}

/// <summary>One page of a <see cref="Browser"/>.</summary>
internal sealed class BrowserPage : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly ClientWebSocket socket = new();
    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonNode>> calls = new();
    private readonly ConcurrentQueue<string> complaints = new();
    private Task receiving = Task.CompletedTask;
    private int lastCall;

    private BrowserPage()
    {
    }

    /// <summary>What the browser has logged as warnings and errors, a violated policy or an exception among them.</summary>
    public IReadOnlyCollection<string> Complaints => complaints;

    public static async Task<BrowserPage> ConnectAsync(Uri address)
    {
        var page = new BrowserPage();
        await page.socket.ConnectAsync(address, page.stop.Token);
        page.receiving = page.ReceiveAsync();
        return page;
    }

    public Task<string> TextAsync(string selector) => EvaluateAsync($"document.querySelector({JsonSerializer.Serialize(selector)})?.textContent ?? ''");

    /// <summary>The value of an expression, as text.</summary>
    public async Task<string> EvaluateAsync(string expression) =>
        (string)(await CallAsync("Runtime.evaluate", new { expression = $"String({expression})" }))["result"]!["value"]!;

    /// <summary>Keeps what the page looks like, where the environment variable VIVIM_SCREENSHOTS names a folder.</summary>
    public async Task ScreenshotAsync(string name)
    {
        if (Environment.GetEnvironmentVariable("VIVIM_SCREENSHOTS") is not { Length: > 0 } folder) return;
        var shot = await CallAsync("Page.captureScreenshot", new { format = "png" });
        await File.WriteAllBytesAsync(Path.Combine(folder, name + ".png"), Convert.FromBase64String((string)shot["data"]!));
    }

    public async Task<JsonNode> CallAsync(string method, object? parameters = null)
    {
        var id = Interlocked.Increment(ref lastCall);
        var answer = calls[id] = new TaskCompletionSource<JsonNode>(TaskCreationOptions.RunContinuationsAsynchronously);
        var message = JsonSerializer.SerializeToUtf8Bytes(new { id, method, @params = parameters ?? new { } });
        await socket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, stop.Token);
        return await answer.Task.WaitAsync(Limit);
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await receiving;
        socket.Dispose();
        stop.Dispose();
    }

    private async Task ReceiveAsync()
    {
        try
        {
            var buffer = new byte[1 << 16];
            while (true)
            {
                using var message = new MemoryStream();
                ValueWebSocketReceiveResult part;
                do
                {
                    part = await socket.ReceiveAsync(buffer.AsMemory(), stop.Token);
                    if (part.MessageType == WebSocketMessageType.Close) return;
                    message.Write(buffer, 0, part.Count);
                }
                while (!part.EndOfMessage);
                Take(JsonNode.Parse(message.ToArray())!);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            foreach (var call in calls.Values) call.TrySetException(new InvalidOperationException("the browser has gone", e));
        }
    }

    private void Take(JsonNode message)
    {
        if (message["id"] is { } id && calls.TryRemove((int)id, out var call))
        {
            if (message["error"] is { } error) call.SetException(new InvalidOperationException(error.ToJsonString()));
            else call.SetResult(message["result"]!);
        }
        else if ((string?)message["method"] is "Log.entryAdded" or "Runtime.exceptionThrown")
        {
            complaints.Enqueue(message.ToJsonString());
        }
    }
}

/// <summary>A test in a real browser; skipped, saying so, where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute() => Skip = Browser.Program is null ? "needs Chromium (apt-get install chromium), to show the status page" : null;
}
