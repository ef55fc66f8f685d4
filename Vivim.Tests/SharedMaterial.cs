namespace Vivim.Tests;

/// <summary>Where the public vectors and the sample graph are: a folder <c>shared</c> beside the checkout. It is not part of the project.</summary>
internal static class SharedMaterial
{
    /// <summary>The folder, or null where there is none.</summary>
    public static string? Root { get; } = Find();

    /// <summary>The path of a file or folder below it.</summary>
    /// <exception cref="FileNotFoundException">The folder is absent; a test that needs it should have been skipped by <see cref="SharedFactAttribute"/>.</exception>
    public static string PathOf(string relative) => Path.Combine(Root ?? throw new FileNotFoundException("no shared/ folder beside the checkout"), relative);

    private static string? Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "..", "shared");
            if (File.Exists(Path.Combine(folder.FullName, "Vivim.sln")) && Directory.Exists(Path.Combine(candidate, "vectors"))) return Path.GetFullPath(candidate);
        }

        return null;
    }
}

/// <summary>A test that reads <see cref="SharedMaterial"/>; skipped, saying so, where it is absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SharedFactAttribute : FactAttribute
{
    public SharedFactAttribute()
    {
        if (SharedMaterial.Root is null) Skip = "needs the folder ../shared (public vectors and sample graph), which is not beside this checkout";
    }
}
