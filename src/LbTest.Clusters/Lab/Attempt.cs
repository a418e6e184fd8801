namespace LbTest.Clusters.Lab;

/// <summary>Does what may fail while a test must go on, or the rest must still be undone.</summary>
internal static class Attempt
{
    /// <summary>Does it; returns what went wrong, null when nothing did.</summary>
    internal static string? To(Action work)
    {
        try
        {
            work();
            return null;
        }
#pragma warning disable CA1031 // Whatever it is, the result says so: on a thread of its own it would take the whole lab down.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return exception.Message;
        }
    }
}
