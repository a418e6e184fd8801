using System.Collections;
using LbTest.Clusters.Ipvs;
using LbTest.Engine.Connect;
using LbTest.Engine.Disturbances;
using LbTest.Engine.Traffic;

namespace LbTest.Cmdlets.Parameters;

/// <summary>Takes results, disturbances and virtual servers that came through a job or a remote session: PowerShell hands those over as bags of their properties.</summary>
/// <remarks>All that analysis and export need is restored; of the latency, the summary without its buckets.</remarks>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ResultAttribute : ArgumentTransformationAttribute
{
    private static readonly Type[] Known = [typeof(ConnectResult), typeof(TrafficResult), typeof(Disturbance), typeof(VirtualServer)];

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        object? value = inputData is PSObject { BaseObject: IList list } ? list : inputData;
        return value is IList items ? items.Cast<object?>().Select(RestoreOne).ToArray() : RestoreOne(value);
    }

    private static object? RestoreOne(object? item) =>
        item is PSObject bag && Array.Find(Known, type => bag.TypeNames.Contains($"Deserialized.{type.FullName}")) is { } type ? Restoration.Restore(type, bag) : item;
}
