using Grpc.Core;
using Vivim.Gateway.Node;
using Vivim.Ledger;
using Vivim.Ledger.Execution;
using Vivim.Protocol;
using Vivim.Protocol.Identity;
using Vivim.Protocol.State;
using Vivim.Protocol.V1;

namespace Vivim.Gateway.Rpc;

/// <summary>vivim.v1.Identity: what the proto says of each call.</summary>
internal sealed class IdentityService(NodeHost host) : Protocol.V1.Identity.IdentityBase
{
    public override async Task<GetIdentityResponse> GetIdentity(GetIdentityRequest request, ServerCallContext context)
    {
        var did = RequestValues.Did(request.Did);
        if (request.Prove) await context.TakeBytes(AnswerBytes.ProofBytes);
        return await host.Node.ReadState(ledger => Identity(ledger, did, request.Prove), context);
    }

    public override async Task<GetAccountResponse> GetAccount(GetAccountRequest request, ServerCallContext context)
    {
        var did = RequestValues.Did(request.Did);
        if (request.Prove) await context.TakeBytes(AnswerBytes.ProofBytes);
        return await host.Node.ReadState(ledger => Account(ledger, did, request.Prove), context);
    }

    private static GetIdentityResponse Identity(NodeLedger ledger, Did did, bool prove)
    {
        var height = ledger.ReadHeight(prove);
        var keys = new List<byte[]>();
        if (did.Method == DidMethod.Key)
        {
            // The index from the signing key to its identity is part of the proof.
            keys.Add(StateKey.SigningKey(did.Key));
            if (ledger.Value(keys[0], prove) is not { } identifier) return new GetIdentityResponse { Height = height, Proof = ledger.ProofOf(prove, keys) };
            did = new Did(DidMethod.Vivim, new Hash256(identifier));
        }

        keys.Add(StateKey.Identity(did));
        var response = new GetIdentityResponse { Did = did.ToString(), Height = height, Proof = ledger.ProofOf(prove, keys) };
        if (ledger.Value(keys[^1], prove) is not { } bytes) return response;
        var record = IdentityRecord.FromBytes(bytes);
        response.Found = true;
        response.SigningKey = Did.OfKey(record.SigningKey).ToString();
        response.RotationKeys.AddRange(record.RotationKeys.Select(key => Did.OfKey(key).ToString()));
        response.RegisteredAt = record.RegisteredAt;
        return response;
    }

    private static GetAccountResponse Account(NodeLedger ledger, Did did, bool prove)
    {
        var key = StateKey.Account(did);
        var account = ledger.Value(key, prove) is { } bytes ? AccountRecord.FromBytes(bytes) : AccountRecord.Empty;
        var parameters = ledger.Tip.System.Parameters;
        var nextHeight = ledger.Tip.Height + 1;
        return new GetAccountResponse
        {
            Nonce = account.Nonce,
            QuotaLeft = account.QuotaLeft(nextHeight, parameters.QuotaWindowHeights, parameters.QuotaActions),
            QuotaRenewsAt = InclusionRules.NextWindow(nextHeight, parameters),
            Followers = account.Followers,
            Following = account.Following,
            Height = ledger.ReadHeight(prove),
            Proof = ledger.ProofOf(prove, [key]),
        };
    }
}
