using System.Net;
using Google.Rpc;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Operators;
using Vivim.Protocol.Identity;
using Vivim.Tests.Ledger;
using Vivim.Tests.Protocol;

namespace Vivim.Tests.Gateway;

/// <summary>Who may administer, on a clock that the tests set. Alice is named in the settings, the validator's key is the node's operator's.</summary>
public sealed class OperatorGateTests
{
    private const string Method = "/vivim.v1.Cluster/Leave";

    private static readonly IPAddress Remote = IPAddress.Parse("192.0.2.7");

    private readonly SetTime clock = new(DateTimeOffset.FromUnixTimeMilliseconds(TestChain.GenesisTime));
    private readonly KeptLog log = new();
    private readonly OperatorGate gate;

    public OperatorGateTests()
    {
        var reference = Path.Combine(AppContext.BaseDirectory, "hocon", "vivim.conf");
        var named = new Dictionary<string, string> { ["operators"] = Examples.Alice.KeyDid.ToString() };
        gate = new OperatorGate(NodeSettings.From(new SettingsReader(reference, null, static _ => null, named)), clock, log);
    }

    [Fact]
    public void An_operator_of_the_settings_and_the_nodes_own_are_let_in()
    {
        Assert.Equal(Examples.Alice.KeyDid, Admit($"Bearer {TokenOf(Examples.Alice)}"));
        Assert.Equal(Examples.Validator.KeyDid, Admit($"bearer {TokenOf(Examples.Validator)}"));
        Assert.Empty(log.Lines);
    }

    [Fact]
    public void A_token_is_good_until_the_clock_reaches_its_end()
    {
        var authorization = $"Bearer {TokenOf(Examples.Alice)}";
        clock.Now += CallerToken.MaxLifetime - TimeSpan.FromMilliseconds(1);
        Admit(authorization);
        clock.Now += TimeSpan.FromMilliseconds(1);
        Refuses(StatusCode.Unauthenticated, "TOKEN_EXPIRED", authorization);
        clock.Now -= CallerToken.MaxLifetime + CallerToken.ClockDifference;
        Admit(authorization);
        clock.Now -= TimeSpan.FromMilliseconds(1);
        Refuses(StatusCode.Unauthenticated, "TOKEN_NOT_YET_VALID", authorization);
    }

    [Fact]
    public void Everybody_else_is_refused_with_the_reason_and_logged_without_the_token()
    {
        var (alice, bob) = (TokenOf(Examples.Alice), TokenOf(Examples.Bob));
        var stolen = CallerToken.Parse(bob) with { Caller = Examples.Alice.KeyDid };
        var foreign = CallerToken.Sign("another", Examples.Alice.Key, clock.Now.ToUnixTimeMilliseconds(), CallerToken.MaxLifetime);

        Refuses(StatusCode.Unauthenticated, "TOKEN_MISSING", null);
        Refuses(StatusCode.Unauthenticated, "TOKEN_MISSING", alice);
        Refuses(StatusCode.Unauthenticated, "TOKEN_MISSING", $"Basic {alice}");
        Refuses(StatusCode.Unauthenticated, "TOKEN_MALFORMED", $"Bearer {alice}=");
        Refuses(StatusCode.Unauthenticated, "TOKEN_WRONG_CHAIN", $"Bearer {foreign.ToText()}");
        Refuses(StatusCode.Unauthenticated, "TOKEN_BAD_SIGNATURE", $"Bearer {stolen.ToText()}");
        Refuses(StatusCode.PermissionDenied, "NOT_AN_OPERATOR", $"Bearer {bob}");

        Assert.Equal(7, log.Lines.Count);
        Assert.All(log.Lines, line => Assert.Equal(LogLevel.Warning, line.Level));
        Assert.All(log.Lines, line => Assert.Contains($"at {Remote} may not call {Method}: ", line.Text, StringComparison.Ordinal));
        Assert.StartsWith($"{Examples.Bob.KeyDid} at ", log.Lines[^1].Text, StringComparison.Ordinal);
        Assert.All([alice, bob, stolen.ToText(), foreign.ToText()], secret => Assert.DoesNotContain(log.Lines, line => line.Text.Contains(secret, StringComparison.Ordinal)));
    }

