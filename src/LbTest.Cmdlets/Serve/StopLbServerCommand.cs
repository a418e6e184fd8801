namespace LbTest.Cmdlets.Serve;

/// <summary>Stops servers that this session started.</summary>
[Cmdlet(VerbsLifecycle.Stop, "LbServer", SupportsShouldProcess = true, DefaultParameterSetName = "Name")]
[OutputType(typeof(LocalServer))]
public sealed class StopLbServerCommand : LbCommand
{
    /// <summary>Their names; wildcards match.</summary>
    [Parameter(Position = 0, Mandatory = true, ParameterSetName = "Name")]
    [ArgumentCompleter(typeof(ServerNameCompleter))]
    [SupportsWildcards]
    public string[] Name { get; set; } = [];

    /// <summary>The servers themselves.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = "Server")]
    public LocalServer[] Server { get; set; } = [];

    /// <summary>Returns the stopped servers, which still tell how much they accepted.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Process()
    {
        foreach (LocalServer server in ParameterSetName == "Server" ? Server : Name.SelectMany(Matching).Distinct())
        {
            if (!ShouldProcess($"{server.Name} on {server.Address}", "Stop server")) continue;
            RunningServers.Stop(server);
            if (PassThru) WriteObject(server);
        }
    }

    private LocalServer[] Matching(string pattern)
    {
        WildcardPattern wildcard = WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase);
        LocalServer[] found = [.. RunningServers.All.Where(server => wildcard.IsMatch(server.Name))];
        if (found.Length == 0 && !WildcardPattern.ContainsWildcardCharacters(pattern)) WriteError(Faults.NotFound("server", pattern, "Start it with Start-LbServer"));
        return found;
    }
}
