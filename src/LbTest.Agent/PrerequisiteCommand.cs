using System.CommandLine;
using System.Text.Json;
using LbTest.Clusters.Lab.Dataplanes;
using LbTest.Clusters.Lab.Kernels;
using LbTest.Clusters.Prerequisites;
using LbTest.Clusters.Protocol;

namespace LbTest.Agent;

/// <summary><c>lbtest prerequisite</c>: what this machine has and lacks.</summary>
internal static class PrerequisiteCommand
{
    internal static Command Create()
    {
        var mode = new Option<ProxyMode[]>("--proxy-mode") { Description = $"For labs in these modes only: {string.Join(", ", Enum.GetNames<ProxyMode>())}", AllowMultipleArgumentsPerToken = true };
        var kernel = new Option<LabKernel>("--kernel") { Description = "Of this kernel only: Host or UserMode" };
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command("prerequisite", "What this machine has and lacks for each kind of test, with the remedy.") { mode, kernel, json };
        command.SetAction(parsed =>
        {
            var found = PrerequisiteCheck.Of(parsed.GetValue(mode) ?? [], parsed.GetValue(kernel));
            if (parsed.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(found, AgentJson.Default.ImmutableArrayPrerequisite));
            else foreach (Prerequisite one in found) Console.WriteLine($"{(one.Present ? "ok     " : "MISSING")} {one.Kernel,-8} {one.Mode,-8} {one.Name,-22} {(one.Present ? one.Detail : one.Remedy)}");
            return ExitCode.Success;
        });
        return command;
    }
}
