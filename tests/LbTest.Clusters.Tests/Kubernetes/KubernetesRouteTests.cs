using System.Collections.Immutable;
using System.Globalization;
using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Kubernetes.Api;
using LbTest.Engine;
using LbTest.Engine.Connect;
using LbTest.Engine.Sockets;

namespace LbTest.Clusters.Tests.Kubernetes;

/// <summary>From where to where: addresses, and the shares that kube-proxy's rules promise on the way.</summary>
public sealed class KubernetesRouteTests
{
    private const string Equal = "a b c", NodeOneAlone = "a=0.5 b=0.5 c=0", NodeTwoAlone = "a=0 b=0 c=1";

    [Theory]
    [InlineData(SampleView.NodePort, null, null, VantagePoint.ClientPod, ServiceTarget.ClusterIP)]
    [InlineData(SampleView.NodePort, VantagePoint.Local, null, VantagePoint.Local, ServiceTarget.NodePort)]
    [InlineData(SampleView.ClusterIP, null, null, VantagePoint.ClientPod, ServiceTarget.ClusterIP)]
    [InlineData(SampleView.LoadBalancer, null, null, VantagePoint.Local, ServiceTarget.LoadBalancer)]
    [InlineData(SampleView.LoadBalancer, VantagePoint.ClientPod, null, VantagePoint.ClientPod, ServiceTarget.LoadBalancer)]
    [InlineData(SampleView.LoadBalancer, null, ServiceTarget.ClusterIP, VantagePoint.ClientPod, ServiceTarget.ClusterIP)]
    public void What_the_user_leaves_open_depends_on_the_service(string type, VantagePoint? from, ServiceTarget? to, VantagePoint usualFrom, ServiceTarget usualTo)
    {
        var route = new KubernetesRoute(SampleView.Of(type), Request(from, to), "lbtest");

        Assert.Equal((usualFrom, usualTo), (route.From, route.To));
    }

    [Theory]
    [InlineData(ServiceTarget.ClusterIP, "10.96.0.7:5001", null, 1)]
    [InlineData(ServiceTarget.NodePort, "172.30.0.11:30001", null, 1)]
    [InlineData(ServiceTarget.LoadBalancer, "203.0.113.9:5001", null, 1)]
    [InlineData(ServiceTarget.Endpoint, "10.244.1.1:5001", null, 0)]
    [InlineData(ServiceTarget.Dns, "0.0.0.0:5001", "lbtest.mine.svc:5001", 1)]
    [InlineData(ServiceTarget.Headless, "0.0.0.0:5001", "lbtest-headless.mine.svc:5001", 0)]
    public void Every_target_has_its_address(ServiceTarget to, string address, string? name, int entries)
    {
        KubernetesWay way = Ways(SampleView.Of(SampleView.LoadBalancer), Request(VantagePoint.ClientPod, to)).Single();

        Assert.Equal((address, name, to == ServiceTarget.Headless, entries), (way.Target.ToString(), way.Name, way.EachLookup, way.Entries));
    }

    [Theory]
    [InlineData(ServiceTarget.ClusterIP, "[fd00:96::7]:5001")]
    [InlineData(ServiceTarget.LoadBalancer, "[2001:db8::9]:5001")]
    [InlineData(ServiceTarget.Endpoint, "[fd00:244::1]:5001")]
    [InlineData(ServiceTarget.Dns, "[::]:5001")]
    public void IPv6_goes_to_the_address_of_that_family(ServiceTarget to, string address) =>
        Assert.Equal(address, Ways(SampleView.Of(SampleView.LoadBalancer), Request(VantagePoint.ClientPod, to) with { IPv6 = true }).Single().Target.ToString());

    [Fact]
    public void A_node_is_reached_from_outside_by_its_public_address_where_it_has_one()
    {
        ConnectRequest local = Request(VantagePoint.Local, ServiceTarget.NodePort);

        Assert.Equal(["172.30.0.11:30001", "198.51.100.12:30001", "172.30.0.12:30001"],
            new[] { local, local with { ToName = "node-2" }, Request(VantagePoint.ClientPod, ServiceTarget.NodePort) with { ToName = "node-2" } }.Select(one => Ways(SampleView.Of(), one).Single().Target.ToString()));
    }

