using System.Management.Automation.Runspaces;
using LbTest.Clusters.Protocol;

namespace LbTest.Cmdlets;

/// <summary>What happens when PowerShell imports the module and when it removes it.</summary>
public sealed class ModuleSession : IModuleAssemblyInitializer, IModuleAssemblyCleanup
{
    /// <summary>The runspace of the calling thread: labs and servers belong to the one that started them.</summary>
    internal static Guid Current => Runspace.DefaultRunspace?.InstanceId ?? Guid.Empty;

    /// <summary>Tells where the agents are: beside this assembly.</summary>
    public void OnImport() => AgentFile.Folder = Path.GetDirectoryName(typeof(ModuleSession).Assembly.Location);

    /// <summary>Stops the attached labs and the servers that this session started.</summary>
    /// <param name="psModuleInfo">The module.</param>
    public void OnRemove(PSModuleInfo psModuleInfo)
    {
        Clusters.RunningClusters.StopAll(Current);
        Serve.RunningServers.StopAll(Current);
    }
}
