using System.Net;
using System.Net.Sockets;
using LbTest.Clusters.Lab.Dataplanes;

namespace LbTest.Clusters.Tests.Dataplanes;

public class KubeHashTests
{
    [Theory]
    [InlineData("default/tserver:mconnecttcp", "F66LDRZIWQUYTI2K")]
    [InlineData("default/kubernetes:httpstcp192.0.2.2:16443", "7VD4GZ32UBXKL4V3")]
    [InlineData("ns1/svc1/tcp/p80", "ULMVA6XW")]
    [InlineData("ns1/svc1/tcp/p80__10.180.0.1/80", "5OJB2KTY")]
    public void The_hash_is_kube_proxys(string text, string hash) => Assert.Equal(hash, KubeHash.Of(text, hash.Length));

    [Fact]
    public void Chains_have_kube_proxys_names()
    {
        var port = new ServicePort
        {
            Namespace = "ns1",
            Name = "svc1",
            PortName = "p80",
            Port = 80,
            ClusterAddresses = [IPAddress.Parse("172.30.0.41")],
            Endpoints = [new EndpointAddress("pod", IPAddress.Parse("10.180.0.1"), 80, null)],
        };
        FamilyService service = FamilyService.Of(port, AddressFamily.InterNetwork)!;
        Assert.Equal("ULMVA6XW-ns1/svc1/tcp/p80", service.NftablesName);
        Assert.Equal("5OJB2KTY-ns1/svc1/tcp/p80__10.180.0.1/80", service.Endpoints.Single().NftablesName);
    }

    [Fact]
    public void A_name_that_would_write_a_rule_of_its_own_is_refused()
    {
        ServicePort port = Sample.Service with { Name = "web\"\nflush ruleset" };
        Assert.Throws<ArgumentException>(() => NftablesRules.Render(Sample.State(port), AddressFamily.InterNetwork));
    }

    [Fact]
    public void An_unknown_mode_is_refused_with_what_to_use_instead()
    {
        Assert.All(Enum.GetValues<ProxyMode>(), mode => Assert.Equal(mode, Dataplane.For(mode).Mode));
        string message = Assert.Throws<ArgumentOutOfRangeException>(() => Dataplane.For((ProxyMode)9)).Message;
        Assert.Contains("use Iptables, Nftables or Ipvs", message, StringComparison.Ordinal);
    }
}
