using System.Text;
using LbTest.Engine.Connect;

namespace LbTest.Engine.Tests.Connect;

/// <summary>What one read tells of a name, and what has to be asked for again.</summary>
public sealed class NameTableTests
{
    [Fact]
    public void A_listed_name_is_known_at_once() => Assert.Equal(1, Of("a", "b").Find("b"u8));

    [Fact]
    public void A_name_never_heard_of_has_to_be_confirmed() => Assert.Equal(-1, Of("a", "b").Find("c"u8));

    [Fact]
    public void A_name_that_another_one_begins_with_has_to_be_confirmed()
    {
        NameTable names = Of("pod-10", "pod-1");

        Assert.Equal(-1, names.Find("pod-1"u8));
        Assert.Equal(0, names.Find("pod-10"u8));
    }

    [Fact]
    public void A_longer_name_makes_the_beginning_of_it_doubtful_later_too()
    {
        NameTable names = Of("pod-1");
        Assert.Equal(0, names.Find("pod-1"u8));

        _ = names.FindOrAdd("pod-10"u8);

        Assert.Equal(-1, names.Find("pod-1"u8));
    }

    [Theory]
    [InlineData("pod-1pod-1", 5, "pod-1")]
    [InlineData("pod-1pod-1", 2, "pod-1")] // the first copy came in pieces
    [InlineData("aaaa", 2, "aa")]
    [InlineData("pod-1pod-10", 5, null)]
    [InlineData("pod-1", 5, null)] // silence after the request
    [InlineData("aa", 2, null)] // silence too: all of it came before the request
    [InlineData("abcabcabc", 3, null)]
    [InlineData("", 0, null)]
    public void A_name_is_confirmed_when_it_comes_twice(string received, int unasked, string? name)
    {
        NameTable names = Of();

        int index = names.Confirm(Encoding.ASCII.GetBytes(received), unasked);

        Assert.Equal(name, index < 0 ? null : names.Counts.ElementAt(index).Name);
    }

    [Fact]
    public void Counts_keep_the_order_in_which_names_came()
    {
        NameTable names = Of("b", "a", "b");
        names.Count(names.FindOrAdd("c"u8));
        names.Count(names.FindOrAdd("a"u8));
        names.Count(names.FindOrAdd("a"u8));

        Assert.Equal([("b", 0), ("a", 2), ("c", 1)], names.Counts);
    }

    private static NameTable Of(params string[] names) => new(Loopback.Named(names));
}
