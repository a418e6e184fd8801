# Against a real cluster: the one that KUBECONFIG names. See tests/cluster/README.md.
BeforeDiscovery {
    $script:NoCluster = -not $env:KUBECONFIG
    # What goes beyond a namespace of our own is for a cluster that was made for tests.
    $script:NotOurs = $env:LBTEST_TEST_CLUSTER -ne '1'
}

Describe 'A Kubernetes cluster' -Skip:$NoCluster {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $namespace = "pester-$PID-$(Get-Random -Maximum 1000000)"
        $cluster = Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 60 -NodeAccess:(-not $NotOurs)
        $alpha = 1e-4
    }

    AfterAll {
        if ($cluster) { $cluster | Stop-LbCluster }
    }

    It 'has its endpoints on all its nodes, and tells its mode' {
        $cluster.Kind, $cluster.Namespace, $cluster.Running | Should -Be Kubernetes, $namespace, $true
        $cluster.Endpoints | Should -HaveCount 60
        $cluster.EndpointPlaces.Node | Sort-Object -Unique | Should -Be ($cluster.EndpointPlaces.Node | Sort-Object -Unique | Where-Object { $_ -in $cluster.Nodes })
        "$($cluster.ProxyMode)" | Should -BeIn Iptables, Nftables, Ipvs
        $cluster.Adopted | Should -BeNullOrEmpty
    }

    It 'spreads connections from a pod like chance' {
        $result = $cluster | Invoke-ConnectTest -Count 10000
        $result.Connections, $result.Failed, $result.Completed | Should -Be 10000, 0, $true
        $result.Endpoints | Should -HaveCount 60
        $result.Context.Cluster, $result.Context.To | Should -Be $cluster.Name, ClusterIP
        ($result | Measure-LbBalance -Alpha $alpha).Verdict | Should -Be $(if ($cluster.ProxyMode -eq 'Ipvs') { 'EvenerThanRandom' } else { 'ConsistentWithRandom' })
    }

    It 'spreads connections through a node''s port like chance' {
        $result = $cluster | Invoke-ConnectTest -Count 10000 -From Pod -To NodePort -ToName $cluster.Nodes[-1]
        $result.Connections, $result.Failed | Should -Be 10000, 0
        if ($cluster.ProxyMode -ne 'Ipvs') { ($result | Measure-LbBalance -Alpha $alpha).Verdict | Should -Be ConsistentWithRandom }
    }

    It 'answers datagrams, and traffic' {
        $result = $cluster | Invoke-ConnectTest -Count 500 -Protocol Udp
        $result.Connections + $result.Failed | Should -Be 500
        $result.Connections | Should -BeGreaterThan 480
        $traffic = $cluster | Invoke-TrafficTest -Connections 30 -PacketsPerSecond 300 -Duration 2
        $traffic.Completed, $traffic.LostConnections, $traffic.FailedConnects | Should -Be $true, 0, 0
        $traffic.Received | Should -BeGreaterThan 0
    }

    It 'is reached by its name' {
        $result = $cluster | Invoke-ConnectTest -Count 2000 -To Dns
        $result.Connections, $result.Failed, $result.Completed | Should -Be 2000, 0, $true
        $result.Context.To | Should -Be Dns
        # The name stands for the service's address, asked for once.
        $result.Target | Should -Be ($cluster | Invoke-ConnectTest -Count 1 -To ClusterIP).Target
        if ($cluster.ProxyMode -ne 'Ipvs') { ($result | Measure-LbBalance -Alpha $alpha).Verdict | Should -Be ConsistentWithRandom }
        $traffic = $cluster | Invoke-TrafficTest -To Dns -Connections 30 -PacketsPerSecond 300 -Duration 2
        $traffic.Completed, $traffic.LostConnections, $traffic.FailedConnects | Should -Be $true, 0, 0
        $traffic.Received | Should -BeGreaterThan 0
    }

    It 'is reached past the service by a name that stands for all endpoints, in the order that DNS gives them' {
        # More than ask for their names before the first is made.
        $result = $cluster | Invoke-ConnectTest -Count 2400 -To Headless
        $result.Connections, $result.Failed, $result.Completed | Should -Be 2400, 0, $true
        $result.Target | Should -Be "lbtest-headless.$namespace.svc:5001"
        $result.Endpoints | Should -HaveCount 60
        # A DNS server takes turns or draws lots; either way each endpoint gets about 40.
        $result.Endpoints | ForEach-Object { $_.Connections | Should -BeGreaterThan 5 }
        ($result | Measure-LbBalance -Alpha $alpha).Verdict | Should -BeIn ConsistentWithRandom, EvenerThanRandom
        { $cluster | Invoke-TrafficTest -To Headless -Duration 1 -ErrorAction Stop } | Should -Throw '*for connect tests alone*'
    }

    It 'says that a name does not resolve, and where to look' {
        kubectl -n $namespace delete service lbtest-headless | Out-Null
        try {
            # What was there a moment ago is in caches.
            Wait-Until -Seconds 60 {
                try { $cluster | Invoke-ConnectTest -Count 1 -To Headless -ErrorAction Stop | Out-Null }
                catch { $script:fault = $_ }
                $fault
            } | Should -BeTrue
            "$fault" | Should -BeLike "The name 'lbtest-headless.$namespace.svc' does not resolve.*kubectl get pods -n kube-system -l k8s-app=kube-dns*"
        }
        finally { Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 60 -NodeAccess:$cluster.NodeAccess | Out-Null }
        Wait-Until -Seconds 60 { try { ($cluster | Invoke-ConnectTest -Count 1 -To Headless -ErrorAction Stop).Connections } catch { $false } } | Should -BeTrue
    }

    It 'can be reached from several places at once, which share the connections out' {
        $result = $cluster | Invoke-ConnectTest -Count 3001 -From ClientPod -FromName *
        $result.Connections, $result.Failed | Should -Be 3001, 0
        $result.Entries.Label | Should -Be $cluster.Nodes
        ($result.Entries | Measure-Object Connections -Sum).Sum | Should -Be 3001
        ($result.Entries | Measure-Object Connections -Maximum).Maximum - ($result.Entries | Measure-Object Connections -Minimum).Minimum | Should -BeLessOrEqual 1
        foreach ($endpoint in $result.Endpoints) {
            ($result.Entries.Endpoints | Where-Object Name -EQ $endpoint.Name | Measure-Object Connections -Sum).Sum | Should -Be $endpoint.Connections
        }
        ($result | Format-LbTable | Out-String) | Should -Match ([regex]::Escape($cluster.Nodes[0]))
    }

    It 'can be reached past the service, and by a pod that is its own endpoint' {
        $endpoint = $cluster.Endpoints[7]
        $result = $cluster | Invoke-ConnectTest -Count 100 -From Pod -FromName $endpoint -To Endpoint -ToName $endpoint
        $result.Endpoints | Where-Object Connections | ForEach-Object Name | Should -Be $endpoint
        $hairpin = $cluster | Invoke-ConnectTest -Count 600 -From Pod -FromName $endpoint
        ($hairpin.Endpoints | Where-Object Name -EQ $endpoint).Connections | Should -BeGreaterThan 0
        $hairpin.Failed | Should -Be 0
    }

    It 'is found from a new shell, and by its name' {
        Invoke-Shell "(Get-LbCluster -Kubernetes -Namespace $namespace | ForEach-Object { `$_.Name, `$_.Endpoints.Length, `$_.ServiceType }) -join ' '" | Should -Be "$($cluster.Name) 60 NodePort"
        Invoke-Shell "(Invoke-ConnectTest '$($cluster.Name)' -Count 50).Connections" | Should -Be 50
    }

    It 'is taken over by who starts it again, who may change it' {
        $again = Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 60 -SessionAffinity ClientIP -NodeAccess:$cluster.NodeAccess 6>&1
        $again | Where-Object { $_ -is [Management.Automation.InformationRecord] } | Out-String | Should -Match 'taken over'
        ($again | Where-Object Kind -EQ Kubernetes).Adopted | Should -Contain "namespace $namespace"
        $result = $cluster | Invoke-ConnectTest -Count 300
        $result.Context.Affinity, $result.Affinity.Sources, $result.Affinity.Moved | Should -Be $true, 1, 0
        $result.Endpoints | Where-Object Connections | Should -HaveCount 1
        $back = Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 60 -NodeAccess:$cluster.NodeAccess
        ($back | Invoke-ConnectTest -Count 300).Endpoints | Where-Object Connections | Measure-Object | ForEach-Object Count | Should -BeGreaterThan 20
    }

    It 'loses in a rolling update what has to be lost, and tells when endpoints were reached' {
        # Fewer of them: a slow machine has to be done before the test ends.
        $fewer = Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 16 -NodeAccess:$cluster.NodeAccess
        $fewer.Endpoints | Should -HaveCount 16
        $disturbances = @(New-LbDisturbance RollingUpdate -At 1 -MaxSurge 50%)
        $result = $fewer | Invoke-TrafficTest -Connections 60 -PacketsPerSecond 120 -Duration 60 -Disturbance $disturbances -Seed 7
        $result.Completed | Should -BeTrue
        $update = $result.Disturbances | Where-Object Step -EQ 0
        $update.Error | Should -BeNullOrEmpty
        $update.Description | Should -Not -Match 'under way'
        # Every endpoint goes and another comes.
        ($result.Disturbances.Removed | Sort-Object -Unique).Count, ($result.Disturbances.Added | Sort-Object -Unique).Count | Should -Be 16, 16
        $disruption = $result | Measure-LbDisruption
        $disruption.LostConnections | Should -BeGreaterOrEqual $disruption.Least
        # Each client has lost its connection, some twice: to an endpoint that was to go too.
        $disruption.LostConnections | Should -BeGreaterOrEqual 60
        $disruption.LostConnections | Should -BeLessThan 240
        $disruption.Recovered | Should -BeTrue
        $result.Programming | Should -HaveCount 32
        $seen = $result.Programming | Where-Object { $null -ne $_.ComingLatency }
        $seen.Count | Should -BeGreaterThan 5
        $seen | ForEach-Object { $_.ComingLatency.TotalSeconds | Should -BeGreaterThan -1.5 }
    }

    It 'scales, and back; loses a pod by force' {
        $disturbances = @(
            New-LbDisturbance ScaleTo -At 1 -Replicas 10 -Duration 14
            New-LbDisturbance EndpointDown -At 26 -Count 2 -Mode Reset
        )
        $result = $cluster | Invoke-TrafficTest -Connections 60 -PacketsPerSecond 120 -Duration 36 -Disturbance $disturbances -Seed 3
        $result.Disturbances | Where-Object Error | Should -BeNullOrEmpty
        ($result.Disturbances | Where-Object { $_.Kind -eq 'ScaleTo' -and -not $_.Undo }).Removed | Should -HaveCount 6
        ($result.Disturbances | Where-Object { $_.Kind -eq 'EndpointDown' }).Removed | Should -HaveCount 2
        (Get-LbCluster -Kubernetes -Namespace $namespace).Endpoints | Should -HaveCount 16
    }

    It 'hands over what it has when an endpoint that the test runs in is killed' {
        $pod = (Get-LbCluster -Kubernetes -Namespace $namespace).Endpoints[0]
        $kill = New-LbDisturbance EndpointDown -At 2 -Name $pod -Mode Reset
        $result = $cluster | Invoke-TrafficTest -From Pod -FromName $pod -Connections 10 -Duration 20 -Disturbance $kill -WarningAction SilentlyContinue
        $result.Completed | Should -BeFalse
        $result.Reason | Should -Match ([regex]::Escape($pod))
        $result.Received | Should -BeGreaterThan 0
        Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 60 -NodeAccess:$cluster.NodeAccess | ForEach-Object Endpoints | Should -HaveCount 60
    }

    It 'agrees with a lab in the same mode' -Skip:$NotOurs {
        $lab = Start-LbCluster -Name (New-LabName) -ProxyMode Iptables -NodeCount 3 -EndpointCount 60
        try {
            $ours = $lab | Invoke-ConnectTest -Count 50000 -Label lab
            # One client has ports for 28,000 a minute. The next test uses up those of one of them, so it comes afterwards.
            $real = $cluster | Invoke-ConnectTest -Count 50000 -FromName * -Label kubernetes
            $real.Connections, $ours.Connections | Should -Be 50000, 50000 -Because "$($real.Failures) $($ours.Failures)"
            ($ours, $real | Measure-LbBalance -Alpha $alpha).Verdict | Should -Be ConsistentWithRandom, ConsistentWithRandom
            $comparison = $ours, $real | Compare-LbResult -Alpha $alpha
            $comparison.Spread.Verdict | Should -Be SameSpread
        }
        finally { $lab | Stop-LbCluster }
    }

    It 'hands over what it has when the line to the agent is cut' {
        $job = Start-ThreadJob { Import-Module $using:ModulePath; $using:cluster | Invoke-ConnectTest -Count 2000000 -WarningAction SilentlyContinue }
        try {
            $null = Wait-Until { Get-Descendant $PID | Where-Object { (Get-ProcessOf 'lbtest-client') -contains $_ } } -Seconds 20
            Start-Sleep 3
            Get-Descendant $PID | Where-Object { (Get-ProcessOf 'lbtest-client') -contains $_ } | ForEach-Object { Stop-Process -Id $_ -Force }
            $result = Receive-Job $job -Wait
        }
        finally { Remove-Job $job -Force }
        $result.Completed | Should -BeFalse
        $result.Reason | Should -Match 'is gone'
        $result.Connections | Should -BeGreaterThan 0
        $result.Connections + $result.Failed + $result.Unfinished | Should -Be 2000000
    }

    It 'keeps to the node with policy Local, and says so beforehand' -Skip:$NotOurs {
        $local = Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 16 -ExternalTrafficPolicy Local -NodeAccess
        # From the node itself the rules take a short cut; from another node they do not.
        $from, $to = $local.Nodes[0, 2]
        $result = $local | Invoke-ConnectTest -Count 3000 -From Node -FromName $from -To NodePort -ToName $to
        $result.Connections, $result.Failed | Should -Be 3000, 0
        $there = $local.EndpointPlaces | Where-Object Node -EQ $to
        foreach ($endpoint in $result.Endpoints) {
            $share = if ($endpoint.Name -in $there.Name) { 1 / @($there).Count } else { 0 }
            [Math]::Abs($endpoint.ExpectedShare - $share) | Should -BeLessThan 1e-9
            if ($share -eq 0) { $endpoint.Connections | Should -Be 0 }
        }
        ($result | Measure-LbBalance -Alpha $alpha).Verdict | Should -Be ConsistentWithRandom
        Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 60 -NodeAccess | Out-Null
    }

    It 'goes on when kube-proxy is restarted, and when nodes are drained' -Skip:$NotOurs {
        $disturbances = @(
            New-LbDisturbance ProxyRestart -At 1
            New-LbDisturbance NodeDrain -At 20 -Name $cluster.Nodes[1] -Duration 12
        )
        $result = $cluster | Invoke-TrafficTest -Connections 30 -PacketsPerSecond 60 -Duration 40 -Disturbance $disturbances
        $result.Disturbances | Where-Object Error | Should -BeNullOrEmpty
        $drained = $result.Disturbances | Where-Object { $_.Kind -eq 'NodeDrain' -and -not $_.Undo }
        $drained.Removed.Count | Should -BeGreaterThan 10
        # Restarting kube-proxy breaks nothing that exists.
        $lost = ($result | Measure-LbDisruption).Steps | Where-Object Kind -EQ ProxyRestart
        $lost.Lost | Should -Be 0
        # A node after the other, 10 s each where nothing else goes on: the test may well have ended before.
        kubectl -n kube-system rollout status daemonset/kube-proxy --timeout=300s | Out-Null
        Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 60 -NodeAccess:$cluster.NodeAccess | Out-Null
    }

    It 'goes on when the proxy mode is changed over, and is afterwards what it was' -Skip:$NotOurs {
        function Get-Config { (kubectl -n kube-system get configmap kube-proxy -o json | ConvertFrom-Json).data.'config.conf' }
        $before = Get-Config
        # By its name what was the default until then: the nodes may have no other.
        $result = $cluster | Invoke-TrafficTest -Connections 30 -PacketsPerSecond 60 -Duration 45 -Disturbance (New-LbDisturbance ProxyModeSwitch -At 1 -ProxyMode Iptables)
        $result.Disturbances[0].Kind, $result.Disturbances[0].Error | Should -Be ProxyModeSwitch, $null
        $result.Disturbances[0].Description | Should -Match 'change over from Iptables to Iptables'
        $result.LostConnections | Should -Be 0
        $result.Warnings | Where-Object { $_ -match 'undone' } | Should -BeNullOrEmpty
        ($cluster | Get-LbProxyMode).Mode | Should -Be Iptables, Iptables, Iptables
        Get-Config | Should -Be $before
        { $cluster | Set-LbProxyMode -IpvsScheduler Lc } | Should -Throw '*Give ProxyMode Ipvs too*'
    }

    It 'tells what each node lacks of a mode, and has no virtual servers in another' -Skip:$NotOurs {
        $all = Test-LbPrerequisite -Cluster $cluster -ProxyMode Ipvs
        ($all | Out-String) -split "`n" | Where-Object { $_ -match 'Kernel: node (\S+)' } | ForEach-Object { $Matches[1] } | Should -Be $cluster.Nodes
        $lacking = $all | Where-Object { -not $_.Present -and $_.Name -eq 'ip_vs' }
        # A shell that cannot ask goes no further than the warnings.
        $said = "$(Invoke-Shell "try { Get-LbCluster -Kubernetes -Namespace $namespace | Set-LbProxyMode -ProxyMode Ipvs -Confirm 3>&1 } catch { 'not asked' }")"
        $said | Should -BeLike '*not asked'
        if ($lacking) { $said | Should -Match "$($lacking[0].Node).* lacks? .*ip_vs.*falls back to iptables" } else { $said | Should -Be 'not asked' }
        { $cluster | Get-LbVirtualServer -ErrorAction Stop } | Should -Throw '*is not in mode Ipvs*Set-LbProxyMode*'
        { $cluster | Get-LbServiceAddress -NodeName $cluster.Nodes[0] -ErrorAction Stop } | Should -Throw "*'$($cluster.Nodes[0])' is not in mode Ipvs*"
    }

    It 'says what cannot be: <Problem>' -ForEach @(
        @{ Problem = 'no load balancer'; Parameters = @{ To = 'LoadBalancer' }; Message = 'type NodePort' }
        @{ Problem = 'a lab''s tester'; Parameters = @{ From = 'External' }; Message = 'Use Local, Pod, ClientPod or Node' }
        @{ Problem = 'no such node'; Parameters = @{ FromName = 'node-x' }; Message = "'node-x' is no node" }
        @{ Problem = 'no such endpoint'; Parameters = @{ To = 'Endpoint'; ToName = 'x' }; Message = 'not an endpoint' }
        @{ Problem = 'IPv6 where there is none'; Parameters = @{ IPv6 = $true; To = 'ClusterIP' }; Message = 'no IPv6 address' }
        @{ Problem = 'names from here'; Parameters = @{ From = 'Local'; To = 'Dns' }; Message = 'From ClientPod' }
    ) {
        { $cluster | Invoke-ConnectTest -Count 10 @Parameters -ErrorAction Stop } | Should -Throw "*$Message*"
    }

    It 'is gone when it is stopped, with all that it had' {
        $cluster | Stop-LbCluster
        $cluster.Running | Should -BeFalse
        kubectl get namespaces -o name | Should -Not -Contain "namespace/$namespace"
        kubectl get namespaces -o name | Should -Not -Contain "namespace/$namespace-node"
        Get-LbCluster | Where-Object Name -EQ $cluster.Name | Should -BeNullOrEmpty
        Get-LbCluster -Kubernetes | Where-Object Namespace -EQ $namespace | Should -BeNullOrEmpty
        $script:cluster = $null
    }
}
