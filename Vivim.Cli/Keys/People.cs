using Vivim.Client;
using Vivim.Protocol.Identity;

namespace Vivim.Cli.Keys;

/// <summary>Finds whom the user means: a key by its name, or anybody by a DID.</summary>
public sealed class People(KeyStore keys)
{
    /// <summary>The DID as far as it is known without a node: a did:key stays one, a key's name gives the did:vivim it registers.</summary>
    /// <exception cref="CommandFailedException">Neither a DID nor the name of a key.</exception>
    public Did Find(string who)
    {
        if (who.StartsWith("did:", StringComparison.Ordinal))
            return Did.TryParse(who, out var did) ? did : throw new CommandFailedException("BAD_DID", $"'{who}' is not a did:key (Ed25519) or did:vivim; check it for a missing or changed letter");
        if (!KeyStore.IsName(who)) throw new CommandFailedException("BAD_WHO", $"'{who}' is neither a key name nor a DID");
        if (!keys.Contains(who)) throw new CommandFailedException("KEY_NOT_FOUND", $"there is no key named '{who}'; list yours with: vivim key list");
        using var key = keys.Open(who);
        return Person.DidOf(key.PublicKey);
    }

    /// <summary>The did:vivim; for a did:key the node is asked whose it is.</summary>
    /// <exception cref="CommandFailedException">Nobody registered the did:key, or see <see cref="Find"/>.</exception>
    public async Task<Did> ResolveAsync(string who, VivimClient client, CancellationToken cancellationToken)
    {
        var did = Find(who);
        if (did.Method == DidMethod.Vivim) return did;
        var identity = await client.GetIdentityAsync(did, cancellationToken);
        return identity.Found ? Did.Parse(identity.Did) : throw new CommandFailedException("NOT_REGISTERED", $"nobody has registered {did}; its owner does so with: vivim id register");
    }
}
