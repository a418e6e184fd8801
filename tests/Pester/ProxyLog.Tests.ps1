BeforeDiscovery {
    . $PSScriptRoot/Setup.ps1
    $golden = Get-GoldenFolder
}

Describe 'Get-LbProxyMode' {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $ipvs = @(
            'I0703 04:42:33.308289       1 server_others.go:170] Using ipvs Proxier.'
            'W0703 04:42:33.309074       1 proxier.go:401] IPVS scheduler not specified, use rr by default'
            'I0703 04:42:33.309831       1 server.go:534] Version: v1.15.0'
        )
        $nftables = 'I0320 14:32:47.011506       1 server_linux.go:292] "Using nftables Proxier"', 'I0320 14:32:47.079907       1 server.go:497] "Version info" version="v1.32.13"'
    }

    It 'reads a real log of 1.20' -Skip:(-not $golden) {
        $file = Join-Path (Get-GoldenFolder) 'kube-proxy/kube-proxy-1.20.2-iptables.log'
        $report = Get-Content $file | Get-LbProxyMode
        $report.Mode | Should -Be Iptables
        $report.Version | Should -Be v1.20.2
        $report.LineNumber | Should -Be 8
        $report.Reason | Should -BeLike '*Using iptables Proxier.'
        (Resolve-Path $report.Source).Path | Should -Be (Resolve-Path $file).Path
        (Get-Content $file -Raw | Get-LbProxyMode).LineNumber | Should -Be 8
    }

    It 'tells the scheduler and that it is the default' {
        $report = $ipvs | Get-LbProxyMode -WarningAction SilentlyContinue
        $report.Mode, $report.Scheduler, $report.SchedulerIsDefault | Should -Be Ipvs, rr, $true
    }

    It 'tells why what was asked for is not in force' {
        $report = "E0626 17:19:43.491383       1 server_others.go:127] Can't use the IPVS proxier: no modules", 'I0626 17:19:44.491383       1 server_others.go:185] Using iptables Proxier.' | Get-LbProxyMode
        $report.Mode, $report.RequestedMode, $report.FallbackReason | Should -Be Iptables, ipvs, 'no modules'
    }

    It 'tells pods apart, and files' {
        $pods = ($ipvs | ForEach-Object { "[pod/kube-proxy-a/kube-proxy] $_" }) + ($nftables | ForEach-Object { "[pod/kube-proxy-b/kube-proxy] $_" }) | Get-LbProxyMode -WarningAction SilentlyContinue
        $pods.Source | Should -Be kube-proxy-a, kube-proxy-b
        $pods.Mode | Should -Be Ipvs, Nftables
        $ipvs | Set-Content (Join-Path $TestDrive one.log)
        $nftables | Set-Content (Join-Path $TestDrive two.log)
        $files = Get-Content (Join-Path $TestDrive *.log) | Get-LbProxyMode -WarningAction SilentlyContinue
        $files.Source | Split-Path -Leaf | Should -Be one.log, two.log
        $files.Mode | Should -Be Ipvs, Nftables
    }

    It 'says of a log that does not tell what was looked for, and goes on with the others' {
        'nothing of use' | Set-Content (Join-Path $TestDrive empty.log)
        $nftables | Set-Content (Join-Path $TestDrive good.log)
        $report = Get-Content (Join-Path $TestDrive empty.log), (Join-Path $TestDrive good.log) | Get-LbProxyMode -ErrorVariable fault -ErrorAction SilentlyContinue
        $report.Mode | Should -Be Nftables
        $fault | Should -HaveCount 1
        $fault[0].FullyQualifiedErrorId | Should -BeLike 'LbTest.NoProxyMode,*'
        $fault[0].CategoryInfo.Category | Should -Be ObjectNotFound
        $fault[0].ErrorDetails.Message | Should -BeLike '*Using ipvs Proxier*rotated away*'
        $fault[0].ErrorDetails.RecommendedAction | Should -BeLike '*proxyMode*'
    }

    It 'takes empty lines, and an empty log for one that does not tell' {
        ('', $nftables[0] | Get-LbProxyMode).LineNumber | Should -Be 2
        '' | Get-LbProxyMode -ErrorVariable fault -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $fault | Should -HaveCount 1
    }

    It 'fits 80 columns as a table' {
        $lines = $ipvs + $nftables | ForEach-Object { "[pod/kube-proxy-with-a-rather-long-name/kube-proxy] $_" } | Get-LbProxyMode -WarningAction SilentlyContinue | Out-String -Width 80 -Stream
        $lines | ForEach-Object { $_.Length } | Measure-Object -Maximum | ForEach-Object Maximum | Should -BeLessOrEqual 80
        $lines -join "`n" | Should -Match 'a-rather-long-name +Nftables'
    }

    It 'tells what a lab is in, before and after a change' {
        $lab = Start-LbCluster -Name (New-LabName) -NodeCount 1 -EndpointCount 2 -ProxyMode Iptables
        try {
            ($lab | Get-LbProxyMode).Mode | Should -Be Iptables
            $lab | Set-LbProxyMode -ProxyMode Nftables
            $report = Get-LbProxyMode $lab.Name
            $report.Mode, $report.Source | Should -Be Nftables, $lab.Name
            $report.Scheduler | Should -BeNullOrEmpty
        }
        finally { $lab | Stop-LbCluster }
    }
}

Describe 'The warning that IPVS mode is deprecated' {
    BeforeAll { . $PSScriptRoot/Setup.ps1 }

    # A process says it once: each of these is one of its own.
    It 'comes once, from Get-LbProxyMode' {
        $warnings = Invoke-Shell "`$w = @(); 1..2 | ForEach-Object { 'Using ipvs Proxier.' | Get-LbProxyMode -WarningVariable +w -WarningAction SilentlyContinue | Out-Null }; `$w | ForEach-Object Message"
        @($warnings) | Should -HaveCount 1
        $warnings | Should -Match 'deprecated.*v1.35.*nftables'
    }

    It 'comes from Start-LbCluster before the lab is built, and not with -WhatIf' {
        # Whether the lab can be built here or not.
        $said = Invoke-Shell @'
            Start-LbCluster x -ProxyMode Ipvs -WhatIf -WarningVariable none -WarningAction SilentlyContinue 6>$null | Out-Null
            "without: $(@($none).Count)"
            try { Start-LbCluster -NodeCount 1 -EndpointCount 1 -ProxyMode Ipvs -Kernel Host -WarningVariable some -WarningAction SilentlyContinue | Stop-LbCluster } catch { }
            "with: $(@($some).Count) $some"
'@
        $said | Where-Object { $_ -eq 'without: 0' } | Should -Not -BeNullOrEmpty
        $said[-1] | Should -Match 'with: 1 Kubernetes deprecated'
    }

    It 'does not come for other modes' {
        Invoke-Shell "'Using nftables Proxier' | Get-LbProxyMode -WarningVariable w | Out-Null; @(`$w).Count" | Should -Be 0
    }
}
