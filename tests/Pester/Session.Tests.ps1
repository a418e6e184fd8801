Describe 'LbTest in a session' {
    BeforeAll { . $PSScriptRoot/Setup.ps1 }

    It 'is imported quickly and without a word' {
        # The second import: the first of a machine reads files from a cold disk.
        $seconds = 1..2 | ForEach-Object { [double](& $Shell -NoProfile -NonInteractive -Command "(Measure-Command { Import-Module '$ModulePath' *>&1 | Out-Default }).TotalSeconds") }
        $seconds[1] | Should -BeLessThan 2
    }

    It 'can be removed and imported again, and leaves no lab behind' {
        $output = Invoke-Shell "`$lab = Start-LbCluster -NodeCount 1 -EndpointCount 1; Remove-Module LbTest; `$lab.Running; @(Get-Command -Module LbTest).Count; Import-Module '$ModulePath'; @(Get-Command -Module LbTest).Count"
        $output | Should -Be 'False', '0', ([string]@(Get-Command -Module LbTest).Count)
    }

    It 'leaves a session''s own YamlDotNet alone' {
        $other = Join-Path $TestDrive 'YamlDotNet.dll'
        $builder = [System.Reflection.Emit.PersistedAssemblyBuilder]::new('YamlDotNet, Version=1.0.0.0', [object].Assembly)
        $null = $builder.DefineDynamicModule('YamlDotNet').DefineType('YamlDotNet.Other', 'Public').CreateType()
        $builder.Save($other)
        $manifest = Join-Path $TestDrive 'service.yaml'
        Set-Content $manifest "kind: Service`nmetadata: { name: x }`nspec: { ports: [{ port: 80 }] }"
        $output = & $Shell -NoProfile -NonInteractive -Command "Add-Type -Path '$other'; Import-Module '$ModulePath'; Start-LbCluster -Manifest '$manifest' -WhatIf | Out-Null; [YamlDotNet.Other].Name
            [AppDomain]::CurrentDomain.GetAssemblies() | Where-Object { `$_.GetName().Name -eq 'YamlDotNet' } | ForEach-Object { '{0} {1}' -f `$_.GetName().Version.Major, [System.Runtime.Loader.AssemblyLoadContext]::GetLoadContext(`$_).Name } | Sort-Object"
        $output | Should -Contain 'Other'
        $output | Where-Object { $_ -match '^\d+ ' } | Should -HaveCount 2
        $output | Where-Object { $_ -match ' LbTest$' } | Should -HaveCount 1
    }

    It 'stops within a second on Ctrl+C and keeps what was measured' {
        $server = Start-LbServer -Address 127.0.0.1:15911 -Name 'pester'
        $powershell = [powershell]::Create()
        try {
            $null = $powershell.AddScript("Import-Module '$ModulePath'; Invoke-ConnectTest -Address 127.0.0.1:15911 -Count 100000000").BeginInvoke()
            Wait-Until { $server.Accepted -gt 100 } | Should -BeTrue
            $stopped = Measure-Command { $powershell.Stop() }
            $stopped.TotalSeconds | Should -BeLessThan 2
            $last = $powershell.Runspace.SessionStateProxy.GetVariable('LbLastResult')
            $last.Completed | Should -BeFalse
            $last.Reason | Should -Match 'stopped'
            $last.Connections | Should -BeGreaterThan 0
            $last.Connections + $last.Failed + $last.Unfinished | Should -Be 100000000
        }
        finally {
            $powershell.Dispose()
            $server | Stop-LbServer
        }
    }

    It 'keeps what was measured in a lab on Ctrl+C, and the lab' {
        $lab = Start-LbCluster -Name (New-LabName) -NodeCount 1 -EndpointCount 2
        $powershell = [powershell]::Create()
        try {
            $null = $powershell.AddScript("Import-Module '$ModulePath'; Invoke-ConnectTest -Cluster $($lab.Name) -Count 100000000").BeginInvoke()
            Wait-Until { $lab | Get-LbEndpointCounter | Where-Object Packets -GT 10 } | Should -BeTrue
            (Measure-Command { $powershell.Stop() }).TotalSeconds | Should -BeLessThan 2
            $last = $powershell.Runspace.SessionStateProxy.GetVariable('LbLastResult')
            $last.Completed | Should -BeFalse
            $last.Connections | Should -BeGreaterThan 0
            ($lab | Invoke-ConnectTest -Count 10).Connections | Should -Be 10
        }
        finally {
            $powershell.Dispose()
            $lab | Stop-LbCluster
        }
    }

    It 'shows progress for long work, four times a second at most, and completes it' {
        $server = Start-LbServer -Address 127.0.0.1:15912 -Name 'pester'
        $powershell = [powershell]::Create()
        try {
            $null = $powershell.AddScript("Import-Module '$ModulePath'; Invoke-ConnectTest -Address 127.0.0.1:15912 -Count 100000000 -Timeout 2 -WarningAction SilentlyContinue").Invoke()
            $ours = $powershell.Streams.Progress | Where-Object Activity -Like 'Connecting to*'
            $ours.Count | Should -BeIn (2..9)
            $ours[-1].RecordType | Should -Be 'Completed'
            $ours[0].StatusDescription | Should -Match 'of 100,000,000 connections'
        }
        finally {
            $powershell.Dispose()
            $server | Stop-LbServer
        }
    }

    It 'works in ForEach-Object -Parallel' {
        $lab = Start-LbCluster -Name (New-LabName) -NodeCount 1 -EndpointCount 2
        try {
            $results = 1..3 | ForEach-Object -Parallel { Import-Module $using:ModulePath; $using:lab | Invoke-ConnectTest -Count 50 -Label "run $_" }
            $results.Connections | Should -Be 50, 50, 50
            $lab.Running | Should -BeTrue
            ($results | Sort-Object Label | Format-LbTable).Labels | Should -Be 'run 1', 'run 2', 'run 3'
        }
        finally { $lab | Stop-LbCluster }
    }

    It 'works in a background job, whose results keep their endpoints' {
        $job = Start-Job { Import-Module $using:ModulePath; $lab = Start-LbCluster -NodeCount 1 -EndpointCount 3; $lab | Invoke-ConnectTest -Count 60; $lab | Stop-LbCluster }
        try {
            $result = $job | Wait-Job -Timeout 60 | Receive-Job
            $result.Connections | Should -Be 60
            ($result.Endpoints.Connections | Measure-Object -Sum).Sum | Should -Be 60
            $result.Latency.P99 | Should -BeOfType TimeSpan
            # Analysis and export take what came through the job like any other result.
            ($result | Measure-LbBalance).Connections | Should -Be 60
            ($result, $result | Format-LbTable).Labels | Should -HaveCount 2
            $result | Export-LbResult -Path (Join-Path $TestDrive 'job.json')
            $copy = Import-LbResult (Join-Path $TestDrive 'job.json')
            $copy.Endpoints.Name | Should -Be $result.Endpoints.Name
            $copy.Latency.P99 | Should -Be $result.Latency.P99
        }
        finally { $job | Remove-Job -Force }
    }

    Context 'completion' {
        BeforeAll {
            $lab = Start-LbCluster -Name (New-LabName) -NodeCount 2 -EndpointCount 3
            function Get-Completion([string]$Line) { (TabExpansion2 $Line $Line.Length).CompletionMatches.CompletionText }
        }
        AfterAll { $lab | Stop-LbCluster }

        It 'knows the names of running labs' {
            Get-Completion 'Get-LbCluster -Name pester-' | Should -Contain $lab.Name
            Get-Completion 'Stop-LbCluster pester-' | Should -Contain $lab.Name
            Get-Completion 'Invoke-ConnectTest -Cluster pester-' | Should -Contain $lab.Name
        }

        It 'knows nodes and endpoints' {
            Get-Completion "Invoke-ConnectTest $($lab.Name) -From Node -FromName " | Should -Be 'node-1', 'node-2'
            Get-Completion "Invoke-ConnectTest $($lab.Name) -To Endpoint -ToName tserver-002" | Should -Be 'tserver-002'
            Get-Completion 'Invoke-ConnectTest -From Pod -FromName t' | Should -Contain 'tserver-001'
        }
    }
}
