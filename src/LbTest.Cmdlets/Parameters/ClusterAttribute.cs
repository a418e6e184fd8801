using LbTest.Cmdlets.Clusters;

namespace LbTest.Cmdlets.Parameters;

/// <summary>Lets users give a cluster by its name.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ClusterAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        object? value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        return value is not string name ? value
            : (object?)RunningLabs.Find(name) ?? throw new ArgumentTransformationMetadataException($"There is no cluster '{name}'. See Get-LbCluster, or start it with Start-LbCluster.");
    }
}
