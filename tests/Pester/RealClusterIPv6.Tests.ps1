# IPv6 on a real cluster of both families: the cluster that KUBECONFIG names. See tests/cluster/README.md.
BeforeDiscovery {
    $script:NoCluster = -not $env:KUBECONFIG
    # Many a cluster has one family; the one that is made for tests has both.
    $script:NotOurs = $env:LBTEST_TEST_CLUSTER -ne '1'
}

Describe 'A Kubernetes cluster, by IPv6' -Skip:($NoCluster -or $NotOurs) {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $namespace = "pester-$PID-$(Get-Random -Maximum 1000000)"
        $cluster = Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 12 -NodeAccess
        $alpha = 1e-4
    }

    AfterAll {
        if ($namespace) { Remove-Namespace $namespace }
    }

    It 'says of a service of one family that it has no other: -To <To>' -ForEach @(
        # The nodes and the pods have addresses of both all the same.
        @{ To = 'ClusterIP' }, @{ To = 'NodePort' }, @{ To = 'Dns' }, @{ To = 'Endpoint' }, @{ To = 'Headless' }
    ) {
        { $cluster | Invoke-ConnectTest -Count 10 -To $To -IPv6 -ErrorAction Stop } | Should -Throw '*has no IPv6 address. Start the cluster with -IPFamilyPolicy RequireDualStack, or leave IPv6 out.'
    }

    It 'is given the other family by a start that asks for it' {
        $both = Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 12 -IPFamilyPolicy RequireDualStack -NodeAccess -InformationAction Ignore
        $both.Adopted | Should -Contain 'service lbtest'
        foreach ($endpoint in $both.EndpointPlaces) { $endpoint.Addresses.AddressFamily | Sort-Object | Should -Be InterNetwork, InterNetworkV6 }
        (Get-LbProxyMode -Cluster $both).DualStack | Should -Be $true, $true, $true
    }

    It 'is started where the service has IPv6 alone' {
        $only = "$namespace-only"
        kubectl create namespace $only | Out-Null
        try {
            # As on a cluster of IPv6: ours, with the family that the cluster gives.
            @{
                apiVersion = 'v1'; kind = 'Service'; metadata = @{ name = 'lbtest'; namespace = $only; labels = @{ 'app.kubernetes.io/managed-by' = 'lbtest'; 'app.kubernetes.io/name' = 'lbtest' } }
                spec = @{ ipFamilies = @('IPv6'); selector = @{ 'app.kubernetes.io/name' = 'lbtest' }; ports = @(@{ name = 'connect'; port = 5001; protocol = 'TCP' }) }
            } | ConvertTo-Json -Depth 5 | kubectl apply --server-side -f - | Out-Null
            $six = Start-LbCluster -Kubernetes -Namespace $only -EndpointCount 3 -ServiceType ClusterIP -InformationAction Ignore
            ($six | Invoke-ConnectTest -Count 300 -IPv6).Connections | Should -Be 300
            { $six | Invoke-ConnectTest -Count 1 -ErrorAction Stop } | Should -Throw "*the cluster address has no IPv4 address. Add -IPv6."
        }
        finally { Remove-Namespace $only }
    }

    It 'spreads connections like chance: from <From> to <To>' -ForEach @(
        @{ From = 'ClientPod'; To = 'ClusterIP' }
        @{ From = 'Pod'; To = 'NodePort' }
        @{ From = 'Node'; To = 'ClusterIP' }
        @{ From = 'ClientPod'; To = 'Dns' }
    ) {
        $six, $four = $true, $false | ForEach-Object { $cluster | Invoke-ConnectTest -Count 3000 -From $From -To $To -IPv6:$_ }
        $six.Connections, $six.Failed, $four.Connections, $four.Failed | Should -Be 3000, 0, 3000, 0
        $six.Target | Should -Match '^\[fd00:.*\]:\d+$'
        $four.Target | Should -Match '^\d+\.\d+\.\d+\.\d+:\d+$'
        $six.Endpoints.Name | Should -Be $four.Endpoints.Name
        ($six, $four | Measure-LbBalance -Alpha $alpha).Verdict | Should -Be ConsistentWithRandom, ConsistentWithRandom
    }

    It 'reaches endpoints past the service: one by its address, all by the name that stands for them' {
        $one = $cluster | Invoke-ConnectTest -Count 50 -To Endpoint -ToName $cluster.Endpoints[3] -IPv6
        ($one.Endpoints | Where-Object Connections).Name | Should -Be $cluster.Endpoints[3]
        $all = $cluster | Invoke-ConnectTest -Count 600 -To Headless -IPv6
        $all.Connections, $all.Failed | Should -Be 600, 0
        $all.Endpoints.Connections | ForEach-Object { $_ | Should -BeGreaterThan 5 }
    }

    It 'answers datagrams' {
        $result = $cluster | Invoke-ConnectTest -Count 300 -Protocol Udp -IPv6
        $result.Connections + $result.Failed | Should -Be 300
        $result.Connections | Should -BeGreaterThan 285
    }

    It 'counts connections in the rules of either family, and finds them in the tables of connections' {
        function Get-Count { ($cluster | Get-LbEndpointCounter | Where-Object { $_.Address.AddressFamily -eq 'InterNetworkV6' } | Measure-Object Packets -Sum).Sum }
        $before = Get-Count
        $result = $cluster | Invoke-ConnectTest -Count 400 -From Node -FromName node-1 -To ClusterIP -IPv6
        $result.Connections | Should -Be 400
        # A connection's first packet alone goes through these rules.
        (Get-Count) - $before | Should -Be 400
        $tracked = $cluster | Get-LbConntrack -NodeName node-1 | Where-Object { "[$($_.Destination)]:$($_.DestinationPort)" -eq $result.Target }
        $tracked.Count | Should -BeGreaterOrEqual 400
        $tracked.Endpoint.AddressFamily | Sort-Object -Unique | Should -Be InterNetworkV6
    }

    It 'keeps a client with its endpoint' {
        $sticky = Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 12 -IPFamilyPolicy RequireDualStack -SessionAffinity ClientIP -NodeAccess -InformationAction Ignore
        $result = $sticky | Invoke-ConnectTest -Count 300 -IPv6
        $result.Connections, $result.Affinity.Sources, $result.Affinity.Moved | Should -Be 300, 1, 0
        $result.Endpoints | Where-Object Connections | Should -HaveCount 1
        Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 12 -IPFamilyPolicy RequireDualStack -NodeAccess -InformationAction Ignore | Out-Null
    }

    It 'loses with an endpoint the connections on it, and tells when it was reached again' {
        $result = $cluster | Invoke-TrafficTest -Connections 48 -PacketsPerSecond 96 -Duration 30 -IPv6 -Seed 5 -Disturbance (New-LbDisturbance EndpointDown -At 2 -Count 2 -Mode Reset)
        $result.Completed | Should -BeTrue
        $result.Target | Should -Match '^\[fd00:.*\]:5003$'
        $result.Disturbances | Where-Object Error | Should -BeNullOrEmpty
        $gone = ($result.Disturbances | Where-Object { -not $_.Undo }).Removed
        $gone | Should -HaveCount 2
        # One that had not answered yet when it went has no name.
        $lost = ($result | Get-LbTrafficConnection -Lost).Endpoint | Where-Object { $_ }
        $lost | Should -Not -BeNullOrEmpty
        $lost | ForEach-Object { $_ | Should -BeIn $gone }
        $disruption = $result | Measure-LbDisruption
        $disruption.LostConnections | Should -BeGreaterThan 0
        $disruption.Recovered | Should -BeTrue
    }
}
