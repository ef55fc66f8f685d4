using Vivim.Gateway.Node;

namespace Vivim.Gateway.Operators;

/// <summary>Tells the calls of operators from others where it is not the method that asks: for what is kept for operators.</summary>
internal static class OperatorCall
{
    /// <summary>Whether a call carries an operator's valid token; never while the node starts or stops.</summary>
    public static bool Is(HttpContext http)
    {
        var host = http.RequestServices.GetRequiredService<NodeHost>();
        if (!host.IsReady) return false;
        var node = host.Node;
        return http.RequestServices.GetRequiredService<OperatorGate>().IsOperators(http.Request.Headers.Authorization, node.Genesis.ChainId, node.Operator);
    }
}