    /// <summary>Guesses, from an operator's address, of tokens that are malformed, missing, or name the operator with another signature.</summary>
    [Fact]
    public void An_operator_is_heard_however_often_others_at_the_same_address_are_refused()
    {
        var good = $"Bearer {TokenOf(Examples.Alice)}";
        var guess = $"Bearer {(CallerToken.Parse(TokenOf(Examples.Bob)) with { Caller = Examples.Alice.KeyDid }).ToText()}";
        for (var i = 0; i < 1_000; i++)
        {
            Refuses(StatusCode.Unauthenticated, "TOKEN_MISSING", null);
            Refuses(StatusCode.Unauthenticated, "TOKEN_BAD_SIGNATURE", guess);
            Refuses(StatusCode.Unauthenticated, "TOKEN_MALFORMED", "Bearer x");
            Assert.Equal(Examples.Alice.KeyDid, Admit(good));
        }
    }

    /// <summary>Whoever has more networks than there are buckets uses all of them up.</summary>
    [Fact]
    public void An_operator_is_heard_though_refusals_come_from_everywhere()
    {
        for (var network = 0; network < 50_000; network++) Assert.Throws<RpcException>(() => Admit(null, new IPAddress([0x20, 1, 0xd, 0xb8, 0, 0, (byte)(network >> 8), (byte)network, 0, 0, 0, 0, 0, 0, 0, 1])));
        Assert.Equal(Examples.Alice.KeyDid, Admit($"Bearer {TokenOf(Examples.Alice)}"));
        Assert.Equal(RefusalLogBudget.NodeBurst, log.Lines.Count);
    }

    [Fact]
    public void What_refusals_log_is_bounded_and_what_is_left_out_is_counted()
    {
        for (var i = 0; i < 1_000; i++) Refuses(StatusCode.Unauthenticated, "TOKEN_MISSING", null);
        Assert.Equal(RefusalLogBudget.AddressBurst, log.Lines.Count);

        clock.Now += TimeSpan.FromSeconds(1);
        for (var i = 0; i < 1_000; i++) Refuses(StatusCode.Unauthenticated, "TOKEN_MISSING", null);
        Assert.Equal(RefusalLogBudget.AddressBurst + 2, log.Lines.Count);
        Assert.Equal("990 refusals before that one are not in the log", log.Lines[^1].Text);
    }

    [Fact]
    public void Whoever_has_an_IPv6_network_has_one_share_of_the_log_and_IPv4_is_the_same_however_it_is_written()
    {
        Assert.True(Shares(IPAddress.Parse("2001:db8:0:1::1"), IPAddress.Parse("2001:db8:0:1:ffff::")));
        Assert.True(Shares(Remote, Remote.MapToIPv6()));

        static bool Shares(IPAddress first, IPAddress second)
        {
            var budget = new RefusalLogBudget();
            while (budget.TryTake(first, 0, out _)) continue;
            return !budget.TryTake(second, 0, out _);
        }
    }

    private string TokenOf(Person person) => CallerToken.Sign(TestChain.ChainId, person.Key, clock.Now.ToUnixTimeMilliseconds(), CallerToken.MaxLifetime).ToText();

    private Did Admit(string? authorization) => Admit(authorization, Remote);

    private Did Admit(string? authorization, IPAddress remote) => gate.Admit(new AdministrationCall(authorization, remote, Method), TestChain.ChainId, Examples.Validator.KeyDid);

    private void Refuses(StatusCode code, string reason, string? authorization)
    {
        var refusal = Assert.Throws<RpcException>(() => Admit(authorization));
        Assert.Equal((code, reason), (refusal.StatusCode, refusal.GetRpcStatus()?.GetDetail<ErrorInfo>()?.Reason));
    }

    private sealed class KeptLog : ILogger<OperatorGate>
    {
        public List<(LogLevel Level, string Text)> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Lines.Add((logLevel, formatter(state, exception)));
    }
}
