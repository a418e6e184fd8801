Describe 'Set-LbProxyMode' {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $lab = Start-LbCluster -Name (New-LabName) -NodeCount 2 -EndpointCount 4
    }

    AfterAll { $lab | Stop-LbCluster }

    It 'changes a lab over, which says so from then on' {
        $lab | Set-LbProxyMode -ProxyMode Iptables | Should -BeNullOrEmpty
        $lab.ProxyMode, $lab.Spec.ProxyMode | Should -Be Iptables, Iptables
        $lab.IpvsScheduler | Should -BeNullOrEmpty
        $result = Invoke-ConnectTest $lab -Count 100
        $result.Connections, $result.Label, $result.Context.ProxyMode | Should -Be 100, iptables, Iptables
        $back = Set-LbProxyMode $lab.Name Nftables -PassThru
        $back.Name | Should -Be $lab.Name
        $back.ProxyMode | Should -Be Nftables
    }

    It 'takes the lab started last when none is given' {
        Set-LbProxyMode -ProxyMode Iptables -PassThru | ForEach-Object Name | Should -Be $lab.Name
        Set-LbProxyMode -ProxyMode Nftables
        $lab.ProxyMode | Should -Be Nftables
    }

    It 'says with -WhatIf from what to what, and does nothing' {
        $transcript = New-TemporaryFile
        try {
            $null = Start-Transcript $transcript
            Set-LbProxyMode $lab -ProxyMode Ipvs -IpvsScheduler Lblcr -WhatIf -PassThru | Should -BeNullOrEmpty
            $null = Stop-Transcript
            Get-Content $transcript -Raw | Should -Match "Change the proxy mode from Nftables to Ipvs \(lblcr\).*lab '$($lab.Name)'"
        }
        finally { Remove-Item $transcript }
        $lab.ProxyMode | Should -Be Nftables
    }

    It 'leaves a lab alone that is in the mode already' {
        Set-LbProxyMode $lab -ProxyMode Nftables -Verbose 4>&1 | Should -Match 'in Nftables already'
    }

    It 'refuses <Names>' -ForEach @(
        @{ Given = @{}; Names = 'ProxyMode' }
        @{ Given = @{ IpvsScheduler = 'Lc' }; Names = 'IpvsScheduler' }
        @{ Given = @{ ProxyMode = 'Iptables'; IpvsScheduler = 'Lc' }; Names = 'IpvsScheduler' }
    ) {
        $caught = $null
        try { Set-LbProxyMode $lab @Given } catch { $caught = $_ }
        $caught.FullyQualifiedErrorId | Should -BeLike "LbTest.$Names,*"
        $caught.ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
        $lab.ProxyMode | Should -Be Nftables
    }

    It 'refuses a mode that the lab''s kernel does not have, and says which kernel does' -Skip:(Test-Path /proc/net/ip_vs) {
        $caught = $null
        try { Set-LbProxyMode $lab -ProxyMode Ipvs } catch { $caught = $_ }
        $caught.FullyQualifiedErrorId | Should -BeLike 'LbTest.ProxyMode,*'
        $caught.ErrorDetails.RecommendedAction | Should -Match 'Start-LbCluster -ProxyMode Ipvs .*-Kernel UserMode'
    }

    It 'completes its labs' {
        $line = 'Set-LbProxyMode -Cluster '
        (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -Contain $lab.Name
    }
}

Describe 'Set-LbProxyMode on a user-mode kernel' {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $able = Test-LbPrerequisite Ipvs -Kernel UserMode -Quiet
        if ($able) { $lab = Start-LbCluster -Name (New-LabName) -ProxyMode Ipvs -Kernel UserMode -NodeCount 1 -EndpointCount 4 -WarningAction SilentlyContinue }
    }

    AfterAll { if ($able) { $lab | Stop-LbCluster } }

    It 'changes the scheduler alone' {
        if (-not $able) { Set-ItResult -Skipped -Because 'this machine has no user-mode kernel' }
        ($lab | Invoke-ConnectTest -Count 40).Endpoints.Connections | Should -Be 10, 10, 10, 10
        Set-LbProxyMode -IpvsScheduler dh
        $lab.ProxyMode, $lab.IpvsScheduler | Should -Be Ipvs, Dh
        ($lab | Format-Table | Out-String) | Should -Match 'Ipvs \(dh\)'
        $result = $lab | Invoke-ConnectTest -Count 40
        $result.Context.Scheduler | Should -Be 'dh'
        ($result.Endpoints.Connections | Measure-Object -Maximum).Maximum | Should -Be 40
    }
}
