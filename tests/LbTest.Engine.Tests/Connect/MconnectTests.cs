using System.Diagnostics;
using System.Globalization;
using System.Net;
using LbTest.Engine.Connect;
using LbTest.Engine.Results;
using LbTest.Engine.Serve;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Tests.Connect;

/// <summary>Clients and servers of the public mconnect tool and ours are interchangeable.</summary>
public sealed class MconnectTests
{
    [SkippableTheory, InlineData(TransportProtocol.Tcp), InlineData(TransportProtocol.Udp)]
    public async Task Our_server_answers_an_mconnect_client(TransportProtocol protocol)
    {
        using Server server = Loopback.Serve("endpoint-of-ours");
        using Process client = PublicTool.Start("mconnect", "-address", server.Addresses[0].ToString(), "-nconn", "50", "-output", "json", protocol == TransportProtocol.Udp ? "-udp" : "-udp=false");

        ConnectResult theirs = ResultJson.Read(await client.StandardOutput.ReadToEndAsync().WaitAsync(Loopback.Guard));

        Assert.Equal((50, 0), (theirs.Count("endpoint-of-ours"), theirs.Failed));
        Assert.Equal(50, server.Accepted[0]);
    }

    [SkippableTheory]
    [InlineData(TransportProtocol.Tcp, false), InlineData(TransportProtocol.Tcp, true), InlineData(TransportProtocol.Udp, false), InlineData(TransportProtocol.Udp, true)]
    public async Task Our_client_understands_an_mconnect_server(TransportProtocol protocol, bool portable)
    {
        IPEndPoint address = FreeAddress.On(IPAddress.Loopback);
        using Process server = PublicTool.Start("mconnect", "-server", "-udp", "-address", address.ToString());
        try
        {
            await Listening(address);

            ConnectResult result = await Loopback.RunAsync(new ConnectPlan { Target = address, Count = 100, Protocol = protocol }, portable);

            Assert.Equal(100, result.Count(Environment.MachineName));
        }
        finally
        {
            server.Kill();
        }
    }

    private static async Task Listening(IPEndPoint address)
    {
        string udp = string.Create(CultureInfo.InvariantCulture, $"0100007F:{address.Port:X4} ");
        for (int attempt = 0; attempt < 500; attempt++, await Task.Delay(20))
        {
            // It opens both sockets, in an order of its own.
            bool both = (await File.ReadAllTextAsync("/proc/net/udp")).Contains(udp, StringComparison.Ordinal)
                && (await File.ReadAllTextAsync("/proc/net/tcp")).Contains(udp + "00000000:0000 0A", StringComparison.Ordinal);
            if (both) return;
        }

        Assert.Fail("mconnect did not start to listen.");
    }
}
