using System.Reflection;
using System.Runtime.CompilerServices;
using System.Xml.Linq;
using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Vivim.Tests.Architecture;

/// <summary>The layers, and what the deterministic cores may not touch (DESIGN §3, §4), read from the project files and the compiled code.</summary>
public sealed class ArchitectureTests
{
    /// <summary>From the top: a project may reference only those above it.</summary>
    private static readonly string[] Layers = ["Vivim.Protocol", "Vivim.Ledger", "Vivim.Client", "Vivim.Actors", "Vivim.Chain", "Vivim.Gateway", "Vivim.Cli", "Vivim.Simulator", "Vivim.Faults"];

    private static readonly Dictionary<string, string> Assemblies = Layers.ToDictionary(name => name, name => Path.Combine(AppContext.BaseDirectory, (name == "Vivim.Cli" ? "vivim" : name) + ".dll"));

    /// <summary>What the protobuf compiler makes.</summary>
    private const string GeneratedNamespace = "Vivim.Protocol.V1";

    private static readonly string[] Clocks = ["System.DateTime", "System.DateTimeOffset", "System.TimeProvider", "System.Diagnostics.Stopwatch", "System.Threading.Timer", "System.Environment.get_TickCount", "System.Environment.get_TickCount64"];
    private static readonly string[] Disks = ["System.IO.File", "System.IO.Directory", "System.IO.FileStream", "System.IO.FileInfo", "System.IO.DirectoryInfo", "Microsoft.Data.Sqlite"];
    private static readonly string[] Chances = ["System.Random", "System.Security.Cryptography.RandomNumberGenerator", "System.Guid"];
    private static readonly string[] Floats = ["System.Single", "System.Double", "System.Decimal", "System.Half"];

    public static TheoryData<string> Projects => [.. Layers];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_references_only_those_above_it(string project)
    {
        var above = project switch
        {
            "Vivim.Cli" or "Vivim.Faults" => ["Vivim.Protocol", "Vivim.Ledger", "Vivim.Client"],
            "Vivim.Simulator" => ["Vivim.Protocol", "Vivim.Ledger", "Vivim.Chain"],
            _ => Layers.TakeWhile(name => name != project),
        };
        var file = XDocument.Load(Path.Combine(Root, project, project + ".csproj"));
        var references = file.Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/')));
        Assert.Empty(references.Except(above));
        Assert.Empty(Load(project).MainModule.AssemblyReferences.Select(r => r.Name).Where(name => name.StartsWith("Vivim", StringComparison.Ordinal)).Except(above));
    }

