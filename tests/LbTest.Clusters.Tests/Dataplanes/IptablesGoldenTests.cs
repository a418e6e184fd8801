using System.Globalization;
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

        Dictionary<string, string[]> expected = Chains(golden), actual = Chains(IptablesRules.Render(state, AddressFamily.InterNetwork));

        // Only a canary, which we leave out; and the kubelet's rule, which kube-proxy expects somebody else to write.
        Assert.Empty(expected["KUBE-PROXY-CANARY"]);
        expected.Remove("KUBE-PROXY-CANARY");
        Assert.Empty(expected["KUBE-MARK-DROP"]);
        expected["KUBE-MARK-DROP"] = ["-j MARK --set-xmark 0x8000/0x8000"];
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        foreach (string chain in expected.Keys) Assert.Equal(InOrder(chain, expected[chain]), InOrder(chain, actual[chain]));
    }

    // kube-proxy walks its services in no particular order. Rules of endpoints do have one.
    private static IEnumerable<string> InOrder(string chain, string[] rules) =>
        chain is "KUBE-SERVICES" or "KUBE-NODEPORTS" ? rules.SkipLast(1).Order().Append(rules[^1]) : rules;

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

    // The nat table's rules by chain, without what only iptables-save adds.
    private static Dictionary<string, string[]> Chains(string text)
    {
        string[] nat = [.. text.Split('\n').SkipWhile(line => line != "*nat").TakeWhile(line => line != "COMMIT")];
        ILookup<string, string> rules = nat.Where(line => line.StartsWith("-A ", StringComparison.Ordinal))
            .ToLookup(line => line.Split(' ')[1], line => Normal(line[(line.IndexOf(' ', 3) + 1)..]));
        return nat.Where(line => line.StartsWith(':')).Select(line => line[1..].Split(' ')[0])
            .ToDictionary(chain => chain, chain => rules[chain].ToArray());
    }

    // The kernel keeps a probability in 31 bits. iptables-save writes the mask of an affinity that is by full source address.
    private static string Normal(string rule) => Probability().Replace(rule, match =>
            double.Parse(match.Value, CultureInfo.InvariantCulture).ToString("G6", CultureInfo.InvariantCulture))
        .Replace(" --mask 255.255.255.255", "", StringComparison.Ordinal);

    private static string Find(string name)
    {
        string? path = Golden.Find(name);
        Skip.If(path is null, $"The recorded '{name}' is not beside this checkout.");
        return path!;
    }

    [GeneratedRegex(@"default/kubernetes:https"" -m tcp -j DNAT --to-destination (\S+)")]
    private static partial Regex ApiServerEndpoint();

    [GeneratedRegex(@"(?<=--probability )\S+")]
    private static partial Regex Probability();
}
