using System.IO.Compression;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Kernels;

namespace LbTest.Clusters.Tests.Lab.Kernels;

/// <summary>Whether a part of the host's kernel is there, told from files alone.</summary>
public sealed class HostModulesTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("lbtest-modules-");

    public HostModulesTests() => Write("proc/sys/kernel/osrelease", "6.1.0-9-amd64\n");

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public void A_loaded_module_says_so_itself()
    {
        Write("sys/module/ip_vs/initstate", "live\n");

        Assert.Equal(ModuleState.Loaded, State("ip_vs", "CONFIG_IP_VS"));
    }

    [Fact]
    public void One_that_is_built_in_with_parameters_has_no_state()
    {
        Write("sys/module/ip_vs/parameters/conn_tab_bits", "12\n");

        Assert.Equal(ModuleState.BuiltIn, State("ip_vs", "CONFIG_IP_VS"));
    }

    [Fact]
    public void Others_that_are_built_in_are_listed_beside_the_modules()
    {
        Write("lib/modules/6.1.0-9-amd64/modules.builtin", "kernel/net/netfilter/ipvs/ip_vs.ko\nkernel/net/sched/sch-netem.ko\n");

        Assert.Equal(ModuleState.BuiltIn, State("ip_vs", "CONFIG_IP_VS"));
        Assert.Equal(ModuleState.BuiltIn, State("sch_netem", "CONFIG_NET_SCH_NETEM"));
        Assert.Equal(ModuleState.Absent, State("ip_vs_rr", "CONFIG_IP_VS_RR"));
    }

    [Fact]
    public void A_kernel_without_modules_tells_its_configuration()
    {
        using (var file = new GZipStream(File.Create(Path.Combine(_root.FullName, "proc/config.gz")), CompressionMode.Compress))
        {
            file.Write("CONFIG_IP_VS=y\nCONFIG_IP_VS_RR=m\n# CONFIG_IP_VS_WRR is not set\n"u8);
        }

        Assert.Equal(ModuleState.BuiltIn, State("ip_vs", "CONFIG_IP_VS"));
        Assert.Equal(ModuleState.Absent, State("ip_vs_rr", "CONFIG_IP_VS_RR"));
        Assert.Equal(ModuleState.Absent, State("ip_vs_wrr", "CONFIG_IP_VS_WRR"));
    }

    [Fact]
    public void A_module_that_is_only_installed_is_not_there()
    {
        Write("lib/modules/6.1.0-9-amd64/modules.dep", "kernel/net/netfilter/ipvs/ip_vs.ko.xz: kernel/net/netfilter/nf_conntrack.ko.xz\nkernel/net/netfilter/ipvs/ip_vs_rr.ko.xz: x\n");
        Write("lib/modules/6.1.0-9-amd64/kernel/net/netfilter/ipvs/ip_vs.ko.xz", "");

        Assert.Equal(ModuleState.Installed, State("ip_vs", "CONFIG_IP_VS"));
        // Its file is gone, whatever the list says.
        Assert.Equal(ModuleState.Absent, State("ip_vs_rr", "CONFIG_IP_VS_RR"));
    }

    [Fact]
    public void Whether_the_kernel_may_load_modules()
    {
        Assert.False(new HostModules(_root.FullName).MayLoad);
        Write("proc/modules", "");
        Assert.True(new HostModules(_root.FullName).MayLoad);
        Write("proc/sys/kernel/modules_disabled", "1\n");
        Assert.False(new HostModules(_root.FullName).MayLoad);
    }

    [Fact]
    public void The_hosts_kernel_runs_what_only_it_can_run_and_says_what_it_lacks_for_the_rest()
    {
        Assert.Null(HostKernel.Problem(new LabSpec { Name = "lab", ProxyMode = ProxyMode.Nftables }));
        string? problem = HostKernel.Problem(new LabSpec { Name = "lab", ProxyMode = ProxyMode.Ipvs, IpvsScheduler = IpvsScheduler.Lc });
        // Where there is no table of virtual servers there is no IPVS; else it is not for want of that.
        if (!File.Exists("/proc/net/ip_vs")) Assert.Contains("ip_vs", problem, StringComparison.Ordinal);
        else Assert.DoesNotContain("no ip_vs ", (problem ?? "") + " ", StringComparison.Ordinal);
    }

    private ModuleState State(string module, string option) => new HostModules(_root.FullName).State(module, option);

    private void Write(string path, string text)
    {
        string whole = Path.Combine(_root.FullName, path);
        _ = Directory.CreateDirectory(Path.GetDirectoryName(whole)!);
        File.WriteAllText(whole, text);
    }
}
