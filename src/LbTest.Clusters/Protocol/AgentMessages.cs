using System.Text.Json.Serialization;
using LbTest.Clusters.Conntrack;
using LbTest.Clusters.Ipvs;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Serve;
using LbTest.Engine.Traffic;

namespace LbTest.Clusters.Protocol;

/// <summary>What an agent can be asked for.</summary>
public enum AgentVerb
{
    /// <summary>Build the lab described in <see cref="AgentRequest.Lab"/>.</summary>
    Start,

    /// <summary>Describe the lab.</summary>
    Describe,

    /// <summary>Run <see cref="AgentRequest.Plan"/>, in a lab from the namespace <see cref="AgentRequest.From"/>.</summary>
    Connect,

    /// <summary>Run <see cref="AgentRequest.Traffic"/>, in a lab from the namespace <see cref="AgentRequest.From"/> and with <see cref="AgentRequest.Disturbances"/>.</summary>
    Traffic,

    /// <summary>Read the counters of the kernel's rules.</summary>
    Observe,

    /// <summary>Read the IPVS virtual servers of all nodes, or of <see cref="AgentRequest.From"/> alone.</summary>
    VirtualServers,

    /// <summary>Compare the service addresses bound on nodes with their virtual servers, of all or of <see cref="AgentRequest.From"/> alone.</summary>
    ServiceAddresses,

    /// <summary>Read the connections that all nodes, or <see cref="AgentRequest.From"/> alone, track.</summary>
    Conntrack,

    /// <summary>Have all nodes, or <see cref="AgentRequest.From"/> alone, forget connections.</summary>
    ClearConntrack,

    /// <summary>Change all nodes over to the mode and scheduler of <see cref="AgentRequest.Lab"/>.</summary>
    SetMode,

    /// <summary>Change how the endpoint <see cref="AgentRequest.Endpoint"/> behaves.</summary>
    Behave,

    /// <summary>Stop the request with the number <see cref="AgentRequest.Cancel"/>.</summary>
    Cancel,

    /// <summary>End the lab.</summary>
    Stop,

    /// <summary>Tell the time, so that what one machine saw can be put beside what another did.</summary>
    Clock,
}

/// <summary>One line to the agent.</summary>
public sealed record AgentRequest
{
    /// <summary>The caller's number for it; every line of the answer carries it.</summary>
    public long Id { get; init; }

    /// <summary>What is wanted.</summary>
    public AgentVerb Verb { get; init; }

    /// <summary>For <see cref="AgentVerb.Start"/> and <see cref="AgentVerb.SetMode"/>.</summary>
    public LabSpec? Lab { get; init; }

    /// <summary>For <see cref="AgentVerb.Connect"/>.</summary>
    public ConnectPlan? Plan { get; init; }

    /// <summary>For <see cref="AgentVerb.Traffic"/>.</summary>
    public TrafficPlan? Traffic { get; init; }

    /// <summary>For <see cref="AgentVerb.Traffic"/>: what is to happen to the lab meanwhile; null for nothing.</summary>
    public ImmutableArray<Disturbance>? Disturbances { get; init; }

    /// <summary>For <see cref="AgentVerb.Connect"/> and <see cref="AgentVerb.Traffic"/>: the name of the network namespace.</summary>
    public string? From { get; init; }

    /// <summary>For <see cref="AgentVerb.Connect"/> and <see cref="AgentVerb.Traffic"/>: <c>host:port</c> to resolve where the agent is, instead of the plan's target, of which the address family counts.</summary>
    public string? Name { get; init; }

    /// <summary>For <see cref="AgentVerb.Connect"/> with <see cref="Name"/>: every connection asks for the name anew, and takes the first address of the answer.</summary>
    public bool EachLookup { get; init; }

    /// <summary>For <see cref="AgentVerb.Conntrack"/> and <see cref="AgentVerb.ClearConntrack"/>: which connections.</summary>
    public ConntrackFilter? Conntrack { get; init; }

    /// <summary>For <see cref="AgentVerb.Behave"/>.</summary>
    public string? Endpoint { get; init; }

    /// <summary>For <see cref="AgentVerb.Behave"/>.</summary>
    public EndpointBehavior Behavior { get; init; }

    /// <summary>For <see cref="AgentVerb.Cancel"/>.</summary>
    public long Cancel { get; init; }
}

/// <summary>One line from the agent: progress, or the one result or error that ends a request.</summary>
public sealed record AgentResponse
{
    /// <summary>The number of the request.</summary>
    public long Id { get; init; }

    /// <summary>How far a connect test is; more lines follow.</summary>
    public ConnectProgress? Progress { get; init; }

    /// <summary>What a traffic test has to tell; more lines follow.</summary>
    public TrafficProgress? TrafficProgress { get; init; }

    /// <summary>The end: it went well. What it brought is in the other properties.</summary>
    public bool Done { get; init; }

    /// <summary>The lab.</summary>
    public LabSpec? Lab { get; init; }

    /// <summary>A connect test's result.</summary>
    public ConnectResult? Result { get; init; }

    /// <summary>A traffic test's result.</summary>
    public TrafficResult? TrafficResult { get; init; }

    /// <summary>What the kernel counted.</summary>
    public ImmutableArray<EndpointCounter>? Counters { get; init; }

    /// <summary>The nodes' virtual servers.</summary>
    public ImmutableArray<VirtualServer>? VirtualServers { get; init; }

    /// <summary>The nodes' service addresses.</summary>
    public ImmutableArray<ServiceAddress>? ServiceAddresses { get; init; }

    /// <summary>What the agent's clock says, UTC.</summary>
    public DateTimeOffset? Clock { get; init; }

    /// <summary>The connections that nodes track, or have forgotten.</summary>
    public ImmutableArray<ConntrackEntry>? Conntrack { get; init; }

    /// <summary>The end: it failed.</summary>
    public AgentError? Error { get; init; }

    /// <summary>True for the line that ends a request.</summary>
    [JsonIgnore]
    public bool Last => Done || Error is not null;
}

/// <summary>An error on its way from the agent.</summary>
/// <param name="Message">The whole message.</param>
/// <param name="Parameter">The parameter at fault, where a plan was wrong.</param>
/// <param name="Value">Its value.</param>
/// <param name="Remedy">What to do instead.</param>
public sealed record AgentError(string Message, string? Parameter = null, string? Value = null, string? Remedy = null);

/// <summary>Addresses as text.</summary>
internal sealed class AddressConverter : JsonConverter<IPAddress>
{
    public override IPAddress Read(ref System.Text.Json.Utf8JsonReader reader, Type typeToConvert, System.Text.Json.JsonSerializerOptions options) =>
        IPAddress.Parse(reader.GetString()!);

    public override void Write(System.Text.Json.Utf8JsonWriter writer, IPAddress value, System.Text.Json.JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}

/// <summary>Source-generated JSON metadata of the agent's lines.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(AddressConverter)])]
[JsonSerializable(typeof(AgentRequest))]
[JsonSerializable(typeof(AgentResponse))]
[JsonSerializable(typeof(ImmutableArray<LabSpec>))]
[JsonSerializable(typeof(ImmutableArray<VirtualServer>))]
[JsonSerializable(typeof(ImmutableArray<ServiceAddress>))]
[JsonSerializable(typeof(ImmutableArray<Prerequisites.Prerequisite>))]
[JsonSerializable(typeof(Kubernetes.ProxyModeReport))]
public sealed partial class AgentJson : JsonSerializerContext;
