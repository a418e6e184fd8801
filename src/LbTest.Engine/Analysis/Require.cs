namespace LbTest.Engine.Analysis;

/// <summary>Checks of arguments; each error names the parameter, the value it had, and the remedy.</summary>
internal static class Require
{
    /// <summary>Accepts a number strictly between 0 and 1; NaN is none.</summary>
    public static double Fraction(double value, string name, string example) =>
        value is > 0 and < 1
            ? value
            : throw Error(name, value, $"{name} is {Text(value)}. Give a number above 0 and below 1, such as {example}.");

    /// <summary>Accepts a whole number that is at least <paramref name="minimum"/>.</summary>
    public static long AtLeast(long value, long minimum, string name) =>
        value >= minimum ? value : throw Error(name, value, $"{name} is {Text(value)}. Give {Text(minimum)} or more.");

    /// <summary>Accepts an overweight that the chosen endpoints can have at all.</summary>
    public static double Overweight(double value, double largest, string name) =>
        value > 0 && value <= largest
            ? value
            : throw Error(name, value, $"{name} is {Text(value)}. Give a number above 0 and at most {Text(largest)}: with that, "
                + "the overweight endpoints get every connection.");

    /// <summary>An error about a value that is out of range.</summary>
    public static ArgumentOutOfRangeException Error(string name, object value, string message) => new(name, value, message);

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
}
