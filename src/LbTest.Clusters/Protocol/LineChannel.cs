using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace LbTest.Clusters.Protocol;

/// <summary>Which end of a paced line a channel is, see <see cref="LinePace"/>.</summary>
internal enum LineEnd
{
    /// <summary>The line holds whatever is sent.</summary>
    Unpaced,

    /// <summary>What this end sends is paced.</summary>
    Sender,

    /// <summary>What this end receives is paced.</summary>
    Receiver,
}

/// <summary>JSON lines over a pair of streams: one message a line, UTF-8. Reading and writing may go on at the same time.</summary>
internal sealed class LineChannel : IDisposable
{
    private readonly StreamReader _reader;
    private readonly Stream _output;
    private readonly LinePace? _pace;
    private readonly SemaphoreSlim _writing = new(1);

    internal LineChannel(Stream input, Stream output, LineEnd end = LineEnd.Unpaced)
    {
        _output = output;
        _pace = end == LineEnd.Sender ? new LinePace() : null;
        _reader = new StreamReader(end == LineEnd.Receiver ? new PacedInput(input, () => Write("\n"u8.ToArray())) : input, Encoding.UTF8);
    }

    /// <summary>The next message; null when the other side is gone.</summary>
    /// <exception cref="JsonException">The line is no such message.</exception>
    internal async Task<T?> ReadAsync<T>(JsonTypeInfo<T> type) where T : class
    {
        try
        {
            while (await _reader.ReadLineAsync().ConfigureAwait(false) is { } line)
            {
                if (_pace is null || line.Length > 0) return JsonSerializer.Deserialize(line, type);
                _pace.PieceRead();
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // Gone.
        }

        _pace?.Dispose();
        return null;
    }

    /// <summary>Sends a message; false when the other side is gone.</summary>
    internal Task<bool> WriteAsync<T>(T message, JsonTypeInfo<T> type) => Write([.. JsonSerializer.SerializeToUtf8Bytes(message, type), (byte)'\n']);

    private async Task<bool> Write(byte[] line)
    {
        await _writing.WaitAsync().ConfigureAwait(false);
        try
        {
            int piece = _pace is null ? line.Length : LinePace.Piece;
            for (int sent = 0; sent < line.Length; sent += piece)
            {
                int count = Math.Min(piece, line.Length - sent);
                if (_pace is not null && !await _pace.RoomFor(count).ConfigureAwait(false)) return false;
                await _output.WriteAsync(line.AsMemory(sent, count)).ConfigureAwait(false);
                await _output.FlushAsync().ConfigureAwait(false);
            }

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
        _pace?.Dispose();
        _output.Dispose();
        _reader.Dispose();
    }
}
