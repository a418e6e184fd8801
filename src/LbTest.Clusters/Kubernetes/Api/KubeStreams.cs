using System.Diagnostics;

namespace LbTest.Clusters.Kubernetes.Api;

/// <summary>A program that runs in a container, at the other end of its stdin and stdout.</summary>
internal sealed class KubeStreams : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _said;

    internal KubeStreams(Process process)
    {
        _process = process;
        _said = process.StandardError.ReadToEndAsync();
    }

    /// <summary>What the program writes.</summary>
    internal Stream Output => _process.StandardOutput.BaseStream;

    /// <summary>What it reads.</summary>
    internal Stream Input => _process.StandardInput.BaseStream;

    /// <summary>What was said on stderr by the program, or by what leads to it; waits up to half a second for its end.</summary>
    internal string Said()
    {
        try
        {
            _ = _process.WaitForExit(500);
        }
        catch (InvalidOperationException)
        {
            // It has been let go of.
        }

        return _said.Wait(500) ? KubectlError.WithoutSecrets(_said.Result.Trim()) : "";
    }

    /// <summary>Closes the program's stdin, and cuts the line when it has not ended a moment later.</summary>
    public void Dispose()
    {
        try
        {
            _process.StandardInput.Close();
            if (!_process.WaitForExit(1000)) _process.Kill(entireProcessTree: true);
            _ = _process.WaitForExit(1000);
        }
        catch (Exception exception) when (exception is InvalidOperationException or IOException)
        {
            // It had ended already.
        }

        _process.Dispose();
    }
}

/// <summary>A port inside a pod's network, reachable on this machine's loopback while this lives.</summary>
/// <param name="local">Where it is reachable.</param>
/// <param name="close">Ends it.</param>
internal sealed class KubeForward(IPEndPoint local, Action close) : IDisposable
{
    /// <summary>Where it is reachable.</summary>
    internal IPEndPoint Local => local;

    public void Dispose() => close();
}
