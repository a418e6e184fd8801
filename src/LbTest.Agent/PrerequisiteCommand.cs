using System.CommandLine;
using System.Text.Json;
using LbTest.Clusters.Prerequisites;
using LbTest.Clusters.Protocol;

namespace LbTest.Agent;

/// <summary><c>lbtest prerequisite</c>: what this machine has and lacks.</summary>
internal static class PrerequisiteCommand
{
    internal static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command("prerequisite", "What this machine has and lacks for each kind of test, with the remedy.") { json };
        command.SetAction(parsed =>
        {
            var found = PrerequisiteCheck.All();
            if (parsed.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(found, AgentJson.Default.ImmutableArrayPrerequisite));
            else foreach (Prerequisite one in found) Console.WriteLine($"{(one.Present ? "ok     " : "MISSING")} {one.Mode,-9} {one.Name,-22} {(one.Present ? one.Detail : one.Remedy)}");
            return ExitCode.Success;
        });
        return command;
    }
}
