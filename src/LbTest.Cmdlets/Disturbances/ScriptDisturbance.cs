using LbTest.Engine.Disturbances;

namespace LbTest.Cmdlets.Disturbances;

/// <summary>A disturbance that is a script of the user's.</summary>
public sealed record ScriptDisturbance : Disturbance
{
    /// <summary>Called at its time, with the cluster as <c>$_</c> and as first argument.</summary>
    public required ScriptBlock ScriptBlock { get; init; }

    /// <summary>Called to undo it, after <see cref="Disturbance.Duration"/> or at the end of the test; null when there is nothing to undo.</summary>
    public ScriptBlock? UndoScriptBlock { get; init; }
}
