using MathNet.Numerics.Distributions;
using MathNet.Numerics.Random;

namespace LbTest.Engine.Analysis;

/// <summary>Draws random spreads of n connections over endpoints with given shares, and tests an observed spread against them.</summary>
internal sealed class MultinomialSimulation
{
    // One Poisson variate costs about as much as this many single draws.
    private const int PoissonCost = 30;

    // Single draws in about a second.
    private const double Budget = 1e8;

    private readonly long _connections;
    private readonly double[] _shares;
    private readonly double _poissonMean;
    private readonly Xoshiro256StarStar _random;
    private readonly double[] _threshold;
    private readonly int[] _alias;

    public MultinomialSimulation(long connections, double[] shares, int seed)
    {
        _connections = connections;
        _shares = shares;
        _random = new Xoshiro256StarStar(seed, threadSafe: false);
        (_threshold, _alias) = AliasTable(shares);

        // Four standard deviations below n, a Poisson number of connections hardly ever exceeds n.
        double mean = connections - 4 * Math.Sqrt(connections);
        if (Cost(mean) < connections)
            _poissonMean = mean;
    }

    /// <summary>
    /// How many simulations to run: those asked for, or where they would take more than about a second fewer, but still
    /// enough (20/α) that the critical tail, of α/2, holds ten of them.
    /// </summary>
    public int Affordable(int wanted, double alpha) => Affordable(_poissonMean > 0 ? Cost(_poissonMean) : _connections, wanted, alpha);

    /// <summary>The same where a simulation costs as much as <paramref name="cost"/> single draws.</summary>
    public static int Affordable(double cost, int wanted, double alpha)
    {
        if (wanted + 1.0 < 2 / alpha)
        {
            throw Require.Error(nameof(BalanceOptions.Simulations), wanted, string.Create(CultureInfo.InvariantCulture,
                $"Simulations is {wanted}, too few for α = {alpha}: no simulated probability is below 1/(Simulations + 1). ")
                + "Give at least 20/α simulations, or a larger α, or make more connections.");
        }

        return (int)Math.Min(wanted, Math.Max(20 / alpha, Budget / cost));
    }

    /// <summary>
    /// Estimates the tail probabilities of the observed statistic as (r + 1) / (N + 1), ties counted in both
    /// (Davison, Hinkley: Bootstrap Methods and their Application, 1997, section 4.2).
    /// </summary>
    public (double Lower, double Upper) Tails(ScaledSquares statistic, double observed, int simulations)
    {
        int lower = 1, upper = 1;
        var counts = new long[_shares.Length];
        for (int i = 0; i < simulations; i++)
        {
            int order = ScaledSquares.Compare(Draw(counts, statistic), observed);
            if (order <= 0) lower++;
            if (order >= 0) upper++;
        }

        return (lower / (simulations + 1.0), upper / (simulations + 1.0));
    }

    /// <summary>Fills <paramref name="counts"/> with one random spread.</summary>
    /// <returns>The statistic of it.</returns>
    /// <remarks>
    /// Where n is large, most of it comes as independent Poisson counts: given their total they are multinomial, and the
    /// missing connections, drawn one by one, make the total n. That is exact, and takes k + O(√n) draws instead of n.
    /// </remarks>
    public double Draw(long[] counts, ScaledSquares statistic)
    {
        long missing;
        do
        {
            missing = _connections;
            Array.Clear(counts);
            for (int i = 0; _poissonMean > 0 && i < counts.Length; i++)
                missing -= counts[i] = Poisson.Sample(_random, _poissonMean * _shares[i]);
        }
        while (missing < 0);

        double value = statistic.Of(counts);
        for (; missing > 0; missing--)
        {
            int endpoint = Next();
            long count = counts[endpoint]++;
            value += statistic.Change(endpoint, count, count + 1);
        }

        return value;
    }

    private double Cost(double poissonMean) => _shares.Length * PoissonCost + _connections - poissonMean;

    private int Next()
    {
        double position = _random.NextDouble() * _threshold.Length;
        int slot = (int)position;
        return position - slot < _threshold[slot] ? slot : _alias[slot];
    }

    /// <summary>Each slot holds its own endpoint and one other (Vose: IEEE Transactions on Software Engineering 17, 1991).</summary>
    private static (double[] Threshold, int[] Alias) AliasTable(double[] shares)
    {
        int k = shares.Length;
        var alias = new int[k];
        double[] threshold = [.. shares.Select(p => p * k)];
        var small = new Stack<int>(Enumerable.Range(0, k).Where(i => threshold[i] < 1));
        var large = new Stack<int>(Enumerable.Range(0, k).Where(i => threshold[i] >= 1));
        while (small.Count > 0 && large.Count > 0)
        {
            int little = small.Pop(), much = large.Pop();
            alias[little] = much;
            threshold[much] -= 1 - threshold[little];
            (threshold[much] < 1 ? small : large).Push(much);
        }

        // What is left differs from 1 by rounding only.
        foreach (int slot in small.Concat(large))
            threshold[slot] = 1;
        return (threshold, alias);
    }
}