    // kube-proxy: the node itself and its pods take a short cut past the policy; IPVS knows none.
    [Theory]
    [InlineData(VantagePoint.Local, null, "node-1", false, NodeOneAlone)]
    [InlineData(VantagePoint.Local, null, "node-2", false, NodeTwoAlone)]
    [InlineData(VantagePoint.Local, null, "node-3", false, Equal)]
    [InlineData(VantagePoint.ClientPod, "node-2", "node-2", false, Equal)]
    [InlineData(VantagePoint.ClientPod, "node-3", "node-2", false, NodeTwoAlone)]
    [InlineData(VantagePoint.Pod, "c", "node-2", false, Equal)]
    [InlineData(VantagePoint.Pod, "a", "node-2", false, NodeTwoAlone)]
    [InlineData(VantagePoint.Node, "node-2", "node-2", false, Equal)]
    [InlineData(VantagePoint.Node, "node-1", "node-2", false, NodeTwoAlone)]
    [InlineData(VantagePoint.ClientPod, "node-3", "node-2", true, NodeTwoAlone)]
    public void External_policy_Local_leaves_a_node_its_own_endpoints(VantagePoint from, string? name, string node, bool ipvs, string shares) =>
        Assert.Equal(shares, Shares(SampleView.Of(external: SampleView.Local), Request(from, ServiceTarget.NodePort, name) with { ToName = node }, ipvs));

    [Fact]
    public void Behind_a_load_balancer_every_node_with_endpoints_has_the_same_part()
    {
        ClusterView view = SampleView.Of(SampleView.LoadBalancer, external: SampleView.Local);

        Assert.Equal("a=0.25 b=0.25 c=0.5", Shares(view, Request(VantagePoint.Local, ServiceTarget.LoadBalancer)));
        Assert.Equal(3, Ways(view, Request(VantagePoint.Local, ServiceTarget.LoadBalancer)).Single().Entries);
        Assert.Equal(Equal, Shares(view, Request(VantagePoint.ClientPod, ServiceTarget.LoadBalancer, "node-2")));
        Assert.Equal(Equal, Shares(SampleView.Of(SampleView.LoadBalancer), Request(VantagePoint.Local, ServiceTarget.LoadBalancer)));
    }

    [Theory]
    [InlineData(ServiceTarget.ClusterIP, "node-1", NodeOneAlone)]
    [InlineData(ServiceTarget.Dns, "node-2", NodeTwoAlone)]
    [InlineData(ServiceTarget.NodePort, "node-2", Equal)]
    [InlineData(ServiceTarget.Headless, "node-2", Equal)]
    public void Internal_policy_Local_is_for_the_cluster_address_alone(ServiceTarget to, string from, string shares) =>
        Assert.Equal(shares, Shares(SampleView.Of(@internal: SampleView.Local), Request(VantagePoint.ClientPod, to, from)));

    [Fact]
    public void Topology_hints_keep_traffic_in_its_zone()
    {
        ClusterView view = SampleView.Of().Hinted(["east"], ["west"], ["west"]);

        Assert.Equal("a=1 b=0 c=0", Shares(view, Request(VantagePoint.ClientPod, ServiceTarget.ClusterIP, "node-1")));
        Assert.Equal("a=0 b=0.5 c=0.5", Shares(view, Request(VantagePoint.ClientPod, ServiceTarget.ClusterIP, "node-3")));
        // The node that traffic enters decides, not the one that it comes from.
        Assert.Equal("a=0 b=0.5 c=0.5", Shares(view, Request(VantagePoint.ClientPod, ServiceTarget.NodePort, "node-1") with { ToName = "node-2" }));
    }

    [Fact]
    public void Hints_count_only_where_all_have_some_and_one_has_this_zone()
    {
        ConnectRequest request = Request(VantagePoint.ClientPod, ServiceTarget.ClusterIP, "node-1");

        Assert.Equal(Equal, Shares(SampleView.Of().Hinted(["east"], [], ["west"]), request));
        Assert.Equal(Equal, Shares(SampleView.Of().Hinted(["west"], ["west"], ["west"]), request));
    }

    [Fact]
    public void Wildcards_name_several_places_each_once()
    {
        Assert.Equal(["node-2", "node-1", "node-3"], Names(SampleView.Of(), Request(VantagePoint.ClientPod, null, "node-2", "node-*")));
        Assert.Equal(["a", "c"], Names(SampleView.Of(), Request(VantagePoint.Pod, null, "a", "c")));
        Assert.Equal(["node-1"], Names(SampleView.Of(), Request(VantagePoint.ClientPod, null)));
    }

