using System.Globalization;
using System.Text.RegularExpressions;
using LbTest.Engine;
using LbTest.Engine.Disturbances;

namespace LbTest.Clusters.Lab.Disturbances;

/// <summary>Which endpoints or nodes a disturbance means: by name, by number or by share.</summary>
internal static partial class Selection
{
    /// <summary>Chooses among those that can be.</summary>
    /// <param name="of">The disturbance.</param>
    /// <param name="all">The names of all that exist.</param>
    /// <param name="able">True for one that it can happen to now.</param>
    /// <param name="noun">What they are, e.g. <c>endpoint</c>.</param>
    /// <param name="wanted">What one has to be, e.g. <c>up</c>.</param>
    /// <param name="random">Chooses.</param>
    /// <exception cref="PlanException">There is none of that name, or not enough that it can happen to.</exception>
    internal static ImmutableArray<string> Choose(Disturbance of, ImmutableArray<string> all, Func<string, bool> able, string noun, string wanted, Random random)
    {
        string at = Seconds(of.At);
        if (!of.Name.IsDefaultOrEmpty)
        {
            ImmutableArray<string> named = Named(of.Name, all, $"is no {noun} of this cluster at {at}");
            ImmutableArray<string> chosen = [.. named.Where(able)];
            PlanException.Require(!chosen.IsEmpty, nameof(of.Name), string.Join(", ", of.Name), $"is no {noun} that is {wanted} at {at}", $"Choose another, or another time for this {of.Kind}");
            return chosen;
        }

        string[] candidates = [.. all.Where(able)];
        PlanException.Require(candidates.Length > 0, nameof(of.Kind), of.Kind, $"at {at} finds no {noun} that is {wanted}", "Give it another time, or leave it out");
        if (of.Count is null && of.Share is null) return [.. candidates];
        int count = of.Count ?? Math.Min(candidates.Length, Math.Max(1, (int)Math.Round(of.Share!.Value * all.Length, MidpointRounding.AwayFromZero)));
        PlanException.Require(count <= candidates.Length, nameof(of.Count), count, $"is more than the {candidates.Length} {noun}s that are {wanted} at {at}", "Give at most that");
        var picked = candidates.ToArray();
        random.Shuffle(picked);
        var set = picked.Take(count).ToHashSet(StringComparer.Ordinal);
        return [.. all.Where(set.Contains)];
    }

    /// <summary>Those that names, with wildcards, stand for.</summary>
    /// <exception cref="PlanException">One stands for none.</exception>
    internal static ImmutableArray<string> Named(ImmutableArray<string> patterns, ImmutableArray<string> all, string problem)
    {
        var matched = new HashSet<string>(StringComparer.Ordinal);
        foreach (string pattern in patterns)
        {
            Regex expression = Expression(pattern);
            string[] matches = [.. all.Where(name => expression.IsMatch(name))];
            PlanException.Require(matches.Length > 0, "Name", pattern, problem, all.IsEmpty ? "There is none" : $"Use {Known(all)}");
            matched.UnionWith(matches);
        }

        return [.. all.Where(matched.Contains)];
    }

    // PowerShell's wildcards: '*', '?' and '[ab]'. A bracket that nothing closes stands for itself.
    private static Regex Expression(string pattern)
    {
        string expression = Regex.Escape(pattern).Replace(@"\*", ".*", StringComparison.Ordinal).Replace(@"\?", ".", StringComparison.Ordinal);
        expression = Brackets().Replace(expression, "[$1]");
        return new Regex($"^{expression}$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);
    }

    [GeneratedRegex(@"\\\[([\w-]+)\]")]
    private static partial Regex Brackets();

    // In families: node-1 to node-4, tserver-001 to tserver-100.
    private static string Known(ImmutableArray<string> all) => string.Join(", ", all.GroupBy(name => name[..(name.IndexOf('-') + 1)])
        .Select(family => family.Count() == 1 ? family.First() : $"{family.First()} to {family.Last()}"));

    /// <summary>A few names as they stand in a sentence: <c>endpoint tserver-001</c>, <c>endpoints a, b, c and 4 more</c>.</summary>
    internal static string Words(string noun, IReadOnlyCollection<string> names) => $"{noun}{(names.Count == 1 ? "" : "s")} {Words(names)}";

    /// <summary>The same without saying what they are.</summary>
    internal static string Words(IReadOnlyCollection<string> names) => $"{string.Join(", ", names.Take(3))}{(names.Count > 3 ? $" and {names.Count - 3} more" : "")}";

    /// <summary>A sentence about them: <c>endpoint tserver-001 is back</c>, <c>endpoints a, b are back</c>.</summary>
    internal static string Say(string noun, IReadOnlyCollection<string> names, Does does) => $"{Words(noun, names)} {(names.Count == 1 ? does.One : does.Many)}";

    internal static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.###} s");
}

/// <summary>What one of them does, and what several do.</summary>
internal sealed record Does(string One, string Many)
{
    internal static Does IsBack { get; } = new("is back", "are back");

    internal static Does LeavesRules { get; } = new("leaves the rules", "leave the rules");

    internal static Does Closes { get; } = new("closes its connections", "close their connections");

    internal static Does Resets { get; } = new("resets its connections", "reset their connections");

    internal static Does FallsSilent { get; } = new("falls silent", "fall silent");

    internal static Does IsLeftOut { get; } = new("is left out by the others", "are left out by the others");

    internal static Does IsReady { get; } = new("is ready", "are ready");

    internal Does And(Does then) => new($"{One} and {then.One}", $"{Many} and {then.Many}");
}
