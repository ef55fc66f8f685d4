using System.Reflection;
using System.Text.RegularExpressions;

namespace Vivim.Tests.Architecture;

/// <summary>docs/invariants.md names the tests that hold each promise; none of them may be a name only.</summary>
public sealed partial class InvariantsDocumentTests
{
    [Fact]
    public void Every_test_that_the_invariants_name_exists()
    {
        var existing = typeof(InvariantsDocumentTests).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly).Select(method => method.Name).Append(type.Name))
            .ToHashSet(StringComparer.Ordinal);
        var named = TestName().Matches(File.ReadAllText(Path.Combine(Root(), "docs", "invariants.md"))).Select(match => match.Groups["name"].Value).ToList();
        Assert.True(named.Count > 20, $"only {named.Count} tests are named");
        Assert.All(named, name => Assert.Contains(name, existing));
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Vivim.sln"))) folder = folder.Parent!;
        return folder.FullName;
    }

    [GeneratedRegex("`(?<name>[A-Z][A-Za-z0-9]*_[A-Za-z0-9_]+|[A-Z][A-Za-z]+Tests)`", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex TestName();
}
