namespace LbTest.Clusters.Tests;

/// <summary>What is put in order when nobody waits for it any more.</summary>
public sealed class AftercareTests
{
    [Fact]
    public async Task What_is_in_order_in_time_is_not_spoken_of_and_what_is_not_is_named()
    {
        var said = new List<string>();
        IDisposable soon = Aftercare.Begin("soon: kubectl delete this"), never = Aftercare.Begin("never: kubectl delete that");
        Task end = Task.Run(() => Aftercare.End(TimeSpan.FromSeconds(2), said.Add));
        soon.Dispose();
        await end;
        never.Dispose();

        // Other tests may have something to put in order just then.
        Assert.Contains("never: kubectl delete that", said);
        Assert.DoesNotContain("soon: kubectl delete this", said);
    }

    [Fact]
    public async Task Each_hears_of_its_own_work_however_long_that_goes_on()
    {
        var gate = new TaskCompletionSource();
        Task<string> first = Heard("first", gate.Task), second = Heard("second", gate.Task);
        gate.SetResult();

        Assert.Equal(["first", "second"], await Task.WhenAll(first, second));
    }

    private static async Task<string> Heard(string word, Task after)
    {
        string heard = "";
        Aftercare.ToldTo(left => heard += left);
        await Task.Run(async () =>
        {
            await after;
            Aftercare.Tell(word);
        });
        return heard;
    }
}
