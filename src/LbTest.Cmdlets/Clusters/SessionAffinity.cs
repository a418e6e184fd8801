namespace LbTest.Cmdlets.Clusters;

/// <summary>Whether connections of one client stay together, as in a Kubernetes service.</summary>
public enum SessionAffinity
{
    /// <summary>Every connection is balanced for itself.</summary>
    None,

    /// <summary>Connections from one source address go to the endpoint that its first one reached.</summary>
    ClientIP,
}
