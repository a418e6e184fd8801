using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Tests.Dataplanes;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Tests.Kubernetes.Real;

/// <summary>The rules that the kube-proxy of a real cluster writes on each of its nodes, beside those that a lab's node has for the same services.</summary>
[Collection(nameof(RealCluster))]
public partial class IptablesStructureTests
{
    private const string LoadBalancer = "198.51.100.7", LoadBalancer6 = "2001:db8::7";

    [SkippableFact]
    public async Task On_every_node_the_rules_of_kube_proxy_are_those_of_the_lab()
    {
        IKubernetesApi api = await RealCluster.RequireAsync();
        string version = await api.RawAsync("/version", default);
        Skip.IfNot(version.Contains("v1.20.", StringComparison.Ordinal), $"the lab's rules are those of kube-proxy 1.20; this cluster has {Version().Match(version).Value}");
        KubePod[] proxies = [.. await api.ListAsync(Kube.Pods, "kube-system", "k8s-app=kube-proxy", null, default)];
        Assert.NotEmpty(proxies);
        // One for each family that the cluster has.
        IPNetwork[] pods = [.. ClusterCidr().Match(Kubectl("get", "configmap", "kube-proxy", "-n", "kube-system", "-o", "yaml")).Groups[1].Value.Split(',').Select(IPNetwork.Parse)];
        string ns = RealCluster.NewNamespace();
        try
        {
            ServicePort[] services = Apply(ns, [.. proxies.Select(proxy => proxy.Spec!.NodeName!).Order()], pods);
            string[] names = ["affinity", "empty", "even", "local", "shut"];
            Assert.Equal(pods.SelectMany(family => names.Select(name => name + Suffix(family))).Order(), services.Select(service => service.Name).Order());
            foreach (KubePod proxy in proxies)
            {
                foreach (IPNetwork family in pods) await Compare(proxy, new DesiredState(proxy.Spec!.NodeName!, [], [.. pods], [], [.. services]), family.BaseAddress.AddressFamily, $"{ns}/");
            }
        }
        finally
        {
            await api.DeleteAsync(Kube.Namespaces, null, ns, null, wait: true, default);
        }
    }

    // kube-proxy takes a moment; then nothing of ours may differ.
    private static async Task Compare(KubePod proxy, DesiredState state, AddressFamily family, string ours)
    {
        string wanted = IptablesRules.Render(state, family), tool = family == AddressFamily.InterNetwork ? "iptables-save" : "ip6tables-save";
        for (int turn = 0; ; turn++)
        {
            string saved = Kubectl("exec", proxy.Name, "-n", "kube-system", "--", tool);
            try
            {
                foreach (string table in (string[])["nat", "filter"]) Assert.Equal(Rules(wanted, table, ours), Rules(saved, table, ours));
                return;
            }
            catch (Xunit.Sdk.XunitException) when (turn < 30)
            {
                await Task.Delay(TimeSpan.FromSeconds(1));
            }
        }
    }

    // Of the chains that all services share our rules, the chains of our services, and those that have nothing to do with services. What only a real node has is left out: canaries, by
    // which kube-proxy and the kubelet learn that somebody flushed the rules, and the kubelet's rule against packets to loopback from elsewhere.
    private static string Rules(string text, string table, string ours)
    {
        bool IsOurs(string rule) => rule.Contains(ours, StringComparison.Ordinal);
        return string.Join('\n',
            from chain in SavedRules.Chains(text, table)
            where chain.Key.StartsWith("KUBE-", StringComparison.Ordinal) && !chain.Key.EndsWith("-CANARY", StringComparison.Ordinal)
            orderby chain.Key
            let rules = chain.Value.Where(rule => !rule.Contains("block incoming localnet", StringComparison.Ordinal)).Select(Ordered)
            from rule in chain.Key is "KUBE-SERVICES" or "KUBE-NODEPORTS" or "KUBE-EXTERNAL-SERVICES" ? rules.Where(rule => IsOurs(rule) || rule.Contains("NOTE:", StringComparison.Ordinal)).Order()
                : ServiceChain().IsMatch(chain.Key) && !rules.Any(IsOurs) ? [] : rules
            select $"{chain.Key} {rule}");
    }

