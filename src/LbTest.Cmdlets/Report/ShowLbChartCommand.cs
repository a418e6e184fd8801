using System.Management.Automation.Host;
using LbTest.Cmdlets.Parameters;
using LbTest.Engine.Report;
using LbTest.Engine.Results;

namespace LbTest.Cmdlets.Report;

/// <summary>Draws results as charts of characters: traffic over time with the disturbances marked, frequencies of connect results.</summary>
[Cmdlet(VerbsCommon.Show, "LbChart")]
[OutputType(typeof(string))]
public sealed class ShowLbChartCommand : LbCommand
{
    private const int NoTerminal = 80;

    /// <summary>The results.</summary>
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true)]
    [Result]
    public ITestResult[] Result { get; set; } = [];

    /// <summary>What to show of a traffic result.</summary>
    [Parameter]
    public ChartView By { get; set; }

    /// <summary>Characters in a line; without it those of the window.</summary>
    [Parameter]
    [ValidateRange(40, 500)]
    public int Width { get; set; }

    /// <summary>Rows of the plot.</summary>
    [Parameter]
    [ValidateRange(3, 100)]
    public int Height { get; set; } = 10;

    /// <summary>Nothing but ASCII characters.</summary>
    [Parameter]
    public SwitchParameter Ascii { get; set; }

    private protected override void Process()
    {
        var options = new TerminalChartOptions { View = By, Width = Width > 0 ? Width : WindowWidth(), Height = Height, Ascii = Ascii, Color = HasColor() };
        // The pipeline ends each string with a line of its own.
        foreach (ITestResult result in Result) WriteObject(TerminalChart.Write(result, options).TrimEnd('\n'));
    }

    private int WindowWidth()
    {
        try
        {
            int width = Host.UI?.RawUI?.WindowSize.Width ?? 0;
            return width > 0 ? width : NoTerminal;
        }
        catch (Exception fault) when (fault is HostException or NotImplementedException or IOException)
        {
            // Jobs, remote sessions and hosts without a window have none.
            return NoTerminal;
        }
    }

    // no-color.org; $PSStyle.OutputRendering; and nothing that another command or a file would have to pick apart.
    private bool HasColor() =>
        string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && !Console.IsOutputRedirected && MyInvocation.PipelinePosition == MyInvocation.PipelineLength
        && Host.UI?.SupportsVirtualTerminal == true
        && SessionState.PSVariable.GetValue("PSStyle") is { } style && PSObject.AsPSObject(style).Properties["OutputRendering"]?.Value?.ToString() != "PlainText";
}
