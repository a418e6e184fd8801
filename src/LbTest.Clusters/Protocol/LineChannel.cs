using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace LbTest.Clusters.Protocol;

/// <summary>JSON lines over a pair of streams: one message a line, UTF-8. Reading and writing may go on at the same time.</summary>
internal sealed class LineChannel(Stream input, Stream output) : IDisposable
{
    private readonly StreamReader _reader = new(input, Encoding.UTF8);
    private readonly SemaphoreSlim _writing = new(1);

    /// <summary>The next message; null when the other side is gone.</summary>
    /// <exception cref="JsonException">The line is no such message.</exception>
    internal async Task<T?> ReadAsync<T>(JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return await _reader.ReadLineAsync().ConfigureAwait(false) is { } line ? JsonSerializer.Deserialize(line, type) : null;
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            return null;
        }
    }

    /// <summary>Sends a message; false when the other side is gone.</summary>
    internal async Task<bool> WriteAsync<T>(T message, JsonTypeInfo<T> type)
    {
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(message, type), (byte)'\n'];
        await _writing.WaitAsync().ConfigureAwait(false);
        try
        {
            await output.WriteAsync(line).ConfigureAwait(false);
            await output.FlushAsync().ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            return false;
        }
        finally
        {
            _ = _writing.Release();
        }
    }

    public void Dispose()
    {
        output.Dispose();
        _reader.Dispose();
    }
}
