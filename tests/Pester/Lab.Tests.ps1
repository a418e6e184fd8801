Describe 'The life of a lab' {
    BeforeAll { . $PSScriptRoot/Setup.ps1 }

    It 'is found by name and gone when stopped' {
        $name = New-LabName
        $lab = Start-LbCluster -Name $name -NodeCount 1 -EndpointCount 2
        (Get-LbCluster $name).Running | Should -BeTrue
        (Get-LbCluster "$name*").Name | Should -Be $name
        Stop-LbCluster $name
        $lab.Running | Should -BeFalse
        Get-LbCluster "$name*" | Should -BeNullOrEmpty
    }

    It 'finds a detached lab from another shell, uses it and stops it there' {
        $name = New-LabName
        try {
            $lab = Start-LbCluster -Name $name -NodeCount 1 -EndpointCount 2 -Detached
            Invoke-Shell "(Get-LbCluster $name | Invoke-ConnectTest -Count 100).Connections" | Should -Be 100
            Invoke-Shell "Stop-LbCluster $name"
            Wait-Until { -not $lab.Running } | Should -BeTrue
            Get-LbCluster "$name*" | Should -BeNullOrEmpty
            Wait-Until { -not (Get-ProcessOf $name) } | Should -BeTrue
        }
        finally { Stop-LbCluster "$name*" }
    }

    It 'leaves no process when the shell that started it is killed' {
        $start = [Diagnostics.ProcessStartInfo]::new($Shell)
        '-NoProfile', '-NonInteractive', '-Command', "Import-Module '$ModulePath'; `$null = Start-LbCluster -NodeCount 1 -EndpointCount 2; 'ready'; Start-Sleep 60" | ForEach-Object { $start.ArgumentList.Add($_) }
        $start.RedirectStandardOutput = $true
        $shellProcess = [Diagnostics.Process]::Start($start)
        try {
            $shellProcess.StandardOutput.ReadLine() | Should -Be 'ready'
            # Its children, while it still has them: the sandbox and the agent in it.
            $children = @(Get-Descendant $shellProcess.Id)
            $children.Count | Should -BeGreaterThan 1
        }
        finally { $shellProcess.Kill() }
        Wait-Until { -not ($children | Where-Object { Test-Path "/proc/$_" }) } | Should -BeTrue -Because 'the kernel ends the sandbox with its shell'
    }

    It 'does nothing with -WhatIf' {
        $name = New-LabName
        Start-LbCluster -Name $name -WhatIf | Should -BeNullOrEmpty
        Get-LbCluster "$name*" | Should -BeNullOrEmpty
        $lab = Start-LbCluster -Name $name -NodeCount 1 -EndpointCount 1
        try {
            $lab | Stop-LbCluster -WhatIf
            $lab.Running | Should -BeTrue
        }
        finally { $lab | Stop-LbCluster }
    }

    It 'gives labs without a name one that is free' {
        $labs = 1..2 | ForEach-Object { Start-LbCluster -NodeCount 1 -EndpointCount 1 }
        try {
            $labs.Name | Select-Object -Unique | Should -HaveCount 2
            $labs.Name | Should -Match '^lab(-\d+)?$'
            ($labs | Invoke-ConnectTest -Count 10).Connections | Should -Be 10, 10
        }
        finally { $labs | Stop-LbCluster }
    }

    It 'says what a name that is nobody''s is' {
        Get-LbCluster 'nobody' -ErrorVariable found -ErrorAction SilentlyContinue
        $found[0].CategoryInfo.Category | Should -Be 'ObjectNotFound'
        Get-LbCluster 'nobody*' | Should -BeNullOrEmpty
    }
}
