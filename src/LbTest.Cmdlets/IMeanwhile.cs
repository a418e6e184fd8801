namespace LbTest.Cmdlets;

/// <summary>What the pipeline's thread does while work goes on beside it.</summary>
internal interface IMeanwhile
{
    /// <summary>Set when there is something to do at once.</summary>
    WaitHandle Wake { get; }

    /// <summary>How long until there is something to do anyway; <see cref="TimeSpan.MaxValue"/> when nothing is planned.</summary>
    TimeSpan NextDue { get; }

    /// <summary>Does what there is to do. Called on the pipeline's thread; when it throws, the work is cancelled.</summary>
    void Act();
}
