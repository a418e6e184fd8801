Describe 'New-LbDisturbance' {
    BeforeAll { . $PSScriptRoot/Setup.ps1 }

    It 'plans <Kind>' -ForEach @(
        @{ Kind = 'EndpointDown'; Given = @{ Endpoint = 'tserver-*'; Mode = 'Reset'; DetectAfter = '500ms'; Duration = 3 } }
        @{ Kind = 'EndpointDown'; Given = @{ Share = 0.25; DrainTime = 2 } }
        @{ Kind = 'EndpointUp'; Given = @{} }
        @{ Kind = 'NodeDown'; Given = @{ Node = 'node-1', 'node-2'; DetectAfter = 1 } }
        @{ Kind = 'NodeUp'; Given = @{ Count = 1 } }
        @{ Kind = 'EcmpTargetRemove'; Given = @{ Count = 1 } }
        @{ Kind = 'EcmpTargetAdd'; Given = @{} }
        @{ Kind = 'PacketLoss'; Given = @{ Hop = 'tester'; Percent = 5; Direction = 'To' } }
        @{ Kind = 'Delay'; Given = @{ Hop = 'node-1'; Latency = '20ms'; Jitter = '5ms' } }
        @{ Kind = 'Reorder'; Given = @{ Hop = 'tester'; Percent = 25; Latency = '20ms'; Direction = 'To' } }
        @{ Kind = 'RateLimit'; Given = @{ Hop = 'tester'; BytesPerSecond = 1MB } }
        @{ Kind = 'RollingUpdate'; Given = @{ MaxSurge = 1; MaxUnavailable = '25%'; ReadinessDelay = 2; DrainTime = 1 } }
        @{ Kind = 'ScaleTo'; Given = @{ Replicas = 3; ReadinessDelay = 2 } }
        @{ Kind = 'ProxyModeSwitch'; Given = @{ ProxyMode = 'iptables' } }
        @{ Kind = 'ProxyModeSwitch'; Given = @{ IpvsScheduler = 'lc'; Duration = 2 } }
        @{ Kind = 'ProxyModeSwitch'; Given = @{ ProxyMode = 'Ipvs'; IpvsScheduler = 'Sh' } }
        @{ Kind = 'ConntrackFlush'; Given = @{} }
    ) {
        $plan = New-LbDisturbance $Kind -At 5s @Given
        $plan.Kind | Should -Be $Kind
        $plan.At.TotalSeconds | Should -Be 5
        foreach ($pair in $Given.GetEnumerator()) {
            $name = if ($pair.Key -in 'Endpoint', 'Node', 'Hop') { 'Name' } else { $pair.Key }
            $value = if ($plan.$name -is [TimeSpan]) { $plan.$name.TotalSeconds } else { $plan.$name }
            $expected = if ("$($pair.Value)" -match '^(\d+)ms$') { [int]$Matches[1] / 1000 } else { $pair.Value }
            $value | Should -Be $expected
        }
    }

    It 'refuses <Names> of <Kind>' -ForEach @(
        @{ Kind = 'NodeDown'; Given = @{ Count = 1; Mode = 'Drain' }; Names = 'Mode' }
        @{ Kind = 'RollingUpdate'; Given = @{ Replicas = 3 }; Names = 'Replicas' }
        @{ Kind = 'ConntrackFlush'; Given = @{ Duration = 3 }; Names = 'Duration' }
        @{ Kind = 'EndpointDown'; Given = @{ Percent = 3; Count = 1 }; Names = 'Percent' }
        @{ Kind = 'EndpointDown'; Given = @{}; Names = 'Name' }
        @{ Kind = 'EndpointDown'; Given = @{ Count = 1; Share = 0.5 }; Names = 'Name' }
        @{ Kind = 'EndpointDown'; Given = @{ Share = 2 }; Names = 'Share' }
        @{ Kind = 'PacketLoss'; Given = @{ Name = 'tester'; Percent = 101 }; Names = 'Percent' }
        @{ Kind = 'Delay'; Given = @{ Name = 'tester' }; Names = 'Latency' }
        @{ Kind = 'Reorder'; Given = @{ Percent = 100 }; Names = 'Percent' }
        @{ Kind = 'Reorder'; Given = @{ Percent = 5; Jitter = 0 }; Names = 'Jitter' }
        @{ Kind = 'RateLimit'; Given = @{ Name = 'tester'; BytesPerSecond = 0 }; Names = 'BytesPerSecond' }
        @{ Kind = 'ScaleTo'; Given = @{}; Names = 'Replicas' }
        @{ Kind = 'ProxyModeSwitch'; Given = @{}; Names = 'ProxyMode' }
        @{ Kind = 'ScaleTo'; Given = @{ Replicas = 3; IpvsScheduler = 'Lc' }; Names = 'IpvsScheduler' }
        @{ Kind = 'EndpointUp'; Given = @{ At = -1 }; Names = 'At' }
        @{ Kind = 'Script'; Given = @{}; Names = 'Kind' }
    ) {
        $caught = $null
        $all = @{ At = 5 }
        foreach ($pair in $Given.GetEnumerator()) { $all[$pair.Key] = $pair.Value }
        try { New-LbDisturbance $Kind @all } catch { $caught = $_ }
        $caught.FullyQualifiedErrorId | Should -BeLike "LbTest.$Names,*"
        $caught.CategoryInfo.Category | Should -Be 'InvalidArgument'
        $caught.ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
    }

    It 'takes a script, and says what a time to undo needs' {
        $plan = New-LbDisturbance { 'x' } 3 -UndoScriptBlock { 'y' } -Duration 1
        $plan.Kind | Should -Be 'Script'
        "$($plan.ScriptBlock)" | Should -Match 'x'
        { New-LbDisturbance { 'x' } 3 -Duration 1 } | Should -Throw -ErrorId 'LbTest.Duration,*'
    }

    It 'has a row for each kind at the prompt' {
        $text = @(
            New-LbDisturbance EndpointDown 5 -Share 0.25 -Mode Reset
            New-LbDisturbance ScaleTo 6 -Replicas 3 -Duration 2
            New-LbDisturbance { Get-Date } 7
        ) | Format-Table | Out-String -Width 80
        $text | Should -Match 'EndpointDown +25 % at random, Reset'
        $text | Should -Match '6 +2 ScaleTo +3 endpoints'
        $text | Should -Match 'Script +Get-Date'
    }
}

