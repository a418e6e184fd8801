using LbTest.Engine.Serve;
using LbTest.Engine.Sockets;

namespace LbTest.Cmdlets.Serve;

/// <summary>Serves an endpoint on this machine: it answers with its name, as mconnect servers do, or echoes, as ctraffic servers do.</summary>
[Cmdlet(VerbsLifecycle.Start, "LbServer", SupportsShouldProcess = true)]
[OutputType(typeof(LocalServer))]
public sealed class StartLbServerCommand : LbCommand
{
    /// <summary>Where to listen, <c>host:port</c>; <c>[::]:5001</c> if not given, for traffic <c>[::]:5003</c>.</summary>
    [Parameter(Position = 0)]
    public string? Address { get; set; }

    /// <summary>What to answer with; this machine's name if not given.</summary>
    [Parameter]
    public string Name { get; set; } = Environment.MachineName;

    /// <summary>What it speaks: that of connect tests or that of traffic tests.</summary>
    [Parameter]
    public ServedService Service { get; set; }

    /// <summary>TCP, UDP or both.</summary>
    [Parameter]
    public ServedProtocols Protocol { get; set; } = ServedProtocols.Both;

    /// <summary>How it treats what comes: all but <c>Serve</c> is a fault on demand.</summary>
    [Parameter]
    public EndpointBehavior Behavior { get; set; }

    /// <summary>Worker threads.</summary>
    [Parameter]
    [ValidateRange(1, 256)]
    public int Threads { get; set; } = 1;

    private protected override bool OneOfMany => false;

    private protected override void Process()
    {
        string where = Address ?? $"[::]:{ServedEndpoint.DefaultPort(Service)}";
        var endpoint = new ServedEndpoint(Name, HostPort.Resolve(where, listen: true), Protocols: Protocol) { Service = Service, Behavior = Behavior };
        if (!ShouldProcess($"'{Name}' on {endpoint.Address}", "Start server")) return;
        var server = new LocalServer(endpoint, Threads);
        RunningServers.Keep(server);
        WriteObject(server);
    }
}
