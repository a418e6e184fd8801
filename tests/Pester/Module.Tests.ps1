BeforeDiscovery {
    . $PSScriptRoot/Setup.ps1
    $cmdlets = (Get-Command -Module LbTest).Name
}

Describe 'The module' {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $changing = 'Start-LbCluster', 'Stop-LbCluster', 'Start-LbServer', 'Stop-LbServer', 'Export-LbResult', 'Export-LbReport', 'Export-LbImage', 'Set-LbProxyMode', 'Clear-LbConntrack'
        $common = [System.Management.Automation.Cmdlet]::CommonParameters + [System.Management.Automation.Cmdlet]::OptionalCommonParameters
    }

    It 'has a manifest that holds' {
        $manifest = Test-ModuleManifest $ModulePath
        $manifest.PowerShellVersion | Should -Be '7.6'
        $manifest.CompatiblePSEditions | Should -Be 'Core'
        $manifest.Tags | Should -Not -BeNullOrEmpty
        $manifest.LicenseUri | Should -Not -BeNullOrEmpty
        $manifest.ReleaseNotes | Should -Not -BeNullOrEmpty
    }

    It 'exports its cmdlets and nothing else' {
        (Get-Module LbTest).ExportedCommands.Values.CommandType | Select-Object -Unique | Should -Be 'Cmdlet'
        (Get-Module LbTest).ExportedCmdlets.Keys | Sort-Object | Should -Be ((Import-PowerShellDataFile $ModulePath).CmdletsToExport | Sort-Object)
    }

    It 'imports from the checkout too' -Skip:([bool]$env:LBTEST_MODULE) {
        & $Shell -NoProfile -NonInteractive -Command "Import-Module '$(Resolve-Path $PSScriptRoot/../../LbTest.psd1)'; @(Get-Command -Module LbTest).Count" | Should -Be (Get-Module LbTest).ExportedCmdlets.Count
    }

    # The build looks at every script, with the exceptions of PSScriptAnalyzerSettings.psd1; what users get needs none.
    It 'is clean by every rule of PSScriptAnalyzer' -Skip:(-not (Get-Module PSScriptAnalyzer -ListAvailable)) {
        $root = Resolve-Path $PSScriptRoot/../..
        $faults = 'LbTest.psd1', 'src/LbTest.Module/LbTest.psm1' | ForEach-Object { Invoke-ScriptAnalyzer (Join-Path $root $_) }
        $faults | Format-Table ScriptName, Line, RuleName, Message -AutoSize | Out-String -Width 200 | Should -BeNullOrEmpty
    }

    Context '<_>' -ForEach $cmdlets {
        BeforeAll {
            $command = Get-Command $_
            $help = Get-Help $_ -Full
            $own = @($command.Parameters.Keys | Where-Object { $_ -notin $common })
        }

        It 'says what it returns' { $command.OutputType | Should -Not -BeNullOrEmpty }
        It 'is a class of its name' { $command.ImplementingType.Name | Should -Be ($command.Name.Replace('-', '') + 'Command') }
        It 'uses an approved verb' { (Get-Verb $command.Verb) | Should -Not -BeNullOrEmpty }
        It 'asks before it changes something' { $command.Parameters.ContainsKey('WhatIf') | Should -Be ($command.Name -in $changing) }

        It 'has help: synopsis, description, two examples' {
            $help.Synopsis | Should -Not -BeNullOrEmpty
            $help.Synopsis | Should -Not -Match '^\s*\S+ \['
            $help.Description.Text | Should -Not -BeNullOrEmpty
            @($help.Examples.Example).Count | Should -BeGreaterOrEqual 2
            $help.returnValues | Should -Not -BeNullOrEmpty
            $help.relatedLinks | Should -Not -BeNullOrEmpty
        }

        It 'has help for exactly its parameters' {
            $described = @($help.Parameters.Parameter | Where-Object Name -NotIn $common)
            $described.Name | Sort-Object | Should -Be ($own | Sort-Object)
            $described | Where-Object { -not $_.Description.Text } | ForEach-Object Name | Should -BeNullOrEmpty
        }

        It 'has examples that parse and name parameters that exist' {
            foreach ($example in $help.Examples.Example) {
                $faults = $null
                $tree = [System.Management.Automation.Language.Parser]::ParseInput($example.Code, [ref]$null, [ref]$faults)
                $faults | Should -BeNullOrEmpty -Because $example.Code
                # Programs that examples call and that need not be here.
                foreach ($call in $tree.FindAll({ $args[0] -is [System.Management.Automation.Language.CommandAst] -and $args[0].GetCommandName() -notin 'kubectl', 'kind', 'minikube', 'docker', 'ctr' }, $true)) {
                    $called = Get-Command $call.GetCommandName() -ErrorAction Ignore
                    $called | Should -Not -BeNullOrEmpty -Because $example.Code
                    foreach ($parameter in $call.CommandElements | Where-Object { $_ -is [System.Management.Automation.Language.CommandParameterAst] }) {
                        { $called.ResolveParameter($parameter.ParameterName) } | Should -Not -Throw -Because "$($called.Name) -$($parameter.ParameterName)"
                    }
                }
            }
        }
    }

    It 'has <_>, within 80 columns' -ForEach 'about_LbTest', 'about_LbTest_Kubernetes' {
        $lines = (Get-Help $_ | Out-String) -split "`n"
        $lines -match 'Start-LbCluster' | Should -Not -BeNullOrEmpty
        $lines | Where-Object Length -GT 80 | Should -BeNullOrEmpty
    }

    It 'has a view of its own for <_>' -ForEach @(
        'LbTest.Clusters.Lab.LabCluster', 'LbTest.Engine.Connect.ConnectResult', 'LbTest.Engine.Connect.EndpointResult', 'LbTest.Engine.Connect.FailureCount'
        'LbTest.Clusters.Lab.Dataplanes.EndpointCounter', 'LbTest.Cmdlets.Analysis.FrequencyEntry', 'LbTest.Engine.Analysis.Balance', 'LbTest.Engine.Analysis.FrequencyTable'
        'LbTest.Clusters.Prerequisites.Prerequisite', 'LbTest.Cmdlets.Serve.LocalServer', 'LbTest.Cmdlets.Analysis.SampleSizeAnswer'
        'LbTest.Engine.Traffic.TrafficResult', 'LbTest.Engine.Traffic.TrafficSample', 'LbTest.Engine.Traffic.TrafficConnection', 'LbTest.Engine.Disturbances.Disturbance'
        'LbTest.Engine.Disturbances.DisturbanceEvent', 'LbTest.Engine.Disturbances.Disruption', 'LbTest.Engine.Disturbances.DisruptionStep'
        'LbTest.Clusters.Ipvs.VirtualServer', 'LbTest.Clusters.Ipvs.RealServer', 'LbTest.Clusters.Ipvs.ServiceAddress'
        'LbTest.Engine.Traffic.ConnectionsRow', 'LbTest.Engine.Traffic.ThroughputRow', 'LbTest.Engine.Traffic.HostsRow'
        'LbTest.Engine.Compare.ResultComparison', 'LbTest.Engine.Compare.MeasureComparison', 'LbTest.Engine.Compare.StepComparison', 'LbTest.Engine.Analysis.SpreadComparison'
        'LbTest.Clusters.Kubernetes.ProxyModeReport', 'LbTest.Clusters.Kubernetes.KubernetesCluster', 'LbTest.Engine.Disturbances.EndpointProgramming', 'LbTest.Clusters.Conntrack.ConntrackEntry'
    ) {
        Get-FormatData $_ -PowerShellVersion 7.6 | Should -Not -BeNullOrEmpty
    }

    It 'tells what this machine has, in short with -Quiet' {
        $found = Test-LbPrerequisite
        $found.Mode | Select-Object -Unique | Should -Contain 'Nftables'
        $found | Where-Object { -not $_.Present -and -not $_.Remedy } | Should -BeNullOrEmpty
        $here = $found | Where-Object Kernel -EQ Host
        ($here | Where-Object Mode -EQ Disturb).Name | Should -Be 'PacketLoss, silence', RateLimit, 'Delay, Reorder', ConntrackFlush
        foreach ($name in 'nf_conntrack*', 'ip_vs', 'ip_vs_rr', 'ip_vs_ovf', 'dummy device', 'ipvsadm', 'ipset', 'ipset bitmap:port', 'ipset hash:ip,port,net') {
            $here | Where-Object { $_.Mode -eq 'Ipvs' -and $_.Name -like $name } | Should -HaveCount 1 -Because $name
        }
        ($found | Where-Object Kernel -EQ UserMode)[0].Name | Should -Be 'user-mode kernel'
        Test-LbPrerequisite -ProxyMode Nftables -Quiet | Should -BeOfType bool
        (Test-LbPrerequisite -ProxyMode Iptables).Mode | Should -Not -Contain 'Nftables'
        (Test-LbPrerequisite Ipvs -Kernel UserMode).Kernel | Select-Object -Unique | Should -Be 'UserMode'
    }

    It 'has -Quiet tell whether either kernel can do a mode' {
        $can = @{}
        foreach ($kernel in 'Host', 'UserMode') {
            $can[$kernel] = -not (Test-LbPrerequisite Ipvs -Kernel $kernel | Where-Object { -not $_.Present -and -not $_.Optional })
            Test-LbPrerequisite Ipvs -Kernel $kernel -Quiet | Should -Be $can[$kernel]
        }
        Test-LbPrerequisite Ipvs -Quiet | Should -Be ($can.Host -or $can.UserMode)
        Test-LbPrerequisite Nftables -Kernel UserMode -Quiet | Should -BeFalse
    }

    It 'tells how many connections a wanted sensitivity needs' {
        $needed = Get-LbSampleSize -EndpointCount 100 -Overweight 0.2, 0.3
        $needed.Connections | Should -HaveCount 2
        $needed[0].Connections | Should -BeGreaterThan $needed[1].Connections
    }
}
