using System.Collections.Immutable;
using System.Text.Json;
using LbTest.Clusters.Ipvs;
using LbTest.Clusters.Protocol;

namespace LbTest.Clusters.Tests.Ipvs;

/// <summary>The list and the counters together, and back to text and JSON.</summary>
public class IpvsCountingTests
{
    private static readonly ImmutableArray<VirtualServer> Listed = IpvsadmText.Parse(RealOutput.Listed, "node-1"), Counted = IpvsadmText.Parse(RealOutput.Counted);

    [Fact]
    public void Counters_go_to_the_servers_that_they_are_of()
    {
        ImmutableArray<VirtualServer> both = IpvsCounting.Add(Listed, Counted.Reverse());
        Assert.Equal(Listed.Select(server => server with { RealServers = [] }), both.Select(server => server with { Counters = null, RealServers = [] }));
        Assert.Equal(Counted.Select(server => server.Counters), both.Select(server => server.Counters));
        Assert.Equal(Listed.SelectMany(server => server.RealServers), both.SelectMany(server => server.RealServers).Select(real => real with { Counters = null }));
        Assert.Equal(Counted.SelectMany(server => server.RealServers).Select(real => real.Counters), both.SelectMany(server => server.RealServers).Select(real => real.Counters));
        Assert.Equal(new IpvsCounters(2, 7, 4, 5380, 224), both[9].RealServers[2].Counters);
        Assert.Equal(1, both[9].RealServers[2].ActiveConnections);
    }

    [Fact]
    public void What_came_between_the_two_outputs_has_no_counters_and_what_went_is_gone()
    {
        VirtualServer[] counted = [.. Counted.Take(9), Counted[9] with { RealServers = Counted[9].RealServers.RemoveAt(0) }, Counted[0] with { FirewallMark = 99 }];
        ImmutableArray<VirtualServer> both = IpvsCounting.Add(Listed, counted);
        Assert.Equal(Listed.Select(server => server.Name), both.Select(server => server.Name));
        Assert.Equal(10, both.Count(server => server.Counters is not null));
        Assert.Equal([true, false, false], both[9].RealServers.Select(real => real.Counters is null));
    }

    [Fact]
    public void Servers_are_written_as_ipvsadm_writes_them()
    {
        // Version 1.31 writes marks with a sign.
        static string Printed(string text) => string.Join('\n', text.Split('\n').Skip(1).Select(line => line.TrimEnd().Replace("FWM  -1        ", "FWM  4294967295", StringComparison.Ordinal).Replace("FWM  -1 ", "FWM  4294967295 ", StringComparison.Ordinal))) + "\n";
        Assert.Equal(Printed(RealOutput.Listed), IpvsadmText.Format(IpvsadmText.Parse(RealOutput.Listed)));
        Assert.Equal(Printed(RealOutput.Counted), IpvsadmText.Format(Counted, counters: true));
    }

    [Fact]
    public void What_was_written_is_read()
    {
        ImmutableArray<VirtualServer> all = [.. IpvsCounting.Add(Listed, Counted), .. Listed.Select(server => server with { NodeName = "node-2" })];
        string list = IpvsadmText.Format(all), counters = IpvsadmText.Format(all, counters: true);
        Assert.Equal(list, IpvsadmText.Format(IpvsadmText.Parse(list)));
        Assert.Equal(["node-1", "node-2"], IpvsadmText.Parse(list).Select(server => server.NodeName).Distinct());
        // What has no counters is not in a list of them.
        Assert.Equal(Listed.Select(server => ("node-1", server.Name)), IpvsadmText.Parse(counters).Select(server => (server.NodeName!, server.Name)));
    }

    [Fact]
    public void An_agent_hands_them_over_whole()
    {
        ImmutableArray<VirtualServer> both = IpvsCounting.Add(Listed, Counted);
        var response = new AgentResponse { Done = true, VirtualServers = both, ServiceAddresses = [new ServiceAddress { NodeName = "node-1", Address = "10.96.0.1", VirtualServers = ["TCP 10.96.0.1:443"], State = ServiceAddressState.NotBound }] };
        string line = JsonSerializer.Serialize(response, AgentJson.Default.AgentResponse);
        AgentResponse back = JsonSerializer.Deserialize(line, AgentJson.Default.AgentResponse)!;
        Assert.Equal(line, JsonSerializer.Serialize(back, AgentJson.Default.AgentResponse));
        Assert.Equal(IpvsadmText.Format(both), IpvsadmText.Format(back.VirtualServers!.Value));
        Assert.Equal(both.SelectMany(server => server.RealServers), back.VirtualServers!.Value.SelectMany(server => server.RealServers));
        Assert.Equal(ServiceAddressState.NotBound, back.ServiceAddresses!.Value[0].State);
    }
}
