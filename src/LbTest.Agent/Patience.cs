namespace LbTest.Agent;

/// <summary>How long a command may take to end.</summary>
internal static class Patience
{
    /// <summary>From the signal that asked it to; five seconds, and more for a command that says so.</summary>
    internal static TimeSpan ToEnd { get; set; } = TimeSpan.FromSeconds(5);
}
