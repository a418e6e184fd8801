using System.Reflection;
using System.Runtime.InteropServices;

namespace LbTest.Engine.Results;

/// <summary>What made a result.</summary>
internal static class Generator
{
    /// <summary>LbTest's version, the system and its kernel, the number of processors.</summary>
    internal static string Name { get; } = string.Create(CultureInfo.InvariantCulture,
        $"LbTest {typeof(Generator).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]}, {RuntimeInformation.OSDescription.Split(" #")[0]}, kernel {Environment.OSVersion.Version}, {Environment.ProcessorCount} processors");
}
