namespace Vivim.Protocol.Identity;

/// <summary>Why a caller token proves nothing. The names, in upper snake case after TOKEN_, are the reasons a gRPC client sees.</summary>
public enum TokenRefusalReason
{
    /// <summary>The call carries none.</summary>
    Missing,

    /// <summary>Not the text of a token, or one that lives longer than is allowed. Make it with a client library.</summary>
    Malformed,

    /// <summary>Made for another chain id.</summary>
    WrongChain,

    /// <summary>The signature is not the caller's.</summary>
    BadSignature,

    /// <summary>Its time begins later than the clock and the difference allowed to clocks. Set the clocks.</summary>
    NotYetValid,

    /// <summary>Its time is over. Make another.</summary>
    Expired,
}

/// <summary>A refusal of a token with a sentence for the person who called.</summary>
public sealed record TokenRefusal(TokenRefusalReason Reason, string Message)
{
    /// <summary>The reason as clients see it, e.g. TOKEN_EXPIRED.</summary>
    public string Code => $"TOKEN_{UpperSnakeCase.Of(Reason.ToString())}";
}