    [Fact]
    public void A_node_that_is_not_ready_is_no_place()
    {
        ClusterView view = SampleView.Of();
        KubeNode first = view.Nodes[0] with { Status = view.Nodes[0].Status! with { Conditions = [new KubeCondition("Ready", "Unknown", null, null, null)] } };

        Assert.Equal(["node-2", "node-3"], Names(view with { Nodes = view.Nodes.SetItem(0, first) }, Request(VantagePoint.ClientPod, null, "*")));
    }

    [Fact]
    public void Who_may_not_list_nodes_starts_from_those_that_have_endpoints()
    {
        ClusterView view = SampleView.Of() with { Nodes = [] };

        Assert.Equal(["node-1", "node-2"], Names(view, Request(VantagePoint.ClientPod, null, "*")));
        Assert.Equal("To 'NodePort' needs a node's address, and you may not list nodes. Ask for that right (manifests/rights.yaml), or use -To ClusterIP.",
            Assert.Throws<PlanException>(() => Ways(view, Request(VantagePoint.ClientPod, ServiceTarget.NodePort) with { ToName = "node-1" })).Message);
    }

    [Theory]
    [InlineData(SampleView.NodePort, VantagePoint.External, null, null, null, "From 'External' is a lab's alone: it has a tester of its own outside. Use Local, Pod, ClientPod or Node.")]
    [InlineData(SampleView.NodePort, VantagePoint.Local, "node-1", null, null, "FromName 'node-1' means nothing for this machine. Leave it out, or give -From ClientPod.")]
    [InlineData(SampleView.NodePort, VantagePoint.ClientPod, "node-9", null, null, "FromName 'node-9' is no node of this cluster. Use one of node-1, node-2, node-3.")]
    [InlineData(SampleView.NodePort, VantagePoint.Pod, "x*", null, null, "FromName 'x*' is no endpoint of this cluster. Use one of a, b, c.")]
    [InlineData(SampleView.NodePort, VantagePoint.Local, null, ServiceTarget.Dns, null, "To 'Dns' is a name that only the cluster's DNS knows, and this machine does not ask that. Start from a pod: -From ClientPod.")]
    [InlineData(SampleView.NodePort, VantagePoint.Local, null, ServiceTarget.Headless, null, "To 'Headless' is a name that only the cluster's DNS knows, and this machine does not ask that. Start from a pod: -From ClientPod.")]
    [InlineData(SampleView.NodePort, VantagePoint.ClientPod, null, ServiceTarget.NodePort, "node-9", "ToName 'node-9' is not a node of this cluster. Use one of node-1, node-2, node-3.")]
    [InlineData(SampleView.NodePort, VantagePoint.ClientPod, null, ServiceTarget.Endpoint, "x", "ToName 'x' is not an endpoint that is ready. See Get-LbCluster.")]
    [InlineData(SampleView.ClusterIP, VantagePoint.ClientPod, null, ServiceTarget.NodePort, null, "To 'NodePort' cannot be: a service of type ClusterIP has no port on the nodes. Use ClusterIP, or start the cluster with -ServiceType NodePort.")]
    [InlineData(SampleView.NodePort, VantagePoint.ClientPod, null, ServiceTarget.LoadBalancer, null, "To 'LoadBalancer' cannot be: the service is of type NodePort. Use ClusterIP or NodePort, or start the cluster with -ServiceType LoadBalancer where there are load balancers.")]
    public void What_cannot_be_is_said_with_what_can(string type, VantagePoint from, string? fromName, ServiceTarget? to, string? toName, string message) => Assert.Equal(message,
        Assert.Throws<PlanException>(() => Ways(SampleView.Of(type), Request(from, to, fromName is null ? [] : [fromName]) with { ToName = toName })).Message);

