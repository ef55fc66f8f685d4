using System.Runtime.CompilerServices;

namespace Vivim.Ledger.State;

/// <summary>
/// Structs of one kind in pages of an array, addressed by index, with freed places reused. Millions of nodes are then a few
/// thousand objects to the garbage collector. Pages are never given back.
/// </summary>
internal sealed class NodePool<T>
    where T : struct
{
    /// <summary>Keeps a page of the largest node below the large object heap, so that small trees stay cheap.</summary>
    private const int PageBits = 9;
    private const int PageSize = 1 << PageBits;

    private readonly Stack<int> free = new();
    private T[][] pages = [];
    private int used;

    /// <summary>Nodes in use.</summary>
    public int Count => used - free.Count;

    /// <summary>The size of one node in bytes.</summary>
    public static int NodeSize => Unsafe.SizeOf<T>();

    public ref T this[int index] => ref pages[index >> PageBits][index & (PageSize - 1)];

    /// <summary>Stores a node and returns its index.</summary>
    public int Add(in T node)
    {
        if (!free.TryPop(out var index)) index = Extend();
        this[index] = node;
        return index;
    }

    public void Remove(int index) => free.Push(index);

    private int Extend()
    {
        var page = used >> PageBits;
        if (page == pages.Length) Array.Resize(ref pages, Math.Max(4, pages.Length * 2));
        pages[page] ??= new T[PageSize];
        return used++;
    }
}
