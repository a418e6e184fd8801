namespace LbTest.Clusters.Lab;

/// <summary>Works in many network namespaces of a lab at once, each on a thread of its own.</summary>
internal static class SideBySide
{
    // Tools mostly wait for the kernel: more of them at once than there are processors.
    private static readonly int AtOnce = Math.Max(4, 2 * Environment.ProcessorCount);

    /// <summary>Works through all, to the end; what the first one threw is thrown then.</summary>
    /// <param name="all">What to work on; begun in this order.</param>
    /// <param name="place">The name of its namespace.</param>
    /// <param name="work">What to do, inside it.</param>
    internal static void Run<T>(IEnumerable<T> all, Func<T, string> place, Action<T> work)
    {
        using var room = new SemaphoreSlim(AtOnce);
        var tasks = new List<Task>();
        foreach (T one in all)
        {
            room.Wait();
            tasks.Add(Begin(one));
        }

        Task.WhenAll(tasks).GetAwaiter().GetResult();

        async Task Begin(T one)
        {
            try
            {
                _ = await LabNetwork.Namespace(place(one)).RunAsync(() =>
                {
                    work(one);
                    return true;
                }).ConfigureAwait(false);
            }
            finally
            {
                _ = room.Release();
            }
        }
    }
}
