using System.Collections.Immutable;
using System.Globalization;
using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Kubernetes.Deploy;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine.Serve;
using YamlDotNet.RepresentationModel;

namespace LbTest.Clusters.Tests.Kubernetes;

/// <summary>The objects that a spec becomes, read back from the YAML that the API server would get.</summary>
public sealed class ClusterObjectsTests
{
    private static readonly KubernetesSpec Spec = new();

    [Theory]
    [InlineData("endpoints", "Deployment", "spec.template.spec")]
    [InlineData("client", "Pod", "spec")]
    public void Every_pod_passes_the_restricted_level_and_holds_no_token(string manifest, string kind, string pod)
    {
        YamlNode one = One(manifest == "client" ? ClusterObjects.Client(Spec, "node-1") : ClusterObjects.Endpoints(Spec), kind);

        // https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
        Assert.Equal(("true", "RuntimeDefault"), (Text(one, $"{pod}.securityContext.runAsNonRoot"), Text(one, $"{pod}.securityContext.seccompProfile.type")));
        Assert.NotEqual("0", Text(one, $"{pod}.securityContext.runAsUser"));
        Assert.Equal(["ALL"], Items(one, $"{pod}.containers.0.securityContext.capabilities.drop"));
        Assert.Equal(("false", "true"), (Text(one, $"{pod}.containers.0.securityContext.allowPrivilegeEscalation"), Text(one, $"{pod}.containers.0.securityContext.readOnlyRootFilesystem")));
        Assert.Equal("false", Text(one, $"{pod}.automountServiceAccountToken"));
        Assert.All(["hostNetwork", "hostPID", "hostIPC", "volumes", "containers.0.securityContext.privileged", "containers.0.securityContext.capabilities.add"], field => Assert.Null(At(one, $"{pod}.{field}")));
    }

    [Fact]
    public void The_namespace_asks_for_that_level_and_is_ours()
    {
        YamlNode space = One(ClusterObjects.Namespace("mine"), "Namespace");

        Assert.Equal(("mine", "restricted", "lbtest"), (Text(space, "metadata.name"), Label(space, "pod-security.kubernetes.io/enforce"), Label(space, "app.kubernetes.io/managed-by")));
    }

    [Fact]
    public void All_objects_are_in_the_namespace_and_labelled_as_ours()
    {
        KubernetesSpec spec = Spec with { Namespace = "mine" };
        YamlNode[] all = [.. All(ClusterObjects.Endpoints(spec)), .. All(ClusterObjects.Services(spec)), .. All(ClusterObjects.Client(spec, "node-1"))];

        Assert.Equal(["ServiceAccount lbtest", "Deployment lbtest", "Service lbtest", "Service lbtest-headless", "Pod lbtest-client-node-1"], all.Select(one => $"{Text(one, "kind")} {Text(one, "metadata.name")}"));
        Assert.All(all, one => Assert.Equal(("mine", "lbtest"), (Text(one, "metadata.namespace"), Label(one, "app.kubernetes.io/managed-by"))));
        // Pods of a deployment have the labels of its template: they are ours by those.
        Assert.Equal("lbtest", Label(At(all[1], "spec.template")!, "app.kubernetes.io/managed-by"));
    }

    [Fact]
    public void The_services_and_the_deployment_select_the_pods_of_the_endpoints_and_no_client()
    {
        string[] Labels(YamlNode node, string path) => [.. ((YamlMappingNode)At(node, path)!).Children.Select(pair => $"{pair.Key}={pair.Value}").Order(StringComparer.Ordinal)];
        YamlNode deployment = One(ClusterObjects.Endpoints(Spec), "Deployment");
        string[] pods = Labels(deployment, "spec.template.metadata.labels"), clients = Labels(One(ClusterObjects.Client(Spec, "node-1"), "Pod"), "metadata.labels");

        foreach (string[] selector in (string[][])[Labels(deployment, "spec.selector.matchLabels"), .. All(ClusterObjects.Services(Spec)).Select(service => Labels(service, "spec.selector")), ClusterObjects.EndpointPods.Split(',')])
        {
            Assert.Subset(pods.ToHashSet(), selector.ToHashSet());
            Assert.NotEmpty(selector.Except(clients));
        }
    }

