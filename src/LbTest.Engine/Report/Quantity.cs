using LbTest.Engine.Analysis;

namespace LbTest.Engine.Report;

/// <summary>Numbers as a reader wants them: rounded, with their unit.</summary>
internal static class Quantity
{
    /// <summary>What stands where there is no number.</summary>
    internal const string None = "–";

    private static readonly string[] Prefixes = ["", "k", "M", "G", "T"];

    internal static string Count(long? number) => number?.ToString("N0", CultureInfo.InvariantCulture) ?? None;

    internal static string Number(double? number, int digits = 2) => number?.ToString("#,0." + new string('#', digits), CultureInfo.InvariantCulture) ?? None;

    /// <summary>A number of connections that is an expectation: whole where it is whole.</summary>
    internal static string Expectation(double? number) => Number(number, 1);

    internal static string Ratio(double? ratio) => ratio?.ToString("0.00", CultureInfo.InvariantCulture) ?? None;

    internal static string Share(double? share) => share is { } s ? string.Create(CultureInfo.InvariantCulture, $"{100 * s:0.##} %") : None;

    /// <summary>A duration in the unit that suits it.</summary>
    internal static string Duration(TimeSpan? time) => time switch
    {
        null => None,
        { Ticks: 0 } => "0 s",
        { TotalSeconds: >= 1 } t => string.Create(CultureInfo.InvariantCulture, $"{t.TotalSeconds:#,0.##} s"),
        { TotalMilliseconds: >= 1 } t => string.Create(CultureInfo.InvariantCulture, $"{t.TotalMilliseconds:0.#} ms"),
        { } t => string.Create(CultureInfo.InvariantCulture, $"{t.TotalMicroseconds:0.#} µs"),
    };

    /// <summary>Seconds from the start, for columns: always in seconds.</summary>
    internal static string Time(TimeSpan? time) => time?.TotalSeconds.ToString("#,0.00", CultureInfo.InvariantCulture) ?? None;

    internal static string Milliseconds(TimeSpan? time) => time?.TotalMilliseconds.ToString("#,0.000", CultureInfo.InvariantCulture) ?? None;

    /// <summary>A rate with a decimal prefix: <c>1.25 MB/s</c>.</summary>
    internal static string BytesPerSecond(double rate)
    {
        int prefix = rate < 1000 ? 0 : Math.Min(Prefixes.Length - 1, (int)Math.Log10(rate) / 3);
        return string.Create(CultureInfo.InvariantCulture, $"{rate / Math.Pow(1000, prefix):#,0.##} {Prefixes[prefix]}B/s");
    }

    internal static string Of(long count, string noun) => string.Create(CultureInfo.InvariantCulture, $"{count:N0} {noun}{(count == 1 ? "" : "s")}");

    internal static string Word(Verdict verdict) => verdict switch
    {
        Verdict.ConsistentWithRandom => "Consistent with random",
        Verdict.EvenerThanRandom => "Evener than random",
        Verdict.Uneven => "Uneven",
        _ => "Undetermined",
    };
}
