Describe 'Export-LbResult and Import-LbResult' {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $server = Start-LbServer -Address 127.0.0.1:15931 -Name 'pester-f'
        $one = Invoke-ConnectTest -Address 127.0.0.1:15931 -Count 20 -Label 'one'
        $two = Invoke-ConnectTest -Address 127.0.0.1:15931 -Count 30 -Label 'a/b'
    }
    AfterAll { $server | Stop-LbServer }

    It 'gives back what was written' {
        $file = Join-Path $TestDrive 'one.json'
        $one | Export-LbResult $file
        $back = Import-LbResult $file
        foreach ($name in 'Label', 'Started', 'Duration', 'Completed', 'Target', 'Connections', 'Seed', 'Concurrency', 'Generator') { $back.$name | Should -Be $one.$name }
        $back.Endpoints.Name | Should -Be $one.Endpoints.Name
        $back.Latency.P99 | Should -Be $one.Latency.P99
    }

    It 'writes what mconnect writes' {
        $file = Join-Path $TestDrive 'mconnect.json'
        $one | Export-LbResult $file -Format Mconnect
        (Get-Content $file -Raw | ConvertFrom-Json).hosts.'pester-f' | Should -Be 20
        (Import-LbResult $file).Connections | Should -Be 20
    }

    It 'writes many into a folder, each under its label' {
        $folder = (New-Item -ItemType Directory (Join-Path $TestDrive 'many')).FullName
        $one, $two | Export-LbResult $folder -PassThru | Should -HaveCount 2
        (Get-ChildItem $folder).Name | Should -Be 'a-b.json', 'one.json'
        (Get-ChildItem $folder | Import-LbResult).Label | Should -Be 'a/b', 'one'
    }

    It 'writes one result into one file and no more' {
        $file = Join-Path $TestDrive 'single.json'
        $one, $two | Export-LbResult $file -ErrorVariable faults -ErrorAction SilentlyContinue
        $faults[0].FullyQualifiedErrorId | Should -BeLike 'LbTest.OneResult,*'
        (Import-LbResult $file).Label | Should -Be 'one'
    }

    It 'overwrites only with -Force, and nothing with -WhatIf' {
        $file = Join-Path $TestDrive 'force.json'
        $one | Export-LbResult $file -WhatIf
        $file | Should -Not -Exist
        $one | Export-LbResult $file
        { $two | Export-LbResult $file -ErrorAction Stop } | Should -Throw -ErrorId 'LbTest.FileExists,*'
        $two | Export-LbResult $file -Force
        (Import-LbResult $file).Label | Should -Be 'a/b'
    }

    It 'takes names as they are with -LiteralPath' {
        $file = Join-Path $TestDrive 'odd[1].json'
        $one | Export-LbResult $file
        (Import-LbResult -LiteralPath $file).Connections | Should -Be 20
    }
}
