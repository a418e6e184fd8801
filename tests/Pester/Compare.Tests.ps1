BeforeDiscovery {
    . $PSScriptRoot/Setup.ps1
    $golden = Get-GoldenFolder
}

Describe 'Compare-LbResult' {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        # As mconnect writes it: each endpoint that answered, and how often.
        function New-Result([string]$Label, [long[]]$Count, [string]$Prefix = 'pod') {
            $hosts = for ($i = 0; $i -lt $Count.Length; $i++) { '"{0}-{1}":{2}' -f $Prefix, $i, $Count[$i] }
            $file = Join-Path $TestDrive "$Label.json"
            Set-Content $file ('{{"hosts":{{{0}}},"connects":{1}}}' -f ($hosts -join ','), ($Count | Measure-Object -Sum).Sum)
            Import-LbResult $file
        }
        $even = New-Result even (@(100) * 20)
        $shifted = New-Result shifted ((@(150) * 10) + (@(50) * 10))
        $near = New-Result near ((@(101) * 10) + (@(99) * 10))
    }

    It 'compares the others with the first, as they come' {
        $comparison = $even, $shifted, $near | Compare-LbResult
        $comparison.Reference | Should -Be even, even
        $comparison.Label | Should -Be shifted, near
        $comparison.Verdict | Should -Be DifferentSpread, SameSpread
        $comparison[0].Spread.SharesDiffer, $comparison[0].Spread.Matched | Should -Be $true, 20
        $comparison[0].Explanation | Should -Match "Endpoints' shares differ"
        ($comparison[0].Measures | Where-Object Name -EQ 'Most on an endpoint').Change | Should -Be 50
        # The first comparison needs no third result.
        ($even, $shifted, 'not a result' | Compare-LbResult -ErrorAction SilentlyContinue | Select-Object -First 1).Label | Should -Be shifted
    }

    It 'compares with the one that is named or given' {
        ($even, $shifted, $near | Compare-LbResult -Reference NEAR).Label | Should -Be even, shifted
        $comparison = $even, $shifted | Compare-LbResult -Reference $near
        $comparison.Reference | Should -Be near, near
        $comparison.Label | Should -Be even, shifted
        ($even, $near | Compare-LbResult -Reference $even).Label | Should -Be near
        (Compare-LbResult $even, $near).Label | Should -Be near
    }

    It 'takes results that came through a job, and gives comparisons that go through one' {
        $file = Join-Path $TestDrive 'shifted.json'
        $job = Start-Job { Import-Module $using:ModulePath; Import-LbResult $using:file } | Receive-Job -Wait -AutoRemoveJob
        ($even, $job | Compare-LbResult).Verdict | Should -Be DifferentSpread
        ($even | Compare-LbResult -Reference $job).Reference | Should -Be shifted
        $copy = [System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize(($even, $shifted | Compare-LbResult)))
        $copy.Spread.ReferenceBalance.Connections, $copy.Measures[0].Name | Should -Be 2000, 'Connections spread'
    }

    It 'warns of what is unlike' {
        $few = New-Result few (100, 100)
        $null = $even, $few | Compare-LbResult -WarningVariable warnings -WarningAction SilentlyContinue
        $warnings.Message | Should -Be 'even had 20 endpoints, few had 2 endpoints.'
    }

    It 'has a seed for what is simulated' {
        $one = New-Result one (5, 3, 1, 1, 2)
        $other = New-Result other (1, 2, 4, 3, 1)
        $p = 1, 1, 2 | ForEach-Object { ($one, $other | Compare-LbResult -Seed $_).Spread.PApart }
        $p[0] | Should -Be $p[1]
        $p[0] | Should -Not -Be $p[2]
    }

    It 'refuses <Says>' -ForEach @(
        @{ Command = { $even | Compare-LbResult }; Id = 'LbTest.Result'; Says = '*is alone*' }
        @{ Command = { $even, $near | Compare-LbResult -Reference nobody }; Id = 'LbTest.Reference'; Says = "*'nobody' is the label of none*'even', 'near'*" }
        @{ Command = { $even, $near | Compare-LbResult -Reference 5 }; Id = 'LbTest.Reference'; Says = '*neither a result nor the label*' }
        @{ Command = { $even, $near | Compare-LbResult -Alpha 2 }; Id = 'LbTest.Alpha'; Says = '*Alpha is 2*' }
    ) {
        $caught = $null
        try { & $Command } catch { $caught = $_ }
        $caught.FullyQualifiedErrorId | Should -BeLike "$Id,*"
        $caught.Exception.Message | Should -BeLike $Says
    }

    It 'shows the numbers side by side and the explanation, in text, table and list' {
        $comparison = $even, $shifted | Compare-LbResult
        foreach ($width in 80, 100) {
            $comparison, ($comparison | Format-Table), ($comparison | Format-List), $comparison.Measures, $comparison.Spread | ForEach-Object { $_ | Out-String -Width $width -Stream } |
                Where-Object Length -GT 100 | Should -BeNullOrEmpty
        }
        $comparison | Out-String | Should -Match '(?s)even +shifted +change.*Most on an endpoint +100 +150 +\+50.*DifferentSpread\. '
        $comparison | Format-Table | Out-String -Width 100 | Should -Match 'even +shifted +DifferentSpread +evener . uneven'
        $comparison | Format-List | Out-String -Width 100 | Should -Match 'Explanation +: '
        $comparison.Measures | Out-String | Should -Match 'Most on an endpoint +100 +150 +50'
    }

    It 'tells round robin from chance on recorded runs, whose endpoints have other names' -Skip:(-not $golden) {
        $folder = Join-Path (Get-GoldenFolder) 'mconnect'
        $results = 'ipvs', 'ipvs-lc', 'nftables', 'ipvs-mh' | ForEach-Object { Import-LbResult (Join-Path $folder "mconnect-$_.json") }
        $comparison = $results | Compare-LbResult
        $comparison.Verdict | Should -Be SameSpread, DifferentSpread, DifferentSpread
        ($results[2, 3] | Compare-LbResult).Verdict | Should -Be SameSpread
        $comparison[1].Explanation | Should -Match 'only the widths were compared'
    }
}