    [Fact]
    public void Count_image_nodes_and_access_are_the_deployments()
    {
        YamlNode deployment = One(ClusterObjects.Endpoints(Spec with
        {
            EndpointCount = 7, Image = "registry.example/lbtest:9", NodeAccess = true, NodeSelector = ImmutableSortedDictionary<string, string>.Empty.Add("zone", "a").Add("ssd", "true"),
        }), "Deployment");

        Assert.Equal(("7", "registry.example/lbtest:9", "true"), (Text(deployment, "spec.replicas"), Text(deployment, "spec.template.spec.containers.0.image"), Text(deployment, "metadata.annotations.lbtest/node-access")));
        var selector = (YamlMappingNode)At(deployment, "spec.template.spec.nodeSelector")!;
        Assert.Equal(["ssd=true", "zone=a"], selector.Children.Select(pair => $"{pair.Key}={pair.Value}"));
        // A label's value is text for the API server, whatever it looks like.
        Assert.All(selector.Children.Values, value => Assert.Equal(YamlDotNet.Core.ScalarStyle.DoubleQuoted, ((YamlScalarNode)value).Style));
        Assert.Null(At(One(ClusterObjects.Endpoints(Spec), "Deployment"), "spec.template.spec.nodeSelector"));
        Assert.Equal("false", Text(One(ClusterObjects.Endpoints(Spec), "Deployment"), "metadata.annotations.lbtest/node-access"));
    }

    [Theory]
    [InlineData("lbtest:0.1.0", null, "serve --service Both --drain-time 2", "5001", true)]
    [InlineData("registry.example:5000/some/lbtest@sha256:0123", null, "serve --service Both --drain-time 2", "5001", true)]
    [InlineData("registry.example/mconnect:1.0", "mconnect", "-server -udp -address [::]:5001", "5001", false)]
    [InlineData("docker.io/nordixorg/Ctraffic@sha256:0123", "ctraffic", "-server -address [::]:5003", "5003", false)]
    public void Servers_of_the_public_tools_are_started_as_they_want_it(string image, string? command, string arguments, string ready, bool own)
    {
        YamlNode deployment = One(ClusterObjects.Endpoints(Spec with { Image = image }), "Deployment");
        const string container = "spec.template.spec.containers.0";

        Assert.Equal((image, command, arguments), (Text(deployment, $"{container}.image"), At(deployment, $"{container}.command") is null ? null : string.Join(' ', Items(deployment, $"{container}.command")),
            string.Join(' ', Items(deployment, $"{container}.args"))));
        Assert.Equal(ready, Text(deployment, $"{container}.readinessProbe.tcpSocket.port"));
        // Tests start from our own image even where the endpoints are others.
        Assert.Equal(own ? image : KubernetesSpec.DefaultImage, Text(One(ClusterObjects.Client(Spec with { Image = image }, "n"), "Pod"), "spec.containers.0.image"));
    }

    [Theory]
    [InlineData("lbtest:0.1.0", ServedService.Connect, null)]
    [InlineData("lbtest:0.1.0", ServedService.Traffic, null)]
    [InlineData("x/mconnect:1", ServedService.Connect, null)]
    [InlineData("x/mconnect:1", ServedService.Traffic, "Image 'x/mconnect:1' answers no traffic tests. Start the cluster with LbTest's own image, or one of ctraffic.")]
    [InlineData("x/ctraffic:1", ServedService.Traffic, null)]
    [InlineData("x/ctraffic:1", ServedService.Connect, "Image 'x/ctraffic:1' answers no connect tests. Start the cluster with LbTest's own image, or one of mconnect.")]
    public void A_test_that_an_image_does_not_answer_is_not_begun(string image, ServedService service, string? message) =>
        Assert.Equal(message, Record.Exception(() => EndpointImage.Require(image, service))?.Message);

    [Fact]
    public void A_client_is_on_its_node() => Assert.Equal("node-7", Text(One(ClusterObjects.Client(Spec, "node-7"), "Pod"), "spec.nodeName"));

    [Theory]
    [InlineData(KubernetesServiceType.ClusterIP, false, "TCP 5001,TCP 5003,UDP 5001,UDP 5003", null)]
    [InlineData(KubernetesServiceType.NodePort, false, "TCP 5001 30001,TCP 5003 30003,UDP 5001 30001,UDP 5003 30003", "Cluster")]
    [InlineData(KubernetesServiceType.NodePort, true, "TCP 5001,TCP 5003,UDP 5001,UDP 5003", "Cluster")]
    [InlineData(KubernetesServiceType.LoadBalancer, false, "TCP 5001 30001,TCP 5003 30003", "Cluster")]
    public void A_service_has_the_ports_of_its_type(KubernetesServiceType type, bool choose, string ports, string? policy)
    {
        YamlNode service = All(ClusterObjects.Services(Spec with { ServiceType = type }, choose)).First();

        Assert.Equal((type.ToString(), ports, policy), (Text(service, "spec.type"),
            string.Join(',', ((YamlSequenceNode)At(service, "spec.ports")!).Select(port => $"{Text(port, "protocol")} {Text(port, "port")} {Text(port, "nodePort")}".TrimEnd())), Text(service, "spec.externalTrafficPolicy")));
    }

