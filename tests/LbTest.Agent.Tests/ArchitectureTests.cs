using System.Text.RegularExpressions;
using System.Xml.Linq;
using LbTest.Engine.Tests.Results;

namespace LbTest.Agent.Tests;

/// <summary>The arrows between the rooms, and what each room must not know.</summary>
public sealed partial class ArchitectureTests
{
    [Theory]
    [InlineData("Engine", "")]
    [InlineData("Clusters", "Engine")]
    [InlineData("Agent", "Engine Clusters")]
    [InlineData("Cmdlets", "Engine Clusters")]
    [InlineData("Module", "Cmdlets")]
    public void A_room_refers_to_those_below_it_alone(string room, string allowed)
    {
        XDocument project = XDocument.Load(Checkout.PathOf($"src/LbTest.{room}/LbTest.{room}.csproj"));
        IEnumerable<string> references = project.Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/')));

        Assert.Empty(references.Except(allowed.Split(' ').Select(name => $"LbTest.{name}")));
    }

    [Theory]
    [InlineData("Engine"), InlineData("Agent"), InlineData("Cmdlets"), InlineData("Module")]
    public void Processes_are_started_by_Clusters_alone(string room) => AssertNowhere(room, StartsProcess());

    [Theory, InlineData("Engine"), InlineData("Clusters"), InlineData("Agent")]
    public void PowerShell_is_known_to_cmdlets_and_module_alone(string room)
    {
        AssertNowhere(room, PowerShell());
        Assert.DoesNotContain("PowerShell", File.ReadAllText(Checkout.PathOf($"src/LbTest.{room}/LbTest.{room}.csproj")), StringComparison.Ordinal);
    }

    [Fact]
    public void Cmdlets_know_neither_sockets_nor_JSON() => AssertNowhere("Cmdlets", SocketsOrJson());

    [Fact]
    public void The_engine_touches_no_files_but_those_of_the_kernel()
    {
        // Preflight reads /proc; a network namespace is entered by its file.
        AssertNowhere("Engine", Files(), except: ["Preflight.cs", "NetworkNamespace.cs"]);
        string preflight = File.ReadAllText(Sources("Engine").Single(file => Path.GetFileName(file) == "Preflight.cs"));
        Assert.All(PathLiteral().Matches(preflight), path => Assert.StartsWith("\"/proc/", path.Value, StringComparison.Ordinal));
    }

    [Theory, InlineData("Process.Start(x)", true), InlineData("new Process { }", true), InlineData("new ProcessStartInfo(x)", true), InlineData("a ProcessorCount", false)]
    public void The_search_finds_what_it_is_meant_to_find(string line, bool found) => Assert.Equal(found, StartsProcess().IsMatch(line));

    private static string[] Sources(string room)
    {
        string folder = Checkout.PathOf($"src/LbTest.{room}");
        string[] files = [.. Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(file => !Path.GetRelativePath(folder, file).Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"))];
        Assert.NotEmpty(files);
        return files;
    }

    private static void AssertNowhere(string room, Regex pattern, params string[] except) =>
        Assert.Empty(Sources(room).Where(file => !except.Contains(Path.GetFileName(file)))
            .SelectMany(file => File.ReadLines(file).Where(line => pattern.IsMatch(line)).Select(line => $"{Path.GetFileName(file)}: {line.Trim()}")));

    [GeneratedRegex(@"\bProcess\.Start\b|\bnew Process\b|\bProcessStartInfo\b")]
    private static partial Regex StartsProcess();

    [GeneratedRegex(@"System\.Management\.Automation")]
    private static partial Regex PowerShell();

    [GeneratedRegex(@"System\.Net\.Sockets|System\.Text\.Json|Newtonsoft")]
    private static partial Regex SocketsOrJson();

    [GeneratedRegex(@"\b(File|Directory)\.[A-Z]|\bnew (FileStream|StreamReader|StreamWriter|FileInfo|DirectoryInfo)\b")]
    private static partial Regex Files();

    [GeneratedRegex("\"/[^\"]*\"")]
    private static partial Regex PathLiteral();
}
