using LbTest.Engine.Connect;

namespace LbTest.Clusters.Kubernetes.Vantage;

/// <summary>Adds up what several places report.</summary>
internal sealed class SumOfProgress(int places, IProgress<ConnectProgress>? progress)
{
    private readonly ConnectProgress?[] _last = new ConnectProgress?[places];

    internal IProgress<ConnectProgress> Of(int index) => new One(this, index);

    private void Report(int index, ConnectProgress value)
    {
        lock (_last)
        {
            _last[index] = value;
            ConnectProgress[] known = [.. _last.OfType<ConnectProgress>()];
            progress?.Report(places == 1 ? value : new ConnectProgress(known.Sum(one => one.Connections), known.Sum(one => one.Failed), known.Sum(one => one.Requested) * places / known.Length, known.Max(one => one.Elapsed), []));
        }
    }

    private sealed class One(SumOfProgress sum, int index) : IProgress<ConnectProgress>
    {
        public void Report(ConnectProgress value) => sum.Report(index, value);
    }
}
