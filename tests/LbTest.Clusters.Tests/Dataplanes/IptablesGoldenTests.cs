using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine.Tests;

namespace LbTest.Clusters.Tests.Dataplanes;

/// <summary>Our nat table beside the one that a real kube-proxy 1.20.2 wrote for the same services.</summary>
public partial class IptablesGoldenTests
{
    [SkippableFact]
    public void The_nat_table_is_that_of_kube_proxy()
    {
        string golden = File.ReadAllText(Find("kube-proxy/iptables-nat-1.20.2.txt"));
        using StreamReader manifest = File.OpenText(Find("kube-proxy/services-and-endpoints.json"));
        ServicePort[] services = [.. ServiceManifest.Parse(manifest)
            .Select(s => s.Name == "tserver" ? s with { LoadBalancerAddresses = [IPAddress.Parse("10.0.0.1")] } : s)];
        Assert.Equal(["tserver", "affinity", "local", "empty"], services.Select(s => s.Name));
        Assert.Equal([100, 3, 4, 0], services.Select(s => s.Endpoints.Length));
        var state = new DesiredState(Sample.Node, [], [IPNetwork.Parse("11.0.0.0/8")], [], [ApiServer(golden), .. services]);

        Dictionary<string, string[]> expected = SavedRules.Chains(golden), actual = SavedRules.Chains(IptablesRules.Render(state, AddressFamily.InterNetwork));

        // Only a canary, which we leave out; and the kubelet's rule, which kube-proxy expects somebody else to write.
        Assert.Empty(expected["KUBE-PROXY-CANARY"]);
        expected.Remove("KUBE-PROXY-CANARY");
        Assert.Empty(expected["KUBE-MARK-DROP"]);
        expected["KUBE-MARK-DROP"] = ["-j MARK --set-xmark 0x8000/0x8000"];
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        foreach (string chain in expected.Keys) Assert.Equal(SavedRules.InOrder(chain, expected[chain]), SavedRules.InOrder(chain, actual[chain]));
    }

    private static ServicePort ApiServer(string golden)
    {
        IPEndPoint endpoint = IPEndPoint.Parse(ApiServerEndpoint().Match(golden).Groups[1].Value);
        return new ServicePort
        {
            Name = "kubernetes",
            PortName = "https",
            Port = 443,
            ClusterAddresses = [IPAddress.Parse("10.96.0.1")],
            Endpoints = [new EndpointAddress("apiserver", endpoint.Address, endpoint.Port, null)],
        };
    }

    private static string Find(string name)
    {
        string? path = Golden.Find(name);
        Skip.If(path is null, $"The recorded '{name}' is not beside this checkout.");
        return path!;
    }

    [GeneratedRegex(@"default/kubernetes:https"" -m tcp -j DNAT --to-destination (\S+)")]
    private static partial Regex ApiServerEndpoint();
}
