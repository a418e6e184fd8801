namespace LbTest.Engine.Analysis;

/// <summary>What a balance test says about how connections were spread over endpoints.</summary>
public enum Verdict
{
    /// <summary>Neither tail of the test is significant: the spread looks like independent random choices by the expected shares.</summary>
    ConsistentWithRandom,

    /// <summary>The lower tail is significant: the spread is more even than random choices give, as round robin's is.</summary>
    EvenerThanRandom,

    /// <summary>The upper tail is significant: some endpoints got more, or less, than chance explains.</summary>
    Uneven,

    /// <summary>There was nothing to test: no connections, or fewer than two endpoints that expect any.</summary>
    Undetermined,
}
