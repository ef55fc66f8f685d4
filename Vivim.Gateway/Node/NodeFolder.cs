using System.Security.Cryptography;
using Vivim.Chain.Consensus;
using Vivim.Gateway.Configuration;
using Vivim.Ledger.Execution;
using Vivim.Protocol;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;

namespace Vivim.Gateway.Node;

/// <summary>The node cannot start. The message is one sentence saying why and what to do.</summary>
internal sealed class StartException(string message) : Exception(message);

/// <summary>The folder of everything a node keeps (DESIGN §14), locked while the node runs.</summary>
internal sealed class NodeFolder : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private readonly string path;
    private readonly FileStream heldLock;

    private NodeFolder(string path, FileStream heldLock)
    {
        this.path = path;
        this.heldLock = heldLock;
    }

    public string ChainDatabase => Path.Combine(path, "chain.db");

    public string StateDatabase => Path.Combine(path, "state.db");

    public string SignerDatabase => Path.Combine(path, "signer.db");

    public string GenesisFilePath => Path.Combine(path, "genesis");

    /// <summary>The journal file of one group of persistent actors.</summary>
    public string JournalDatabase(string group) => Path.Combine(path, $"journal-{group}.db");

    /// <summary>Creates the folder where it is absent, and takes its lock.</summary>
    /// <exception cref="StartException">Another process holds the lock, or the folder cannot be used.</exception>
    public static NodeFolder Open(string folder)
    {
        var full = Path.GetFullPath(folder);
        try
        {
            Directory.CreateDirectory(Path.Combine(full, "keys"));
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(Path.Combine(full, "keys"), OwnerOnly);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException($"the data folder {full} cannot be used: {e.Message}");
        }

        try
        {
            return new NodeFolder(full, new FileStream(Path.Combine(full, "LOCK"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException($"another process is using the data folder {full}: stop it, or start with another --data");
        }
    }

    /// <summary>
    /// Reads the genesis, the validators' keys and the operator's, or makes them at the first start. The genesis is written last: a start that was cut short
    /// before it is a first start again.
    /// </summary>
    /// <exception cref="StartException">They are damaged, or not of this version's kind.</exception>
    public (GenesisFile Genesis, IReadOnlyList<SigningKey> Validators, Did Operator) ReadOrCreate(GenesisSettings settings, ISignerStore signers, TimeProvider clock)
    {
        var isFirst = !File.Exists(GenesisFilePath);
        if (isFirst && File.Exists(ChainDatabase)) throw new StartException($"{ChainDatabase} is there but the genesis {GenesisFilePath} is not: put it back, or start in an empty data folder");
        var validators = isFirst ? CreateValidators(settings.Validators) : ReadValidators();
        using var operatorKey = Key("operator.key", mayCreate: isFirst);
        if (isFirst)
        {
            foreach (var validator in validators.Where(v => signers.Load(v.PublicKey) is null)) signers.Create(validator.PublicKey, SignerRow.Initial);
            DurableFile.Create(GenesisFilePath, NewGenesis(settings, validators, clock).ToJson(), Readable);
        }

        var genesis = ReadGenesis();
        if (settings.Validators > 1 && settings.Validators != genesis.Validators.Count)
            throw new StartException($"{GenesisFilePath} names {genesis.Validators.Count} validators, not {settings.Validators}: --validators counts at a first start only; leave it out, or start with another --data");
        return (genesis, validators, Did.OfKey(operatorKey.PublicKey));
    }

    public void Dispose() => heldLock.Dispose();

    /// <summary>The key file of the validator with this number, from 1.</summary>
    private static string ValidatorFile(int number) => number == 1 ? "validator.key" : $"validator-{number}.key";

    private List<SigningKey> CreateValidators(int count) => [.. Enumerable.Range(1, count).Select(number => Key(ValidatorFile(number), mayCreate: true))];

    private List<SigningKey> ReadValidators()
    {
        var keys = new List<SigningKey> { Key(ValidatorFile(1), mayCreate: false) };
        for (var number = 2; File.Exists(Path.Combine(path, "keys", ValidatorFile(number))); number++) keys.Add(Key(ValidatorFile(number), mayCreate: false));
        return keys;
    }

    private GenesisFile ReadGenesis()
    {
        try
        {
            return GenesisFile.FromJson(File.ReadAllBytes(GenesisFilePath));
        }
        catch (InvalidDataException e)
        {
            throw new StartException($"{GenesisFilePath}: {e.Message}");
        }
    }

    private SigningKey Key(string name, bool mayCreate)
    {
        var file = Path.Combine(path, "keys", name);
        if (!File.Exists(file))
        {
            if (!mayCreate) throw new StartException($"the key {file} is missing: put it back from a copy");
            using var fresh = SigningKey.Generate();
            fresh.WriteTo(file);
        }

        try
        {
            return SigningKey.ReadFrom(file);
        }
        catch (InvalidDataException e)
        {
            throw new StartException(e.Message);
        }
    }

    private static GenesisFile NewGenesis(GenesisSettings settings, IEnumerable<SigningKey> validators, TimeProvider clock) => new()
    {
        ChainId = settings.ChainId.Length > 0 ? settings.ChainId : $"vivim-dev-{RandomNumberGenerator.GetString("abcdefghijkmnpqrstuvwxyz23456789", 4)}",
        Time = clock.GetUtcNow().ToUnixTimeMilliseconds(),
        RulesVersion = ExecutionRules.Newest,
        Validators = [.. validators.Select(v => new GenesisValidator(Did.OfKey(v.PublicKey).ToString(), 1))],
        Parameters = settings.Parameters,
    };
}
