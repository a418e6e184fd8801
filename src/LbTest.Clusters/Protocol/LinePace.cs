namespace LbTest.Clusters.Protocol;

/// <summary>Keeps what is under way to the other end of a line below what that can hold.</summary>
/// <remarks>
/// The serial line of a user-mode kernel (6.1) holds 4,096 bytes that nobody has read. One more and its terminal asks for a pause, from which
/// the line never comes back. So the reader says for every piece that it has read it, by an empty line, and the sender waits for that.
/// </remarks>
internal sealed class LinePace : IDisposable
{
    /// <summary>How many bytes an empty line stands for.</summary>
    internal const int Piece = 1024;

    private const int Window = 3 * Piece;

    private readonly SemaphoreSlim _news = new(0);
    private long _sent, _read;
    private volatile bool _over;

    /// <summary>The other end has read another piece.</summary>
    internal void PieceRead()
    {
        _ = Interlocked.Add(ref _read, Piece);
        _ = _news.Release();
    }

    /// <summary>The other end is gone: nobody waits any more.</summary>
    public void Dispose()
    {
        _over = true;
        _ = _news.Release();
    }

    /// <summary>Waits until so many bytes (a piece at most) may be sent, one caller at a time; false when the other end is gone.</summary>
    internal async Task<bool> RoomFor(int bytes)
    {
        while (!_over && _sent + bytes - Interlocked.Read(ref _read) > Window) await _news.WaitAsync().ConfigureAwait(false);
        _sent += bytes;
        return !_over;
    }
}

/// <summary>The reading end of a paced line: calls back for every piece that was read.</summary>
internal sealed class PacedInput(Stream input, Func<Task> pieceRead) : Stream
{
    private long _read;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => _read;
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int count = await input.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        long before = _read / LinePace.Piece;
        _read += count;
        for (long piece = before; piece < _read / LinePace.Piece; piece++) await pieceRead().ConfigureAwait(false);
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) input.Dispose();
        base.Dispose(disposing);
    }
}
