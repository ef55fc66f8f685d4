using System.Diagnostics.CodeAnalysis;
using Vivim.Protocol.Identity;

namespace Vivim.Gateway.Operators;

/// <summary>The operators that the settings name, beside the node's own. Two lists of the same are equal, so that settings are.</summary>
internal sealed class OperatorList : IEquatable<OperatorList>
{
    private readonly HashSet<Did> operators;

    private OperatorList(HashSet<Did> operators) => this.operators = operators;

    /// <summary>Reads did:keys separated by commas, spaces around them allowed; nothing is an empty list.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out OperatorList? list)
    {
        var read = new HashSet<Did>();
        list = null;
        if (text.Trim().Length > 0)
        {
            foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
            {
                if (!Did.TryParse(part, out var did) || did.Method != DidMethod.Key) return false;
                read.Add(did);
            }
        }

        list = new OperatorList(read);
        return true;
    }

    public bool Contains(Did did) => operators.Contains(did);

    public bool Equals(OperatorList? other) => other is not null && operators.SetEquals(other.operators);

    public override bool Equals(object? obj) => Equals(obj as OperatorList);

    public override int GetHashCode() => operators.Count;

    public override string ToString() => string.Join(", ", operators.Select(did => did.ToString()).Order(StringComparer.Ordinal));
}
