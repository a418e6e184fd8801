using LbTest.Clusters.Kubernetes.Api;
using LbTest.Clusters.Protocol;
using LbTest.Clusters.Tools;

namespace LbTest.Cmdlets;

/// <summary>What can go wrong through no fault of ours, as error records: a stable id, the right category, the value, the remedy.</summary>
internal static class Faults
{
    /// <summary>True when it is a parameter that is wrong, so that other input objects would meet the same.</summary>
    internal static bool IsBadParameter(Exception fault) => fault is PlanException or ArgumentOutOfRangeException;

    /// <summary>The error record of a fault; null when it is none that a user can do something about.</summary>
    internal static ErrorRecord? Describe(Exception fault, object? target = null) => fault switch
    {
        PlanException plan => Plan(plan),
        ArgumentOutOfRangeException range => OutOfRange(range),
        FormatException => new ErrorRecord(fault, "LbTest.Format", ErrorCategory.InvalidData, target),
        KubernetesException kubernetes => new ErrorRecord(fault, $"LbTest.Kubernetes{kubernetes.Fault}", Category(kubernetes.Fault), target),
        ToolException tool => new ErrorRecord(fault, "LbTest.Tool", ErrorCategory.ResourceUnavailable, tool.Tool),
        AgentLostException => new ErrorRecord(fault, "LbTest.AgentLost", ErrorCategory.ResourceUnavailable, target),
        PlatformNotSupportedException => new ErrorRecord(fault, "LbTest.Platform", ErrorCategory.NotImplemented, target),
        FileNotFoundException or DirectoryNotFoundException => new ErrorRecord(fault, "LbTest.NotFound", ErrorCategory.ObjectNotFound, target),
        UnauthorizedAccessException => new ErrorRecord(fault, "LbTest.Access", ErrorCategory.PermissionDenied, target),
        IOException => new ErrorRecord(fault, "LbTest.File", ErrorCategory.ReadError, target),
        // PowerShell's own, such as a path that is not there or a pipeline that is stopping, say what they are.
        RuntimeException => null,
        InvalidOperationException => new ErrorRecord(fault, "LbTest.Operation", ErrorCategory.InvalidOperation, target),
        _ => null,
    };

    private static ErrorCategory Category(KubernetesFault fault) => fault switch
    {
        KubernetesFault.Unreachable => ErrorCategory.ConnectionError,
        KubernetesFault.Config => ErrorCategory.ObjectNotFound,
        KubernetesFault.Unauthorized => ErrorCategory.AuthenticationError,
        KubernetesFault.Forbidden => ErrorCategory.PermissionDenied,
        KubernetesFault.NotFound => ErrorCategory.ObjectNotFound,
        KubernetesFault.Conflict => ErrorCategory.ResourceExists,
        KubernetesFault.Invalid => ErrorCategory.InvalidData,
        _ => ErrorCategory.NotSpecified,
    };

    /// <summary>Nothing of this name is there.</summary>
    internal static ErrorRecord NotFound(string what, string name, string remedy)
    {
        string message = $"There is no {what} '{name}'. {remedy}.";
        return new ErrorRecord(new ItemNotFoundException(message), "LbTest.NotFound", ErrorCategory.ObjectNotFound, name)
        {
            ErrorDetails = new ErrorDetails(message) { RecommendedAction = remedy },
        };
    }

    private static ErrorRecord Plan(PlanException plan) => new(plan, $"LbTest.{plan.Parameter}", ErrorCategory.InvalidArgument, plan.Value)
    {
        ErrorDetails = new ErrorDetails(plan.Message) { RecommendedAction = plan.Remedy },
    };

    // What .NET appends (the parameter's name and the value) the message says already.
    private static ErrorRecord OutOfRange(ArgumentOutOfRangeException range)
    {
        string message = range.Message.Split(" (Parameter ")[0];
        return new ErrorRecord(range, $"LbTest.{range.ParamName}", ErrorCategory.InvalidArgument, range.ActualValue)
        {
            ErrorDetails = new ErrorDetails(message),
        };
    }
}