    // kube-proxy's matches come in the order that the kernel keeps them in, which does not matter.
    private static string Ordered(string rule)
    {
        string[] parts = Part().Split(rule);
        return string.Join(' ', parts.OrderBy(part => part[1] switch { 'm' => 1, 'j' => 2, _ => 0 }).ThenBy(part => part, StringComparer.Ordinal));
    }

    private static ServicePort[] Apply(string ns, string[] nodes, IPNetwork[] pods)
    {
        var manifest = new StringBuilder($"---\n{{apiVersion: v1, kind: Namespace, metadata: {{name: {ns}}}}}");
        foreach (IPNetwork family in pods)
        {
            string[] ips = [.. Enumerable.Range(0, 2 * nodes.Length + 1).Select(i => $"{{ip: \"{Address(family, i)}\", nodeName: {nodes[i % nodes.Length]}}}")];
            string[] onFirst = [.. ips.Where((_, i) => i % nodes.Length == 0)];
            Add(family, "even", "type: LoadBalancer", ips);
            Add(family, "affinity", "sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 600}}", ips[..3]);
            Add(family, "local", "type: LoadBalancer, externalTrafficPolicy: Local", ips);
            Add(family, "shut", "type: LoadBalancer, externalTrafficPolicy: Local", onFirst);
            Add(family, "empty", "type: NodePort", []);
        }

        _ = Tool.Run("kubectl", ["apply", "-f", "-"], manifest.ToString());
        // Nobody gives these their address: that is what a load balancer's controller would do.
        foreach ((string name, IPNetwork family) in from family in pods from name in (string[])["even", "local"] select (name + Suffix(family), family))
        {
            string address = family.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? LoadBalancer : LoadBalancer6;
            string status = $$$"""{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "{{{name}}}", "namespace": "{{{ns}}}"}, "status": {"loadBalancer": {"ingress": [{"ip": "{{{address}}}"}] } } }""";
            _ = Tool.Run("kubectl", ["replace", "--raw", $"/api/v1/namespaces/{ns}/services/{name}/status", "-f", "-"], status);
        }

        using var read = new StringReader(Kubectl("get", "services,endpoints", "-n", ns, "-o", "json"));
        return [.. ServiceManifest.Parse(read)];

        void Add(IPNetwork family, string name, string spec, string[] addresses)
        {
            string subset = addresses.Length == 0 ? "" : $$"""{addresses: [{{string.Join(", ", addresses)}}], ports: [{name: connect, port: 5001}]}""";
            // A server of one family may not know the field.
            string families = pods.Length == 1 ? "" : $", ipFamilies: [{(family.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? "IPv4" : "IPv6")}]";
            _ = manifest.Append(CultureInfo.InvariantCulture, $$"""

                ---
                {apiVersion: v1, kind: Service, metadata: {name: {{name}}{{Suffix(family)}}, namespace: {{ns}} }, spec: { {{spec}}{{families}}, ports: [{name: connect, port: 5001}] } }
                ---
                {apiVersion: v1, kind: Endpoints, metadata: {name: {{name}}{{Suffix(family)}}, namespace: {{ns}} }, subsets: [{{subset}}] }
                """);
        }
    }

    // Addresses that no pod has: nothing is sent to them.
    private static IPAddress Address(IPNetwork pods, int number)
    {
        byte[] bytes = pods.BaseAddress.GetAddressBytes();
        (bytes[^2], bytes[^1]) = (250, (byte)(10 + number));
        return new IPAddress(bytes);
    }

    private static string Suffix(IPNetwork family) => family.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? "" : "-six";

    private static string Kubectl(params string[] arguments) => Tool.Run("kubectl", arguments);

    [GeneratedRegex("^KUBE-(SVC|SVL|SEP|FW|XLB)-")]
    private static partial Regex ServiceChain();

    [GeneratedRegex(" (?=-[mj] )")]
    private static partial Regex Part();

    [GeneratedRegex(@"clusterCIDR: ""?([0-9a-f.:/,]+)")]
    private static partial Regex ClusterCidr();

    [GeneratedRegex(@"v\d+\.\d+\.\d+")]
    private static partial Regex Version();
}
