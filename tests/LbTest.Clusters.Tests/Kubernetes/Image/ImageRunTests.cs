using System.Diagnostics;
using System.Formats.Tar;
using System.Text.Json.Nodes;
using LbTest.Engine.Results;

namespace LbTest.Clusters.Tests.Kubernetes.Image;

/// <summary>What is in the image runs with nothing else: a root that is read-only, nobody's user, no capability, no HOME.</summary>
public sealed class ImageRunTests(ImageFixture image) : IClassFixture<ImageFixture>
{
    // Its own network and mounts; then, as a user who may do nothing, a root that is the image.
    private const string Script = """
        set -eu
        root=$1 environment=$2
        mount --bind "$root" "$root"
        mount -o remount,bind,ro "$root"
        mount --rbind /proc "$root/proc"
        mount --rbind /dev "$root/dev"
        ip link set lo up
        if touch "$root/tmp/x" 2>/dev/null; then echo "the root can be written"; exit 3; fi
        unshare=$(command -v unshare)
        lbtest() { exec env -i $environment "$unshare" --user --map-user=65532 --map-group=65532 --root="$root" --wd=/ /lbtest "$@"; }
        lbtest serve --service Both --name pod &
        server=$!
        until (lbtest connect --address 127.0.0.1:5001 --count 1 >/dev/null); do sleep 0.1; done
        (lbtest connect --address '[::1]:5001' --count 300 --json)
        (lbtest traffic --address 127.0.0.1:5003 -c 3 --packets-per-second 60 --duration 1 --json >/dev/null)
        echo '{"id":1,"verb":"Clock"}' | lbtest agent
        kill -TERM $server
        wait $server
        """;

    [SkippableFact]
    public async Task The_agent_serves_and_connects_in_it()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Images are made on Linux.");
        string root = Path.Combine(image.Folder, "root");
        _ = Directory.CreateDirectory(root);
        await TarFile.ExtractToDirectoryAsync(new MemoryStream(image.Layer()), root, overwriteFiles: false);
        string environment = string.Join(' ', image.Config["config"]!["Env"]!.AsArray().Select(one => one!.GetValue<string>()));

        (int code, string output, string said) = await RunAsync("unshare", "--user", "--map-root-user", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", Script, "sh", root, environment);
        Skip.If(said.StartsWith("unshare: ", StringComparison.Ordinal) && Environment.GetEnvironmentVariable("CI") != "true", $"No user namespaces here: {said}");

        Assert.True(code == 0, said + output);
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("ready: pod on [::]:5001", lines[0], StringComparison.Ordinal);
        Assert.Equal(300, ResultJson.Read(output[output.IndexOf('{', StringComparison.Ordinal)..output.IndexOf("{\"id\"", StringComparison.Ordinal)]).Connections);
        JsonNode clock = JsonNode.Parse(lines.Single(line => line.StartsWith("{\"id\":1", StringComparison.Ordinal)))!;
        Assert.True(clock["done"]!.GetValue<bool>());
        Assert.StartsWith("served: ", lines[^1], StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Said)> RunAsync(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(), said = process.StandardError.ReadToEndAsync();
            await Task.WhenAll(output, said, process.WaitForExitAsync()).WaitAsync(TimeSpan.FromSeconds(120));
            return (process.ExitCode, await output, await said);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }
}
