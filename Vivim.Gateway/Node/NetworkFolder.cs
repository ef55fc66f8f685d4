using System.Security.Cryptography;
using Vivim.Chain.Consensus;
using Vivim.Gateway.Configuration;
using Vivim.Ledger.Execution;
using Vivim.Protocol;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;

namespace Vivim.Gateway.Node;

/// <summary>What the nodes of a network's operator share.</summary>
/// <param name="Validators">The consensus keys, by number.</param>
/// <param name="Operator">The did:key of the operator key.</param>
internal sealed record Network(GenesisFile Genesis, IReadOnlyList<SigningKey> Validators, Did Operator) : IDisposable
{
    /// <param name="place">For people: where the signer rows are.</param>
    /// <exception cref="StartException">A validator has no row there.</exception>
    public void RequireSignerRows(ISignerStore signers, string place)
    {
        if (Validators.FirstOrDefault(validator => signers.Load(validator.PublicKey) is null) is { } rowless)
            throw new StartException($"the signer row of the validator {rowless.PublicKey} is missing from {place}: without it the key could sign twice; put the row back, or replace the validator's key");
    }

    /// <summary>
    /// Without the validators that have no row: what they have signed nobody remembers, so they sign no more. Only for a restored node, which may
    /// have none; elsewhere a missing row is a fault.
    /// </summary>
    /// <param name="silent">Those left out.</param>
    public Network OnlyWithRows(ISignerStore signers, out IReadOnlyList<PublicKey> silent)
    {
        var rows = Validators.ToLookup(validator => signers.Load(validator.PublicKey) is not null);
        silent = [.. rows[false].Select(validator => validator.PublicKey)];
        foreach (var validator in rows[false]) validator.Dispose();
        return this with { Validators = [.. rows[true]] };
    }

    public void Dispose()
    {
        foreach (var validator in Validators) validator.Dispose();
    }
}

/// <summary>
/// The genesis and the keys. A node on its own has them in its data folder; the nodes of a cluster share them, so that any of them can run any of
/// the validators.
/// </summary>
internal sealed class NetworkFolder(string folder)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private readonly string path = Path.GetFullPath(folder);

    public string GenesisFilePath => Path.Combine(path, "genesis");

    public bool HasGenesis => File.Exists(GenesisFilePath);

    /// <summary>
    /// Makes genesis, keys and signer rows. The genesis is written last: a start that was cut short before it is a first start again.
    /// </summary>
    /// <exception cref="StartException">The folder cannot be used.</exception>
    public void Create(GenesisSettings settings, ISignerStore signers, TimeProvider clock)
    {
        MakeKeyFolder();
        var validators = Enumerable.Range(1, settings.Validators).Select(number => Key(ValidatorFile(number), mayCreate: true)).ToList();
        Key("operator.key", mayCreate: true).Dispose();
        foreach (var validator in validators.Where(v => signers.Load(v.PublicKey) is null)) signers.Create(validator.PublicKey, SignerRow.Initial);
        DurableFile.Create(GenesisFilePath, NewGenesis(settings, validators, clock).ToJson(), Readable);
        validators.ForEach(validator => validator.Dispose());
    }

    /// <summary>Makes the key of one more validator with its signer row, for the authorities to add.</summary>
    /// <returns>Its number and key.</returns>
    public (int Number, PublicKey Key) AddValidator(ISignerStore signers)
    {
        var number = Numbers().Last() + 1;
        using var key = Key(ValidatorFile(number), mayCreate: true);
        signers.Create(key.PublicKey, SignerRow.Initial);
        return (number, key.PublicKey);
    }

    /// <summary>Reads the genesis, the validators' keys and whose the operator's is.</summary>
    /// <param name="isRestored">Backups hold no private keys: validators' keys that are not there are left out, and an operator key is made anew.</param>
    /// <exception cref="StartException">They are missing, damaged, or not of this version's kind.</exception>
    public Network Read(GenesisSettings settings, bool isRestored = false)
    {
        var genesis = ReadGenesis();
        if (settings.Validators > 1 && settings.Validators != genesis.Validators.Count)
            throw new StartException($"{GenesisFilePath} names {genesis.Validators.Count} validators, not {settings.Validators}: --validators counts at a first start only; leave it out, or start with another --data");
        if (isRestored) MakeKeyFolder();
        var numbers = Numbers().Where(number => !isRestored || File.Exists(Path.Combine(path, "keys", ValidatorFile(number))));
        var validators = numbers.Select(number => Key(ValidatorFile(number), mayCreate: false)).ToList();
        using var operatorKey = Key("operator.key", mayCreate: isRestored);
        return new Network(genesis, validators, Did.OfKey(operatorKey.PublicKey));
    }

    /// <summary>The key file of the validator with this number, from 1.</summary>
    private static string ValidatorFile(int number) => number == 1 ? "validator.key" : $"validator-{number}.key";

    private void MakeKeyFolder()
    {
        try
        {
            Directory.CreateDirectory(Path.Combine(path, "keys"));
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(Path.Combine(path, "keys"), OwnerOnly);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException($"the folder {path} cannot be used: {e.Message}");
        }
    }

    private IEnumerable<int> Numbers()
    {
        yield return 1;
        for (var number = 2; File.Exists(Path.Combine(path, "keys", ValidatorFile(number))); number++) yield return number;
    }

    private GenesisFile ReadGenesis()
    {
        try
        {
            return GenesisFile.FromJson(RegularFile.Read(GenesisFilePath, GenesisFile.MaxSize));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new StartException($"the genesis {GenesisFilePath} is missing: run `init` once for the cluster, or put it back");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException($"the genesis {GenesisFilePath} cannot be read: {e.Message.TrimEnd('.')}");
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
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
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
