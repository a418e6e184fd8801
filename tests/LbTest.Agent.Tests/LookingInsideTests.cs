using System.Text.Json;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Prerequisites;

namespace LbTest.Agent.Tests;

/// <summary>The verbs that show IPVS in a lab.</summary>
public sealed class LookingInsideTests
{
    [SkippableFact]
    public async Task They_print_what_ipvsadm_prints_a_table_and_JSON()
    {
        Skip.If(Environment.GetEnvironmentVariable("LBTEST_AGENT") is null, "labs need the published agent");
        Skip.IfNot(PrerequisiteCheck.Suffices([ProxyMode.Ipvs]), "this machine has no IPVS, and no user-mode kernel");
        string name = $"test-{Environment.ProcessId}-look";
        try
        {
            Outcome started = await Lab("start", "--proxy-mode", "Ipvs", "--ipvs-scheduler", "Wlc", "--nodes", "2", "--endpoints", "2", "--detached");
            Assert.True(started.ExitCode == 0, started.Error);
            string list = (await Lab("virtual-servers", "--node", "node-2")).Output;
            Assert.StartsWith("==> node-2 <==\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n", list, StringComparison.Ordinal);
            Assert.Contains("TCP  10.96.0.100:5001 wlc\n  -> 11.0.1.2:5001                Masq    1      0          0\n  -> 11.0.2.2:5001 ", list, StringComparison.Ordinal);
            Assert.Contains("TCP  10.96.0.100:5001                    0        0        0        0        0\n", (await Lab("virtual-servers", "--stats")).Output, StringComparison.Ordinal);
            using var servers = JsonDocument.Parse((await Lab("virtual-servers", "--json")).Output);
            Assert.Contains("TCP 10.96.0.100:5001", servers.RootElement.EnumerateArray().Select(server => server.GetProperty("name").GetString()));

            string[] rows = (await Lab("service-addresses")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.StartsWith("Node    Address         Device      State            VirtualServers", rows[0], StringComparison.Ordinal);
            Assert.Contains("node-1  10.96.0.100     kube-ipvs0  Ok               TCP 10.96.0.100:5001, UDP 10.96.0.100:5001", rows);
            Assert.Contains("node-2  192.168.1.2     eth0        Ok               TCP 192.168.1.2:30001, UDP 192.168.1.2:30001", rows);
            using var addresses = JsonDocument.Parse((await Lab("service-addresses", "--node", "node-1", "--json")).Output);
            Assert.Equal(6, addresses.RootElement.GetArrayLength());
            Assert.All(addresses.RootElement.EnumerateArray(), row => Assert.Equal("Ok", row.GetProperty("state").GetString()));
            (await Lab("virtual-servers", "--node", "node-3")).AssertRefused("node-3", "node-1, node-2");
        }
        finally
        {
            _ = await Lab("stop");
        }

        Task<Outcome> Lab(string verb, params string[] options) => Lbtest.RunAsync(["lab", verb, "--name", name, .. options]);
    }
}
