namespace LbTest.Agent;

/// <summary>What <c>lbtest</c> returns to the shell.</summary>
internal static class ExitCode
{
    /// <summary>All went well.</summary>
    internal const int Success = 0;

    /// <summary>The test ran, but connections failed or were not made.</summary>
    internal const int Failures = 1;

    /// <summary>Bad input, or something this machine lacks.</summary>
    internal const int BadInput = 2;

    /// <summary>Stopped by Ctrl+C before there was anything to tell.</summary>
    internal const int Stopped = 130;
}
