namespace Vivim.Simulator.Mutants;

/// <summary>One text of a source file replaced by another. It must be there exactly once.</summary>
internal sealed record Edit(string File, string Original, string Replacement)
{
    /// <summary>The changed source.</summary>
    /// <exception cref="InvalidDataException">The original text is not there exactly once: the table is out of date.</exception>
    public string Apply(string source)
    {
        var at = source.IndexOf(Original, StringComparison.Ordinal);
        if (at < 0 || source.IndexOf(Original, at + 1, StringComparison.Ordinal) >= 0)
            throw new InvalidDataException($"a mutant looks for a text that is not in {File} exactly once: bring the table of mutants up to date: {Original}");
        return string.Concat(source.AsSpan(0, at), Replacement, source.AsSpan(at + Original.Length));
    }
}

/// <summary>A wrong version of the program.</summary>
/// <param name="Breaks">What is wrong with it, in words.</param>
internal sealed record Mutant(string Name, string Breaks, params Edit[] Edits);

/// <summary>What became of a mutant.</summary>
/// <param name="Check">The oracle's check that caught it.</param>
/// <param name="Seeds">Seeds run until then.</param>
internal sealed record MutantReport(string Name, string Breaks, bool Caught, string Check, int Seeds, double Seconds, string Message, string Replay);
