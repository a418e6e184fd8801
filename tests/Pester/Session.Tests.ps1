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
}
