# Starts on a real cluster: the cluster that KUBECONFIG names. See tests/cluster/README.md.
BeforeDiscovery {
    $script:NoCluster = -not $env:KUBECONFIG
    # What goes beyond a namespace of our own is for a cluster that was made for tests.
    $script:NotOurs = $env:LBTEST_TEST_CLUSTER -ne '1'
    $script:Tools = 'mconnect', 'ctraffic' | ForEach-Object { @{ Tool = $_; File = (Get-Command $_ -CommandType Application -ErrorAction Ignore | Select-Object -First 1).Source } }
}

Describe 'Starting on a Kubernetes cluster' -Skip:$NoCluster {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $ours = "pester-$PID-start"
        function New-Namespace { "$ours-$(Get-Random -Maximum 1000000)" }
    }

    It 'says why endpoints wait, and leaves nothing: <Case>' -ForEach @(
        @{ Case = 'an image that is not to be had'; Parameters = @{ Image = 'lbtest-nowhere:0.0.1' }; Message = '*lbtest-nowhere:0.0.1*-Image*' }
        @{ Case = 'nodes that are not there'; Parameters = @{ NodeSelector = @{ 'lbtest-no-such' = 'label' }; TimeoutSec = 5 }; Message = '*Unschedulable*-NodeSelector*' }
        @{ Case = 'a load balancer that is none'; Parameters = @{ ServiceType = 'LoadBalancer'; TimeoutSec = 15 }; Message = '*No load balancer gave*-ServiceType NodePort*' }
    ) {
        $namespace = New-Namespace
        { Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 2 @Parameters } | Should -Throw $Message
        Test-Leaving $namespace | Should -BeTrue
    }

    It 'says that this version does not know a policy, and leaves nothing' -Skip:$NotOurs {
        $namespace = New-Namespace
        { Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 1 -InternalTrafficPolicy Local } | Should -Throw "InternalTrafficPolicy 'Local' cannot be:*from 1.22 on*"
        Test-Leaving $namespace | Should -BeTrue
    }

    It 'says that a quota is full' {
        $namespace = New-Namespace
        kubectl create namespace $namespace | Out-Null
        kubectl -n $namespace create quota small --hard=pods=2 | Out-Null
        try {
            { Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 5 } | Should -Throw '*exceeded quota*'
            # The namespace was there before, so it stays; what was put into it does not.
            Wait-Until { -not (kubectl -n $namespace get deployments,services -l app.kubernetes.io/managed-by=lbtest -o name) } -Seconds 30 | Should -BeTrue
            kubectl get namespace $namespace -o name | Should -Be "namespace/$namespace"
        }
        finally { Remove-Namespace $namespace }
    }

    It 'waits for no namespace that is being deleted' {
        $namespace = New-Namespace
        kubectl create namespace $namespace | Out-Null
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"held","namespace":"' + $namespace + '","finalizers":["lbtest/held"]}}' | kubectl apply -f - | Out-Null
        Remove-Namespace $namespace
        try { { Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 1 } | Should -Throw '*is being deleted*' }
        finally { kubectl -n $namespace patch configmap held --type=merge -p '{"metadata":{"finalizers":null}}' | Out-Null }
    }

    It 'takes nothing that is somebody else''s, and deletes nothing of it' {
        $namespace = New-Namespace
        kubectl create namespace $namespace | Out-Null
        try {
            kubectl -n $namespace create deployment lbtest --image=lbtest:0.1.0 | Out-Null
            { Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 1 } | Should -Throw '*LbTest did not make*'
            kubectl -n $namespace delete deployment lbtest | Out-Null
            kubectl -n $namespace create configmap theirs | Out-Null
            $cluster = Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 2
            $cluster | Stop-LbCluster
            kubectl -n $namespace get configmap theirs -o name | Should -Be 'configmap/theirs'
            kubectl -n $namespace get all -l app.kubernetes.io/managed-by=lbtest -o name | Should -BeNullOrEmpty
        }
        finally { Remove-Namespace $namespace }
    }

    It 'goes on without a look into the nodes where that cannot be, and makes nothing with -WhatIf' -Skip:$NotOurs {
        $namespace = New-Namespace
        $cluster = Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 0 -Image lbtest-nowhere:0.0.1 -NodeAccess
        try {
            $needs = 'must be able to load the modules ip_vs'
            $cluster | Set-LbProxyMode -ProxyMode Ipvs -WhatIf -WarningVariable warnings -WarningAction SilentlyContinue
            "$warnings" | Should -Match $needs
            & { $WhatIfPreference = $true; $cluster | Set-LbProxyMode -ProxyMode Ipvs -WarningAction SilentlyContinue }
            kubectl get namespace "$namespace-node" --ignore-not-found -o name | Should -BeNullOrEmpty
            # A shell that cannot ask goes no further than the warnings.
            $said = "$(Invoke-Shell "try { Get-LbCluster -Kubernetes -Namespace $namespace | Set-LbProxyMode -ProxyMode Ipvs -Confirm 3>&1 } catch { 'not asked' }")"
            $said | Should -Match "$needs.* What they lack could not be looked at: .*lbtest-nowhere.*not asked"
            kubectl -n "$namespace-node" get pods -o name | Should -BeNullOrEmpty
        }
        finally { Remove-Namespace $namespace }
    }

    It 'names the right that is missing' -Skip:$NotOurs {
        $limited = Join-Path (Split-Path $env:KUBECONFIG) 'limited.kubeconfig'
        { Start-LbCluster -Kubernetes -KubeConfig $limited -Namespace (New-Namespace) -EndpointCount 1 } | Should -Throw '*cannot * resource *'
    }

    Context 'with an image of <Tool> (skipped without LBTEST_TEST_CLUSTER, and without <Tool> on PATH)' -ForEach $Tools -Skip:$NotOurs {
        It 'answers the tests that it knows, and refuses the others at once' -Skip:(-not $File) {
            $cluster = $null
            $folder = Split-Path $env:KUBECONFIG
            $image = "example/${Tool}:test"
            $archive = Join-Path $TestDrive "$Tool.tar"
            & $PSScriptRoot/../cluster/image.sh $image $File $archive
            & $PSScriptRoot/../cluster/load.sh --name ((Split-Path $folder -Leaf) -replace '^lbtest-cluster-') $archive
            try {
                $cluster = Start-LbCluster -Kubernetes -Namespace (New-Namespace) -Image $image -EndpointCount 10
                $cluster.Endpoints | Should -HaveCount 10
                $connect = { $cluster | Invoke-ConnectTest -Count 1000 -ErrorAction Stop }
                $traffic = { $cluster | Invoke-TrafficTest -Connections 60 -PacketsPerSecond 120 -Duration 3 -ErrorAction Stop }
                if ($Tool -eq 'mconnect') {
                    $result = & $connect
                    $result.Connections, $result.Failed | Should -Be 1000, 0
                    ($result | Measure-LbBalance -Alpha 1e-4).Verdict | Should -Be ConsistentWithRandom
                    $datagrams = $cluster | Invoke-ConnectTest -Count 500 -Protocol Udp
                    $datagrams.Connections | Should -BeGreaterThan 480
                    $traffic | Should -Throw "*'$image' answers no traffic tests*ctraffic*"
                    { $cluster | Invoke-ConnectTest -From Pod -ErrorAction Stop } | Should -Throw '*-From ClientPod*'
                }
                else {
                    $result = & $traffic
                    $result.Completed, $result.LostConnections, $result.FailedConnects | Should -Be $true, 0, 0
                    $result.Received | Should -BeGreaterThan 0
                    $result.Received | Should -Be $result.Sent
                    $result.Connections.Endpoint | Sort-Object -Unique | ForEach-Object { $_ | Should -BeIn $cluster.Endpoints }
                    $connect | Should -Throw "*'$image' answers no connect tests*mconnect*"
                }
            }
            finally { if ($cluster) { Remove-Namespace $cluster.Namespace } }
        }
    }

    It 'is stopped by Ctrl+C within a second, whatever it does just then, and leaves nothing: after <_> s' -ForEach 0.3, 1.5, 4 {
        $namespace = New-Namespace
        $shell = [powershell]::Create().AddScript("Import-Module '$ModulePath'; Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 30")
        $null = $shell.BeginInvoke()
        Start-Sleep -Seconds ($_ + 1)
        $clock = [Diagnostics.Stopwatch]::StartNew()
        $shell.Stop()
        $clock.Elapsed.TotalSeconds | Should -BeLessThan 3
        $shell.Dispose()
        Wait-Until { Test-Leaving $namespace } -Seconds 30 | Should -BeTrue
    }

    It 'has left nothing of all that' {
        Wait-Until { -not ((kubectl get namespaces -o name) -match $ours) } -Seconds 300 | Should -BeTrue
    }
}
