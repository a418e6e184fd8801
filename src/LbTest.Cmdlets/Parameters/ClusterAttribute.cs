using LbTest.Clusters.Lab;
using LbTest.Cmdlets.Clusters;

namespace LbTest.Cmdlets.Parameters;

/// <summary>Lets users give a cluster by its name.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ClusterAttribute : ArgumentTransformationAttribute
{
    /// <summary>True leaves strings alone that can be no name: another parameter may take them from the pipeline.</summary>
    public bool NamesOnly { get; set; }

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        object? value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        return value is not string name || (NamesOnly && !LabSpec.IsName(name) && !name.Contains('/', StringComparison.Ordinal)) ? value
            : (object?)RunningClusters.Find(name) ?? throw new ArgumentTransformationMetadataException($"There is no cluster '{name}'. See Get-LbCluster, or start it with Start-LbCluster.");
    }
}
