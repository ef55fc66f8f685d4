namespace Vivim.Protocol;

/// <summary>Spells enumeration members as the command line's values, labels of metrics and the status page have them: <c>BackedOff</c> is <c>backed-off</c>.</summary>
public static class KebabCase
{
    public static string Of(string pascalCase) => UpperSnakeCase.Of(pascalCase).ToLowerInvariant().Replace('_', '-');
}
