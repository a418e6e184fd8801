using System.Net;
using System.Text.Json;
using LbTest.Clusters.Lab.Netlink;
using LbTest.Clusters.Tools;
using LbTest.Engine.Tests.Sockets;

namespace LbTest.Clusters.Tests.Lab.Netlink;

/// <summary>Changes to a network, against the kernel. What a lab's network comes to be is in <see cref="NetworkTests"/>.</summary>
public class NetworkChangeTests
{
    private const int NoDevice = 19, Exists = 17;

    [SkippableFact]
    public void A_device_that_is_not_there_is_named()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "This needs a Linux kernel.");
        foreach (string device in new[] { "no-such-dev", "a-name-that-is-too-long-for-a-device" })
        {
            var refused = Assert.Throws<NetlinkException>(() => NetworkChange.Make(change => change.SetUp(device)));
            Assert.Equal(NoDevice, refused.Error);
            Assert.Contains(device, refused.Message, StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public void Hundreds_of_changes_are_all_made()
    {
        using var place = new OwnNamespace();
        IPAddress[] addresses = [.. from i in Enumerable.Range(1, 250) from text in new[] { $"10.1.2.{i}", $"fd00:1::{i:x}" } select IPAddress.Parse(text)];

        Assert.Equal(addresses.Select(a => a.ToString()).Order(), place.Namespace.Run(() =>
        {
            NetworkChange.Make(change =>
            {
                change.SetUp("lo");
                foreach (IPAddress address in addresses) change.AddAddress("lo", address);
            });
            using JsonDocument said = JsonDocument.Parse(Tool.Run("ip", ["-j", "addr"]));
            return said.RootElement.EnumerateArray().SelectMany(link => link.GetProperty("addr_info").EnumerateArray())
                .Select(address => address.GetProperty("local").GetString()!).Except(["127.0.0.1", "::1"]).Order().ToArray();
        }));
    }

    [SkippableFact]
    public void What_the_kernel_refuses_is_said_and_the_rest_is_done()
    {
        using var place = new OwnNamespace();
        place.Namespace.Run(() =>
        {
            var refused = Assert.Throws<NetlinkException>(() => NetworkChange.Make(change =>
            {
                change.SetUp("lo");
                change.AddAddress("lo", IPAddress.Parse("10.1.2.3"));
                change.AddAddress("lo", IPAddress.Parse("10.1.2.3"));
                change.AddAddress("lo", IPAddress.Parse("10.1.2.4"));
            }));
            Assert.Equal((Exists, "addr add 10.1.2.3 dev lo"), (refused.Error, refused.Asked));
            Assert.Contains("File exists", refused.Message, StringComparison.Ordinal);
            Assert.Contains("10.1.2.4", Tool.Run("ip", ["addr"]), StringComparison.Ordinal);

            // The kernel's own words come along.
            refused = Assert.Throws<NetlinkException>(() => NetworkChange.Make(change => change.AddRoute(IPNetwork.Parse("10.9.0.0/16"), 77, 100)));
            Assert.Contains("route add 10.9.0.0/16 table 100 nhid 77", refused.Message, StringComparison.Ordinal);
            Assert.Contains("exist", refused.Message, StringComparison.Ordinal);
            return true;
        });
    }

    [SkippableFact]
    public void A_pair_of_devices_reaches_into_another_namespace_and_goes_as_a_whole()
    {
        using OwnNamespace here = new(), there = new();
        byte[] address = [0x0a, 0x58, 1, 2, 3, 4], other = [0x0a, 0x58, 5, 6, 7, 8];

        here.Namespace.Run(() =>
        {
            NetworkChange.Make(change => change.AddVeth("there", address, "eth0", other, there.Namespace));
            Assert.Contains("0a:58:01:02:03:04", Tool.Run("ip", ["link", "show", "there"]), StringComparison.Ordinal);
            Assert.Contains("0a:58:05:06:07:08", there.Namespace.Run(() => Tool.Run("ip", ["link", "show", "eth0"])), StringComparison.Ordinal);
            // The second time there is nothing to delete.
            foreach (int _ in new[] { 1, 2 }) NetworkChange.Make(change => change.DeleteLink("there"));
            Assert.DoesNotContain("there", Tool.Run("ip", ["link"]), StringComparison.Ordinal);
            return true;
        });
        Assert.DoesNotContain("eth0", there.Namespace.Run(() => Tool.Run("ip", ["link"])), StringComparison.Ordinal);
    }
}
