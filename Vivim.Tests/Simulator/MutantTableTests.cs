using Vivim.Simulator.Mutants;

namespace Vivim.Tests.Simulator;

/// <summary>The table of mutants fits the source. That each is caught is shown by the simulator with --mutants.</summary>
public sealed class MutantTableTests
{
    public static TheoryData<string> Names => [.. MutantTable.All.Select(mutant => mutant.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Each_text_that_a_mutant_changes_is_there_once(string name)
    {
        foreach (var edit in MutantTable.All.Single(mutant => mutant.Name == name).Edits)
        {
            var source = File.ReadAllText(Path.Combine(Root, edit.File));
            Assert.NotEqual(source, edit.Apply(source));
        }
    }

    [Fact]
    public void There_are_enough_mutants_and_each_has_its_name()
    {
        Assert.True(MutantTable.All.Count >= 12);
        Assert.Equal(MutantTable.All.Count, MutantTable.All.Select(mutant => mutant.Name).Distinct().Count());
    }

    private static string Root
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (!File.Exists(Path.Combine(folder.FullName, "Vivim.sln"))) folder = folder.Parent!;
            return folder.FullName;
        }
    }
}
