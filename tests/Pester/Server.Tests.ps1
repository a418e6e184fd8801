Describe 'Start-LbServer and Stop-LbServer' {
    BeforeAll { . $PSScriptRoot/Setup.ps1 }
    AfterEach { Stop-LbServer 'pester-*' }

    It 'answers with its name and counts, then stops' {
        $server = Start-LbServer -Address 127.0.0.1:15921 -Name 'pester-a'
        $result = Invoke-ConnectTest -Address 127.0.0.1:15921 -Count 100
        $result.Endpoints.Name | Should -Be 'pester-a'
        $result.Connections | Should -Be 100
        $server.Accepted | Should -Be 100
        $stopped = $server | Stop-LbServer -PassThru
        $stopped.Running | Should -BeFalse
        $stopped.Accepted | Should -Be 100
        (Invoke-ConnectTest -Address 127.0.0.1:15921 -Count 2).Failures.Class | Should -Be 'Refused'
    }

    It 'answers UDP' {
        $null = Start-LbServer -Address 127.0.0.1:15922 -Name 'pester-u' -Protocol Udp
        (Invoke-ConnectTest -Address 127.0.0.1:15922 -Count 10 -Protocol Udp).Connections | Should -Be 10
    }

    It 'misbehaves on demand: <Behavior>' -ForEach @(
        @{ Behavior = 'Refuse'; Class = 'Refused' }, @{ Behavior = 'Drop'; Class = 'TimedOut' }, @{ Behavior = 'Hang'; Class = 'ReadFailed' }, @{ Behavior = 'Reset'; Class = 'Reset' }
    ) {
        $null = Start-LbServer -Address 127.0.0.1:15923 -Name 'pester-b' -Behavior $Behavior
        $result = Invoke-ConnectTest -Address 127.0.0.1:15923 -Count 4 -ConnectTimeout 300ms
        $result.Connections | Should -Be 0
        $result.Failed | Should -Be 4
        $result.Failures.Class | Should -Contain $Class
    }

    It 'echoes traffic, with its name at the beginning' {
        $server = Start-LbServer -Address 127.0.0.1:15926 -Name 'pester-t' -Service Traffic
        $server.Service | Should -Be 'Traffic'
        $client = [System.Net.Sockets.TcpClient]::new('127.0.0.1', 15926)
        try {
            $client.ReceiveTimeout = 10000
            $packet = [byte[]]::new(64)
            $packet[63] = 7
            $stream = $client.GetStream()
            $stream.Write($packet, 0, 64)
            $stream.ReadExactly($packet, 0, 64)
            [System.Text.Encoding]::UTF8.GetString($packet, 0, 9) | Should -Be "pester-t`0"
            $packet[63] | Should -Be 7
        }
        finally { $client.Dispose() }
        $server.Accepted | Should -Be 1
    }

    It 'refuses a behaviour that a traffic server does not have' {
        { Start-LbServer -Address 127.0.0.1:15927 -Service Traffic -Behavior Partial -ErrorAction Stop } | Should -Throw '*not a behaviour of a traffic endpoint*'
    }

    It 'does nothing with -WhatIf' {
        Start-LbServer -Address 127.0.0.1:15924 -Name 'pester-w' -WhatIf | Should -BeNullOrEmpty
        (Invoke-ConnectTest -Address 127.0.0.1:15924 -Count 1).Failed | Should -Be 1
        $server = Start-LbServer -Address 127.0.0.1:15924 -Name 'pester-w'
        Stop-LbServer 'pester-w' -WhatIf
        $server.Running | Should -BeTrue
    }

    It 'says what a name that is nobody''s is' {
        { Stop-LbServer 'nobody' -ErrorAction Stop } | Should -Throw -ErrorId 'LbTest.NotFound,*'
        { Stop-LbServer 'nobody*' -ErrorAction Stop } | Should -Not -Throw
    }

    It 'is understood by mconnect, and understands it' -Skip:(-not (Get-Command mconnect -ErrorAction Ignore)) {
        $null = Start-LbServer -Address 127.0.0.1:15925 -Name 'pester-m'
        $file = Join-Path $TestDrive 'theirs.json'
        mconnect -address 127.0.0.1:15925 -nconn 100 -output json | Set-Content $file
        $theirs = Import-LbResult $file
        $theirs.Connections | Should -Be 100
        $theirs.Endpoints.Name | Should -Be 'pester-m'
    }
}
