Describe 'Export-LbReport and Show-LbChart' {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $server = Start-LbServer -Address 127.0.0.1:15941 -Name 'pester-r'
        $connect = Invoke-ConnectTest -Address 127.0.0.1:15941 -Count 20 -Label 'short'
        # Ten seconds of ten clients, half of which are without a connection in the sixth.
        $samples = 1..10 | ForEach-Object {
            $lost = $_ -eq 6
            @{ timeSeconds = $_; active = $lost ? 5 : 10; connecting = $lost ? 5 : 0; failed = $lost ? 5 : 0; new = $_ -in 1, 7 ? ($_ -eq 1 ? 10 : 5) : 0
                sent = 100; received = 100; bytesSent = 102400; bytesReceived = 102400; dropped = $lost ? 7 : 0 }
        }
        $connections = 0..9 | ForEach-Object {
            $lost = $_ -lt 5
            @{ client = $_; remote = '10.0.0.1:5003'; endpoint = "pod-$($_ % 2)"; startedSeconds = 0; connectedSeconds = 0.001; endedSeconds = $lost ? 5.5 : 10; failure = $lost ? 'Reset' : $null }
        }
        @{ kind = 'traffic'; schemaVersion = 1; completed = $true; durationSeconds = 10; plannedDurationSeconds = 10; target = '10.0.0.1:5003'; clients = 10; packetsPerSecond = 100; packetSize = 1024
            lostConnections = 5; samples = $samples; connections = @($connections)
            disturbances = @(@{ kind = 'EndpointDown'; description = 'endpoint pod-0 resets its connections'; plannedSeconds = 5; appliedSeconds = 5.4; tookSeconds = 0.01; broken = @('pod-0') }) } |
            ConvertTo-Json -Depth 5 | Set-Content (Join-Path $TestDrive 'long.json')
        $traffic = Import-LbResult (Join-Path $TestDrive 'long.json')
    }
    AfterAll { $server | Stop-LbServer }

    Context 'Export-LbReport' {
        It 'writes one page of all results, and returns nothing' {
            $file = Join-Path $TestDrive 'report.html'
            $traffic, $connect | Export-LbReport $file -Title 'Long and short' | Should -BeNullOrEmpty
            $page = Get-Content $file -Raw
            $page | Should -Match '<title>Long and short</title>'
            $page | Should -Match 'endpoint pod-0 resets its connections'
            $page | Should -Match '>long '
            $page | Should -Match '>short '
        }

        It 'has charts where it was built with npm' -Skip:($env:CI -ne 'true' -and -not (Get-Command npm -ErrorAction Ignore)) {
            $file = Join-Path $TestDrive 'charts.html'
            $traffic | Export-LbReport $file
            Get-Content $file -Raw | Should -Match 'id="chart-data"'
        }

        It 'takes the format from the extension: <Extension>' -ForEach @(
            @{ Extension = 'html'; Starts = '<!doctype html>' }, @{ Extension = 'md'; Starts = '# LbTest: long' }
            @{ Extension = 'csv'; Starts = 'Result,Kind,TimeSeconds,' }, @{ Extension = 'json'; Starts = '[' }, @{ Extension = 'txt'; Starts = '<!doctype html>' }
        ) {
            $file = Join-Path $TestDrive "by-extension.$Extension"
            $traffic | Export-LbReport $file
            (Get-Content $file -TotalCount 1).StartsWith($Starts) | Should -BeTrue
        }

        It 'takes the format from -Format where it is given' {
            $file = Join-Path $TestDrive 'rows.txt'
            $traffic | Export-LbReport $file -Format Csv
            $rows = Import-Csv $file
            $rows | Should -HaveCount 10
            $rows[5].Active | Should -Be 5
            $rows[5].Disturbances | Should -Be 'endpoint pod-0 resets its connections'
        }

        It 'writes JSON with each result and its analysis' {
            $file = Join-Path $TestDrive 'both.json'
            $traffic, $connect | Export-LbReport $file
            $both = Get-Content $file -Raw | ConvertFrom-Json
            $both[0].disruption.lostConnections | Should -Be 5
            $both[1].balance.verdict | Should -Be 'Undetermined'
        }

        It 'hands results on with -PassThru' {
            $file = Join-Path $TestDrive 'pass.html'
            $back = $traffic, $connect | Export-LbReport $file -PassThru
            $back.Label | Should -Be 'long', 'short'
            $file | Should -Exist
        }

        It 'writes nothing with -WhatIf' {
            $file = Join-Path $TestDrive 'whatif.html'
            $traffic | Export-LbReport $file -WhatIf
            $file | Should -Not -Exist
        }

        It 'overwrites only with -Force' {
            $file = Join-Path $TestDrive 'force.md'
            Set-Content $file 'mine'
            { $traffic | Export-LbReport $file -ErrorAction Stop } | Should -Throw -ErrorId 'LbTest.FileExists,*'
            Get-Content $file | Should -Be 'mine'
            $traffic | Export-LbReport $file -Force
            Get-Content $file -TotalCount 1 | Should -Be '# LbTest: long'
        }

        It 'returns the results when the path is <What>, names it and says what to do' -ForEach @(
            @{ What = 'in a folder that is not there'; Path = 'none/report.html'; Id = 'LbTest.ReportPath' }
            @{ What = 'a folder'; Path = '.'; Id = 'LbTest.Path' }, @{ What = 'where nobody may write'; Path = '/proc/lbtest-report.html'; Id = 'LbTest.ReportPath' }
            @{ What = 'on no drive'; Path = 'nodrive:/report.html'; Id = 'LbTest.Path' }, @{ What = 'no file'; Path = 'env:REPORT'; Id = 'LbTest.Path' }
        ) {
            Push-Location $TestDrive
            try { $back = $traffic, $connect | Export-LbReport $Path -ErrorVariable faults -ErrorAction SilentlyContinue }
            finally { Pop-Location }
            $back.Label | Should -Be 'long', 'short'
            $faults | Should -HaveCount 1
            $faults[0].FullyQualifiedErrorId | Should -BeLike "$Id,*"
            $faults[0].TargetObject | Should -Be $Path
            $faults[0].ErrorDetails.RecommendedAction | Should -Match '^Give a file'
        }

        It 'says that a path cannot be written before the first result comes' {
            $ran = [Collections.Generic.List[int]]::new()
            { & { $ran.Add(1); $traffic } | Export-LbReport (Join-Path $TestDrive 'none/x.html') -ErrorAction Stop } | Should -Throw -ErrorId 'LbTest.ReportPath,*'
            $ran | Should -HaveCount 0
        }

        It 'leaves nothing where it only looked' {
            $file = Join-Path $TestDrive 'empty.html'
            @() | Export-LbReport $file
            $file | Should -Not -Exist
        }

        It 'takes results that came through a job' {
            $copy = [System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($connect, 4))
            $file = Join-Path $TestDrive 'job.md'
            $copy | Export-LbReport $file
            Get-Content $file -TotalCount 1 | Should -Be '# LbTest: short'
        }
    }

    Context 'Show-LbChart' {
        It 'draws connections over time and marks the disturbances' {
            $text = $traffic | Show-LbChart -Width 80
            $text | Should -BeOfType string
            $lines = $text -split "`n"
            $lines[0] | Should -Be 'long: connections, 10 clients, 10 s'
            ($lines | Measure-Object Length -Maximum).Maximum | Should -BeLessOrEqual 80
            $text | Should -Match "`u{25b2}"
            $text | Should -Match 'endpoint pod-0 resets its connections'
            $text | Should -Match "`u{2592} connecting"
        }

        It 'draws <By>' -ForEach @(@{ By = 'Throughput'; Says = 'received' }, @{ By = 'Latency'; Says = 'no latencies' }) {
            $traffic | Show-LbChart -By $By -Width 100 | Should -Match $Says
        }

        It 'draws frequencies of a connect result' {
            $connect | Show-LbChart -Width 60 | Should -Match 'how many endpoints got how many connections'
        }

        It 'has no colour where its output goes elsewhere, and ASCII alone on request' {
            $text = $traffic, $connect | Show-LbChart -Ascii
            $text | Should -HaveCount 2
            $text | Should -Not -Match "`e"
            $text | Should -Not -Match '[^\x20-\x7e\n]'
        }

        It 'refuses a width that no chart has' {
            { $traffic | Show-LbChart -Width 10 } | Should -Throw '*Width*'
        }
    }
}
