# What holds for every cluster: the same objects, tables and verdicts from a lab and from Kubernetes (the cluster that KUBECONFIG names, see tests/cluster/README.md).
BeforeDiscovery {
    $script:Lab = @{
        Start = { Start-LbCluster -Name (New-LabName) -ProxyMode Iptables -NodeCount 3 -EndpointCount 12 }
        InJob = { param($name) Start-LbCluster -Name "$name-job" -NodeCount 1 -EndpointCount 12 }
        Ways  = @(
            @{ From = 'External'; To = 'LoadBalancer' }, @{ From = 'External'; To = 'NodePort' }, @{ From = 'Node'; To = 'ClusterIP' }
            @{ From = 'Pod'; To = 'ClusterIP' }, @{ From = 'Pod'; To = 'LoadBalancer' }, @{ From = 'Pod'; To = 'Endpoint' }
        )
    }
    $script:Kubernetes = @{
        Start = { Start-LbCluster -Kubernetes -Namespace (New-LabName) -EndpointCount 12 -NodeAccess:($env:LBTEST_TEST_CLUSTER -eq '1') }
        InJob = { param($name) Get-LbCluster -Kubernetes -Namespace ($name -replace '.*/') }
        Ways  = @(
            @{ From = 'ClientPod'; To = 'ClusterIP' }, @{ From = 'ClientPod'; To = 'NodePort' }, @{ From = 'ClientPod'; To = 'Endpoint' }
            @{ From = 'Pod'; To = 'ClusterIP' }, @{ From = 'Pod'; To = 'NodePort' }, @{ From = 'Pod'; To = 'Endpoint' }
        )
    }
    $script:Tests = {
        BeforeAll {
            . $PSScriptRoot/Setup.ps1
            $cluster = & $Start
            $result = $cluster | Invoke-ConnectTest -Count 2000 -Label 'one'
            function Get-Completion([string]$Line) { (TabExpansion2 $Line $Line.Length).CompletionMatches.CompletionText }
        }
        AfterAll { if ($cluster.Kind -eq 'Kubernetes') { Remove-Namespace $cluster.Namespace } elseif ($cluster) { $cluster | Stop-LbCluster } }

        It 'makes every connection' {
            $result.Completed, $result.Connections, $result.Failed | Should -Be $true, 2000, 0
            $result.Endpoints.Name | Sort-Object | Should -Be ($cluster.Endpoints | Sort-Object)
            ($result.Endpoints.Connections | Measure-Object -Sum).Sum | Should -Be 2000
            $result.Endpoints.Node | Sort-Object -Unique | Should -Be ($cluster.Nodes | Sort-Object)
            $result.Context.Cluster, $result.Context.ProxyMode | Should -Be $cluster.Name, "$($cluster.ProxyMode)"
            $result.Latency.P50 | Should -BeGreaterThan ([TimeSpan]::Zero)
        }

        It 'gives frequencies that add up, a verdict, a comparison, and a table' {
            $frequency = $result | Get-LbFrequency
            ($frequency.Endpoints | Measure-Object -Sum).Sum | Should -Be 12
            ($frequency | ForEach-Object { $_.Connections * $_.Endpoints } | Measure-Object -Sum).Sum | Should -Be 2000
            ($result | Measure-LbBalance -Alpha 1e-4).Verdict | Should -Be 'ConsistentWithRandom'
            $again = $cluster | Invoke-ConnectTest -Count 2000 -Label 'two'
            ($result, $again | Compare-LbResult -Alpha 1e-4).Spread.Verdict | Should -Be 'SameSpread'
            $text = $result, $again | Format-LbTable | Out-String -Width 100
            $text | Should -Match 'one.*two'
            $text | Should -Match 'verdict'
            $result | Show-LbChart | Out-String | Should -Match 'endpoints'
        }

        It 'counts what the kernel counts' {
            if ($cluster.Kind -eq 'Kubernetes' -and -not $cluster.NodeAccess) { Set-ItResult -Skipped -Because 'it is for a cluster whose nodes may be looked into: LBTEST_TEST_CLUSTER=1' }
            $before = $cluster | Get-LbEndpointCounter | Group-Object EndpointName -AsHashTable
            $counted = $cluster | Invoke-ConnectTest -Count 500
            $after = $cluster | Get-LbEndpointCounter | Group-Object EndpointName -AsHashTable
            foreach ($endpoint in $counted.Endpoints) {
                ($after[$endpoint.Name].Packets | Measure-Object -Sum).Sum - ($before[$endpoint.Name].Packets | Measure-Object -Sum).Sum | Should -Be $endpoint.Connections -Because "the kernel counted it for $($endpoint.Name)"
            }
        }

        It 'is reached from <From> to <To>' -ForEach $Ways {
            $one = $cluster | Invoke-ConnectTest -Count 200 -From $From -To $To
            $one.Connections, $one.Context.To | Should -Be 200, $To
            @($one.Endpoints | Where-Object Connections).Count | Should -BeIn ($To -eq 'Endpoint' ? 1 : 2..12)
        }

        It 'is reached at one endpoint past the load balancer, by datagrams, and by connections that stay' {
            $name = $cluster.Endpoints[2]
            $one = $cluster | Invoke-ConnectTest -Count 50 -To Endpoint -ToName $name
            $one.Endpoints | Where-Object Connections -GT 0 | ForEach-Object Name | Should -Be $name
            $udp = $cluster | Invoke-ConnectTest -Count 200 -Protocol Udp
            $udp.Connections + $udp.Failed | Should -Be 200
            $udp.Connections | Should -BeGreaterThan 190
            ($cluster | Invoke-ConnectTest -Count 200 -KeepOpen).Connections | Should -Be 200
        }

        It 'is taken by name, with time limits as numbers or text, and mconnect''s name of the count' {
            $one = Invoke-ConnectTest -Cluster $cluster.Name -nconn 100 -Timeout 20 -ConnectTimeout 500ms -Seed 7
            $one.Connections, $one.Seed | Should -Be 100, 7
        }

        It 'gives back what was written to a file, and a report' {
            $file = Join-Path $TestDrive 'connect.json'
            $result | Export-LbResult $file
            $copy = Import-LbResult $file
            foreach ($name in 'Label', 'Started', 'Duration', 'Completed', 'Target', 'Connections', 'Seed') { $copy.$name | Should -Be $result.$name }
            $copy.Endpoints.Connections | Should -Be $result.Endpoints.Connections
            $copy.Context | Should -Be $result.Context
            $page = Join-Path $TestDrive 'report.html'
            $result | Export-LbReport $page
            Get-Content $page -Raw | Should -Match ([regex]::Escape([Net.WebUtility]::HtmlEncode($cluster.Endpoints[0])))
        }

        It 'works in ForEach-Object -Parallel' {
            $results = 1..3 | ForEach-Object -Parallel { Import-Module $using:ModulePath; $using:cluster | Invoke-ConnectTest -Count 50 -Label "run $_" }
            $results.Connections | Should -Be 50, 50, 50
            $cluster.Running | Should -BeTrue
            ($results | Sort-Object Label | Format-LbTable).Labels | Should -Be 'run 1', 'run 2', 'run 3'
        }

        It 'works in a background job, whose results keep their endpoints' {
            $job = Start-Job { Import-Module $using:ModulePath; & ([scriptblock]::Create($using:InJob)) ($using:cluster).Name | Invoke-ConnectTest -Count 60 }
            try {
                $one = $job | Wait-Job -Timeout 60 | Receive-Job
                $one.Connections | Should -Be 60
                ($one.Endpoints.Connections | Measure-Object -Sum).Sum | Should -Be 60
                $one.Latency.P99 | Should -BeOfType TimeSpan
                # Analysis and export take what came through the job like any other result.
                ($one | Measure-LbBalance).Connections | Should -Be 60
                ($one, $one | Format-LbTable).Labels | Should -HaveCount 2
                $one | Export-LbResult -Path (Join-Path $TestDrive 'job.json')
                $copy = Import-LbResult (Join-Path $TestDrive 'job.json')
                $copy.Endpoints.Name | Should -Be $one.Endpoints.Name
                $copy.Latency.P99 | Should -Be $one.Latency.P99
            }
            finally { $job | Remove-Job -Force }
        }

        It 'has names that completion knows' {
            Get-Completion 'Get-LbCluster -Name ' | Should -Contain $cluster.Name
            Get-Completion 'Invoke-ConnectTest -Cluster ' | Should -Contain $cluster.Name
            Get-Completion "Invoke-ConnectTest $($cluster.Name) -From Node -FromName " | Should -Be $cluster.Nodes
            Get-Completion "Invoke-ConnectTest $($cluster.Name) -To Endpoint -ToName $($cluster.Endpoints[1])" | Should -Be $cluster.Endpoints[1]
            Get-Completion 'Invoke-TrafficTest -From Pod -FromName ' | Should -Contain $cluster.Endpoints[0]
        }

        It 'holds connections at a rate, and gives rows: samples, connections, analyses' {
            $traffic = $cluster | Invoke-TrafficTest -Connections 20 -PacketsPerSecond 400 -PacketSize 200 -Duration 2 -RampUp 500ms -Seed 7 -Label 'short'
            $traffic.Completed, $traffic.Clients, $traffic.PacketSize, $traffic.Seed, $traffic.LostConnections | Should -Be $true, 20, 200, 7, 0
            $traffic.Duration.TotalSeconds | Should -Be 2
            ($traffic.Samples.Sent | Measure-Object -Sum).Sum | Should -Be $traffic.Sent
            $traffic.Received | Should -BeGreaterThan 0
            @($traffic | Get-LbTrafficSample)[-1].Active | Should -Be 20
            $traffic | Get-LbTrafficConnection | Should -HaveCount 20
            ($traffic | Get-LbTrafficConnection).Endpoint | Where-Object { $_ -notin $cluster.Endpoints } | Should -BeNullOrEmpty
            ($traffic | Measure-LbTraffic -By Hosts | Measure-Object Lasting -Sum).Sum | Should -Be 20
            $cost = $traffic | Measure-LbDisruption
            $cost.Label, $cost.LostConnections | Should -Be 'short', 0
            [object]::ReferenceEquals($LbLastResult, $traffic) | Should -BeTrue
            $traffic | Export-LbResult (Join-Path $TestDrive 'traffic.json')
            $copy = Import-LbResult (Join-Path $TestDrive 'traffic.json')
            $copy.Connections | Should -HaveCount 20
            $copy.Samples[1].Latency.P99 | Should -Be $traffic.Samples[1].Latency.P99
            $traffic | Export-LbReport (Join-Path $TestDrive 'traffic.html')
            Get-Content (Join-Path $TestDrive 'traffic.html') -Raw | Should -Match '>short '
            $traffic | Show-LbChart | Out-String | Should -Match 'short'
        }

        It 'speaks UDP in traffic tests, and takes the names and times of ctraffic' {
            $udp = $cluster | Invoke-TrafficTest -nconn 5 -psize 100 -timeout 600ms -Protocol Udp -PacketsPerSecond 100
            $udp.Protocol, $udp.PlannedDuration.TotalMilliseconds | Should -Be 'Udp', 600
            $udp.Received | Should -BeGreaterThan 0
        }

        It 'gives samples as they happen, cluster by cluster, and ends when nobody wants more' {
            $samples = @($cluster, $cluster | Invoke-TrafficTest -Connections 3 -Duration 1 -Monitor)
            $samples.Active | Should -Be 3, 3
            ($cluster | Invoke-TrafficTest -Connections 5 -Duration 600 -Monitor | Select-Object -First 1).Active | Should -Be 5
            $LbLastResult.PlannedDuration.TotalSeconds, $LbLastResult.Completed | Should -Be 600, $false
        }

        It 'is disturbed by scripts, which are told which it is, and undone' {
            $seen = [Collections.Generic.List[string]]::new()
            $script = New-LbDisturbance { param($cluster) $seen.Add("$($_.Name) $($cluster.Name)") } 0.2 -UndoScriptBlock { $seen.Add('undone') }
            $disturbed = $cluster | Invoke-TrafficTest -Connections 4 -Duration 1 -Disturbance $script
            $seen | Should -Be "$($cluster.Name) $($cluster.Name)", 'undone'
            $disturbed.Disturbances.Undo | Should -Be $false, $true
        }

        It 'is not disturbed by what cannot be, and that before the run: <Names>' -ForEach @(
            @{ Names = 'Name'; Plan = { New-LbDisturbance EndpointDown 1 -Name nobody -Mode Reset } }
            @{ Names = 'IpvsScheduler'; Plan = { New-LbDisturbance ProxyModeSwitch 1 -IpvsScheduler Lc } }
            @{ Names = 'At'; Plan = { New-LbDisturbance EndpointDown 5 -Count 1 } }
        ) {
            $before = $LbLastResult
            { $cluster | Invoke-TrafficTest -Duration 2 -Disturbance (& $Plan) } | Should -Throw -ErrorId "LbTest.$Names,*"
            [object]::ReferenceEquals($before, $LbLastResult) | Should -BeTrue
        }
    }
}

Describe 'Every cluster: a lab' -ForEach $Lab -Fixture $Tests
Describe 'Every cluster: Kubernetes' -ForEach $Kubernetes -Fixture $Tests -Skip:(-not $env:KUBECONFIG)
