using System.Security.Cryptography;
using System.Text;

namespace LbTest.Clusters.Lab.Dataplanes;

/// <summary>The hash in kube-proxy's chain names: the first characters of the base32 (RFC 4648) of a SHA-256.</summary>
internal static class KubeHash
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    internal static string Of(string text, int length) => string.Create(length, text, static (hash, text) =>
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), digest);
        for (int i = 0; i < hash.Length; i++)
        {
            // Character i is the five bits from bit 5i on; they lie in at most two bytes.
            (int first, int bit) = Math.DivRem(5 * i, 8);
            int pair = (digest[first] << 8) | digest[first + 1];
            hash[i] = Alphabet[(pair >> (11 - bit)) & 31];
        }
    });
}
