using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Clusters.Prerequisites;

namespace LbTest.Clusters.Tests.Lab.Ipvs;

/// <summary>A lab on a user-mode kernel that the tests of a class share: booting takes seconds. They are skipped where there can be none.</summary>
public abstract class UserModeLab : IAsyncLifetime
{
    private readonly LabSpec _spec;
    private LabCluster? _lab;
    private string? _missing;

    /// <summary>Describes it.</summary>
    private protected UserModeLab(LabSpec spec) => _spec = spec with { Kernel = LabKernel.UserMode };

    internal LabCluster Cluster
    {
        get
        {
            Skip.If(_lab is null, _missing);
            return _lab;
        }
    }

    /// <summary>The lab, in mode IPVS with a scheduler.</summary>
    internal async Task<LabCluster> With(IpvsScheduler scheduler)
    {
        await Cluster.SetModeAsync(Cluster.Mode.To(ProxyMode.Ipvs, scheduler));
        return Cluster;
    }

    public async Task InitializeAsync()
    {
        try
        {
            LabFixture.RequireAgent();
            Prerequisite? missing = PrerequisiteCheck.Of([ProxyMode.Ipvs], LabKernel.UserMode).FirstOrDefault(need => !need.Present && !need.Optional);
            Skip.If(missing is not null, $"this machine lacks {missing?.Name} for user-mode labs: {missing?.Remedy}");
        }
        catch (SkipException reason)
        {
            // A fixture cannot be skipped; its tests can.
            _missing = reason.Message;
            return;
        }

        _lab = await LabCluster.StartAsync(_spec);
    }

    public async Task DisposeAsync()
    {
        if (_lab is not null) await _lab.StopAsync();
    }
}
