using LbTest.Clusters.Lab;
using LbTest.Clusters.Tools;

namespace LbTest.Clusters.Prerequisites;

/// <summary>Tries things out in namespaces that are gone the moment the tool ends.</summary>
internal static class Trial
{
    /// <summary>Runs a tool in an empty network namespace.</summary>
    /// <param name="command">The tool and its arguments.</param>
    /// <param name="input">What it reads.</param>
    /// <returns>What went wrong; null when nothing did.</returns>
    internal static string? Of(IEnumerable<string> command, string? input = null) => Run([.. NamespaceSandbox.UserNamespace, "--net", .. command.Select((word, i) => i == 0 ? Tool.Find(word) ?? word : word)], input);

    /// <summary>Makes the namespaces of a lab.</summary>
    /// <returns>What went wrong; null when nothing did.</returns>
    internal static string? Namespaces() => Run([.. NamespaceSandbox.UserNamespace, "--pid", "--fork", "--mount", "--net", "true"], null);

    private static string? Run(string[] arguments, string? input)
    {
        try
        {
            _ = Tool.Run("unshare", arguments, input);
            return null;
        }
        catch (ToolException exception)
        {
            return exception.Message;
        }
    }
}