    [Fact]
    public void A_load_balancer_without_an_address_is_said()
    {
        ClusterView view = SampleView.Of(SampleView.LoadBalancer);

        Assert.StartsWith("To 'LoadBalancer' cannot be: no load balancer has given this service an address.",
            Assert.Throws<PlanException>(() => Ways(view with { Service = view.Service with { Status = null } }, Request(VantagePoint.Local, null))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, "2001:db8::9", "203.0.113.9")]
    [InlineData(false, "203.0.113.9", "2001:db8::9")]
    public void A_load_balancer_of_the_other_family_is_said_to_be_that(bool ipv6, string missing, string given)
    {
        ClusterView view = SampleView.Of(SampleView.LoadBalancer);
        view = view with { Service = view.Service with { Status = new(new([.. view.Service.Status!.LoadBalancer!.Ingress!.Value.Where(one => one.Ip != missing)])) } };

        Assert.Equal(given, Assert.Single(view.LoadBalancers));
        Assert.StartsWith($"IPv6 '{ipv6}' cannot be: the load balancer has no IPv{(ipv6 ? 6 : 4)} address.",
            Assert.Throws<PlanException>(() => Ways(view, Request(VantagePoint.Local, null) with { IPv6 = ipv6 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_family_that_is_not_there_is_said() => Assert.Equal(
        "IPv6 'True' cannot be: node node-1 has no IPv6 address. Start the cluster with -IPFamilyPolicy RequireDualStack, or leave IPv6 out.",
        Assert.Throws<PlanException>(() => Ways(SampleView.Of(), Request(VantagePoint.ClientPod, ServiceTarget.NodePort) with { IPv6 = true })).Message);

    [Theory]
    [InlineData(ServiceTarget.ClusterIP, "the cluster address")]
    [InlineData(ServiceTarget.Dns, "the service")]
    [InlineData(ServiceTarget.NodePort, "the service")]
    [InlineData(ServiceTarget.Headless, "endpoint a")]
    [InlineData(ServiceTarget.Endpoint, "endpoint a")]
    public void A_service_of_one_family_is_not_asked_for_the_other(ServiceTarget to, string what)
    {
        ClusterView view = SampleView.Of();
        view = view with
        {
            Service = view.Service with { Spec = view.Service.Spec! with { ClusterIPs = ["10.96.0.7"] } },
            Nodes = [.. view.Nodes.Select(one => one with { Status = one.Status! with { Addresses = [.. one.Status.Addresses!, new KubeAddress("InternalIP", "fd00:172::11")] } })],
            Endpoints = [.. view.Endpoints.Select(one => one with { Addresses = one.Addresses[..1] })],
        };

        Assert.Equal($"IPv6 'True' cannot be: {what} has no IPv6 address. Start the cluster with -IPFamilyPolicy RequireDualStack, or leave IPv6 out.",
            Assert.Throws<PlanException>(() => Ways(view, Request(VantagePoint.ClientPod, to) with { IPv6 = true })).Message);
    }

    [Fact]
    public void Without_endpoints_a_pod_is_no_place_and_the_service_still_has_an_address()
    {
        ClusterView view = SampleView.Of() with { Endpoints = [] };

        Assert.Equal("From 'Pod' cannot be: there is no endpoint. This cluster has no endpoint that is ready.", Assert.Throws<PlanException>(() => Names(view, Request(VantagePoint.Pod, null))).Message);
        Assert.Equal(("10.96.0.7:5001", ""), (Ways(view, Request(VantagePoint.ClientPod, null)).Single().Target.ToString(), Shares(view, Request(VantagePoint.ClientPod, null))));
    }

    private static ConnectRequest Request(VantagePoint? from, ServiceTarget? to, params string?[] names) =>
        new() { From = from, To = to, FromName = [.. names.OfType<string>()], Plan = new ConnectPlan { Target = new(System.Net.IPAddress.Any, 0), Count = 1 } };

    private static IEnumerable<string?> Names(ClusterView view, ConnectRequest request) => new KubernetesRoute(view, request, "mine").Places().Select(place => place.Name);

    private static ImmutableArray<KubernetesWay> Ways(ClusterView view, ConnectRequest request, bool ipvs = false)
    {
        var route = new KubernetesRoute(view, request, "mine");
        return [.. route.Places().Select(place => route.Way(place, 5001, TransportProtocol.Tcp, ipvs))];
    }

    private static string Shares(ClusterView view, ConnectRequest request, bool ipvs = false) => string.Join(' ', Ways(view, request, ipvs).Single().Endpoints.Select(one =>
        one.Share is { } share ? string.Create(CultureInfo.InvariantCulture, $"{one.Name}={share:0.###}") : one.Name));
}
