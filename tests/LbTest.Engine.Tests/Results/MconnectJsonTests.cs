using LbTest.Engine.Connect;
using LbTest.Engine.Results;

namespace LbTest.Engine.Tests.Results;

/// <summary>The JSON of the public mconnect tool is read and written.</summary>
public sealed class MconnectJsonTests
{
    public static TheoryData<string> Runs => ["cilium", "ipvs", "ipvs-ecmp", "ipvs-lc", "ipvs-mh", "nftables"];

    [SkippableTheory, MemberData(nameof(Runs))]
    public void A_recorded_run_survives_being_read_and_written(string run)
    {
        string? path = Golden.Find($"mconnect/mconnect-{run}.json");
        Skip.If(path is null, "There are no recorded runs beside the checkout.");

        ConnectResult result = ResultJson.Read(File.ReadAllText(path), run), back = ResultJson.Read(MconnectJson.Write(result), run);

        Assert.Equal((10_000, 10_000, 0, true), (result.Requested, result.Connections, result.Unfinished, result.Completed));
        Assert.Equal(result.Endpoints.ToArray(), back.Endpoints.ToArray());
        Assert.Equal(result with { Endpoints = [], Failures = [], Warnings = [] }, back with { Endpoints = [], Failures = [], Warnings = [] });
        Assert.True(result.Duration > TimeSpan.Zero && result.Started.Year > 2000);
    }

    [Fact]
    public void Failures_of_both_kinds_are_told_apart()
    {
        ConnectResult result = ResultJson.Read("""{"hosts":{"a":5,"b":1},"connects":10,"failed_connects":3,"failed_reads":1,"timeout":5000000000,"duration":1903900}""");

        Assert.Equal((10, 6, 4, 0), (result.Requested, result.Connections, result.Failed, result.Unfinished));
        Assert.Equal([(FailureClass.Unclassified, 3), (FailureClass.ReadFailed, 1)], result.Failures.Select(f => (f.Class, f.Count)));
        Assert.Equal(TimeSpan.FromTicks(19_039), result.Duration);
    }

    [Fact]
    public void A_run_that_timed_out_lacks_connections()
    {
        ConnectResult result = ResultJson.Read("""{"hosts":null,"connects":10,"failed_connects":3,"failed_reads":0}""");

        Assert.Equal((7, false), (result.Unfinished, result.Completed));
        Assert.NotNull(result.Reason);
        Assert.Empty(result.Endpoints);
    }

    [Fact]
    public void A_run_that_kept_its_connections_may_hold_more_answers_than_connects()
    {
        ConnectResult result = ResultJson.Read("""{"hosts":{"a":30,"b":20},"connects":10,"failed_connects":0,"failed_reads":2}""");

        Assert.True(result.Completed);
        Assert.Equal([30, 20], result.Endpoints.Select(endpoint => endpoint.Connections));
        Assert.Equal(result.Requested, result.Connections + result.Failed + result.Unfinished);
    }

    [Fact]
    public void A_result_of_ours_written_for_mconnect_keeps_its_counts()
    {
        ConnectResult full = SampleResults.Full, back = ResultJson.Read(MconnectJson.Write(full));

        Assert.Equal((full.Requested, full.Connections, full.Failed, full.Unfinished), (back.Requested, back.Connections, back.Failed, back.Unfinished));
        Assert.Equal(full.Endpoints.Select(e => (e.Name, e.Connections)), back.Endpoints.Select(e => (e.Name, e.Connections)));
        Assert.Equal((full.Started, full.Duration), (back.Started, back.Duration));
        Assert.Equal([(FailureClass.Unclassified, 3), (FailureClass.ReadFailed, 4)], back.Failures.Select(f => (f.Class, f.Count)));
    }
}