Describe 'Compare-LbResult on a lab''s tests' {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $crash = New-LbDisturbance EndpointDown -At 1 -Count 1 -Mode Reset
        $connect, $traffic = @(), @()
        foreach ($mode in 'Iptables', 'Nftables') {
            $lab = Start-LbCluster -Name (New-LabName) -ProxyMode $mode -NodeCount 2 -EndpointCount 8
            try {
                $connect += $lab | Invoke-ConnectTest -Count 2000 -Label $mode
                $traffic += $lab | Invoke-TrafficTest -Connections 80 -Duration 3 -Disturbance $crash -Seed 1 -Label $mode
            }
            finally { $lab | Stop-LbCluster }
        }
    }

    It 'compares spreads endpoint by endpoint' {
        $comparison = $connect | Compare-LbResult -WarningVariable warnings
        $warnings | Should -BeNullOrEmpty
        $comparison.Spread.Matched, $comparison.Spread.SharesTest | Should -Be 8, ChiSquare
        # Both choose at random, so this is called different once in ten thousand times.
        ($connect | Compare-LbResult -Alpha 0.0001).Verdict | Should -Be SameSpread
    }

    It 'sets what a crash cost side by side' {
        $comparison = $traffic | Compare-LbResult -WarningVariable warnings
        $warnings | Should -BeNullOrEmpty
        $comparison.ReferenceDisruption.LostConnections, $comparison.Disruption.LostConnections | Should -Be ($traffic | Measure-LbDisruption).LostConnections
        $comparison.Steps.Kind | Select-Object -Unique | Should -Be EndpointDown
        $comparison.Steps[0].Lost | Should -BeGreaterThan 0
        $comparison.Steps | Out-String -Width 100 | Should -Match 'Lost: ref'
        $comparison.Explanation | Should -Match 'Disturbed alike, Nftables lost \d+ connections'
    }
}
