using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LbTest.Engine.Tests.Results;

namespace LbTest.Engine.Tests.Report;

/// <summary>The npm package of the charts: pinned, from no particular registry, and with its licences told.</summary>
public sealed class ChartsPackageTests
{
    private const string Folder = "src/LbTest.Engine/Report/charts/";

    [Fact]
    public void Versions_are_exact()
    {
        JsonNode package = Read("package.json");

        Assert.All(package["dependencies"]!.AsObject().Concat(package["devDependencies"]!.AsObject()), dependency => Assert.Matches(@"^\d+\.\d+\.\d+$", dependency.Value!.GetValue<string>()));
    }

    [Fact]
    public void The_lock_file_pins_contents_and_names_no_registry()
    {
        Assert.DoesNotContain("://", File.ReadAllText(Checkout.PathOf(Folder + "package-lock.json")), StringComparison.Ordinal);
        Assert.All(Locked(), package => Assert.StartsWith("sha512-", package.Value!["integrity"]!.GetValue<string>(), StringComparison.Ordinal));
    }

    [Fact]
    public void Everything_that_goes_into_the_page_is_in_the_notices_in_its_version()
    {
        string notices = File.ReadAllText(Checkout.PathOf("THIRD-PARTY-NOTICES.md")), build = File.ReadAllText(Checkout.PathOf(Folder + "build.js"));
        KeyValuePair<string, JsonNode?>[] shipped = [.. Locked().Where(package => package.Value!["dev"] is null)];

        Assert.NotEmpty(shipped);
        Assert.All(shipped, package =>
        {
            string name = package.Key["node_modules/".Length..];
            Assert.Matches($"(?i){Regex.Escape(name)} {Regex.Escape(package.Value!["version"]!.GetValue<string>())}\\b", notices);
            Assert.Matches($"\\b{Regex.Escape(name)}: \\[", build);
        });
    }

    private static IEnumerable<KeyValuePair<string, JsonNode?>> Locked() => Read("package-lock.json")["packages"]!.AsObject().Where(package => package.Key.Length > 0);

    private static JsonNode Read(string file) => JsonNode.Parse(File.ReadAllText(Checkout.PathOf(Folder + file)))!;
}
