namespace LbTest.Clusters.Lab.Kernels;

/// <summary>Which kernel a lab gets, and why.</summary>
/// <param name="Kernel">Never <see cref="LabKernel.Auto"/>.</param>
/// <param name="Reason">A sentence for the user.</param>
public sealed record KernelChoice(LabKernel Kernel, string Reason)
{
    /// <summary>Chooses: what the spec asks for, else the host's kernel where that can do the mode and the user may, else user mode.</summary>
    public static KernelChoice For(LabSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (spec.Kernel != LabKernel.Auto) return new(spec.Kernel, $"The lab runs on the {(spec.Kernel == LabKernel.Host ? "host's kernel" : "user-mode kernel")}, as asked for.");
        return HostKernel.Problem(spec) is not { } problem
            ? new(LabKernel.Host, $"The lab runs on the host's kernel, which can do {spec.ProxyMode} mode.")
            : new(LabKernel.UserMode, $"The lab runs on a user-mode kernel. The host's cannot do it: {problem}.");
    }

    /// <summary>The spec with this kernel.</summary>
    public LabSpec Apply(LabSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return spec with { Kernel = Kernel };
    }
}
