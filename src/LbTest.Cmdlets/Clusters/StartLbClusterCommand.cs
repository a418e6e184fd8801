using System.Collections;
using System.Collections.Immutable;
using System.Globalization;
using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Cmdlets.Parameters;

namespace LbTest.Cmdlets.Clusters;

/// <summary>Starts a cluster: a lab (nodes, endpoints and a tester as network namespaces, balanced by the kernel's own rules), or endpoints and a service on a Kubernetes cluster.</summary>
[Cmdlet(VerbsLifecycle.Start, "LbCluster", SupportsShouldProcess = true, DefaultParameterSetName = InLab)]
[OutputType(typeof(LabCluster), typeof(KubernetesCluster))]
public sealed class StartLbClusterCommand : KubernetesCommand
{
    private const string InLab = "Lab";

    private static readonly TimeSpan DefaultAffinity = TimeSpan.FromSeconds(10_800);

    /// <summary>The lab's name; <c>lab</c>, or the first of <c>lab-2</c>, <c>lab-3</c>, … that is free.</summary>
    [Parameter(ParameterSetName = InLab, Position = 0)]
    public string? Name { get; set; }

    /// <summary>How its nodes balance.</summary>
    [Parameter(ParameterSetName = InLab)]
    public ProxyMode ProxyMode { get; set; } = ProxyMode.Nftables;

    /// <summary>With -ProxyMode Ipvs: how its virtual servers choose.</summary>
    [Parameter(ParameterSetName = InLab)]
    public IpvsScheduler IpvsScheduler { get; set; }

    /// <summary>Whose kernel the lab runs on.</summary>
    [Parameter(ParameterSetName = InLab)]
    public LabKernel Kernel { get; set; }

    /// <summary>How many nodes.</summary>
    [Parameter(ParameterSetName = InLab)]
    public int NodeCount { get; set; } = 10;

    /// <summary>How many endpoints, spread over the nodes.</summary>
    [Parameter]
    public int EndpointCount { get; set; } = 100;

    /// <summary>How many endpoints on each node; replaces the two counts.</summary>
    [Parameter(ParameterSetName = InLab)]
    public int[] EndpointsPerNode { get; set; } = [];

    /// <summary>The router spreads over all nodes, instead of sending everything to one.</summary>
    [Parameter(ParameterSetName = InLab)]
    public SwitchParameter Ecmp { get; set; }

    /// <summary>With -Ecmp: a node that joins or leaves the router's group moves no connection of another node.</summary>
    [Parameter(ParameterSetName = InLab)]
    public SwitchParameter EcmpResilient { get; set; }

    /// <summary>Whether connections of one client stay together.</summary>
    [Parameter]
    public SessionAffinity SessionAffinity { get; set; }

    /// <summary>How long a client stays with its endpoint.</summary>
    [Parameter]
    [Seconds]
    public TimeSpan SessionAffinityTimeout { get; set; } = DefaultAffinity;

    /// <summary>Which endpoints a node may choose for traffic from outside.</summary>
    [Parameter]
    public TrafficPolicy ExternalTrafficPolicy { get; set; }

    /// <summary>Which endpoints a node may choose for traffic to the cluster address.</summary>
    [Parameter]
    public TrafficPolicy InternalTrafficPolicy { get; set; }

    /// <summary>The service's port.</summary>
    [Parameter(ParameterSetName = InLab)]
    public int Port { get; set; } = 5001;

    /// <summary>A Kubernetes manifest whose service gives port, affinity and policies where no parameter does.</summary>
    [Parameter(ParameterSetName = InLab)]
    public string? Manifest { get; set; }

    /// <summary>The lab outlives this shell.</summary>
    [Parameter(ParameterSetName = InLab)]
    public SwitchParameter Detached { get; set; }

    /// <summary>The namespace; one that does not exist is made, and deleted by Stop-LbCluster.</summary>
    [Parameter(ParameterSetName = OnKubernetes)]
    public string Namespace { get; set; } = "lbtest";

