namespace LbTest.Engine;

/// <summary>A plan that cannot be carried out: the message names the parameter, its value and the remedy.</summary>
public sealed class PlanException : Exception
{
    /// <summary>Describes bad input.</summary>
    /// <param name="parameter">The parameter's name as the user knows it, e.g. <c>Count</c>.</param>
    /// <param name="value">The value it had.</param>
    /// <param name="problem">What is wrong with it.</param>
    /// <param name="remedy">What to do instead, a sentence without its full stop.</param>
    /// <param name="inner">The cause, if an exception was.</param>
    public PlanException(string parameter, object? value, string problem, string remedy, Exception? inner = null)
        : base(string.Create(CultureInfo.InvariantCulture, $"{parameter} '{value}' {problem}. {remedy}."), inner)
    {
        Parameter = parameter;
        Value = value;
        Remedy = remedy;
    }

    private PlanException(string message, string parameter, object? value, string remedy) : base(message) =>
        (Parameter, Value, Remedy) = (parameter, value, remedy);

    /// <summary>Throws when <paramref name="condition"/> does not hold.</summary>
    /// <exception cref="PlanException">It does not.</exception>
    public static void Require(bool condition, string parameter, object? value, string problem, string remedy)
    {
        if (!condition) throw new PlanException(parameter, value, problem, remedy);
    }

    /// <summary>Restores an exception that was found elsewhere, in an agent, and came here as text.</summary>
    public static PlanException Restored(string message, string parameter, object? value, string remedy) => new(message, parameter, value, remedy);

    /// <summary>The parameter's name.</summary>
    public string Parameter { get; }

    /// <summary>The value it had.</summary>
    public object? Value { get; }

    /// <summary>What to do instead.</summary>
    public string Remedy { get; }
}
