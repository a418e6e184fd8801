using LbTest.Engine.Results;

namespace LbTest.Agent;

/// <summary>Results of any kind in files, or on standard input.</summary>
internal static class ResultFiles
{
    /// <summary>Reads them in order; '-' is standard input.</summary>
    /// <exception cref="FormatException">A file holds no result; the message names it.</exception>
    internal static async Task<List<ITestResult>> ReadAsync(string[] files, CancellationToken cancel)
    {
        var results = new List<ITestResult>();
        foreach (string file in files)
        {
            string text = file == "-" ? await Task.Run(Console.In.ReadToEnd, cancel).WaitAsync(cancel) : await File.ReadAllTextAsync(file, cancel);
            try
            {
                results.Add(ResultJson.ReadAny(text, Path.GetFileNameWithoutExtension(file)));
            }
            catch (FormatException exception)
            {
                throw new FormatException($"{file}: {exception.Message}", exception);
            }
        }

        return results;
    }
}