Describe 'Disturbances by script' {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $server = Start-LbServer -Address 127.0.0.1:0 -Name 'pester-d' -Service Traffic
        $common = @{ Address = $server.Address; Connections = 4; Duration = 1.5 }
    }
    AfterAll { $server | Stop-LbServer }

    It 'are carried out in order at their times, told by their place in the plan, and undone' {
        $calls = [Collections.Generic.List[string]]::new()
        $plan = @(
            New-LbDisturbance { $calls.Add("two $_ $($args.Count)") } 0.8 -UndoScriptBlock { $calls.Add('undo two') }
            New-LbDisturbance { param($cluster) $calls.Add("one $cluster"); 'output is dropped' } 0.3 -UndoScriptBlock { $calls.Add('undo one') } -Duration 200ms
        )
        $output = @(Invoke-TrafficTest @common -Disturbance $plan)
        $calls | Should -Be 'one ', 'undo one', 'two  1', 'undo two'
        $output | Should -HaveCount 1
        $events = $output[0].Disturbances
        $events.Index | Should -Be 1, 1, 0, 0
        $events.Undo | Should -Be $false, $true, $false, $true
        $events.Planned.TotalSeconds | Should -Be 0.3, 0.5, 0.8, 1.5
        $events[0].Description | Should -Match '^script param\(\$cluster\)'
        $events | Where-Object Error | Should -BeNullOrEmpty
        foreach ($one in $events) { $one.Applied | Should -BeGreaterOrEqual $one.Planned }
    }

    It 'tell their errors in the result and as warnings, and the test goes on' {
        $went = [Collections.Generic.List[int]]::new()
        $plan = @(
            New-LbDisturbance { Write-Error 'gently'; $went.Add(1) } 0.2
            New-LbDisturbance { throw 'hard' } 0.3 -UndoScriptBlock { Get-Item /nonexistent -ErrorAction Stop }
        )
        $result = Invoke-TrafficTest @common -Disturbance $plan -WarningVariable warnings -WarningAction SilentlyContinue
        $result.Completed | Should -BeTrue
        $went | Should -Be 1 -Because 'an error that does not end a script does not'
        $result.Disturbances[0].Error | Should -Be 'gently'
        $result.Disturbances[1].Error | Should -Be 'hard'
        $result.Disturbances[2].Error | Should -Match 'nonexistent'
        "$warnings" | Should -Match 'gently'
        "$warnings" | Should -Match 'hard'
    }

    It 'are told as they happen with -Verbose' {
        $told = Invoke-TrafficTest @common -Disturbance (New-LbDisturbance { 'x' } 0.2) -Verbose 4>&1 | Where-Object { $_ -is [System.Management.Automation.VerboseRecord] }
        "$told" | Should -Match '^\d\.\d+ s: script ''x'''
    }

    It 'break what they break: a server that is stopped and started again' {
        $name = $server.Address
        $plan = New-LbDisturbance { $server | Stop-LbServer } 0.3 -UndoScriptBlock { Set-Variable server (Start-LbServer -Address $name -Name 'pester-e' -Service Traffic) -Scope Script } -Duration 400ms
        $result = Invoke-TrafficTest @common -PacketsPerSecond 80 -Disturbance $plan
        # One that is made anew while the server stops is lost once more.
        $lost = @($result | Get-LbTrafficConnection -Lost)
        $lost.Count | Should -Be $result.LostConnections
        $lost.Client | Sort-Object -Unique | Should -Be (0..3)
        $lasting = $result | Get-LbTrafficConnection | Where-Object -Not Failure
        $lasting.Client | Sort-Object | Should -Be (0..3)
        $lasting.Endpoint | Select-Object -Unique | Should -Be 'pester-e'
        ($result | Measure-LbDisruption).Recovered | Should -BeTrue
        Stop-LbServer pester-e
        $server = Start-LbServer -Address $name -Name 'pester-d' -Service Traffic
    }

    It 'are broken off by Ctrl+C and undone all the same' {
        $powershell = [powershell]::Create()
        try {
            $seen = [hashtable]::Synchronized(@{})
            $null = $powershell.AddScript("param(`$seen) Import-Module '$ModulePath'; `$script = New-LbDisturbance { `$seen.Begun = 1; Start-Sleep 600; `$seen.Ended = 1 } 0.1 -UndoScriptBlock { `$seen.Undone = 1 }
                Invoke-TrafficTest -Address $($server.Address) -Connections 2 -Duration 600 -Disturbance `$script").AddArgument($seen).BeginInvoke()
            Wait-Until { $seen.Begun } -Seconds 20 | Should -BeTrue
            $powershell.Stop()
            $seen.Ended | Should -BeNullOrEmpty
            $seen.Undone | Should -Be 1
            $last = $powershell.Runspace.SessionStateProxy.GetVariable('LbLastResult')
            $last.Disturbances[0].Error | Should -Match 'stopped'
        }
        finally { $powershell.Dispose() }
    }

    It 'are refused before the run: <Says>' -ForEach @(
        @{ Says = '*needs a cluster*'; Id = 'LbTest.Disturbance'; Plan = { New-LbDisturbance NodeDown -At 1 -Count 1 } }
        @{ Says = '*not within the test*'; Id = 'LbTest.At'; Plan = { New-LbDisturbance { 1 } 1.5 } }
        @{ Says = '*ends after the test*'; Id = 'LbTest.Duration'; Plan = { New-LbDisturbance { 1 } 1 -UndoScriptBlock { 2 } -Duration 1 } }
    ) {
        $before = $LbLastResult
        { Invoke-TrafficTest @common -Disturbance (& $Plan) } | Should -Throw $Says -ErrorId "$Id,*"
        [object]::ReferenceEquals($before, $LbLastResult) | Should -BeTrue
    }

    It 'know no nothing' {
        { Invoke-TrafficTest @common -Disturbance $null } | Should -Throw '*Disturbance*'
    }

    It 'cannot come from a job, other than plans of what a cluster does' {
        $plans = Start-Job { Import-Module $using:ModulePath; New-LbDisturbance { 1 } 0.5; New-LbDisturbance EndpointDown 1 -Name a, b -Mode Reset } | Receive-Job -Wait -AutoRemoveJob
        { Invoke-TrafficTest @common -Disturbance $plans[0] } | Should -Throw '*in this session*'
        # It is taken for what it is, and refused for want of a cluster alone.
        { Invoke-TrafficTest @common -Disturbance $plans[1] } | Should -Throw '*EndpointDown*needs a cluster*'
    }
}

Describe 'Disturbances of a lab' {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $lab = Start-LbCluster -Name (New-LabName) -NodeCount 2 -EndpointCount 4
        function Get-Completion([string]$Line) { (TabExpansion2 $Line $Line.Length).CompletionMatches.CompletionText }
    }
    AfterAll { Stop-LbCluster "$($lab.Name)*" }

    It 'cost the connections of the endpoint that resets them, and no more' {
        $seen = [Collections.Generic.List[string]]::new()
        $plan = @(
            New-LbDisturbance { param($cluster) $seen.Add("$($_.Name) $($cluster.Name)") } 0.2
            New-LbDisturbance EndpointDown 0.6 -Name tserver-002 -Mode Reset -Duration 800ms
        )
        $result = $lab | Invoke-TrafficTest -Connections 40 -PacketsPerSecond 400 -Duration 2.2 -Disturbance $plan -Label reset
        $seen | Should -Be "$($lab.Name) $($lab.Name)"
        $result.Context.Cluster | Should -Be $lab.Name
        $result.Disturbances.Index | Should -Be 0, 1, 1 -Because 'a disturbance is known by its place in the plan'
        $result.Disturbances.Undo | Should -Be $false, $false, $true
        $result.Disturbances[1].Broken | Should -Be 'tserver-002'
        ($result | Get-LbTrafficConnection -Lost).Endpoint | Select-Object -Unique | Should -Be 'tserver-002'
        $cost = $result | Measure-LbDisruption
        $cost.LostConnections | Should -BeGreaterThan 0
        $cost.LostConnections | Should -Be $cost.LeastLost
        $cost.Ratio | Should -Be 1
        $cost.Recovered | Should -BeTrue
        ($cost.Endpoints | Where-Object Endpoint -EQ 'tserver-002').Lost | Should -Be $cost.LostConnections
        ($cost.Steps | Measure-Object Lost -Sum).Sum | Should -Be $cost.LostConnections
    }

    It 'meet both proxy modes alike, side by side in one report' {
        $plan = New-LbDisturbance EndpointDown 0.6 -Name tserver-003 -Mode Reset
        $results = foreach ($mode in 'Iptables', 'Nftables') {
            $other = Start-LbCluster -Name "$($lab.Name)-$mode" -ProxyMode $mode -NodeCount 2 -EndpointCount 4
            $other | Invoke-TrafficTest -Connections 40 -PacketsPerSecond 400 -Duration 1.5 -Disturbance $plan
            $other | Stop-LbCluster
        }
        $page = Join-Path $TestDrive 'modes.html'
        $results | Export-LbReport $page
        $text = Get-Content $page -Raw
        $text | Should -Match 'Traffic tests side by side'
        foreach ($result in $results) {
            $text | Should -Match "<h2[^>]*>[^<]*$($result.Label)"
            $text.Contains([Net.WebUtility]::HtmlEncode(($result | Measure-LbDisruption).Explanation)) | Should -BeTrue
        }
    }

    It 'are undone on Ctrl+C' {
        $down = { ($lab | Invoke-ConnectTest -Count 100).Endpoints | Where-Object Connections -EQ 0 }
        $powershell = [powershell]::Create()
        try {
            $null = $powershell.AddScript("Import-Module '$ModulePath'; Invoke-TrafficTest -Cluster $($lab.Name) -Connections 8 -Duration 600 -Disturbance (New-LbDisturbance EndpointDown 0.1 -Name tserver-001)").BeginInvoke()
            # Drained, it is out of the rules.
            Wait-Until { & $down } -Seconds 20 | Should -BeTrue
            (Measure-Command { $powershell.Stop() }).TotalSeconds | Should -BeLessThan 2
            $last = $powershell.Runspace.SessionStateProxy.GetVariable('LbLastResult')
            $last.Completed | Should -BeFalse
            $last.Disturbances[0].Removed | Should -Be 'tserver-001'
            & $down | Should -BeNullOrEmpty
        }
        finally { $powershell.Dispose() }
    }

    It 'are refused before the run: <Names>' -ForEach @(
        @{ Names = 'ProxyMode'; Plan = { New-LbDisturbance ProxyModeSwitch 1 -ProxyMode $lab.ProxyMode } }
        @{ Names = 'At'; Plan = { New-LbDisturbance NodeDown 5 -Count 1 } }
    ) {
        $before = $LbLastResult
        { $lab | Invoke-TrafficTest -Duration 2 -Disturbance (& $Plan) } | Should -Throw -ErrorId "LbTest.$Names,*"
        [object]::ReferenceEquals($before, $LbLastResult) | Should -BeTrue
    }

    It 'have names that completion knows' {
        Get-Completion 'New-LbDisturbance EndpointDown -At 1 -Name ' | Should -Be $lab.Endpoints
        Get-Completion 'New-LbDisturbance nodedown -At 1 -Name ' | Should -Be $lab.Nodes
        Get-Completion 'New-LbDisturbance PacketLoss -At 1 -Name t' | Should -Be (@('tester') + $lab.Endpoints)
        Get-Completion "Invoke-TrafficTest $($lab.Name) -From pod -FromName " | Should -Be $lab.Endpoints
        Get-Completion 'Get-LbTrafficConnection -Endpoint tserver-003' | Should -Be 'tserver-003'
    }
}
