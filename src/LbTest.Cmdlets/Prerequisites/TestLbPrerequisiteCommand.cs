using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Prerequisites;

namespace LbTest.Cmdlets.Prerequisites;

/// <summary>Tells what this machine has and lacks for each kind of test, with the remedy.</summary>
[Cmdlet(VerbsDiagnostic.Test, "LbPrerequisite")]
[OutputType(typeof(Prerequisite), typeof(bool))]
public sealed class TestLbPrerequisiteCommand : LbCommand
{
    /// <summary>The proxy modes of interest.</summary>
    [Parameter(Position = 0)]
    public ProxyMode[] ProxyMode { get; set; } = [];

    /// <summary>Returns one Boolean: everything is there for labs in these modes, or in the default one where none is given; what only disturbances need is left out.</summary>
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    private protected override void Process()
    {
        ProxyMode[] wanted = Quiet && ProxyMode.Length == 0 ? [LbTest.Clusters.Lab.Dataplanes.ProxyMode.Nftables] : ProxyMode;
        string[] others = [.. Enum.GetValues<ProxyMode>().Where(mode => wanted.Length > 0 && !wanted.Contains(mode)).Select(mode => mode.ToString())];
        Prerequisite[] found = Run(_ => Task.FromResult(PrerequisiteCheck.All().Where(one => !others.Contains(one.Mode)).ToArray()), "Looking at this machine");
        if (Quiet) WriteObject(found.All(one => one.Present || one.Mode == PrerequisiteCheck.Disturbances));
        else WriteObject(found, enumerateCollection: true);
    }
}
