using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Engine;
using LbTest.Engine.Connect;
using LbTest.Engine.Serve;

namespace LbTest.Clusters.Tests.Lab;

/// <summary>Bad input, missing tools, forbidden namespaces, and endpoints that misbehave.</summary>
public class LabFaultTests
{
    [Fact]
    public void Bad_values_are_refused_before_anything_is_built()
    {
        LabSpec good = LabFixture.Spec();
        (LabSpec Spec, string Parameter, string Says)[] cases =
        [
            (good with { Name = "a/b" }, "Name", "is not a name"),
            (good with { NodeCount = 0 }, "NodeCount", "Give 1 to 250"),
            (good with { NodeCount = -1 }, "NodeCount", "-1"),
            (good with { NodeCount = 251 }, "NodeCount", "251"),
            (good with { EndpointCount = -1 }, "EndpointCount", "-1"),
            (good with { NodeCount = 2, EndpointCount = 501 }, "EndpointCount", "has addresses for 250"),
            (good with { EndpointsPerNode = [1, -1] }, "EndpointCount", "is not a number of endpoints"),
            (good with { IpvsScheduler = IpvsScheduler.Lc }, "IpvsScheduler", "means nothing in mode Nftables"),
            (good with { Kernel = LabKernel.UserMode }, "Kernel", "has no NAT by nftables"),
            (good with { SessionAffinity = TimeSpan.Zero }, "SessionAffinity", "1 s to 86400 s"),
            (good with { EcmpResilient = true }, "EcmpResilient", "means nothing without ECMP"),
            (good with { Port = 70000 }, "Port", "1 to 65535"),
        ];
        foreach ((LabSpec spec, string parameter, string says) in cases)
        {
            PlanException exception = Assert.Throws<PlanException>(spec.Validate);
            Assert.Equal(parameter, exception.Parameter);
            Assert.Contains(says, exception.Message, StringComparison.Ordinal);
        }
    }

    [SkippableTheory]
    [InlineData(EndpointBehavior.Refuse, FailureClass.Refused)]
    [InlineData(EndpointBehavior.Reset, FailureClass.Reset)]
    [InlineData(EndpointBehavior.Hang, FailureClass.ReadFailed)]
    [InlineData(EndpointBehavior.Partial, FailureClass.ReadFailed)]
    [InlineData(EndpointBehavior.Drop, FailureClass.TimedOut)]
    public async Task One_bad_endpoint_of_six_fails_its_share_and_no_other(EndpointBehavior behavior, FailureClass expected)
    {
        using LabCluster lab = await LabFixture.StartAsync();
        await lab.SetBehaviorAsync("tserver-002", behavior);
        ConnectRequest request = LabFixture.Request(300);
        ConnectResult result = await lab.Connect(request with { Plan = request.Plan with { ConnectTimeout = TimeSpan.FromMilliseconds(400) } });
        Assert.Equal([expected], result.Failures.Select(f => f.Class));
        // A sixth of 300 is 50; so far from it is less likely than one in a million.
        Assert.InRange(result.Failed, 20, 90);
        Assert.Equal(300, result.Connections + result.Failed);
        Assert.Equal(0, result.Endpoints.Single(e => e.Name == "tserver-002").Connections);

        await lab.SetBehaviorAsync("tserver-002", EndpointBehavior.Serve);
        Assert.Equal(300, (await lab.Connect(request)).Connections);
    }

    [SkippableFact]
    public async Task A_place_that_is_not_there_is_named()
    {
        using LabCluster lab = await LabFixture.StartAsync();
        ConnectRequest request = LabFixture.Request(1);
        Assert.Contains("node-1 to node-3", (await Refused(request with { From = VantagePoint.Node, FromName = ["node-9"] })).Message, StringComparison.Ordinal);
        Assert.Contains("tserver-001", (await Refused(request with { To = ServiceTarget.Endpoint, ToName = "x" })).Message, StringComparison.Ordinal);
        Assert.Equal("From", (await Refused(request with { From = VantagePoint.Local })).Parameter);
        Assert.Equal("Count", (await Refused(request with { Plan = request.Plan with { Count = 0 } })).Parameter);
        Assert.Equal("Source", (await Refused(request with { IPv6 = true, Plan = request.Plan with { Source = "20.0.0.0/16" } })).Parameter);
        // Found by the agent, inside: it comes back as the same kind of error.
        PlanException unbindable = await Refused(request with { Plan = request.Plan with { Source = "20.9.0.0/16" } });
        Assert.Equal("Source", unbindable.Parameter);
        Assert.Contains("cannot bind", unbindable.Message, StringComparison.Ordinal);

        Task<PlanException> Refused(ConnectRequest bad) => Assert.ThrowsAsync<PlanException>(() => lab.Connect(bad));
    }

