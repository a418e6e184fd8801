using System.Net.Sockets;

namespace LbTest.Engine.Sockets;

/// <summary>Reads <c>host:port</c> as users type it: <c>10.0.0.1:5001</c>, <c>[::1]:5001</c>, <c>localhost:5001</c>.</summary>
public static class HostPort
{
    /// <summary>Parses and, for a name, resolves. A name with both families gives its first address, or the one of <paramref name="family"/>.</summary>
    /// <param name="text">The address as typed.</param>
    /// <param name="parameter">The parameter's name for the error message.</param>
    /// <param name="family">The wanted address family, or null for any.</param>
    /// <param name="listen">True for an address to listen on, where port 0 lets the kernel choose.</param>
    /// <exception cref="PlanException">No port, a port out of range, or a host that does not resolve.</exception>
    public static IPEndPoint Resolve(string text, string parameter = "Address", AddressFamily? family = null, bool listen = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        (string host, int port) = Split(text, parameter, lowest: listen ? 0 : 1);
        if (IPAddress.TryParse(host, out IPAddress? literal))
        {
            return family is null || literal.AddressFamily == family
                ? new IPEndPoint(literal, port)
                : throw new PlanException(parameter, text, $"is not an {Name(family.Value)} address", "Give an address of the same family as the source");
        }

        IPAddress[] addresses;
        try
        {
            addresses = Dns.GetHostAddresses(host);
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException)
        {
            throw new PlanException(parameter, text, $"names the host '{host}', which does not resolve", "Check the name or give an IP address", exception);
        }

        IPAddress? address = addresses.FirstOrDefault(a => family is null || a.AddressFamily == family);
        return address is not null
            ? new IPEndPoint(address, port)
            : throw new PlanException(parameter, text, $"has no {(family is null ? "IP" : Name(family.Value))} address", "Give another host or an IP address");
    }

    private static (string Host, int Port) Split(string text, string parameter, int lowest)
    {
        int colon = text.LastIndexOf(':');
        bool bracketed = text.StartsWith('[');
        bool hasPort = colon > 0 && (bracketed ? colon > 1 && text[colon - 1] == ']' : text.IndexOf(':', StringComparison.Ordinal) == colon);
        if (!hasPort)
        {
            throw new PlanException(parameter, text, "has no port", "Write it as host:port, an IPv6 address as [address]:port, e.g. 10.0.0.1:5001 or [::1]:5001");
        }

        if (bracketed && colon == 2) throw new PlanException(parameter, text, "has no host", "Write it as host:port, e.g. [::1]:5001");
        return int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port >= lowest && port <= 65535
            ? (bracketed ? text[1..(colon - 1)] : text[..colon], port)
            : throw new PlanException(parameter, text, $"has the port '{text[(colon + 1)..]}', which is not a number from {lowest} to 65535", "Write it as host:port");
    }

    private static string Name(AddressFamily family) => family == AddressFamily.InterNetwork ? "IPv4" : "IPv6";
}