    /// <summary>The service's type.</summary>
    [Parameter(ParameterSetName = OnKubernetes)]
    public KubernetesServiceType ServiceType { get; set; } = KubernetesServiceType.NodePort;

    /// <summary>The endpoints' image; servers of mconnect and ctraffic will do as well.</summary>
    [Parameter(ParameterSetName = OnKubernetes)]
    public string Image { get; set; } = KubernetesSpec.DefaultImage;

    /// <summary>The service's address families; the cluster's default if not given.</summary>
    [Parameter(ParameterSetName = OnKubernetes)]
    public IPFamilyPolicy? IPFamilyPolicy { get; set; }

    /// <summary>Labels of the nodes that may have endpoints.</summary>
    [Parameter(ParameterSetName = OnKubernetes)]
    [ValidateNotNull]
    public Hashtable NodeSelector { get; set; } = [];

    /// <summary>Permits privileged pods of ours in the nodes' own network: tests from nodes, and looking into them.</summary>
    [Parameter(ParameterSetName = OnKubernetes)]
    public SwitchParameter NodeAccess { get; set; }

    /// <summary>How long it may take until all endpoints are ready and reached.</summary>
    [Parameter(ParameterSetName = OnKubernetes)]
    [Seconds]
    [Alias("Timeout")]
    public TimeSpan TimeoutSec { get; set; } = TimeSpan.FromMinutes(5);

    private protected override bool OneOfMany => false;

    private protected override void Process()
    {
        if (ParameterSetName == OnKubernetes) StartKubernetes();
        else StartLab();
    }

    private void StartKubernetes()
    {
        var spec = new KubernetesSpec
        {
            KubeConfig = KubeConfigPath, Context = Context, Namespace = Namespace, EndpointCount = EndpointCount, ServiceType = ServiceType, Image = Image,
            IPFamilyPolicy = IPFamilyPolicy, SessionAffinity = SessionAffinity == SessionAffinity.None ? null : SessionAffinityTimeout, ExternalTrafficPolicy = ExternalTrafficPolicy,
            InternalTrafficPolicy = InternalTrafficPolicy, NodeAccess = NodeAccess, Timeout = TimeoutSec,
            NodeSelector = NodeSelector.Cast<DictionaryEntry>().ToImmutableSortedDictionary(pair => $"{pair.Key}", pair => $"{pair.Value}", StringComparer.Ordinal),
        };
        RequireAffinityForTimeout(SessionAffinity);
        spec.Validate();
        string what = string.Create(CultureInfo.InvariantCulture, $"namespace '{spec.Namespace}' of {(spec.Context is null ? "the current context" : $"context '{spec.Context}'")} ({spec.EndpointCount} endpoints of {spec.Image}, service of type {spec.ServiceType})");
        if (!ShouldProcess(what, "Deploy")) return;
        var last = new LatestStart();
        KubernetesCluster cluster = Run(cancel => KubernetesCluster.StartAsync(spec, last, cancel), $"Starting {spec.EndpointCount} endpoints in namespace '{spec.Namespace}'", last.FillIn);
        if (!cluster.Adopted.IsEmpty) WriteInformation(new HostInformationMessage { Message = $"There already, and taken over: {string.Join(", ", cluster.Adopted)}." }, ["PSHOST"]);
        RunningClusters.Keep(cluster);
        WriteObject(cluster);
    }

    private void RequireAffinityForTimeout(SessionAffinity affinity)
    {
        if (affinity != SessionAffinity.None || !MyInvocation.BoundParameters.ContainsKey(nameof(SessionAffinityTimeout))) return;
        throw new PlanException(nameof(SessionAffinityTimeout), SessionAffinityTimeout, "means nothing without session affinity", "Add -SessionAffinity ClientIP");
    }

