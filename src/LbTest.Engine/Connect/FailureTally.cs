namespace LbTest.Engine.Connect;

/// <summary>Failures that one worker counted, by class, with what the kernel said of the first of each.</summary>
internal sealed class FailureTally
{
    private static readonly FailureClass[] Classes = Enum.GetValues<FailureClass>();
    private readonly long[] _counts = new long[Classes.Length];
    private readonly string?[] _examples = new string?[Classes.Length];

    internal void Add(FailureClass failure, string example)
    {
        _counts[(int)failure]++;
        _examples[(int)failure] ??= example;
    }

    /// <summary>All workers' failures together; only classes that occurred.</summary>
    internal static ImmutableArray<FailureCount> Merge(IReadOnlyList<FailureTally> tallies) =>
        [.. Classes.Select(failure => new FailureCount(
                failure, tallies.Sum(t => t._counts[(int)failure]), tallies.Select(t => t._examples[(int)failure]).FirstOrDefault(e => e is not null) ?? ""))
            .Where(count => count.Count > 0)];
}
