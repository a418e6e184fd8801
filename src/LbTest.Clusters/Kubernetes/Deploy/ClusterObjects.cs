using LbTest.Clusters.Lab.Dataplanes;
using YamlDotNet.RepresentationModel;

namespace LbTest.Clusters.Kubernetes.Deploy;

/// <summary>The objects of a test cluster: the project's manifests, with what a spec says filled in.</summary>
internal static class ClusterObjects
{
    /// <summary>The name of the deployment, the service and the service account.</summary>
    internal const string Name = "lbtest";

    /// <summary>The name of the service without an address.</summary>
    internal const string Headless = "lbtest-headless";

    /// <summary>Says that an object is ours: what has this label is deleted at the end, nothing else.</summary>
    internal const string Ours = "app.kubernetes.io/managed-by=lbtest";

    /// <summary>Selects the pods of the endpoints.</summary>
    internal const string EndpointPods = "app.kubernetes.io/name=lbtest,app.kubernetes.io/component=endpoint";

    /// <summary>Selects the pods that tests start in.</summary>
    internal const string ClientPods = "app.kubernetes.io/name=lbtest,app.kubernetes.io/component=client";

    /// <summary>Where the deployment notes what cannot be read back from the objects themselves.</summary>
    internal const string NodeAccess = "lbtest/node-access";

    /// <summary>The port of connect tests, and of traffic tests.</summary>
    internal const int ConnectPort = 5001, TrafficPort = 5003;

    /// <summary>The namespace.</summary>
    internal static string Namespace(string ns) => Manifest.Load("namespace").In(ns).ToString();

    /// <summary>The account and the deployment of the endpoints.</summary>
    internal static string Endpoints(KubernetesSpec spec)
    {
        Manifest manifest = Manifest.Load("endpoints").In(spec.Namespace);
        YamlMappingNode deployment = manifest["Deployment"];
        var image = EndpointImage.Of(spec.Image);
        Manifest.Set(deployment, "metadata.annotations", new Dictionary<string, string> { [NodeAccess] = spec.NodeAccess ? "true" : "false" });
        Manifest.Set(deployment, "spec.replicas", spec.EndpointCount);
        if (!spec.NodeSelector.IsEmpty) Manifest.Set(deployment, "spec.template.spec.nodeSelector", spec.NodeSelector);
        const string container = "spec.template.spec.containers.0";
        Manifest.Set(deployment, $"{container}.image", spec.Image);
        if (!image.Own)
        {
            Manifest.Set(deployment, $"{container}.command", image.Command);
            Manifest.Set(deployment, $"{container}.args", image.Arguments);
            Manifest.Set(deployment, $"{container}.readinessProbe.tcpSocket.port", image.ReadyPort);
        }

        return manifest.ToString();
    }

    /// <summary>The services.</summary>
    /// <param name="spec">What they are to be.</param>
    /// <param name="chooseNodePorts">True leaves the choice of node ports to the cluster.</param>
    internal static string Services(KubernetesSpec spec, bool chooseNodePorts = false)
    {
        Manifest manifest = Manifest.Load("service").In(spec.Namespace);
        YamlMappingNode service = manifest.All.First();
        Manifest.Set(service, "spec.type", spec.ServiceType.ToString());
        var ports = (YamlSequenceNode)service["spec"]["ports"];
        // Many load balancers take one protocol alone.
        if (spec.ServiceType == KubernetesServiceType.LoadBalancer) foreach (YamlNode udp in ports.Where(port => Manifest.Text(port, "protocol") == "UDP").ToArray()) _ = ports.Children.Remove(udp);
        if (spec.ServiceType == KubernetesServiceType.ClusterIP || chooseNodePorts) foreach (YamlMappingNode port in ports.Cast<YamlMappingNode>()) Manifest.Set(port, "nodePort", null);
        if (spec.ServiceType != KubernetesServiceType.ClusterIP) Manifest.Set(service, "spec.externalTrafficPolicy", spec.ExternalTrafficPolicy.ToString());
        // Servers before 1.22 do not know this field: it is named only where it matters.
        if (spec.InternalTrafficPolicy != TrafficPolicy.Cluster) Manifest.Set(service, "spec.internalTrafficPolicy", spec.InternalTrafficPolicy.ToString());
        if (spec.IPFamilyPolicy is { } families) foreach (YamlMappingNode one in manifest.All) Manifest.Set(one, "spec.ipFamilyPolicy", families.ToString());
        Manifest.Set(service, "spec.sessionAffinity", spec.SessionAffinity is null ? "None" : "ClientIP");
        if (spec.SessionAffinity is { } time) Manifest.Set(service, "spec.sessionAffinityConfig.clientIP.timeoutSeconds", (int)time.TotalSeconds);
        return manifest.ToString();
    }

    /// <summary>The namespace of pods in the nodes' own network, and their account.</summary>
    internal static string NodeNamespace(string ns) => Manifest.Load("node").In(NodeNamespaceOf(ns)).ToString();

    /// <summary>Its name.</summary>
    internal static string NodeNamespaceOf(string ns) => ns + "-node";

    /// <summary>A client on a node.</summary>
    /// <param name="spec">The cluster.</param>
    /// <param name="node">The node.</param>
    /// <param name="host">True puts it into the node's own network.</param>
    internal static string Client(KubernetesSpec spec, string node, bool host = false)
    {
        Manifest manifest = Manifest.Load("client").In(host ? NodeNamespaceOf(spec.Namespace) : spec.Namespace);
        YamlMappingNode pod = manifest["Pod"];
        if (host)
        {
            Manifest.Set(pod, "spec.hostNetwork", true);
            // Else names would be asked of the node's own DNS.
            Manifest.Set(pod, "spec.dnsPolicy", "ClusterFirstWithHostNet");
            // A port of the node's may be in use.
            Manifest.Set(pod, "spec.containers.0.args", (string[])["node", "wait"]);
        }

        Manifest.Set(pod, "metadata.name", ClientName(node));
        Manifest.Set(pod, "spec.nodeName", node);
        Manifest.Set(pod, "spec.containers.0.image", EndpointImage.Of(spec.Image).Own ? spec.Image : KubernetesSpec.DefaultImage);
        return manifest.ToString();
    }

    /// <summary>The name of the client on a node.</summary>
    internal static string ClientName(string node) => $"lbtest-client-{node}";
}
