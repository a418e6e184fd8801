using System.Text.Json;
using System.Text.Json.Serialization;

namespace LbTest.Engine.Results;

/// <summary>Time spans as a number of seconds, as every result file and log of the field has them.</summary>
public sealed class SecondsConverter : JsonConverter<TimeSpan>
{
    /// <inheritdoc/>
    public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        // Rounded, since TimeSpan.FromSeconds cuts off: what was written comes back to the tick.
        double ticks = Math.Round(reader.GetDouble() * TimeSpan.TicksPerSecond);
        return Math.Abs(ticks) < long.MaxValue ? new TimeSpan((long)ticks) : throw new JsonException("Not a number of seconds.");
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteNumberValue(value.TotalSeconds);
    }
}

/// <summary>IP address and port as <c>10.0.0.1:5001</c> or <c>[::1]:5001</c>.</summary>
public sealed class EndPointConverter : JsonConverter<IPEndPoint>
{
    /// <inheritdoc/>
    public override IPEndPoint? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        IPEndPoint.TryParse(reader.GetString() ?? "", out IPEndPoint? endPoint) ? endPoint : throw new JsonException("Not an address and port.");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, IPEndPoint value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(value);
        writer.WriteStringValue(value.ToString());
    }
}