    [SkippableTheory]
    [InlineData("nft", "nftables", "nftables")]
    [InlineData("iptables-restore", "iptables", "iptables")]
    public void A_missing_tool_is_named_with_its_package_and_nothing_is_left(string tool, string mode, string package)
    {
        LabFixture.Require();
        Skip.IfNot(LabFixture.IsRoot, "hiding a tool takes root");
        string path = Tools.Tool.Find(tool)!, name = LabFixture.Spec().Name;
        // In a mount namespace of its own the tool is a device that nobody can execute.
        (int exit, string said) = LabFixture.Run("unshare", "--mount", "sh", "-c",
            $"mount --bind /dev/null '{path}' && exec '{LabFixture.Agent}' lab start --detached --name {name} --nodes 1 --endpoints 1 --proxy-mode {mode}");
        Assert.Equal(2, exit);
        Assert.Contains($"'{tool}' is not on this machine", said, StringComparison.Ordinal);
        Assert.Contains($"apt-get install {package}", said, StringComparison.Ordinal);
        Assert.DoesNotContain(name, LabCluster.DetachedNames());
    }

    [SkippableFact]
    public void Forbidden_user_namespaces_are_named_with_the_remedy()
    {
        LabFixture.Require();
        Skip.IfNot(LabFixture.IsRoot, "it takes root to forbid them for somebody");
        string agent = LabFixture.AgentForOthers();
        // The limit belongs to a user namespace: this makes one with all ids in which nobody may make another, and is an ordinary user there.
        (int exit, string said) = LabFixture.Run("sh", "-c", """
            unshare --user --keep-caps sh -c '
                until [ "$(id -u)" = 0 ]; do sleep 0.02; done
                echo 0 >/proc/sys/user/max_user_namespaces &&
                exec setpriv --reuid=65534 --regid=65534 --clear-groups --ambient-caps=-all --inh-caps=-all \
                    env HOME=/tmp LBTEST_AGENT="$0" "$0" lab start --detached --name forbidden' "$0" &
            until echo "0 0 65536" >/proc/$!/uid_map; do sleep 0.02; done 2>/dev/null
            echo "0 0 65536" >/proc/$!/gid_map
            wait $!
            """, agent);
        Directory.Delete(Path.GetDirectoryName(agent)!, recursive: true);
        Assert.Equal(2, exit);
        Assert.Contains("does not let ordinary users make user namespaces", said, StringComparison.Ordinal);
        Assert.Contains("user.max_user_namespaces", said, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_full_connection_tracking_table_is_named_before_and_after()
    {
        LabFixture.Require();
        Skip.If(!LabFixture.IsRoot || Tools.Tool.Find("conntrack") is null, "filling the table takes root and the tool conntrack");
        int max = int.Parse(File.ReadAllText("/proc/sys/net/netfilter/nf_conntrack_max"), System.Globalization.CultureInfo.InvariantCulture);
        Skip.If(max > 600_000, "the table of this machine is too large to fill in a test");
        using LabCluster lab = await LabCluster.StartAsync(LabFixture.Spec(nodes: 1, endpoints: 2));
        int init = lab.Processes()[1];
        // The limit counts every network namespace on its own, so other labs and the machine itself notice nothing.
        string entries = Path.GetTempFileName();
        await File.WriteAllLinesAsync(entries, Enumerable.Range(0, max).Select(i =>
            $"-A -t 600 -u SEEN_REPLY,ASSURED -p tcp --state ESTABLISHED -s 21.0.0.{1 + (i / 60000)} -d 22.0.0.1 --sport {1024 + (i % 60000)} --dport 80"));
        (_, string said) = LabFixture.Run("nsenter", "-t", $"{init}", "-m", "nsenter", "--net=/run/netns/node-1", "conntrack", "-R", entries);
        File.Delete(entries);

        ConnectRequest request = LabFixture.Request(100);
        ConnectResult result = await lab.Connect(request with { Plan = request.Plan with { ConnectTimeout = TimeSpan.FromMilliseconds(300) } });
        Assert.True(result.Failed > 0, said);
        Assert.Equal([FailureClass.TimedOut], result.Failures.Select(f => f.Class));
        Assert.Contains(result.Warnings, w => w.Contains("table of node-1 has room for", StringComparison.Ordinal));
        Assert.Contains(result.Warnings, w => w.Contains("its table is full", StringComparison.Ordinal));
    }
}
