BeforeDiscovery {
    . $PSScriptRoot/Setup.ps1
    $golden = Get-GoldenFolder
    $skip = -not $golden -and $env:CI -ne 'true'
}

Describe 'A recorded run of ctraffic' -Skip:$skip {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $folder = Join-Path (Get-GoldenFolder) 'ctraffic'
        $result = Import-LbResult (Join-Path $folder 'restart-40.json')
        # The lines of ctraffic's own analysis, without its head.
        function Get-Line([string]$Name) { Get-Content (Join-Path $folder "restart-40.$Name.txt") | Select-Object -Skip 1 }
    }

    It 'is read as a traffic result' {
        $result.Kind | Should -Be 'traffic'
        $result.Label | Should -Be 'restart-40'
        $result.Clients | Should -Be 40
    }

    It 'gives its states of connections' {
        $rows = $result | Measure-LbTraffic -By Connections
        $rows | ForEach-Object { [string]::Format([cultureinfo]::InvariantCulture, '{0} {1} {2} {3} {4}', $_.Time, $_.Active, $_.New, $_.Failed, $_.Connecting) } | Should -Be (Get-Line connections)
    }

    It 'gives its throughput, in units of 1,024 bytes/s there' {
        $rows = @($result | Measure-LbTraffic -By Throughput)
        $lines = @(Get-Line throughput)
        $rows.Count | Should -Be $lines.Count
        for ($i = 0; $i -lt $rows.Count; $i++) {
            [double]$time, [double]$units = -split $lines[$i]
            [Math]::Abs($rows[$i].Time - $time) | Should -BeLessThan 1e-6
            [Math]::Abs($rows[$i].BytesPerSecond / 1024 - $units) | Should -BeLessOrEqual 1 -Because 'ctraffic cuts to whole units'
        }
    }

    It 'gives its hosts' {
        $rows = @($result | Measure-LbTraffic -By Hosts)
        $rows.Endpoint | Should -Be 'vm'
        $rows.Lost | Should -Be 40
        $rows.Lasting | Should -Be 40
    }

    It 'is written as ctraffic writes it' {
        $file = Join-Path $TestDrive 'ctraffic.json'
        $result | Export-LbResult $file -Format Ctraffic
        (Import-LbResult $file | Measure-LbTraffic | ForEach-Object Active) | Should -Be ($result | Measure-LbTraffic | ForEach-Object Active)
    }

    It 'is refused by what is for connect results, which says what to use, and the others go on' {
        $connect = Import-LbResult (Join-Path (Get-GoldenFolder) 'mconnect/mconnect-nftables.json')
        $balances = $result, $connect | Measure-LbBalance -ErrorVariable faults -ErrorAction SilentlyContinue
        $balances | Should -HaveCount 1
        $faults[0].FullyQualifiedErrorId | Should -BeLike 'LbTest.ResultKind,*'
        $faults[0].Exception.Message | Should -Match 'Measure-LbBalance.*traffic result.*restart-40.*Measure-LbDisruption'
        { $result | Format-LbTable -ErrorAction Stop } | Should -Throw '*Measure-LbDisruption*'
        { $result | Get-LbFrequency -ErrorAction Stop } | Should -Throw '*Get-LbTrafficSample*'
        { $connect | Measure-LbTraffic -ErrorAction Stop } | Should -Throw '*Format-LbTable*'
        { $connect | Measure-LbDisruption -ErrorAction Stop } | Should -Throw '*Measure-LbBalance*'
    }

    It 'has no place in the JSON of mconnect' {
        $result | Export-LbResult (Join-Path $TestDrive 'no.json') -Format Mconnect -ErrorVariable faults -ErrorAction SilentlyContinue
        $faults[0].FullyQualifiedErrorId | Should -BeLike 'LbTest.Format,*'
        $faults[0].ErrorDetails.RecommendedAction | Should -Match 'Ctraffic'
        Join-Path $TestDrive 'no.json' | Should -Not -Exist
    }
}

