namespace Vivim.Tests.Gateway;

/// <summary>Can be read while somebody writes.</summary>
internal sealed class SharedText : StringWriter
{
    private readonly Lock gate = new();

    public override void Write(char value)
    {
        lock (gate) base.Write(value);
    }

    public override void Write(string? value)
    {
        lock (gate) base.Write(value);
    }

    public override void WriteLine(string? value)
    {
        lock (gate) base.WriteLine(value);
    }

    public override string ToString()
    {
        lock (gate) return base.ToString();
    }
}
