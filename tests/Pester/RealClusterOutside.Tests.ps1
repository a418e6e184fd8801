# A real cluster from outside: the cluster that KUBECONFIG names. See tests/cluster/README.md.
BeforeDiscovery {
    $script:NoCluster = -not $env:KUBECONFIG
    $script:NotOurs = $env:LBTEST_TEST_CLUSTER -ne '1'
}

# A client of our own behind the hub, which is outside of all nodes, of our own cluster: what is sent from there enters as from an external client.
Describe 'A Kubernetes cluster, from outside' -Skip:($NoCluster -or $NotOurs) {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $folder = Split-Path $env:KUBECONFIG
        $hub = (Split-Path $folder -Leaf) -replace '^lbtest-cluster-(.*)$', 'lbtest-$1-hub'
        $config = Join-Path $TestDrive 'config'
        (Get-Content $env:KUBECONFIG -Raw) -replace 'https://127.0.0.1:\d+', 'https://172.30.0.1:6443' | Set-Content $config
        $namespace = "pester-$PID-$(Get-Random -Maximum 1000000)"
        $start = "Start-LbCluster -Kubernetes -KubeConfig '$config' -Namespace $namespace -EndpointCount 4 -ServiceType LoadBalancer"
        $again = "Get-LbCluster -Kubernetes -KubeConfig '$config' -Namespace $namespace"
        # What the shell there returns of a connect test.
        $told = '| ForEach-Object { [pscustomobject]@{ Way = "$($_.Context.From) $($_.Context.To)"; Connections = $_.Connections; Failed = $_.Failed; Failures = "$($_.Failures)"; Endpoints = $_.Endpoints | Select-Object Name, Node, Connections, ExpectedShare; Verdict = "$(($_ | Measure-LbBalance -Alpha 1e-4).Verdict)" } } | ConvertTo-Json -Depth 3'
        $outside = $hub -replace 'hub$', 'outside'
        function Invoke-Outside([string]$Command) {
            nsenter --net=/run/netns/$outside $Shell -NoProfile -NonInteractive -Command "`$ErrorActionPreference = 'Stop'; Import-Module '$ModulePath'; $Command"
            if ($LASTEXITCODE) { throw "It failed there: $Command" }
        }
        ip netns add $outside
        @"
link add outside type veth peer name eth0 netns $outside
addr add 172.31.0.1/30 dev outside
link set outside up
"@ | ip -n $hub -batch -
        @'
link set lo up
addr add 172.31.0.2/30 dev eth0
link set eth0 up
route add default via 172.31.0.1
'@ | ip -n $outside -batch -
        # The load balancer: the hub hands connections on by all nodes, each by its ports.
        ip -n $hub route add 198.51.100.9 nexthop via 172.30.0.11 nexthop via 172.30.0.12 nexthop via 172.30.0.13
        # By addresses, protocol and ports, as a router sees them. Policy 1 would take the hash that the client's socket left on the packet, and choose it anew for what is
        # sent again after a time-out: a single packet lost, and the connection goes on to a node that does not know it (with 2 % lost, 1 of 90 connections failed so).
        nsenter --net=/run/netns/$hub sysctl -qw net.ipv4.fib_multipath_hash_fields=55 net.ipv4.fib_multipath_hash_policy=3
        # Its controller: gives the service its address as soon as it is there.
        $controller = Start-ThreadJob {
            while (-not (kubectl -n $using:namespace get service lbtest --ignore-not-found -o name)) { Start-Sleep -Milliseconds 200 }
            $service = kubectl -n $using:namespace get service lbtest -o json | ConvertFrom-Json -AsHashtable
            $service.status = @{ loadBalancer = @{ ingress = @(@{ ip = '198.51.100.9' }) } }
            $service | ConvertTo-Json -Depth 9 | kubectl replace --raw "/api/v1/namespaces/$using:namespace/services/lbtest/status" -f -
        }
    }

    AfterAll {
        if ($controller) { $controller | Remove-Job -Force }
        if ($outside) {
            ip -n $hub route delete 198.51.100.9
            ip netns delete $outside
        }
        if ($namespace) { Remove-Namespace $namespace }
    }

    It 'gets the address of a load balancer, and the nodes their parts of what comes through it: policy Local' {
        $result = Invoke-Outside "$start -ExternalTrafficPolicy Local | Invoke-ConnectTest -Count 6000 $told" | ConvertFrom-Json
        $result.Way, $result.Connections | Should -Be 'Local this machine LoadBalancer', 6000 -Because $result.Failures
        $nodes = @($result.Endpoints | Group-Object Node)
        foreach ($node in $nodes) { foreach ($endpoint in $node.Group) { [Math]::Abs($endpoint.ExpectedShare - 1 / $nodes.Count / $node.Count) | Should -BeLessThan 1e-9 } }
        # Where all have the same the weights would be nothing.
        $result.Endpoints.ExpectedShare | Sort-Object -Unique | Should -HaveCount 2
        $result.Verdict | Should -Be ConsistentWithRandom
    }

    It 'is reached at a node''s port, which has its own endpoints alone with policy Local' {
        $result = Invoke-Outside "$again | Invoke-ConnectTest -Count 500 -From Local -To NodePort -ToName node-2 $told" | ConvertFrom-Json
        $result.Connections, $result.Failed | Should -Be 500, 0
        ($result.Endpoints | Where-Object Connections).Node | Sort-Object -Unique | Should -Be node-2
        $result.Verdict | Should -Be (@($result.Endpoints | Where-Object Node -EQ node-2).Count -gt 1 ? 'ConsistentWithRandom' : 'Undetermined')
    }

    It 'holds connections through the load balancer' {
        $lost, $received, $way = Invoke-Outside "$again | Invoke-TrafficTest -Connections 20 -PacketsPerSecond 200 -Duration 2 | ForEach-Object { `$_.LostConnections; `$_.Received; `$_.Context.To }"
        $lost, $way | Should -Be 0, LoadBalancer
        [int]$received | Should -BeGreaterThan 0
    }

    It 'spreads over all endpoints through every node''s port with policy Cluster' {
        $results = Invoke-Outside "`$c = $start -ExternalTrafficPolicy Cluster -InformationAction Ignore; 'node-1', 'node-3' | ForEach-Object { `$c | Invoke-ConnectTest -Count 2000 -From Local -To NodePort -ToName `$_ } $told" | ConvertFrom-Json
        $results.Connections | Should -Be 2000, 2000
        $results.Verdict | Should -Be ConsistentWithRandom, ConsistentWithRandom
        $results.Endpoints.ExpectedShare | Where-Object { $_ -and $_ -ne 0.25 } | Should -BeNullOrEmpty
    }
}