Describe 'Invoke-TrafficTest' {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $server = Start-LbServer -Address 127.0.0.1:0 -Name 'pester-t' -Service Traffic
        $address = $server.Address
        $result = Invoke-TrafficTest -Address $address -Connections 20 -PacketsPerSecond 400 -PacketSize 200 -Duration 2 -RampUp 500ms -Seed 7 -Label 'short'
    }
    AfterAll { $server | Stop-LbServer }

    It 'holds connections at a rate and hears every packet again' {
        $result.Completed | Should -BeTrue
        $result.Clients | Should -Be 20
        $result.PacketSize | Should -Be 200
        $result.Seed | Should -Be 7
        $result.Duration.TotalSeconds | Should -Be 2
        $result.Sent | Should -BeGreaterThan 0
        $result.LostConnections | Should -Be 0
        # Planned sends are 200 for 20 clients over 2 s, less those before a client's start.
        $result.Sent + $result.Dropped | Should -BeLessOrEqual 800
        ($result.Samples.Sent | Measure-Object -Sum).Sum | Should -Be $result.Sent
        ($result | Measure-LbTraffic -By Hosts).Endpoint | Should -Be 'pester-t'
    }

    It 'gives rows: samples, connections, analyses' {
        $samples = @($result | Get-LbTrafficSample)
        $samples.Count | Should -Be $result.Samples.Length
        $samples[-1].Active | Should -Be 20
        $result | Get-LbTrafficConnection | Should -HaveCount 20
        $result | Get-LbTrafficConnection -Endpoint 'pester-*' | Should -HaveCount 20
        $result | Get-LbTrafficConnection -Endpoint nobody | Should -BeNullOrEmpty
        $result | Get-LbTrafficConnection -Lost | Should -BeNullOrEmpty
        $cost = $result | Measure-LbDisruption
        $cost.LostConnections | Should -Be 0
        $cost.Label | Should -Be 'short'
    }

    It 'keeps the latest result in $LbLastResult' {
        $LbLastResult.Label | Should -Be 'short'
        [object]::ReferenceEquals($LbLastResult, $result) | Should -BeTrue
    }

    It 'gives back what was written' {
        $file = Join-Path $TestDrive 'traffic.json'
        $result | Export-LbResult $file
        $back = Import-LbResult $file
        foreach ($name in 'Label', 'Started', 'Duration', 'Completed', 'Target', 'Clients', 'Sent', 'Received', 'Seed', 'Generator') { $back.$name | Should -Be $result.$name }
        $back.Connections | Should -HaveCount 20
        $back.Samples[1].Latency.P99 | Should -Be $result.Samples[1].Latency.P99
    }

    It 'speaks UDP, and takes the names and times of ctraffic' {
        $udp = Invoke-TrafficTest -Address $address -nconn 5 -psize 100 -timeout 600ms -Protocol Udp -PacketsPerSecond 100 -srccidr 127.0.0.0/28
        $udp.Protocol | Should -Be 'Udp'
        $udp.PlannedDuration.TotalMilliseconds | Should -Be 600
        $udp.Received | Should -BeGreaterThan 0
        $udp.Connections.Local | ForEach-Object { $_ | Should -Match '^127\.0\.0\.\d+:' }
    }

    It 'takes source addresses from a file, and says when they run out' {
        $file = Join-Path $TestDrive 'sources.txt'
        Set-Content $file '# three', '127.0.0.4', '127.0.0.5', '127.0.0.6'
        Push-Location $TestDrive
        try { $from = Invoke-TrafficTest -Address $address -Connections 3 -SourceFile sources.txt -Duration 0.5 }
        finally { Pop-Location }
        $from.Connections.Local -replace ':\d+$' | Sort-Object | Should -Be '127.0.0.4', '127.0.0.5', '127.0.0.6'
        { Invoke-TrafficTest -Address $address -Connections 4 -SourceFile $file } | Should -Throw -ErrorId 'LbTest.SourceFile,*'
    }

    It 'streams samples as they happen with -Monitor, and nothing else' {
        $arrived = [Collections.Generic.List[object]]::new()
        Invoke-TrafficTest -Address $address -Connections 5 -Duration 2.5 -Monitor | ForEach-Object {
            if ($arrived.Count -eq 0) { $before = $LbLastResult }
            $arrived.Add($_)
        }
        [object]::ReferenceEquals($before, $LbLastResult) | Should -BeFalse -Because 'the first sample came before the end'
        $arrived | ForEach-Object { $_.GetType().Name } | Select-Object -Unique | Should -Be 'TrafficSample'
        $arrived.Count | Should -Be 3
        $LbLastResult.Samples.Time | Should -Be $arrived.Time
    }

    It 'ends when nobody wants more samples, and keeps the result' {
        $first = Invoke-TrafficTest -Address $address -Connections 5 -Duration 600 -Monitor | Select-Object -First 1
        $first.Active | Should -Be 5
        $LbLastResult.PlannedDuration.TotalSeconds | Should -Be 600
        $LbLastResult.Completed | Should -BeFalse
        $LbLastResult.Samples.Length | Should -BeGreaterOrEqual 1
    }

    It 'stops on Ctrl+C, keeps what was measured and undoes scripts' {
        $powershell = [powershell]::Create()
        try {
            $seen = [hashtable]::Synchronized(@{})
            $null = $powershell.AddScript("param(`$seen) Import-Module '$ModulePath'; `$script = New-LbDisturbance { `$seen.Done = 1 } 0.1 -UndoScriptBlock { Start-Sleep -Milliseconds 20; `$seen.Undone = 1 }
                Invoke-TrafficTest -Address $address -Connections 5 -Duration 600 -Disturbance `$script").AddArgument($seen).BeginInvoke()
            Wait-Until { $seen.Done } -Seconds 20 | Should -BeTrue
            $stopped = Measure-Command { $powershell.Stop() }
            $stopped.TotalSeconds | Should -BeLessThan 2
            $seen.Undone | Should -Be 1
            $last = $powershell.Runspace.SessionStateProxy.GetVariable('LbLastResult')
            $last.Completed | Should -BeFalse
            $last.Reason | Should -Match 'stopped'
            $last.Connections | Should -HaveCount 5
            $last.Disturbances.Undo | Should -Be $false, $true
        }
        finally { $powershell.Dispose() }
    }

    It 'shows progress: states, rates, what is left; and completes it' {
        $powershell = [powershell]::Create()
        try {
            $null = $powershell.AddScript("Import-Module '$ModulePath'; Invoke-TrafficTest -Address $address -Connections 5 -Duration 2.6").Invoke()
            $ours = $powershell.Streams.Progress | Where-Object Activity -Like 'Traffic to*'
            $ours[-1].RecordType | Should -Be 'Completed'
            $told = $ours | Where-Object StatusDescription -Match '5 active, 0 failed, 0 connecting; \d+/\d+/s, \d+ dropped; [\d.]+ kB/s'
            $told | Should -Not -BeNullOrEmpty
            $told[0].PercentComplete | Should -BeIn (1..100)
            $told[0].SecondsRemaining | Should -BeIn (0..2)
        }
        finally { $powershell.Dispose() }
    }

    It 'works in a background job, whose results keep all they have' {
        $job = Start-Job { Import-Module $using:ModulePath; Invoke-TrafficTest -Address $using:address -Connections 7 -Duration 1.2 -Label job -Disturbance (New-LbDisturbance { } 0.2) }
        try { $result = $job | Wait-Job -Timeout 60 | Receive-Job }
        finally { $job | Remove-Job -Force }
        $result.Clients | Should -Be 7
        $result.PSTypeNames | Should -Contain 'Deserialized.LbTest.Engine.Traffic.TrafficResult'
        $connections = @($result | Get-LbTrafficConnection -Endpoint pester-t)
        $connections.Count | Should -Be 7
        $connections[0].Connected | Should -BeOfType TimeSpan
        ($result | Get-LbTrafficSample)[0].Latency.P99 | Should -BeGreaterThan ([TimeSpan]::Zero)
        ($result | Measure-LbDisruption).Label | Should -Be 'job'
        $result | Export-LbResult (Join-Path $TestDrive 'job.json')
        $copy = Import-LbResult (Join-Path $TestDrive 'job.json')
        $copy.Disturbances.Kind | Should -Be 'Script'
        $copy.Sent | Should -Be $result.Sent
    }

    It 'refuses <Names>' -ForEach @(
        @{ Names = 'Connections'; Given = @{ Connections = 0 } }
        @{ Names = 'PacketsPerSecond'; Given = @{ PacketsPerSecond = 0 } }
        @{ Names = 'BytesPerSecond'; Given = @{ BytesPerSecond = -1 } }
        @{ Names = 'BytesPerSecond'; Given = @{ BytesPerSecond = 1; PacketsPerSecond = 1 } }
        @{ Names = 'PacketSize'; Given = @{ PacketSize = 63 } }
        @{ Names = 'PacketSize'; Given = @{ PacketSize = 65537 } }
        @{ Names = 'PacketSize'; Given = @{ PacketSize = 71; Protocol = 'Udp' } }
        @{ Names = 'Duration'; Given = @{ Duration = 0 } }
        @{ Names = 'RampUp'; Given = @{ RampUp = 10 } }
        @{ Names = 'ConnectTimeout'; Given = @{ ConnectTimeout = 0 } }
        @{ Names = 'ResponseTimeout'; Given = @{ ResponseTimeout = -1 } }
        @{ Names = 'BackOff'; Given = @{ BackOff = 0 } }
        @{ Names = 'Threads'; Given = @{ Threads = 257 } }
        @{ Names = 'Source'; Given = @{ Source = '198.51.100.0/24' } }
        @{ Names = 'Address'; Given = @{ Address = '127.0.0.1' } }
        @{ Names = 'SourceFile'; Given = @{ SourceFile = 'no such file' } }
    ) {
        $caught = $null
        $all = @{ Address = $address; Duration = 1 } + @{}
        foreach ($pair in $Given.GetEnumerator()) { $all[$pair.Key] = $pair.Value }
        try { Invoke-TrafficTest @all } catch { $caught = $_ }
        $caught.FullyQualifiedErrorId | Should -BeLike "LbTest.$Names,*"
        $caught.CategoryInfo.Category | Should -Be 'InvalidArgument'
        $caught.Exception.Message | Should -Match "^$Names "
        $caught.ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
    }

    It 'refuses a source file that is empty or holds something else' {
        $file = Join-Path $TestDrive 'bad.txt'
        Set-Content $file '# nothing'
        { Invoke-TrafficTest -Address $address -SourceFile $file } | Should -Throw '*bad.txt*holds no address*'
        Set-Content $file 'nobody'
        { Invoke-TrafficTest -Address $address -SourceFile $file } | Should -Throw -ErrorId 'LbTest.SourceFile,*'
    }

    It 'says of a result without samples or connections that it has none, and goes on' {
        $file = Join-Path $TestDrive 'empty.json'
        Set-Content $file '{ "kind": "traffic", "schemaVersion": 1, "clients": 1 }'
        $empty = Import-LbResult $file
        $rows = $empty, $result | Get-LbTrafficSample -ErrorVariable faults -ErrorAction SilentlyContinue
        @($rows).Count | Should -Be $result.Samples.Length
        $faults[0].FullyQualifiedErrorId | Should -BeLike 'LbTest.Result,*'
        $faults[0].Exception.Message | Should -Match 'empty.*no samples'
        { $empty | Get-LbTrafficConnection -ErrorAction Stop } | Should -Throw '*no connection records*'
        { $empty | Measure-LbTraffic -By Throughput -ErrorAction Stop } | Should -Throw '*no samples*'
    }
}
