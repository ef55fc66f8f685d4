namespace Vivim.Tests;

/// <summary>The checkout the tests were built from: documents and golden files are read where they are kept.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Vivim.sln"))) return folder.FullName;
        }

        throw new DirectoryNotFoundException($"no Vivim.sln above {AppContext.BaseDirectory}");
    }
}
