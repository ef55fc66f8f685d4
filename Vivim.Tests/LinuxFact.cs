namespace Vivim.Tests;

/// <summary>A test of what only Linux has: pipes, devices, modes of files.</summary>
internal sealed class LinuxFactAttribute : FactAttribute
{
    internal const string Reason = "it needs Linux";

    public LinuxFactAttribute() => Skip = OperatingSystem.IsLinux() ? null! : Reason;
}

/// <summary>As <see cref="LinuxFactAttribute"/>, for several cases.</summary>
internal sealed class LinuxTheoryAttribute : TheoryAttribute
{
    public LinuxTheoryAttribute() => Skip = OperatingSystem.IsLinux() ? null! : LinuxFactAttribute.Reason;
}