    private void StartLab()
    {
        LabSpec spec = Spec();
        spec.Validate();
        string name = RunningClusters.Claim(Name);
        try
        {
            spec = spec with { Name = name };
            if (!ShouldProcess(Describe(spec), "Start lab")) return;
            if (spec.ProxyMode == ProxyMode.Ipvs) IpvsWarning.Once(this);
            KernelChoice choice = KernelChoice.For(spec);
            WriteVerbose(choice.Reason);
            LabCluster lab = Run(cancel => LabCluster.StartAsync(choice.Apply(spec), cancel), $"Building {Describe(spec)}");
            RunningClusters.Keep(lab);
            WriteObject(lab);
        }
        finally
        {
            RunningClusters.Release(name);
        }
    }

    private LabSpec Spec()
    {
        ServicePort? service = Manifest is null ? null : Service(Manifest);
        bool Given(string parameter) => MyInvocation.BoundParameters.ContainsKey(parameter);
        T Value<T>(string parameter, T own, Func<ServicePort, T> theirs) => service is null || Given(parameter) ? own : theirs(service);
        SessionAffinity affinity = Value(nameof(SessionAffinity), SessionAffinity, s => s.ClientIPAffinity is null ? SessionAffinity.None : SessionAffinity.ClientIP);
        RequireAffinityForTimeout(affinity);
        return new LabSpec
        {
            Name = Name ?? "lab", ProxyMode = ProxyMode, IpvsScheduler = IpvsScheduler, Kernel = Kernel, NodeCount = NodeCount, EndpointCount = EndpointCount, EndpointsPerNode = [.. EndpointsPerNode], Ecmp = Ecmp, EcmpResilient = EcmpResilient,
            SessionAffinity = affinity == SessionAffinity.None ? null : Value(nameof(SessionAffinityTimeout), SessionAffinityTimeout, s => s.ClientIPAffinity ?? DefaultAffinity),
            ExternalTrafficPolicy = Value(nameof(ExternalTrafficPolicy), ExternalTrafficPolicy, s => s.ExternalTrafficPolicy),
            InternalTrafficPolicy = Value(nameof(InternalTrafficPolicy), InternalTrafficPolicy, s => s.InternalTrafficPolicy),
            Port = Value(nameof(Port), Port, s => s.Port), Detached = Detached,
        };
    }

    private ServicePort Service(string path)
    {
        using var text = new StreamReader(GetUnresolvedProviderPathFromPSPath(path));
        try
        {
            ServicePort[] services = [.. ServiceManifest.Parse(text)];
            if (services.Length > 1) WriteWarning($"'{path}' has {services.Length} service ports; the lab takes the first, {services[0].FullName}.");
            return services.FirstOrDefault() ?? throw new PlanException(nameof(Manifest), path, "holds no service that a proxy serves", "Give a manifest with a Service that has ports and is not headless");
        }
        catch (FormatException fault)
        {
            throw new FormatException($"{path}: {fault.Message}", fault);
        }
    }

    private static string Describe(LabSpec spec) => string.Create(CultureInfo.InvariantCulture,
        $"lab '{spec.Name}' ({spec.ProxyMode}, {(spec.EndpointsPerNode.IsEmpty ? spec.NodeCount : spec.EndpointsPerNode.Length)} nodes, {(spec.EndpointsPerNode.IsEmpty ? spec.EndpointCount : spec.EndpointsPerNode.Sum())} endpoints)");

    /// <summary>Only the latest report matters, so that is all there is room for.</summary>
    private sealed class LatestStart : IProgress<KubernetesProgress>
    {
        private volatile KubernetesProgress? _latest;

        public void Report(KubernetesProgress value) => _latest = value;

        internal void FillIn(ProgressRecord record)
        {
            if (_latest is not { } latest) return;
            record.StatusDescription = string.Create(CultureInfo.InvariantCulture, $"{latest.Doing}: {latest.Ready} of {latest.Wanted}");
            // More than wanted are ready while their number is brought down.
            if (latest.Wanted > 0) record.PercentComplete = Math.Min(100, 100 * latest.Ready / latest.Wanted);
            record.CurrentOperation = string.Join("; ", latest.Waiting);
        }
    }
}
