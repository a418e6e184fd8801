using System.Globalization;

namespace LbTest.Cmdlets.Parameters;

/// <summary>Lets users type a time span as a number of seconds, as <c>500ms</c>, <c>5s</c>, <c>2m</c>, <c>1h</c>, or as <c>00:00:05</c>.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SecondsAttribute : ArgumentTransformationAttribute
{
    private static readonly (string Suffix, double Seconds)[] Units = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600)];

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        object? value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        return value is null or TimeSpan ? value
            : Seconds(value) is { } seconds && Math.Abs(seconds) < TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromSeconds(seconds)
            : value is string text && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out TimeSpan span) ? span
            : throw new ArgumentTransformationMetadataException($"'{value}' is not a time span. Give seconds, or a text such as '500ms', '5s', '2m', '1h' or '00:00:05'.");
    }

    private static double? Seconds(object value)
    {
        if (value is not string text) return value is IConvertible and not (bool or char or DateTime) ? Convert.ToDouble(value, CultureInfo.InvariantCulture) : null;
        (string suffix, double unit) = Units.FirstOrDefault(u => text.EndsWith(u.Suffix, StringComparison.OrdinalIgnoreCase), ("", 1));
        return double.TryParse(text[..^suffix.Length], NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number * unit : null;
    }
}
