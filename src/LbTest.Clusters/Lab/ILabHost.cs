using LbTest.Clusters.Protocol;

namespace LbTest.Clusters.Lab;

/// <summary>What answers for a lab in the sandbox's first process.</summary>
internal interface ILabHost : IAgentHost, IDisposable
{
    /// <summary>Ends when somebody asked the lab to stop, or when it has ended by itself.</summary>
    Task Stopped { get; }

    /// <summary>True once the lab is up.</summary>
    bool Started { get; }
}
