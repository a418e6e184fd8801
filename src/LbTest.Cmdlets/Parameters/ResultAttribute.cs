using System.Collections;
using System.Collections.Immutable;
using LbTest.Engine.Connect;
using LbTest.Engine.Sockets;

namespace LbTest.Cmdlets.Parameters;

/// <summary>Takes results that came through a job or a remote session: PowerShell hands those over as bags of their properties.</summary>
/// <remarks>All that analysis and export need is restored; of the latency, the summary without its buckets.</remarks>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ResultAttribute : ArgumentTransformationAttribute
{
    private const string Serialised = "Deserialized.LbTest.Engine.Connect.ConnectResult";

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        object? value = inputData is PSObject { BaseObject: IList list } ? list : inputData;
        return value is IList items ? items.Cast<object?>().Select(RestoreOne).ToArray() : RestoreOne(value);
    }

    private static object? RestoreOne(object? item) => item is PSObject bag && bag.TypeNames.Contains(Serialised) ? Restore(bag) : item;

    private static ConnectResult Restore(PSObject bag) => new()
    {
        Label = Get<string?>(bag, "Label"),
        Started = One(bag, "Started") is { } started ? new DateTimeOffset(Get<DateTime>(started, "UtcDateTime"), TimeSpan.Zero) : default,
        Duration = Get<TimeSpan>(bag, "Duration"),
        Completed = Get<bool>(bag, "Completed"), Reason = Get<string?>(bag, "Reason"), Target = Get<string?>(bag, "Target") ?? "",
        Protocol = Get<TransportProtocol>(bag, "Protocol"), Requested = Get<long>(bag, "Requested"), Connections = Get<long>(bag, "Connections"),
        Failed = Get<long>(bag, "Failed"), Unfinished = Get<long>(bag, "Unfinished"), SynRetransmits = Get<long>(bag, "SynRetransmits"),
        Seed = Get<int>(bag, "Seed"), Source = Get<string?>(bag, "Source"), Concurrency = Get<int>(bag, "Concurrency"), Generator = Get<string?>(bag, "Generator"),
        Warnings = [.. Items(bag, "Warnings").Select(warning => warning.ToString())],
        Failures = [.. Items(bag, "Failures").Select(f => new FailureCount(Get<FailureClass>(f, "Class"), Get<long>(f, "Count"), Get<string?>(f, "Example") ?? ""))],
        Endpoints = [.. Items(bag, "Endpoints").Select(e => new EndpointResult
        {
            Name = Get<string?>(e, "Name") ?? "", Connections = Get<long>(e, "Connections"), ExpectedShare = Get<double?>(e, "ExpectedShare"), Node = Get<string?>(e, "Node"),
            Sources = Get<long?>(e, "Sources"), Unexpected = Get<bool>(e, "Unexpected"),
        })],
        Latency = One(bag, "Latency") is not { } l ? LatencySummary.Empty : new LatencySummary
        {
            Count = Get<long>(l, "Count"), Mean = Get<TimeSpan>(l, "Mean"), P50 = Get<TimeSpan>(l, "P50"), P90 = Get<TimeSpan>(l, "P90"), P99 = Get<TimeSpan>(l, "P99"),
            P999 = Get<TimeSpan>(l, "P999"), Maximum = Get<TimeSpan>(l, "Maximum"),
        },
        Affinity = One(bag, "Affinity") is not { } a ? null : new AffinityResult(Get<long>(a, "Sources"), Get<long>(a, "Moved")),
        Context = One(bag, "Context") is not { } c ? null : new TestContext(
            Get<string?>(c, "Cluster"), Get<string?>(c, "ProxyMode"), Get<string?>(c, "From"), Get<string?>(c, "To"), Get<bool>(c, "Ecmp"), Get<bool>(c, "Affinity"),
            Get<int?>(c, "RoundRobinEntries")),
    };

    private static T? Get<T>(PSObject bag, string name) => bag.Properties[name]?.Value is { } value ? LanguagePrimitives.ConvertTo<T>(value) : default;

    private static PSObject? One(PSObject bag, string name) => bag.Properties[name]?.Value is { } value ? PSObject.AsPSObject(value) : null;

    private static IEnumerable<PSObject> Items(PSObject bag, string name) =>
        One(bag, name)?.BaseObject is IEnumerable items ? items.Cast<object>().Select(PSObject.AsPSObject) : [];
}
