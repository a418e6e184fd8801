using System.Collections.Immutable;
using System.Globalization;
using LbTest.Clusters.Kubernetes;
using LbTest.Clusters.Kubernetes.Api;

namespace LbTest.Clusters.Tests.Kubernetes;

/// <summary>The endpoints of a service, out of what clusters of different ages answer (see Answers/README.md for what is recorded and what is not).</summary>
public sealed class EndpointReadTests
{
    private const string V1 = "endpointslices.v1.discovery.k8s.io", V1Beta1 = "endpointslices.v1beta1.discovery.k8s.io", Endpoints = "endpoints";

    [Fact]
    public async Task Slices_v1_of_both_families_are_merged_by_pod_with_their_hints()
    {
        RecordedApi api = new RecordedApi().With(V1, "endpointslices-v1.json").With(Endpoints, "endpoints-1.20.2.json");

        Assert.Equal(
            [
                "lbtest-a 10.0.0.7 fd00::7 node-1 zone-a [zone-a] ready",
                "lbtest-b 10.0.0.8 fd00::8 node-1 zone-a [zone-a zone-c] ready",
                "lbtest-c 10.0.1.5 fd00:0:1::5 node-2 zone-b [zone-b] ready",
            ],
            await ReadyAsync(api));
        Assert.Equal([$"{V1} lbtest kubernetes.io/service-name=lbtest"], api.Asked);
    }

    [Fact]
    public async Task Those_that_are_not_ready_or_about_to_end_are_known_too()
    {
        ImmutableArray<KubernetesEndpoint> all = await EndpointRead.ReadAsync(new RecordedApi().With(V1, "endpointslices-v1.json"), "lbtest", "lbtest", default);

        Assert.Equal(["lbtest-d 10.0.2.9 node-3 zone-c []", "lbtest-e 10.0.2.4 node-3 zone-c [] terminating"], all.Where(one => !one.Ready).Select(Text));
        Assert.Equal(5, all.Length);
    }

    [Fact]
    public async Task Slices_v1beta1_of_1_20_have_node_and_zone_in_their_topology() => Assert.Equal(
        [
            "tserver-79c45f69bb-27gn5 10.244.3.57 node-3 zone-b [] ready",
            "tserver-79c45f69bb-w4wc5 10.244.1.79 node-1 zone-a [] ready",
            "tserver-79c45f69bb-zpmm5 10.244.2.57 node-2 zone-b [] ready",
        ],
        await ReadyAsync(new RecordedApi().With(V1Beta1, "endpointslices-v1beta1-1.20.2.json").With(Endpoints, "endpoints-1.20.2.json")));

    [Theory, InlineData(KubernetesFault.NotFound), InlineData(KubernetesFault.Forbidden)]
    public async Task Endpoints_are_the_last_resort(KubernetesFault slices)
    {
        RecordedApi api = new RecordedApi().Refusing(V1, slices).Refusing(V1Beta1, slices).With(Endpoints, "endpoints-1.20.2.json");

        Assert.Equal(
            [
                "tserver-79c45f69bb-27gn5 10.244.3.57 node-3  [] ready",
                "tserver-79c45f69bb-w4wc5 10.244.1.79 node-1  [] ready",
                "tserver-79c45f69bb-zpmm5 10.244.2.57 node-2  [] ready",
            ],
            await ReadyAsync(api));
        Assert.Equal([$"{V1} lbtest kubernetes.io/service-name=lbtest", $"{V1Beta1} lbtest kubernetes.io/service-name=lbtest", "endpoints lbtest/lbtest"], api.Asked);
    }

    [Fact]
    public async Task What_is_not_ready_in_Endpoints_is_known_as_such()
    {
        RecordedApi api = new RecordedApi().WithJson(Endpoints,
            """{"metadata":{"name":"s"},"subsets":[{"addresses":[{"ip":"10.0.0.2"}],"notReadyAddresses":[{"ip":"fd00::1","targetRef":{"kind":"Pod","name":"b"}}]},{"addresses":[{"ip":"10.0.0.1","targetRef":{"kind":"Pod","name":"b"}}]}]}""");

        // Without a pod the address is the name; and a pod that is ready for one of the ports is ready.
        Assert.Equal(["10.0.0.2 10.0.0.2   [] ready", "b 10.0.0.1 fd00::1   [] ready"], (await EndpointRead.ReadAsync(api, "n", "s", default)).Select(Text));
    }

    [Theory]
    [InlineData("""{"items":[]}""")]
    [InlineData("""{"items":[{"addressType":"IPv4","endpoints":null},{"addressType":"FQDN","endpoints":[{"addresses":["example.com"]}]},{"addressType":"IPv4","endpoints":[{"addresses":[]}]}]}""")]
    public async Task A_service_may_have_none(string slices) => Assert.Empty(await ReadyAsync(new RecordedApi().WithJson(V1, slices)));

    [Fact]
    public async Task What_says_nothing_of_itself_is_ready() =>
        Assert.Equal(["10.0.0.1 10.0.0.1   [] ready"], await ReadyAsync(new RecordedApi().WithJson(V1, """{"items":[{"addressType":"IPv4","endpoints":[{"addresses":["10.0.0.1"]}]}]}""")));

    [Fact]
    public async Task Endpoints_that_are_cut_off_are_not_taken_for_all()
    {
        RecordedApi api = new RecordedApi().Refusing(V1).WithJson(Endpoints, """{"metadata":{"name":"s","annotations":{"endpoints.kubernetes.io/over-capacity":"truncated"}},"subsets":[{"addresses":[{"ip":"10.0.0.2"}]}]}""");

        var fault = await Assert.ThrowsAsync<KubernetesException>(() => EndpointRead.ReadAsync(api, "n", "s", default));

        Assert.Equal((KubernetesFault.Forbidden, $"The Endpoints of service s in namespace n are cut off at 1,000, and its EndpointSlices cannot be read: Could not list {V1}: Forbidden."), (fault.Fault, fault.Message));
    }

    [Fact]
    public async Task Who_may_read_none_of_them_hears_of_the_newest()
    {
        var fault = await Assert.ThrowsAsync<KubernetesException>(() => ReadyAsync(new RecordedApi().Refusing(V1).Refusing(V1Beta1).Refusing(Endpoints)));

        Assert.Equal((KubernetesFault.Forbidden, $"Could not list {V1}: Forbidden."), (fault.Fault, fault.Message));
    }

    [Fact]
    public async Task A_server_that_is_gone_is_not_asked_again()
    {
        RecordedApi api = new RecordedApi().Refusing(V1, KubernetesFault.Unreachable).With(Endpoints, "endpoints-1.20.2.json");

        var fault = await Assert.ThrowsAsync<KubernetesException>(() => ReadyAsync(api));

        Assert.Equal((KubernetesFault.Unreachable, 1), (fault.Fault, api.Asked.Count));
    }

    private static async Task<IEnumerable<string>> ReadyAsync(RecordedApi api) => (await EndpointRead.ReadAsync(api, "lbtest", "lbtest", default)).Where(one => one.Ready).Select(Text);

    private static string Text(KubernetesEndpoint one) => string.Create(CultureInfo.InvariantCulture,
        $"{one.Name} {string.Join(' ', one.Addresses)} {one.Node} {one.Zone} [{string.Join(' ', one.HintZones)}]{(one.Ready ? " ready" : "")}{(one.Terminating ? " terminating" : "")}");
}
