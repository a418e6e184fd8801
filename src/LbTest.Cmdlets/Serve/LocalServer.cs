using LbTest.Engine.Serve;

namespace LbTest.Cmdlets.Serve;

/// <summary>An endpoint that this session serves on this machine.</summary>
public sealed class LocalServer
{
    private readonly Server _server;
    private readonly ServedEndpoint _endpoint;
    private long _acceptedInAll;

    internal LocalServer(ServedEndpoint endpoint, int threads)
    {
        _endpoint = endpoint;
        _server = Server.Start([endpoint], threads);
        Address = _server.Addresses[0].ToString();
        Running = true;
    }

    /// <summary>What it answers with.</summary>
    public string Name => _endpoint.Name;

    /// <summary>Where it listens.</summary>
    public string Address { get; }

    /// <summary>What it speaks.</summary>
    public ServedService Service => _endpoint.Service;

    /// <summary>TCP, UDP or both.</summary>
    public ServedProtocols Protocol => _endpoint.Protocols;

    /// <summary>How it treats what comes.</summary>
    public EndpointBehavior Behavior => _endpoint.Behavior;

    /// <summary>True until it is stopped.</summary>
    public bool Running { get; private set; }

    /// <summary>Connections accepted and datagrams answered so far.</summary>
    public long Accepted => Running ? _server.Accepted[0] : _acceptedInAll;

    /// <summary>The name, so that the server itself serves where a name is wanted.</summary>
    public override string ToString() => Name;

    internal void Stop()
    {
        if (!Running) return;
        _acceptedInAll = Accepted;
        Running = false;
        _server.Dispose();
    }
}
