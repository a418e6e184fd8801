using System.Globalization;
using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Cmdlets.Parameters;

namespace LbTest.Cmdlets.Clusters;

/// <summary>Builds a lab: nodes, endpoints and a tester as network namespaces, balanced by the kernel's own rules.</summary>
[Cmdlet(VerbsLifecycle.Start, "LbCluster", SupportsShouldProcess = true)]
[OutputType(typeof(LabCluster))]
public sealed class StartLbClusterCommand : LbCommand
{
    private static readonly TimeSpan DefaultAffinity = TimeSpan.FromSeconds(10_800);

    /// <summary>The lab's name; <c>lab</c>, or the first of <c>lab-2</c>, <c>lab-3</c>, … that is free.</summary>
    [Parameter(Position = 0)]
    public string? Name { get; set; }

    /// <summary>How its nodes balance.</summary>
    [Parameter]
    public ProxyMode ProxyMode { get; set; } = ProxyMode.Nftables;

    /// <summary>With -ProxyMode Ipvs: how its virtual servers choose.</summary>
    [Parameter]
    public IpvsScheduler IpvsScheduler { get; set; }

    /// <summary>Whose kernel the lab runs on.</summary>
    [Parameter]
    public LabKernel Kernel { get; set; }

    /// <summary>How many nodes.</summary>
    [Parameter]
    public int NodeCount { get; set; } = 10;

    /// <summary>How many endpoints, spread over the nodes.</summary>
    [Parameter]
    public int EndpointCount { get; set; } = 100;

    /// <summary>How many endpoints on each node; replaces the two counts.</summary>
    [Parameter]
    public int[] EndpointsPerNode { get; set; } = [];

    /// <summary>The router spreads over all nodes, instead of sending everything to one.</summary>
    [Parameter]
    public SwitchParameter Ecmp { get; set; }

    /// <summary>With -Ecmp: a node that joins or leaves the router's group moves no connection of another node.</summary>
    [Parameter]
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
    [Parameter]
    public int Port { get; set; } = 5001;

    /// <summary>A Kubernetes manifest whose service gives port, affinity and policies where no parameter does.</summary>
    [Parameter]
    public string? Manifest { get; set; }

    /// <summary>The lab outlives this shell.</summary>
    [Parameter]
    public SwitchParameter Detached { get; set; }

    private protected override bool OneOfMany => false;

    private protected override void Process()
    {
        LabSpec spec = Spec();
        spec.Validate();
        string name = RunningLabs.Claim(Name);
        try
        {
            spec = spec with { Name = name };
            if (!ShouldProcess(Describe(spec), "Start lab")) return;
            if (spec.ProxyMode == ProxyMode.Ipvs) IpvsWarning.Once(this);
            KernelChoice choice = KernelChoice.For(spec);
            WriteVerbose(choice.Reason);
            LabCluster lab = Run(cancel => LabCluster.StartAsync(choice.Apply(spec), cancel), $"Building {Describe(spec)}");
            RunningLabs.Keep(lab);
            WriteObject(lab);
        }
        finally
        {
            RunningLabs.Release(name);
        }
    }

    private LabSpec Spec()
    {
        ServicePort? service = Manifest is null ? null : Service(Manifest);
        bool Given(string parameter) => MyInvocation.BoundParameters.ContainsKey(parameter);
        T Value<T>(string parameter, T own, Func<ServicePort, T> theirs) => service is null || Given(parameter) ? own : theirs(service);
        SessionAffinity affinity = Value(nameof(SessionAffinity), SessionAffinity, s => s.ClientIPAffinity is null ? SessionAffinity.None : SessionAffinity.ClientIP);
        if (affinity == SessionAffinity.None && Given(nameof(SessionAffinityTimeout)))
        {
            throw new PlanException(nameof(SessionAffinityTimeout), SessionAffinityTimeout, "means nothing without session affinity", "Add -SessionAffinity ClientIP");
        }

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
}
