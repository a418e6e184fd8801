using System.Collections;
using System.Collections.Immutable;
using System.Reflection;

namespace LbTest.Cmdlets.Parameters;

/// <summary>Makes a record from a bag of its properties: what PowerShell's serialisation leaves of it.</summary>
/// <remarks>Properties that the bag lacks keep their defaults.</remarks>
internal static class Restoration
{
    private static readonly MethodInfo ToImmutable = typeof(ImmutableArray).GetMethods().Single(m => m.Name == nameof(ImmutableArray.Create) && m.GetParameters() is [{ ParameterType.IsSZArray: true }]);

    internal static object Restore(Type type, PSObject bag)
    {
        // Of a positional record that takes all properties; of others it takes none.
        ConstructorInfo constructor = type.GetConstructors().MaxBy(c => c.GetParameters().Length)!;
        object made = constructor.Invoke([.. constructor.GetParameters().Select(parameter => Value(parameter.ParameterType, bag.Properties[parameter.Name!]?.Value))]);
        foreach (PropertyInfo property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite))
        {
            if (bag.Properties[property.Name]?.Value is { } value) property.SetValue(made, Value(property.PropertyType, value));
        }

        return made;
    }

    private static object? Value(Type type, object? value)
    {
        if (value is null) return type.IsValueType ? Activator.CreateInstance(type) : null;
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type == typeof(DateTimeOffset) ? Time(PSObject.AsPSObject(value))
            : type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ImmutableArray<>) ? Items(type.GetGenericArguments()[0], value)
            : type.Namespace?.StartsWith(nameof(LbTest), StringComparison.Ordinal) == true && !type.IsEnum ? Restore(type, PSObject.AsPSObject(value))
            : LanguagePrimitives.ConvertTo(value, type, System.Globalization.CultureInfo.InvariantCulture);
    }

    private static object? Items(Type type, object value)
    {
        object?[] items = [.. ((value is PSObject wrapped ? wrapped.BaseObject : value) as IEnumerable ?? Array.Empty<object>()).Cast<object?>().Select(item => Value(type, item))];
        var typed = Array.CreateInstance(type, items.Length);
        items.CopyTo(typed, 0);
        return ToImmutable.MakeGenericMethod(type).Invoke(null, [typed]);
    }

    private static DateTimeOffset Time(PSObject bag) => bag.BaseObject is DateTimeOffset time ? time
        : bag.Properties[nameof(DateTimeOffset.UtcDateTime)]?.Value is { } utc ? new DateTimeOffset(LanguagePrimitives.ConvertTo<DateTime>(utc), TimeSpan.Zero) : default;
}