    [Fact]
    public void Every_project_has_its_layer() =>
        Assert.Empty(Directory.GetFiles(Root, "Vivim.*.csproj", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1 })
            .Select(file => Path.GetFileNameWithoutExtension(file)).Except(Layers).Except(["Vivim.Tests", "Vivim.Benchmarks"]));

    [Theory]
    [InlineData("Vivim.Protocol")]
    [InlineData("Vivim.Ledger")]
    [InlineData("Vivim.Client")]
    [InlineData("Vivim.Cli")]
    [InlineData("Vivim.Faults")]
    public void Nothing_that_runs_outside_a_node_knows_Akka(string project) =>
        Assert.DoesNotContain(Load(project).MainModule.AssemblyReferences, reference => reference.Name.StartsWith("Akka", StringComparison.Ordinal));

    [Fact]
    public void The_cores_touch_no_clock_disk_network_chance_or_actor()
    {
        var cores = Types("Vivim.Protocol").Where(t => t.Namespace != GeneratedNamespace && t.FullName is not ("Vivim.Protocol.DurableFile" or "Vivim.Protocol.RegularFile" or "Vivim.Protocol.Keys.SigningKey"))
            .Concat(Types("Vivim.Ledger").Where(t => t.Namespace is "Vivim.Ledger.Execution" or "Vivim.Ledger.Events" || t.FullName is "Vivim.Ledger.State.StateTree" or "Vivim.Ledger.State.LedgerState" || t.Name is "Subtree" or "ChunkMap" or "ChunkBody" or "ChunkPlan" or "SnapshotManifest"))
            .Concat(Types("Vivim.Chain").Where(t => t.Name is "TendermintCore" or "VoteKeeper" or "SignerRow" or "PoolCore" or "StateSyncCore" or "TurnRing`1"))
            .Concat(Types("Vivim.Actors").Where(t => t.Name is "SupervisionLog" or "NumberedRing`1" or "LogRecord" or "LogFilter" or "SupervisionEvent" or "SupervisionFilter" or "SupervisedPath" or "PriorityLanes`1"
                or "TaskCore" or "TaskBook" or "ScaleCore" or "TaskPlacement" or "WorkerLifecycle" or "StartOrder" or "CpuBudget" or "TurnShares" or "RetryPolicy" or "IntervalTimes"))
            .Concat(Types("Vivim.Gateway").Where(t => t.Name is "FairShares" or "ByteBudget" or "ConnectionBook" or "ConnectionPlace"))
            .ToList();
        Assert.Superset(new HashSet<string>(["FairShares", "ByteBudget", "ConnectionBook", "TendermintCore", "VoteKeeper", "SignerRow", "PoolCore", "TaskCore", "TaskBook", "WorkerLifecycle", "StateTree", "LedgerState", "StateSyncCore", "SnapshotManifest", "ChunkBody", "RulesV1", "Vote", "SupervisionLog"]), cores.Select(t => t.Name).ToHashSet());
        string[] forbidden = [.. Clocks, .. Disks, .. Chances, "Akka", "System.Net", "Microsoft.Extensions.Logging"];
        Assert.Empty(cores.SelectMany(t => UsesOf(t, forbidden)));
    }

    /// <summary>A judge that calls the accused's code finds nothing: the oracle shares the encodings alone, and counts for itself.</summary>
    [Fact]
    public void The_oracle_runs_none_of_the_engines_code()
    {
        string[] engine =
        [
            "Vivim.Chain", "Vivim.Ledger", "Vivim.Protocol.Consensus.ValidatorSet", "Vivim.Protocol.Consensus.ProposerRotation", "Vivim.Protocol.Merkle",
            "Vivim.Simulator.Nodes", "Vivim.Simulator.Storage", "Vivim.Simulator.Byzantine",
        ];
        var oracle = Types("Vivim.Simulator").Where(t => t.Namespace == "Vivim.Simulator.Oracle").ToList();
        Assert.Superset(new HashSet<string>(["SafetyOracle", "ChainOfRecord", "SignerPromise", "Auditor", "MemberSchedule"]), oracle.Select(t => t.Name).ToHashSet());
        Assert.Empty(oracle.SelectMany(t => UsesOf(t, engine)));
    }

    [Fact]
    public void A_simulation_knows_no_time_and_no_chance_but_its_own()
    {
        string[] runners = ["SeedRunner", "Shrinker", "MutantRunner", "SimulatorCommand", "ProgressBar", "Program"];
        var simulation = Types("Vivim.Simulator").Where(t => t.Namespace.StartsWith("Vivim.Simulator", StringComparison.Ordinal) && !runners.Contains(t.Name)).ToList();
        Assert.Contains(simulation, t => t.Name == "Simulation");
        string[] forbidden = [.. Clocks, .. Disks, .. Chances, "System.Threading.Tasks.Parallel", "System.HashCode", "Akka"];
        Assert.Empty(simulation.SelectMany(t => UsesOf(t, forbidden)));
    }

    [Fact]
    public void Execution_has_no_floating_point() => Assert.Empty(Types("Vivim.Ledger").Where(t => t.Namespace == "Vivim.Ledger.Execution").SelectMany(t => UsesOf(t, Floats)));

    /// <summary>A command that wrote past the terminal could print what a node sends as it is.</summary>
    [Fact]
    public void Nothing_is_printed_past_the_place_that_makes_it_printable()
    {
        string[] outputs = ["System.Console", "System.IO.TextWriter", "Spectre.Console.AnsiConsole", "Spectre.Console.IAnsiConsole", "Spectre.Console.AnsiConsoleExtensions", "Spectre.Console.Markup"];
        string[] places = ["Vivim.Cli.Terminal", "Vivim.Cli.Page", "Vivim.Cli.PrintableWriter", "Vivim.Cli.ProgressBars", "Vivim.Cli.VivimCommand", "Program"];
        var commands = Types("Vivim.Cli").Where(t => !places.Contains(t.FullName)).ToList();
        Assert.Contains(commands, t => t.FullName == "Vivim.Cli.Commands.EventsCommand");
        Assert.Empty(commands.SelectMany(t => UsesOf(t, outputs)));

        var node = Types("Vivim.Gateway").Where(t => t.Name != "NodeConsole").ToList();
        Assert.Contains(node, t => t.Name == "GatewayHost");
        Assert.Empty(node.SelectMany(t => UsesOf(t, ["System.Console"])));
    }

    /// <summary>Whoever reads a file in another way reads a device until the memory ends, or hangs on a pipe.</summary>
    [Fact]
    public void Every_file_is_read_as_a_regular_file_up_to_a_limit()
    {
        string[] readers =
        [
            .. ((string[])["ReadAllBytes", "ReadAllText", "ReadAllLines", "ReadLines", "ReadAllBytesAsync", "ReadAllTextAsync", "ReadAllLinesAsync", "ReadLinesAsync", "Open", "OpenRead", "OpenText", "OpenHandle"])
                .SelectMany(method => (string[])[$"System.IO.File.{method}", $"System.IO.FileInfo.{method}"]),
            "System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadCertificateFromFile",
            "System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadPkcs12FromFile",
            "System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPemFile",
        ];
        string[] projects = ["Vivim.Protocol", "Vivim.Ledger", "Vivim.Client", "Vivim.Actors", "Vivim.Chain", "Vivim.Gateway", "Vivim.Cli"];
        Assert.NotEmpty(UsesOf(Types("Vivim.Protocol").Single(t => t.FullName == "Vivim.Protocol.RegularFile"), readers));
        Assert.Empty(projects.SelectMany(Types).Where(t => t.FullName != "Vivim.Protocol.RegularFile").SelectMany(t => UsesOf(t, readers)));
    }

    [Fact]
    public void The_scan_finds_what_it_looks_for()
    {
        using var tests = AssemblyDefinition.ReadAssembly(typeof(ArchitectureTests).Assembly.Location);
        var offender = tests.MainModule.GetType(typeof(Offender).FullName!.Replace('+', '/'));
        var found = UsesOf(offender, [.. Clocks, .. Disks, .. Chances, .. Floats]).Select(use => use.Split(" uses ")[1]).ToHashSet();
        Assert.Superset(new HashSet<string>(["System.DateTime", "System.Double", "System.Environment.get_TickCount64", "System.Guid", "System.IO.File", "System.Random"]), found);
    }

    [Fact]
    public void No_method_is_async_void() =>
        Assert.Empty(Reflected().SelectMany(t => t.GetMethods(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Where(m => m.ReturnType == typeof(void) && m.IsDefined(typeof(AsyncStateMachineAttribute), inherit: false)).Select(m => $"{m.DeclaringType}.{m.Name}"));

    [Fact]
    public void Messages_are_sealed() =>
        Assert.DoesNotContain(Reflected("Vivim.Actors", "Vivim.Chain"), t => t is { IsClass: true, IsAbstract: false, IsSealed: false } && t.GetMethod("<Clone>$") is not null);

    [Fact]
    public void Names_say_what_a_thing_is() =>
        Assert.DoesNotContain(
            Reflected().Where(t => !t.Name.StartsWith('<')).Select(t => t.Name.Split('`')[0]),
            name => new[] { "Util", "Utils", "Utilities", "Helper", "Helpers", "Common", "Manager" }.Any(empty => name.EndsWith(empty, StringComparison.Ordinal)));

    private static string Root
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (!File.Exists(Path.Combine(folder.FullName, "Vivim.sln"))) folder = folder.Parent!;
            return folder.FullName;
        }
    }

    private static AssemblyDefinition Load(string project) => AssemblyDefinition.ReadAssembly(Assemblies[project]);

    private static IEnumerable<TypeDefinition> Types(string project) => Load(project).MainModule.Types;

    private static IEnumerable<Type> Reflected(params string[] projects) => (projects.Length == 0 ? Layers : projects).SelectMany(project => Assembly.LoadFrom(Assemblies[project]).GetTypes());

    /// <summary>Where a type, with all that is nested in it and that the compiler made of it, names one of the types or namespaces.</summary>
    private static IEnumerable<string> UsesOf(TypeDefinition type, string[] forbidden) =>
        from name in Named(type).Distinct()
        from prefix in forbidden
        where name == prefix || name.StartsWith(prefix + ".", StringComparison.Ordinal)
        select $"{type.FullName} uses {name}";

    private static IEnumerable<string> Named(TypeDefinition type) =>
    [
        .. type.Fields.SelectMany(f => Parts(f.FieldType)),
        .. type.Methods.SelectMany(Named),
        .. type.NestedTypes.SelectMany(Named),
    ];

    private static IEnumerable<string> Named(MethodDefinition method)
    {
        IEnumerable<string> signature = [.. Parts(method.ReturnType), .. method.Parameters.SelectMany(p => Parts(p.ParameterType))];
        return method.HasBody
            ? [.. signature, .. method.Body.Variables.SelectMany(v => Parts(v.VariableType)), .. method.Body.Instructions.SelectMany(Named)]
            : signature;
    }

    private static IEnumerable<string> Named(Instruction instruction) => instruction.Operand switch
    {
        MethodReference method => [.. Parts(method.DeclaringType), $"{method.DeclaringType.FullName}.{method.Name}", .. Parts(method.ReturnType), .. method is GenericInstanceMethod generic ? generic.GenericArguments.SelectMany(Parts) : []],
        FieldReference field => [.. Parts(field.DeclaringType), .. Parts(field.FieldType)],
        TypeReference named => Parts(named),
        _ => instruction.OpCode.Code is Code.Ldc_R4 or Code.Ldc_R8 or Code.Conv_R4 or Code.Conv_R8 or Code.Conv_R_Un ? ["System.Double"] : [],
    };

    private static IEnumerable<string> Parts(TypeReference type) => type switch
    {
        GenericInstanceType generic => [generic.ElementType.FullName, .. generic.GenericArguments.SelectMany(Parts)],
        TypeSpecification wrapped => Parts(wrapped.ElementType),
        _ => [type.FullName],
    };

    /// <summary>Does all that is forbidden, each in another way.</summary>
    private sealed class Offender
    {
        public static async Task<bool> Now()
        {
            await Task.Yield();
            return DateTime.UtcNow.Ticks > Environment.TickCount64;
        }

        public static Func<bool> Chance { get; } = () => new List<Random>().Count > 0;

        public static int Half(int x) => (int)(x * 0.5);

        public static IEnumerable<bool> Files()
        {
            yield return File.Exists("x");
            yield return Guid.NewGuid() == default;
        }
    }
}
