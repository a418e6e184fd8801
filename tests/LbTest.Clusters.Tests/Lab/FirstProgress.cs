using LbTest.Engine.Connect;

namespace LbTest.Clusters.Tests.Lab;

/// <summary>Waits until the first connections of a test have been made.</summary>
internal sealed class FirstProgress : IProgress<ConnectProgress>
{
    private readonly TaskCompletionSource _seen = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal Task Seen => _seen.Task;

    public void Report(ConnectProgress value)
    {
        if (value.Connections > 0) _ = _seen.TrySetResult();
    }
}
