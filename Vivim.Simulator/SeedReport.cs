namespace Vivim.Simulator;

/// <summary>The first seed that broke a promise, shrunk.</summary>
/// <param name="Before">Faults in the plan as drawn.</param>
/// <param name="After">Faults in the shrunk plan.</param>
/// <param name="TraceBefore">Trace entries of the run as drawn.</param>
/// <param name="TraceAfter">Trace entries of the shrunk run.</param>
/// <param name="Replay">The command that does it again.</param>
internal sealed record ViolationReport(ulong Seed, string Check, string Message, int Before, int After, long TraceBefore, long TraceAfter, string Replay, IReadOnlyList<string> Trace);

/// <summary>What came of many seeds.</summary>
/// <param name="Heights">Heights committed in all.</param>
/// <param name="Faults">Faults and lies that happened.</param>
/// <param name="Disagreements">Runs with too many liars in which two blocks became final.</param>
/// <param name="Culprits">Liars named for them.</param>
/// <param name="ViolatingSeeds">The first of them, in order.</param>
/// <param name="MostHeld">The most messages, votes and blocks that any correct validator has held.</param>
internal sealed record SeedReport(int Seeds, ulong Heights, long Faults, int Violations, double Seconds, int Disagreements, int Culprits, int MostHeld, IReadOnlyList<ulong> ViolatingSeeds, ViolationReport? Violation);
