namespace LbTest.Clusters.Tests.Lab;

/// <summary>Somebody who is not root, with the agent and the name of a lab, which ends here if it has not before; the test is skipped where there can be no such user.</summary>
internal sealed class OrdinaryUser : IDisposable
{
    private readonly string _agent;
    private readonly string[] _command;

    internal OrdinaryUser()
    {
        LabFixture.Require();
        Skip.IfNot(LabFixture.IsRoot, "the other tests run as an ordinary user already");
        _agent = LabFixture.AgentForOthers();
        _command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "HOME=/tmp", "LBTEST_AGENT=" + _agent];
        if (LabFixture.Run([.. _command, "unshare", "--user", "--map-root-user", "--net", "true"]).ExitCode == 0) return;
        DeleteAgent();
        Skip.If(true, "this kernel allows no user namespaces");
    }

    internal string LabName { get; } = LabFixture.Spec().Name;

    /// <summary>Runs the agent.</summary>
    internal (int ExitCode, string Output) Run(params string[] arguments) => LabFixture.Run([.. _command, _agent, .. arguments]);

    /// <summary>Runs the agent, which must succeed; returns what it said.</summary>
    internal string Succeed(params string[] arguments)
    {
        (int exit, string said) = Run(arguments);
        Assert.True(exit == 0, said);
        return said;
    }

    public void Dispose()
    {
        _ = Run("lab", "stop", "--name", LabName);
        DeleteAgent();
    }

    private void DeleteAgent() => Directory.Delete(Path.GetDirectoryName(_agent)!, recursive: true);
}
