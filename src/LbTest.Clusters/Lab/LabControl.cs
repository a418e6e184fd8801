namespace LbTest.Clusters.Lab;

/// <summary>Puts a <see cref="LabState"/> in force: compares it with what is, and changes what differs, in the order in which it would happen.</summary>
/// <remarks>
/// In two parts, as in a cluster: what happens to endpoints and nodes happens at once, and the nodes' rules follow, which may take a while.
/// While they do, the next state may begin; what follows is always the latest one.
/// </remarks>
internal sealed class LabControl(LabTopology topology, LabNetwork network, LabRules rules, LabServers servers)
{
    private readonly HashSet<string> _silent = [], _refusing = [];
    private readonly Lock _routing = new();
    private volatile LabState _state = new(topology);
    private ImmutableArray<string> _ecmp = [.. topology.EntryNodes.Select(node => node.Name)];

    /// <summary>The state that was asked for last.</summary>
    internal LabState State => _state;

    /// <summary>Puts a state in force, all of it that can be.</summary>
    /// <param name="state">The state.</param>
    /// <param name="forgetDatagrams">True: nodes forget the UDP flows of endpoints that leave the rules.</param>
    /// <returns>What could not be done; empty when all was.</returns>
    internal ImmutableArray<string> Enforce(LabState state, bool forgetDatagrams = false) => [.. Begin(state).Errors, .. Follow(forgetDatagrams)];

    /// <summary>Does what happens by itself: endpoints and nodes fall silent, die and come back, and the router leaves targets out. Called by one thread at a time.</summary>
    /// <returns>What could not be done, and whether anything is left that has to follow.</returns>
    internal (ImmutableArray<string> Errors, bool Left) Begin(LabState state)
    {
        var errors = new List<string>();
        LabState before = _state;
        _state = state;
        // What dies does so before anybody notices …
        ForAll([.. state.Silent.Except(_silent)], Silence);
        foreach (string name in state.Refusing.Where(r => r.Value == ConnectionEnd.Reset).Select(r => r.Key)) Try(errors, () => Refuse(name, ConnectionEnd.Reset));
        // … who left the rules at an earlier time closes when its own time has come, whether or not all nodes have followed …
        foreach (string name in Closing(state).Where(before.Out.Contains)) Try(errors, () => Refuse(name, ConnectionEnd.Close));
        // … and what comes back answers before anybody sends to it.
        ForAll([.. _silent.Except(state.Silent)], EndSilence);
        string[] back;
        bool closes;
        lock (_refusing) (back, closes) = ([.. _refusing.Except(state.Refusing.Keys)], Closing(state).Any(name => !_refusing.Contains(name)));
        foreach (string name in back) Try(errors, () => Serve(name));
        if (state.EcmpTargets.Length < _ecmp.Length) Try(errors, Route);
        // A node that was cut off has to catch up, even where nothing has changed for the others.
        bool left = before.RulesKey != state.RulesKey || before.Silent.Except(state.Silent).Count > 0 || !Targets(state).SequenceEqual(_ecmp) || closes;
        return ([.. errors], left);

        void ForAll(string[] places, Action<string> work) => SideBySide.Run(places, place => place, place => Try(errors, () => work(place)));
    }

    /// <summary>Has the nodes' rules follow the state that was asked for last, then the router, then those that close once they are out of the rules. Called by one thread at a time.</summary>
    /// <returns>What could not be done; empty when all was.</returns>
    internal ImmutableArray<string> Follow(bool forgetDatagrams = false)
    {
        var errors = new List<string>();
        LabState followed = _state;
        Try(errors, () => rules.Apply(followed, forgetDatagrams));
        Try(errors, Route);
        foreach (string name in Closing(_state).Where(followed.Out.Contains)) Try(errors, () => Refuse(name, ConnectionEnd.Close));
        return [.. errors];
    }

    private static IEnumerable<string> Closing(LabState state) => state.Refusing.Where(r => r.Value == ConnectionEnd.Close).Select(r => r.Key);

    private static IEnumerable<string> Targets(LabState state) => state.EcmpTargets.Select(node => node.Name);

    private void Route()
    {
        lock (_routing)
        {
            LabState state = _state;
            if (Targets(state).SequenceEqual(_ecmp)) return;
            network.SetEcmpTargets(state.EcmpTargets);
            _ecmp = [.. Targets(state)];
        }
    }

    private void Silence(string place)
    {
        lock (_silent) _ = _silent.Add(place);
        LabSilence.Begin();
    }

    private void EndSilence(string place)
    {
        LabSilence.End();
        lock (_silent) _ = _silent.Remove(place);
    }

    private void Refuse(string name, ConnectionEnd end)
    {
        lock (_refusing)
        {
            if (_refusing.Add(name)) servers.Refuse(name, end);
        }
    }

    private void Serve(string name)
    {
        lock (_refusing)
        {
            servers.Serve(name);
            _ = _refusing.Remove(name);
        }
    }

    private static void Try(List<string> errors, Action work)
    {
        if (Attempt.To(work) is { } error) lock (errors) errors.Add(error);
    }
}
