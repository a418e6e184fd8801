using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Engine;

namespace LbTest.Clusters.Tests.Lab;

/// <summary>What a change of mode makes of the mode in force, and what a lab's kernel refuses.</summary>
public class LabModeTests
{
    [Theory]
    [InlineData(ProxyMode.Nftables, IpvsScheduler.Rr, ProxyMode.Ipvs, null, "Ipvs (rr)")]
    [InlineData(ProxyMode.Nftables, IpvsScheduler.Rr, ProxyMode.Ipvs, IpvsScheduler.Lblcr, "Ipvs (lblcr)")]
    [InlineData(ProxyMode.Ipvs, IpvsScheduler.Lc, null, IpvsScheduler.Sh, "Ipvs (sh)")]
    [InlineData(ProxyMode.Ipvs, IpvsScheduler.Lc, ProxyMode.Ipvs, null, "Ipvs (lc)")]
    [InlineData(ProxyMode.Ipvs, IpvsScheduler.Lc, ProxyMode.Iptables, null, "Iptables")]
    public void What_is_not_given_stays(ProxyMode mode, IpvsScheduler scheduler, ProxyMode? toMode, IpvsScheduler? toScheduler, string result) =>
        Assert.Equal(result, new LabMode(mode, scheduler).To(toMode, toScheduler).ToString());

    [Fact]
    public void Modes_without_a_scheduler_have_none()
    {
        Assert.Null(new LabMode(ProxyMode.Iptables, IpvsScheduler.Lc).Scheduler);
        Assert.Equal(new LabMode(ProxyMode.Iptables), new LabMode(ProxyMode.Iptables, IpvsScheduler.Lc));
        // So that a lab of it is a good one.
        new LabMode(ProxyMode.Ipvs, IpvsScheduler.Lc).To(ProxyMode.Nftables, null).Of(new LabSpec { Name = "lab", ProxyMode = ProxyMode.Ipvs, IpvsScheduler = IpvsScheduler.Lc }).Validate();
    }

    [Theory]
    [InlineData(null, null, "ProxyMode", "is missing")]
    [InlineData(null, IpvsScheduler.Lc, "IpvsScheduler", "means nothing in mode Nftables")]
    [InlineData(ProxyMode.Iptables, IpvsScheduler.Lc, "IpvsScheduler", "means nothing in mode Iptables")]
    [InlineData((ProxyMode)9, null, "ProxyMode", "is not a proxy mode")]
    [InlineData(ProxyMode.Ipvs, (IpvsScheduler)99, "IpvsScheduler", "is not a scheduler")]
    public void What_makes_no_sense_is_refused(ProxyMode? mode, IpvsScheduler? scheduler, string parameter, string says)
    {
        PlanException refused = Assert.Throws<PlanException>(() => new LabMode(ProxyMode.Nftables).To(mode, scheduler));
        Assert.Equal(parameter, refused.Parameter);
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_user_mode_kernel_has_no_nftables()
    {
        PlanException refused = Assert.Throws<PlanException>(() => new LabMode(ProxyMode.Nftables).Require(new LabSpec { Name = "lab", ProxyMode = ProxyMode.Iptables, Kernel = LabKernel.UserMode }));
        Assert.Equal("ProxyMode", refused.Parameter);
        Assert.Contains("Start-LbCluster -ProxyMode Nftables", refused.Remedy, StringComparison.Ordinal);
    }
}
