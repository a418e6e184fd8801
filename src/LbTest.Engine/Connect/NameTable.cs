namespace LbTest.Engine.Connect;

/// <summary>The endpoint names that one worker knows, with their counts. Looks a name up by its bytes without allocating.</summary>
/// <remarks>
/// The protocol frames nothing: a name ends where the server stops sending. One read that returns a known name which is not the
/// beginning of another one is the whole name; anything else, once per name and worker, has to be confirmed (see <see cref="Confirm"/>).
/// </remarks>
internal sealed class NameTable
{
    private readonly Dictionary<byte[], int> _indexes = new(ByteKeys.Instance);
    private readonly Dictionary<byte[], int>.AlternateLookup<ReadOnlySpan<byte>> _lookup;
    private readonly List<Entry> _entries = [];

    internal NameTable(ImmutableArray<ExpectedEndpoint> expected)
    {
        _lookup = _indexes.GetAlternateLookup<ReadOnlySpan<byte>>();
        foreach (ExpectedEndpoint endpoint in expected) _ = Add(System.Text.Encoding.UTF8.GetBytes(endpoint.Name));
        ExpectedCount = _entries.Count;
    }

    private sealed record Entry(byte[] Name)
    {
        internal string Text { get; } = System.Text.Encoding.UTF8.GetString(Name);

        internal bool Ambiguous;
        internal long Connections;
    }

    /// <summary>How many names the cluster listed; names with a higher index came from servers.</summary>
    internal int ExpectedCount { get; }

    /// <summary>The names and their counts. May be read while the worker adds names: one that is just being added may be missing.</summary>
    internal IEnumerable<(string Name, long Connections)> Counts
    {
        get
        {
            for (int i = 0; i < _entries.Count; i++)
            {
                if (_entries[i] is Entry entry) yield return (entry.Text, entry.Connections);
            }
        }
    }

    /// <summary>The index of a name that <paramref name="bytes"/> is beyond doubt; −1 when it must be confirmed.</summary>
    internal int Find(ReadOnlySpan<byte> bytes) =>
        _lookup.TryGetValue(bytes, out int index) && !_entries[index].Ambiguous ? index : -1;

    /// <summary>The index of a datagram's name, which is whole by nature; adds it when it is new.</summary>
    internal int FindOrAdd(ReadOnlySpan<byte> bytes) => _lookup.TryGetValue(bytes, out int index) ? index : Add(bytes.ToArray());

    /// <summary>
    /// The index of the name in <paramref name="received"/>: all bytes up to the end of a stream on which the name was asked for once
    /// more, so a server of this protocol has sent it twice; −1 when it did not, since then nothing tells a name from half a name.
    /// The first <paramref name="unasked"/> bytes came before the request, so they are no more than the first of the two.
    /// </summary>
    internal int Confirm(ReadOnlySpan<byte> received, int unasked)
    {
        int half = received.Length / 2;
        bool twice = half >= Math.Max(1, unasked) && received.Length % 2 == 0 && received[..half].SequenceEqual(received[half..]);
        return twice ? FindOrAdd(received[..half]) : -1;
    }

    /// <summary>The name with this index.</summary>
    internal string NameAt(int index) => _entries[index].Text;

    internal void Count(int index) => _entries[index].Connections++;

    private int Add(byte[] name)
    {
        if (_indexes.TryGetValue(name, out int known)) return known;
        var added = new Entry(name);
        foreach (Entry entry in _entries)
        {
            if (entry.Name.AsSpan().StartsWith(name)) added.Ambiguous = true;
            if (name.AsSpan().StartsWith(entry.Name)) entry.Ambiguous = true;
        }

        _entries.Add(added);
        _indexes.Add(name, _entries.Count - 1);
        return _entries.Count - 1;
    }

    private sealed class ByteKeys : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        internal static readonly ByteKeys Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(byte[] name) => GetHashCode(name.AsSpan());

        public int GetHashCode(ReadOnlySpan<byte> name)
        {
            var hash = default(HashCode);
            hash.AddBytes(name);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
