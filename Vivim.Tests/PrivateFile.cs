using System.Text;
using Vivim.Protocol;

namespace Vivim.Tests;

/// <summary>Writes what a test keeps secret, as keys and passwords must be: for its owner alone.</summary>
internal static class PrivateFile
{
    /// <returns>The path.</returns>
    public static string Write(string path, string text)
    {
        DurableFile.Create(path, Encoding.UTF8.GetBytes(text), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return path;
    }

    /// <summary>Gives a file another mode, where files have modes.</summary>
    public static void SetMode(string path, UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, mode);
    }
}
