namespace LbTest.Clusters.Protocol;

/// <summary>Progress that is told at once, on the thread that reports it.</summary>
/// <remarks>Not <see cref="Progress{T}"/>: that one hands reports to the thread pool, where they may overtake each other and the result.</remarks>
internal sealed class Telling<T>(Action<T> tell) : IProgress<T>
{
    public void Report(T value) => tell(value);
}
