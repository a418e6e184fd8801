using System.CommandLine;
using System.Globalization;
using LbTest.Clusters;
using LbTest.Engine;
using LbTest.Engine.Results;

namespace LbTest.Agent;

/// <summary>The options that say from where to where a test goes: the same for every kind of test.</summary>
internal sealed class TestOptions
{
    private readonly Option<string?> _address = new("--address", "-a") { Description = "Connect to this host:port from this machine" };
    private readonly Option<string?> _lab = new("--lab") { Description = "Connect inside this lab (see 'lbtest lab start')" };
    private readonly Option<VantagePoint> _from = new("--from") { Description = "With --lab: External, Node or Pod" };
    private readonly Option<string?> _fromName = new("--from-name") { Description = "With --lab: which node or pod" };
    private readonly Option<ServiceTarget> _to = new("--to") { Description = "With --lab: LoadBalancer, ClusterIP, NodePort or Endpoint" };
    private readonly Option<string?> _toName = new("--to-name") { Description = "With --lab: which node's port, or which endpoint" };
    private readonly Option<bool> _ipv6 = new("--ipv6") { Description = "With --lab: use IPv6" };

    /// <summary>Adds them to a command.</summary>
    internal void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_address, _lab, _from, _fromName, _to, _toName, _ipv6]) command.Add(option);
    }

    /// <summary>Where to: an address or a lab's name, never both.</summary>
    /// <exception cref="PlanException">Both, or neither.</exception>
    internal (string? Address, string? Lab) Where(ParseResult parsed)
    {
        (string? address, string? lab) = (parsed.GetValue(_address), parsed.GetValue(_lab));
        PlanException.Require(address is null != lab is null, "--address", address, "and --lab exclude each other", "Give exactly one of them");
        return (address, lab);
    }

    /// <summary>Fills a request in.</summary>
    internal T Fill<T>(T request, ParseResult parsed) where T : TestRequest => request with
    {
        From = parsed.GetValue(_from), FromName = parsed.GetValue(_fromName) is { } name ? [name] : [], To = parsed.GetValue(_to), ToName = parsed.GetValue(_toName), IPv6 = parsed.GetValue(_ipv6),
    };

    /// <summary>Writes a result to stdout, and ends the line.</summary>
    internal static void WriteJson(ITestResult result)
    {
        using Stream output = Console.OpenStandardOutput();
        ResultJson.Write(output, result);
        output.Write("\n"u8);
    }

    /// <summary>An option's number of seconds as a time span.</summary>
    /// <exception cref="PlanException">It is none.</exception>
    internal static TimeSpan Seconds(string option, double seconds) => double.IsFinite(seconds) && seconds is > 0 and <= 86400 * 365
        ? TimeSpan.FromSeconds(seconds)
        : throw new PlanException(option, seconds, "is not a number of seconds to wait", "Give more than 0");

    /// <summary>The same, where 0 is good as well.</summary>
    internal static TimeSpan SecondsOrNone(string option, double seconds) => seconds == 0 ? TimeSpan.Zero : Seconds(option, seconds);
}
