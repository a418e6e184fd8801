using LbTest.Clusters.Kubernetes.Api;

namespace LbTest.Clusters.Tests.Kubernetes.Api;

/// <summary>What kubectl of 1.20 and of 1.32 says on stderr, as recorded, and what is made of it.</summary>
public sealed class KubectlErrorTests
{
    // 1.32 says the same five times over before it says what 1.20 said.
    private const string Klog = "E1121 16:31:34.711356   22755 memcache.go:265] \"Unhandled Error\" err=\"couldn't get current server API group list: Get \\\"http://127.0.0.1:1/api?timeout=32s\\\": dial tcp 127.0.0.1:1: connect: connection refused\"\n";

    [Theory]
    [InlineData("The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?\n", KubernetesFault.Unreachable, "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?")]
    [InlineData(Klog + Klog + "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?\n", KubernetesFault.Unreachable, "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?")]
    [InlineData("Error from server (Forbidden): pods is forbidden: User \"u\" cannot list resource \"pods\" in API group \"\" in the namespace \"n\"\n", KubernetesFault.Forbidden, "pods is forbidden: User \"u\" cannot list resource \"pods\" in API group \"\" in the namespace \"n\"")]
    [InlineData("error: You must be logged in to the server (Unauthorized)\n", KubernetesFault.Unauthorized, "You must be logged in to the server (Unauthorized)")]
    [InlineData("error: the server doesn't have a resource type \"endpointslices\"\n", KubernetesFault.NotFound, "the server doesn't have a resource type \"endpointslices\"")]
    [InlineData("Warning: discovery.k8s.io/v1beta1 EndpointSlice is deprecated in v1.21+\nError from server (NotFound): services \"x\" not found\n", KubernetesFault.NotFound, "services \"x\" not found")]
    [InlineData("Error from server (Forbidden): pods \"x\" is forbidden: exceeded quota: small, requested: pods=1\n", KubernetesFault.Invalid, "pods \"x\" is forbidden: exceeded quota: small, requested: pods=1")]
    [InlineData("Error from server (InternalError): an error on the server (\"<html>proxy</html>\") has prevented the request from succeeding (get pods)\n", KubernetesFault.Other, "an error on the server (\"<html>proxy</html>\") has prevented the request from succeeding (get pods)")]
    [InlineData("Unable to connect to the server: net/http: TLS handshake timeout\n", KubernetesFault.Unreachable, "Unable to connect to the server: net/http: TLS handshake timeout")]
    [InlineData("Unable to connect to the server: getting credentials: exec: exit status 1\n", KubernetesFault.Unauthorized, "Unable to connect to the server: getting credentials: exec: exit status 1")]
    [InlineData("", KubernetesFault.Other, "kubectl ended with code 1 and said nothing")]
    [InlineData(Klog, KubernetesFault.Unreachable, "couldn't get current server API group list")]
    public void It_is_turned_into_what_a_user_can_do_something_about(string said, KubernetesFault expected, string problem)
    {
        KubernetesException fault = KubectlError.Read("list pods in namespace n", "c", said, 1);

        Assert.Equal(expected, fault.Fault);
        Assert.StartsWith("Could not list pods in namespace n in context 'c': ", fault.Message, StringComparison.Ordinal);
        Assert.Contains(problem, fault.Message, StringComparison.Ordinal);
        Assert.Equal(said == Klog, fault.Message.Contains("memcache", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Authorization: Bearer abc.def-ghi", "abc.def-ghi")]
    [InlineData("{\"token\":\"s3cr3t\",\"x\":1}", "s3cr3t")]
    [InlineData("password=hunter2 user=me", "hunter2")]
    [InlineData("client-key-data: LS0tLS1CRUdJTg==", "LS0tLS1CRUdJTg")]
    [InlineData("\"refresh_token\": \"xyz\"", "xyz")]
    [InlineData("id_token=eyJhbGciOi.eyJz.sig", "eyJhbGciOi")]
    [InlineData("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz")]
    [InlineData("the token is eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl", "eyJpc3MiOiJrdWJlcm5ldGVzIn0")]
    [InlineData("Get https://user:pa55@10.0.0.1/api: EOF", "pa55")]
    public void Secrets_are_left_out(string said, string secret)
    {
        Assert.DoesNotContain(secret, KubectlError.Read("list pods", "c", $"error: {said}\n", 1).Message, StringComparison.Ordinal);
        Assert.DoesNotContain(secret, KubectlError.WithoutSecrets(said), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("secrets \"x\" is forbidden: User \"u\" cannot get resource \"secrets\"")]
    [InlineData("error: no Auth Provider found for name \"gcp\"")]
    public void What_only_speaks_of_them_stays(string said) => Assert.Equal(said, KubectlError.WithoutSecrets(said));
}