    [Fact]
    public void Policies_affinity_and_families_are_the_services()
    {
        YamlNode[] services = [.. All(ClusterObjects.Services(Spec with
        {
            ExternalTrafficPolicy = TrafficPolicy.Local, InternalTrafficPolicy = TrafficPolicy.Local, SessionAffinity = TimeSpan.FromSeconds(90), IPFamilyPolicy = IPFamilyPolicy.PreferDualStack,
        }))];

        Assert.Equal(("Local", "Local", "ClientIP", "90"), (Text(services[0], "spec.externalTrafficPolicy"), Text(services[0], "spec.internalTrafficPolicy"), Text(services[0], "spec.sessionAffinity"),
            Text(services[0], "spec.sessionAffinityConfig.clientIP.timeoutSeconds")));
        Assert.All(services, one => Assert.Equal("PreferDualStack", Text(one, "spec.ipFamilyPolicy")));
        Assert.Equal("None", Text(services[1], "spec.clusterIP"));
    }

    [Fact]
    public void What_older_servers_do_not_know_is_named_only_where_it_matters()
    {
        YamlNode service = All(ClusterObjects.Services(Spec)).First();

        Assert.Equal("None", Text(service, "spec.sessionAffinity"));
        Assert.All(["spec.internalTrafficPolicy", "spec.ipFamilyPolicy", "spec.sessionAffinityConfig"], field => Assert.Null(At(service, field)));
    }

    [Fact]
    public void What_text_looks_like_does_not_change_what_it_is()
    {
        var node = new YamlMappingNode();
        Manifest.Set(node, "a.b.text", "true");
        Manifest.Set(node, "a.b.number", 7);
        Manifest.Set(node, "a.b.gone", "x");
        Manifest.Set(node, "a.b.gone", null);
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        new YamlStream(new YamlDocument(node)).Save(text, assignAnchors: false);

        Assert.Contains("text: \"true\"", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("number: 7", text.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("gone", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_users_rights_cover_every_kind_of_object_that_is_made()
    {
        YamlNode[] rules = [.. All(File.ReadAllText(Checkout("manifests/rights.yaml"))).SelectMany(role => (YamlSequenceNode)At(role, "rules")!)];
        string[] may = [.. rules.Where(rule => Items(rule, "verbs").Contains("patch")).SelectMany(rule => Items(rule, "resources"))];

        Assert.All(["deployments", "services", "pods", "serviceaccounts"], kind => Assert.Contains(kind, may));
        Assert.DoesNotContain("*", rules.SelectMany(rule => Items(rule, "verbs").Concat(Items(rule, "resources"))));
        Assert.DoesNotContain("secrets", rules.SelectMany(rule => Items(rule, "resources")));
    }

    private static IEnumerable<YamlNode> All(string yaml)
    {
        var stream = new YamlStream();
        using var text = new StringReader(yaml);
        stream.Load(text);
        return stream.Documents.Select(document => document.RootNode);
    }

    private static YamlNode One(string yaml, string kind) => All(yaml).Single(one => Text(one, "kind") == kind);

    // A label's name has dots of its own.
    private static string? Label(YamlNode node, string name) => ((YamlMappingNode)At(node, "metadata.labels")!).Children.TryGetValue(new YamlScalarNode(name), out YamlNode? value) ? value.ToString() : null;

    private static string? Text(YamlNode node, string path) => (At(node, path) as YamlScalarNode)?.Value;

    private static IEnumerable<string> Items(YamlNode node, string path) => ((YamlSequenceNode)At(node, path)!).Select(one => one.ToString());

    private static YamlNode? At(YamlNode? node, string path)
    {
        foreach (string step in path.Split('.'))
        {
            node = node switch
            {
                YamlSequenceNode list => list.Children.ElementAtOrDefault(int.Parse(step, CultureInfo.InvariantCulture)),
                YamlMappingNode mapping => mapping.Children.TryGetValue(new YamlScalarNode(step), out YamlNode? next) ? next : null,
                _ => null,
            };
        }

        return node;
    }

    private static string Checkout(string file)
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string path = Path.Combine(folder.FullName, file);
            if (File.Exists(path)) return path;
        }

        throw new FileNotFoundException(file);
    }
}
