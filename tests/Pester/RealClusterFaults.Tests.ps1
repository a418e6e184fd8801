# Ctrl+C, and an API server that is slow or gone, on a real cluster: the one that KUBECONFIG names. See tests/cluster/README.md.
BeforeDiscovery {
    $script:NoCluster = -not $env:KUBECONFIG
    $script:NotOurs = $env:LBTEST_TEST_CLUSTER -ne '1'
}

Describe 'A Kubernetes cluster, when something is broken off' -Skip:$NoCluster {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $namespace = "pester-$PID-$(Get-Random -Maximum 1000000)"
        $cluster = Start-LbCluster -Kubernetes -Namespace $namespace -EndpointCount 6 -NodeAccess:(-not $NotOurs)
        $find = "Import-Module '$ModulePath'; `$cluster = Get-LbCluster -Kubernetes -Namespace $namespace"
        # A second is what it takes on a machine that has time.
        $soon = 3

        function Get-Kubectl([string]$Word = 'kubectl') {
            $all = Get-ProcessOf $Word
            Get-Descendant $PID | Where-Object { $all -contains $_ }
        }
        # When the agents of a test have been at work for a moment.
        function Test-AtWork([int]$Agents) {
            if (@(Get-Kubectl 'lbtest-client').Count -lt $Agents) { return $false }
            Start-Sleep -Seconds 3
            $true
        }
        function Get-Replica { [int](kubectl -n $namespace get deployment lbtest -o 'jsonpath={.spec.replicas}') }
        function Get-NodePod { @(kubectl get pods -A -l lbtest/run -o 'jsonpath={.items[*].metadata.namespace}') -split ' ' | Where-Object { $_ -eq "$namespace-node" } }
        function Get-ProxyConfig { (kubectl -n kube-system get configmap kube-proxy -o 'jsonpath={.data.config\.conf}') -join "`n" }
        function Test-Namespace([string]$Name) { "namespace/$Name" -in (kubectl get namespaces -o name) }

        # Runs commands in another runspace, and does something to it, and to what it runs, once the time has come.
        function Invoke-Beside([string]$Script, [scriptblock]$When, [scriptblock]$Then) {
            $shell = [powershell]::Create().AddScript($Script)
            try {
                $running = $shell.BeginInvoke()
                Wait-Until { $running.IsCompleted -or (& $When) } -Seconds 90 | Should -BeTrue
                # Not enumerated: that would wait for the end.
                $shell.Streams.Error.ReadAll() | Should -BeNullOrEmpty
                $shell.InvocationStateInfo.State | Should -Be Running
                & $Then $shell $running
            }
            finally { $shell.Dispose() }
        }
        # Presses Ctrl+C once the time has come; returns how long that took, and the last result.
        function Invoke-Stopped([string]$Command, [scriptblock]$When) {
            Invoke-Beside -Script "$find; $Command" -When $When -Then {
                param($shell)
                $took = Measure-Command { $shell.Stop() }
                Write-Verbose "Ctrl+C took $($took.TotalSeconds) s: $Command" -Verbose:($env:LBTEST_TIMES -eq '1')
                [pscustomobject]@{ Seconds = $took.TotalSeconds; Result = $shell.Runspace.SessionStateProxy.GetVariable('LbLastResult') }
            }
        }
    }

    AfterAll {
        if ($namespace) { Remove-Namespace $namespace }
    }

    AfterEach {
        # Whatever was broken off: no process of ours goes on.
        Wait-Until { -not (Get-Kubectl) } -Seconds 120 | Should -BeTrue
    }

    Context 'by Ctrl+C' {
        It 'keeps what a connect test measured until then: from <Places> place(s)' -ForEach @(@{ Places = 1; From = '' }, @{ Places = 3; From = '-From ClientPod -FromName *' }) {
            $stopped = Invoke-Stopped "`$cluster | Invoke-ConnectTest -Count 100000000 $From" { Test-AtWork $Places }
            $stopped.Seconds | Should -BeLessThan $soon
            $stopped.Result.Completed | Should -BeFalse
            $stopped.Result.Reason | Should -Match 'stopped'
            $stopped.Result.Connections | Should -BeGreaterThan 0
            $stopped.Result.Connections + $stopped.Result.Failed + $stopped.Result.Unfinished | Should -Be 100000000
        }

        It 'keeps what a traffic test measured, and undoes its disturbance' {
            $stopped = Invoke-Stopped '$cluster | Invoke-TrafficTest -Connections 10 -Duration 300 -Disturbance (New-LbDisturbance ScaleTo -At 1 -Replicas 3 -Duration 250)' { (Get-Replica) -eq 3 }
            $stopped.Seconds | Should -BeLessThan $soon
            $stopped.Result.Completed | Should -BeFalse
            $stopped.Result.Reason | Should -Match 'stopped'
            $stopped.Result.Received | Should -BeGreaterThan 0
            $stopped.Result.Disturbances.Kind | Should -Contain ScaleTo
            Wait-Until { (Get-Replica) -eq 6 } -Seconds 30 | Should -BeTrue
        }

        It 'takes a drain back' -Skip:$NotOurs {
            $node = $cluster.Nodes[1]
            function Get-Cordon { kubectl get node $node -o 'jsonpath={.spec.unschedulable}' }
            $stopped = Invoke-Stopped "`$cluster | Invoke-TrafficTest -Connections 10 -Duration 300 -Disturbance (New-LbDisturbance NodeDrain -At 1 -Name $node -Duration 250)" { (Get-Cordon) -eq 'true' }
            $stopped.Seconds | Should -BeLessThan $soon
            Wait-Until { -not (Get-Cordon) } -Seconds 30 | Should -BeTrue
        }

        It 'leaves no privileged pod behind: <Command>' -Skip:$NotOurs -ForEach @(
            @{ Command = 'Get-LbConntrack' }, @{ Command = 'Test-LbPrerequisite' }, @{ Command = 'Get-LbEndpointCounter' }
        ) {
            # Not before all is put to work: what is only about to be made could not be left behind.
            (Invoke-Stopped "while (`$true) { `$cluster | $Command }" { Get-NodePod }).Seconds | Should -BeLessThan $soon
            Wait-Until { -not (Get-NodePod) } -Seconds 60 | Should -BeTrue
        }

        It 'takes a change of the proxy mode back' -Skip:$NotOurs {
            $before = Get-ProxyConfig
            $to = if ($before -match 'mode: "?iptables') { 'Ipvs' } else { 'Iptables' }
            $seconds = (Invoke-Stopped "`$cluster | Set-LbProxyMode -ProxyMode $to -WarningAction SilentlyContinue" { (Get-ProxyConfig) -ne $before }).Seconds
            $seconds | Should -BeLessThan $soon
            Wait-Until { (Get-ProxyConfig) -eq $before } -Seconds 30 | Should -BeTrue
            # The one with the old configuration is rolled out last.
            Wait-Until { -not (Get-Kubectl) } -Seconds 30 | Should -BeTrue
            kubectl -n kube-system rollout status daemonset/kube-proxy --timeout=300s | Out-Null
            $LASTEXITCODE | Should -Be 0
            ($cluster | Get-LbProxyMode).Mode | Sort-Object -Unique | Should -Be Iptables
        }

        It 'goes on to stop the cluster, and can be told to again' {
            $other = "$namespace-2"
            $null = Start-LbCluster -Kubernetes -Namespace $other -EndpointCount 2
            $command = "Get-LbCluster -Kubernetes -Namespace $other | Stop-LbCluster"
            (Invoke-Stopped $command { "$(kubectl get namespace $other -o 'jsonpath={.status.phase}')" -eq 'Terminating' }).Seconds | Should -BeLessThan $soon
            Invoke-Shell "Stop-LbCluster '$($cluster.Context)/$other' -ErrorAction SilentlyContinue"
            Wait-Until { Test-Leaving $other } -Seconds 30 | Should -BeTrue
        }

        It 'has removed what it made when the shell ends at once, or says how to' {
            $other = "$namespace-3"
            $said = Invoke-Shell @"
                `$shell = [powershell]::Create().AddScript("Import-Module '$ModulePath'; Start-LbCluster -Kubernetes -Namespace $other -EndpointCount 2")
                `$null = `$shell.BeginInvoke()
                for (`$i = 0; `$i -lt 600 -and -not (kubectl get namespace $other -o name 2>`$null); `$i++) { Start-Sleep -Milliseconds 100 }
                `$null = `$shell.BeginStop(`$null, `$null)
                exit
"@ 2>&1
            # On a machine that has time it always is.
            if ("$said" -match 'kubectl --context (\S+) delete namespace (\S+)') { kubectl --context $Matches[1] delete namespace $Matches[2] --wait=false | Out-Null }
            Wait-Until { Test-Leaving $other } -Seconds 30 | Should -BeTrue
        }
    }

    Context 'by an API server that is gone' {
        BeforeAll {
            Add-Type -Path $PSScriptRoot/CutLine.cs
            $server = [uri](kubectl config view --minify -o 'jsonpath={.clusters[0].cluster.server}')
            $address = [Net.Dns]::GetHostAddresses($server.Host)[0].ToString()
            $line = [CutLine]::new($address, $server.Port)
            # Its certificate is not for this address.
            $config = Join-Path $TestDrive 'config'
            (kubectl config view --minify --flatten --raw) -replace '^( *)server: .*', "`$1server: https://127.0.0.1:$($line.Port)`n`$1tls-server-name: $($server.Host)" | Set-Content $config
            $through = "Import-Module '$ModulePath'; `$cluster = Get-LbCluster -Kubernetes -KubeConfig '$config' -Namespace $namespace"

            # Cuts the line once the time has come; returns what came of the command, and how long it took after the cut.
            function Invoke-Cut([string]$Command, [scriptblock]$When) {
                Invoke-Beside -Script "$through; $Command" -When $When -Then {
                    param($shell, $running)
                    $line.Cut()
                    $clock = [Diagnostics.Stopwatch]::StartNew()
                    $fault = $null
                    try { $result = $shell.EndInvoke($running) } catch { $fault = $_.Exception.InnerException.ErrorRecord ?? $_ }
                    Write-Verbose "After the cut it took $($clock.Elapsed.TotalSeconds) s: $Command" -Verbose:($env:LBTEST_TIMES -eq '1')
                    [pscustomobject]@{ Seconds = $clock.Elapsed.TotalSeconds; Result = $result; Fault = $fault ?? $shell.Streams.Error.ReadAll(); Warnings = "$($shell.Streams.Warning.ReadAll())" }
                }
            }
        }

        AfterAll { if ($line) { $line.Dispose() } }

        AfterEach {
            # Once more for those that failed before they came to it.
            $line.Cut()
            $line.Mend()
            $line.Delay = [timespan]::Zero
        }

        It 'says so during a start, and how to remove what it made' {
            $other = "$namespace-4"
            # It waits for nodes that are not there.
            $cut = Invoke-Cut "Start-LbCluster -Kubernetes -KubeConfig '$config' -Namespace $other -EndpointCount 3 -NodeSelector @{ 'lbtest-no-such' = 'label' }" { kubectl -n $other get deployment lbtest -o name 2>$null }
            $cut.Seconds | Should -BeLessThan 20
            "$($cut.Fault)" | Should -BeLike "*127.0.0.1:$($line.Port)*could not be removed; do it with: kubectl --context $($cluster.Context) delete namespace $other*"
            Test-Namespace $other | Should -BeTrue
            $line.Mend()
            $again = Start-LbCluster -Kubernetes -KubeConfig $config -Namespace $other -EndpointCount 2
            $again.Adopted | Should -Contain "namespace $other"
            ($again | Invoke-ConnectTest -Count 50).Connections | Should -Be 50
            $again | Stop-LbCluster
            Test-Namespace $other | Should -BeFalse
        }

        It 'hands over what a connect test had measured' {
            $cut = Invoke-Cut '$cluster | Invoke-ConnectTest -Count 100000000 -WarningAction SilentlyContinue' { Test-AtWork 1 }
            $cut.Seconds | Should -BeLessThan 20
            $cut.Result.Completed | Should -BeFalse
            $cut.Result.Reason | Should -Match 'is gone'
            $cut.Result.Connections | Should -BeGreaterThan 0
            $cut.Result.Connections + $cut.Result.Failed + $cut.Result.Unfinished | Should -Be 100000000
        }

        It 'hands over what a traffic test had measured, and says how to undo what it did' {
            $cut = Invoke-Cut '$cluster | Invoke-TrafficTest -Connections 10 -Duration 300 -Disturbance (New-LbDisturbance ScaleTo -At 1 -Replicas 3 -Duration 250)' { (Get-Replica) -eq 3 }
            $cut.Seconds | Should -BeLessThan 20
            $cut.Result.Completed | Should -BeFalse
            $cut.Result.Reason | Should -Match 'is gone'
            $cut.Result.Received | Should -BeGreaterThan 0
            $cut.Warnings | Should -BeLike "*could not be undone*Do it with: kubectl --context $($cluster.Context) -n $namespace scale deployment/lbtest --replicas=6*"
            Get-Replica | Should -Be 3
            kubectl -n $namespace scale deployment/lbtest --replicas=6 | Out-Null
            kubectl -n $namespace rollout status deployment/lbtest --timeout=120s | Out-Null
        }

        It 'says during a change of the proxy mode what to do by hand' -Skip:$NotOurs {
            $before = Get-ProxyConfig
            $to = if ($before -match 'mode: "?iptables') { 'Ipvs' } else { 'Iptables' }
            try {
                $cut = Invoke-Cut "`$cluster | Set-LbProxyMode -ProxyMode $to -WarningAction SilentlyContinue" { (Get-ProxyConfig) -ne $before }
                $cut.Seconds | Should -BeLessThan 20
                "$($cut.Fault)" | Should -BeLike "*127.0.0.1:$($line.Port)*did not succeed either*Do it by hand: kubectl --context $($cluster.Context) -n kube-system edit configmap kube-proxy*then kubectl --context * rollout restart daemonset/kube-proxy*"
            }
            finally {
                @{ data = @{ 'config.conf' = "$before`n" } } | ConvertTo-Json -Compress | Set-Content (Join-Path $TestDrive patch)
                kubectl -n kube-system patch configmap kube-proxy -p (Get-Content (Join-Path $TestDrive patch) -Raw) | Out-Null
                kubectl -n kube-system rollout restart daemonset/kube-proxy | Out-Null
                kubectl -n kube-system rollout status daemonset/kube-proxy --timeout=300s | Out-Null
            }
        }

        It 'works with one that is slow' {
            # Three times there and back for each answer, with the greetings before it.
            $line.Delay = [timespan]::FromSeconds(0.3)
            $other = "$namespace-5"
            $slow = Start-LbCluster -Kubernetes -KubeConfig $config -Namespace $other -EndpointCount 2
            try { ($slow | Invoke-ConnectTest -Count 50).Connections | Should -Be 50 }
            finally { $slow | Stop-LbCluster }
            Test-Namespace $other | Should -BeFalse
        }
    }

    It 'leaves nothing of all that' {
        Wait-Until { -not ((kubectl get namespaces -o name) -match "/$namespace-\d") } -Seconds 300 | Should -BeTrue
    }
}
