using System.Diagnostics;
using System.Text.Json;
using LbTest.Engine.Serve;
using LbTest.Engine.Tests.Connect;

namespace LbTest.Engine.Tests.Serve;

/// <summary>Clients of the public ctraffic tool understand our server.</summary>
public sealed class CtrafficTests
{
    [SkippableTheory, InlineData(false), InlineData(true)]
    public async Task Our_server_echoes_what_a_ctraffic_client_sends(bool udp)
    {
        using Server server = EchoClient.Serve("endpoint-of-ours");
        using Process client = PublicTool.Start("ctraffic", "-address", server.Addresses[0].ToString(), "-nconn", "10", "-rate", "100", "-timeout", "4s", "-stats", "all", udp ? "-udp" : "-udp=false");

        using JsonDocument theirs = JsonDocument.Parse(await client.StandardOutput.ReadToEndAsync().WaitAsync(Loopback.Guard));

        JsonElement all = theirs.RootElement;
        Assert.True(all.GetProperty("Sent").GetInt64() > 0);
        Assert.Equal(all.GetProperty("Sent").GetInt64(), all.GetProperty("Received").GetInt64());
        Assert.Equal((0, 0), (all.GetProperty("FailedConnections").GetInt32(), all.GetProperty("FailedConnects").GetInt32()));
        JsonElement[] connections = [.. all.GetProperty("ConnStats").EnumerateArray()];
        Assert.Equal(10, connections.Length);
        Assert.All(connections, connection => Assert.Equal("endpoint-of-ours", connection.GetProperty("Host").GetString()));
        Assert.Equal(udp ? all.GetProperty("Sent").GetInt64() : 10, server.Accepted[0]);
    }
}
