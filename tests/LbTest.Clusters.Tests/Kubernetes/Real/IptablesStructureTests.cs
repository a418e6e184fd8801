using System.Net;
using System.Net.Sockets;
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
    private const string LoadBalancer = "198.51.100.7";

    [SkippableFact]
    public async Task On_every_node_the_rules_of_kube_proxy_are_those_of_the_lab()
    {
        IKubernetesApi api = await RealCluster.RequireAsync();
        string version = await api.RawAsync("/version", default);
        Skip.IfNot(version.Contains("v1.20.", StringComparison.Ordinal), $"the lab's rules are those of kube-proxy 1.20; this cluster has {Version().Match(version).Value}");
        KubePod[] proxies = [.. await api.ListAsync(Kube.Pods, "kube-system", "k8s-app=kube-proxy", null, default)];
        Assert.NotEmpty(proxies);
        var pods = IPNetwork.Parse(ClusterCidr().Match(Kubectl("get", "configmap", "kube-proxy", "-n", "kube-system", "-o", "yaml")).Groups[1].Value);
        string ns = RealCluster.NewNamespace();
        try
        {
            ServicePort[] services = Apply(ns, [.. proxies.Select(proxy => proxy.Spec!.NodeName!).Order()], pods);
            Assert.Equal(["affinity", "empty", "even", "local", "shut"], services.Select(service => service.Name).Order());
            foreach (KubePod proxy in proxies) await Compare(proxy, new DesiredState(proxy.Spec!.NodeName!, [], [pods], [], [.. services]), $"{ns}/");
        }
        finally
        {
            await api.DeleteAsync(Kube.Namespaces, null, ns, null, wait: true, default);
        }
    }

    // kube-proxy takes a moment; then nothing of ours may differ.
    private static async Task Compare(KubePod proxy, DesiredState state, string ours)
    {
        string wanted = IptablesRules.Render(state, AddressFamily.InterNetwork);
        for (int turn = 0; ; turn++)
        {
            string saved = Kubectl("exec", proxy.Name, "-n", "kube-system", "--", "iptables-save");
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

    private static ServicePort[] Apply(string ns, string[] nodes, IPNetwork pods)
    {
        string[] ips = [.. Enumerable.Range(0, 2 * nodes.Length + 1).Select(i => $"{{ip: {Address(pods, i)}, nodeName: {nodes[i % nodes.Length]}}}")];
        string[] onFirst = [.. ips.Where((_, i) => i % nodes.Length == 0)];
        string manifest = $$"""
            ---
            {apiVersion: v1, kind: Namespace, metadata: {name: {{ns}} } }
            {{Service("even", "type: LoadBalancer", ips)}}
            {{Service("affinity", "sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 600}}", ips[..3])}}
            {{Service("local", "type: LoadBalancer, externalTrafficPolicy: Local", ips)}}
            {{Service("shut", "type: LoadBalancer, externalTrafficPolicy: Local", onFirst)}}
            {{Service("empty", "type: NodePort", [])}}
            """;
        _ = Tool.Run("kubectl", ["apply", "-f", "-"], manifest);
        // Nobody gives these their address: that is what a load balancer's controller would do.
        foreach (string name in (string[])["even", "local"])
        {
            string status = $$$"""{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "{{{name}}}", "namespace": "{{{ns}}}"}, "status": {"loadBalancer": {"ingress": [{"ip": "{{{LoadBalancer}}}"}] } } }""";
            _ = Tool.Run("kubectl", ["replace", "--raw", $"/api/v1/namespaces/{ns}/services/{name}/status", "-f", "-"], status);
        }

        using var read = new StringReader(Kubectl("get", "services,endpoints", "-n", ns, "-o", "json"));
        return [.. ServiceManifest.Parse(read)];

        string Service(string name, string spec, string[] addresses)
        {
            string subset = addresses.Length == 0 ? "" : $$"""{addresses: [{{string.Join(", ", addresses)}}], ports: [{name: connect, port: 5001}]}""";
            return $$"""
                ---
                {apiVersion: v1, kind: Service, metadata: {name: {{name}}, namespace: {{ns}} }, spec: { {{spec}}, ports: [{name: connect, port: 5001}] } }
                ---
                {apiVersion: v1, kind: Endpoints, metadata: {name: {{name}}, namespace: {{ns}} }, subsets: [{{subset}}] }
                """;
        }
    }

    // Addresses that no pod has: nothing is sent to them.
    private static IPAddress Address(IPNetwork pods, int number)
    {
        byte[] bytes = pods.BaseAddress.GetAddressBytes();
        (bytes[2], bytes[3]) = (250, (byte)(10 + number));
        return new IPAddress(bytes);
    }

    private static string Kubectl(params string[] arguments) => Tool.Run("kubectl", arguments);

    [GeneratedRegex("^KUBE-(SVC|SVL|SEP|FW|XLB)-")]
    private static partial Regex ServiceChain();

    [GeneratedRegex(" (?=-[mj] )")]
    private static partial Regex Part();

    [GeneratedRegex(@"clusterCIDR: ""?([0-9./]+)")]
    private static partial Regex ClusterCidr();

    [GeneratedRegex(@"v\d+\.\d+\.\d+")]
    private static partial Regex Version();
}
