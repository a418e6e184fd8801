namespace LbTest.Clusters.Lab.Kernels;

/// <summary>Whose kernel a lab runs on.</summary>
public enum LabKernel
{
    /// <summary>The host's where it can do the proxy mode and the user may, else a user-mode one.</summary>
    Auto,

    /// <summary>The host's own, in namespaces.</summary>
    Host,

    /// <summary>User-mode Linux: a kernel that runs as an ordinary process, with IPVS and netem, on one processor. It has no NAT by nftables.</summary>
    UserMode,
}
