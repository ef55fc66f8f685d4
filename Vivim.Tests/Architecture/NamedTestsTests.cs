using System.Reflection;
using System.Text.RegularExpressions;

namespace Vivim.Tests.Architecture;

/// <summary>Documents name the tests that hold each promise; none of them may be a name only.</summary>
public sealed partial class NamedTestsTests
{
    [Theory]
    [InlineData("invariants.md")]
    [InlineData("reliability.md")]
    public void Every_test_that_a_document_names_exists(string document)
    {
        var existing = typeof(NamedTestsTests).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly).Select(method => method.Name).Append(type.Name))
            .ToHashSet(StringComparer.Ordinal);
        var named = TestName().Matches(File.ReadAllText(Path.Combine(Root(), "docs", document))).Select(match => match.Groups["name"].Value).ToList();
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
