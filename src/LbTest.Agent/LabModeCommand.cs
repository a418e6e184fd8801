using System.CommandLine;
using LbTest.Clusters.Ipvs;
using LbTest.Clusters.Lab;
using LbTest.Clusters.Lab.Dataplanes;

namespace LbTest.Agent;

/// <summary><c>lbtest lab mode</c>: changes a running lab over to another proxy mode or scheduler.</summary>
internal static class LabModeCommand
{
    internal static Command Create()
    {
        var name = new Option<string>("--name", "-n") { Description = "The lab's name", DefaultValueFactory = _ => "lab" };
        var mode = new Option<ProxyMode?>("--proxy-mode") { Description = $"{string.Join(", ", Enum.GetNames<ProxyMode>())}; the one in force if not given" };
        var scheduler = new Option<IpvsScheduler?>("--ipvs-scheduler") { Description = $"In mode Ipvs: {string.Join(", ", Enum.GetNames<IpvsScheduler>())}" };
        var command = new Command("mode", "Change the nodes of a detached lab over to another proxy mode or scheduler, without a restart.") { name, mode, scheduler };
        command.SetAction(async (parsed, _) =>
        {
            using LabCluster lab = await LabCommand.FindAsync(parsed.GetValue(name)!);
            LabMode wanted = lab.Mode.To(parsed.GetValue(mode), parsed.GetValue(scheduler));
            if (wanted.Scheduler is not null && lab.Mode.Scheduler is null) await Console.Error.WriteLineAsync($"lbtest: {IpvsDeprecation.Notice}");
            await lab.SetModeAsync(wanted);
            Console.WriteLine($"{lab.Name}: {lab.Mode}");
            return ExitCode.Success;
        });
        return command;
    }
}
