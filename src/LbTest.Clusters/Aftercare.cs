using System.Collections.Concurrent;

namespace LbTest.Clusters;

/// <summary>Putting a cluster in order when nobody waits for it any more: after Ctrl+C the prompt is back, and what was made is still being removed.</summary>
/// <remarks>A process that ends meanwhile gives it a moment; what is not done by then it names, with the command that does it.</remarks>
public static class Aftercare
{
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(15);
    private static readonly AsyncLocal<Action<string>?> Ear = new();
    private static readonly ConcurrentDictionary<Care, string> Open = new();

    static Aftercare() => AppDomain.CurrentDomain.ProcessExit += (_, _) => End(Moment, Console.Error.WriteLine);

    /// <summary>Sets who hears what could not be put in order, for work that is begun after this: the caller's own, however long it goes on. Nobody hears it otherwise.</summary>
    public static void ToldTo(Action<string> listener) => Ear.Value = listener;

    /// <summary>Begins to put something in order; disposing of what it returns ends that.</summary>
    /// <param name="byHand">What is left when it does not come to its end, and the command that does it.</param>
    internal static IDisposable Begin(string byHand)
    {
        var care = new Care();
        Open[care] = byHand;
        return care;
    }

    /// <summary>Tells what could not be put in order, where an exception or a result would not be heard any more.</summary>
    public static void Tell(string left) => Ear.Value?.Invoke(left);

    /// <summary>Waits until all is in order, and says what is not.</summary>
    internal static void End(TimeSpan limit, Action<string> say)
    {
        _ = SpinWait.SpinUntil(() => Open.IsEmpty, limit);
        foreach (string byHand in Open.Values) say(byHand);
    }

    private sealed class Care : IDisposable
    {
        public void Dispose() => _ = Open.TryRemove(this, out _);
    }
}
