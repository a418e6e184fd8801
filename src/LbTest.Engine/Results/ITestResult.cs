using LbTest.Engine.Connect;
using LbTest.Engine.Sockets;

namespace LbTest.Engine.Results;

/// <summary>What results of every kind of test have in common.</summary>
public interface ITestResult
{
    /// <summary>Which kind of result this is, <c>connect</c> or <c>traffic</c>: the first thing a reader of the JSON looks at.</summary>
    string Kind { get; }

    /// <summary>The version of the kind's JSON schema.</summary>
    int SchemaVersion { get; }

    /// <summary>The user's name for the run.</summary>
    string? Label { get; }

    /// <summary>When the test started, UTC.</summary>
    DateTimeOffset Started { get; }

    /// <summary>How long it took.</summary>
    TimeSpan Duration { get; }

    /// <summary>False when it was stopped before its end; <see cref="Reason"/> says why.</summary>
    bool Completed { get; }

    /// <summary>Why the test is not complete; null when it is.</summary>
    string? Reason { get; }

    /// <summary>Where the connections went.</summary>
    string Target { get; }

    /// <summary>TCP or UDP.</summary>
    TransportProtocol Protocol { get; }

    /// <summary>What was under test and from where.</summary>
    TestContext? Context { get; }

    /// <summary>What the reader should know before trusting the numbers.</summary>
    ImmutableArray<string> Warnings { get; }

    /// <summary>The machine, kernel and version that made it; null when not known.</summary>
    string? Generator { get; }
}
