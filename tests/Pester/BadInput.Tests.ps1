Describe 'Bad input' {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $server = Start-LbServer -Address '127.0.0.1:15901' -Name 'pester'
    }
    AfterAll { $server | Stop-LbServer }

    It 'refuses <Command>' -ForEach @(
        @{ Command = { Invoke-ConnectTest -Address 127.0.0.1:15901 -Count 0 }; Id = 'LbTest.Count'; Says = '*Count*0*' }
        @{ Command = { Invoke-ConnectTest -Address 127.0.0.1:15901 -Count -1 }; Id = 'LbTest.Count'; Says = '*Count*-1*' }
        @{ Command = { Invoke-ConnectTest -Address 127.0.0.1 }; Id = 'LbTest.Address'; Says = '*has no port*host:port*' }
        @{ Command = { Invoke-ConnectTest -Address nobody.invalid:1 }; Id = 'LbTest.Address'; Says = '*does not resolve*' }
        @{ Command = { Invoke-ConnectTest -Address 127.0.0.1:15901 -Source 198.51.100.0/24 }; Id = 'LbTest.Source'; Says = '*cannot bind*ip route add local*' }
        @{ Command = { Invoke-ConnectTest -Address '[::1]:15901' -Source 127.0.0.1 }; Id = 'LbTest.Source'; Says = '*IPv4*IPv6*' }
        @{ Command = { Invoke-ConnectTest -Address 127.0.0.1:15901 -ConnectTimeout 0 }; Id = 'LbTest.ConnectTimeout'; Says = '*more than 0*' }
        @{ Command = { Start-LbCluster -NodeCount 2 -EndpointCount 1000 }; Id = 'LbTest.EndpointCount'; Says = '*500 endpoints on one node*' }
        @{ Command = { Start-LbCluster -ProxyMode Iptables -IpvsScheduler Lc }; Id = 'LbTest.IpvsScheduler'; Says = '*means nothing in mode Iptables*' }
        @{ Command = { Start-LbCluster -Name 'a/b' }; Id = 'LbTest.Name'; Says = '*is not a name*' }
        @{ Command = { Start-LbCluster -SessionAffinityTimeout 5 }; Id = 'LbTest.SessionAffinityTimeout'; Says = '*-SessionAffinity ClientIP*' }
        @{ Command = { Start-LbServer -Address 198.51.100.1:1 }; Id = 'LbTest.Address'; Says = '*cannot be listened on*' }
    ) {
        $caught = $null
        try { & $Command } catch { $caught = $_ }
        $caught.FullyQualifiedErrorId | Should -BeLike "$Id,*"
        $caught.CategoryInfo.Category | Should -Be 'InvalidArgument'
        $caught.Exception.Message | Should -BeLike $Says
        $caught.ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
        $caught.TargetObject | Should -Not -BeNullOrEmpty
    }

    It 'refuses a time span that is none' {
        { Invoke-ConnectTest -Address 127.0.0.1:15901 -Timeout soon } | Should -Throw '*not a time span*5s*'
    }

    It 'refuses a cluster that does not run' {
        { Invoke-ConnectTest -Cluster nobody } | Should -Throw "*no cluster 'nobody'*"
    }

    It 'refuses an alpha out of range' {
        $result = Invoke-ConnectTest -Address 127.0.0.1:15901 -Count 5
        { $result | Measure-LbBalance -Alpha 2 } | Should -Throw '*Alpha is 2. Give*'
        { Get-LbSampleSize -Overweight 99 } | Should -Throw -ErrorId 'LbTest.overweight,*'
    }

    It 'refuses, file by file, JSON that is <What>' -ForEach @(
        @{ What = 'truncated'; Text = '{"hosts":{"a":1}' }, @{ What = 'foreign'; Text = '{"name":"x"}' }, @{ What = 'no object'; Text = '[1,2]' }
        @{ What = 'no JSON'; Text = 'hosts: a' }, @{ What = 'newer'; Text = '{"kind":"connect","schemaVersion":2}' }
    ) {
        Set-Content (Join-Path $TestDrive 'bad.json') $Text
        Set-Content (Join-Path $TestDrive 'good.json') '{"hosts":{"a":1},"connects":1}'
        $results = Import-LbResult (Join-Path $TestDrive 'bad.json'), (Join-Path $TestDrive 'good.json') -ErrorVariable faults -ErrorAction SilentlyContinue
        $results.Label | Should -Be 'good'
        $faults | Should -HaveCount 1
        $faults[0].CategoryInfo.Category | Should -Be 'InvalidData'
        $faults[0].Exception.Message | Should -Match 'bad.json'
    }

    It 'refuses a file that is not there' {
        Import-LbResult (Join-Path $TestDrive 'none.json') -ErrorVariable faults -ErrorAction SilentlyContinue
        $faults[0].CategoryInfo.Category | Should -Be 'ObjectNotFound'
    }

    It 'refuses a bad manifest and says where it is bad' {
        $manifest = Join-Path $TestDrive 'bad.yaml'
        Set-Content $manifest "kind: Service`nmetadata: { name: x }`nspec: { ports: [{ port: 99999 }] }"
        { Start-LbCluster -Manifest $manifest } | Should -Throw '*bad.yaml*port*99999*'
        { Start-LbCluster -Manifest (Join-Path $TestDrive 'none.yaml') } | Should -Throw -ErrorId 'LbTest.NotFound,*'
    }

    Context 'with a lab' {
        BeforeAll { $lab = Start-LbCluster -Name (New-LabName) -NodeCount 2 -EndpointCount 2 }
        AfterAll { Stop-LbCluster "$($lab.Name)*" }

        It 'refuses a name in use' {
            { Start-LbCluster -Name $lab.Name } | Should -Throw -ErrorId 'LbTest.Name,*'
        }

        It 'refuses places that are not there' {
            { $lab | Invoke-ConnectTest -From Node -FromName node-9 } | Should -Throw -ErrorId 'LbTest.FromName,*'
            { $lab | Invoke-ConnectTest -To Endpoint -ToName nobody } | Should -Throw -ErrorId 'LbTest.ToName,*'
            { $lab | Invoke-ConnectTest -From Local } | Should -Throw -ErrorId 'LbTest.From,*'
        }

        It 'says so, lab by lab, when a lab is gone' {
            $gone = Start-LbCluster -Name (New-LabName) -NodeCount 1 -EndpointCount 1
            $gone | Stop-LbCluster
            $results = $gone, $lab | Invoke-ConnectTest -Count 10 -ErrorVariable faults -ErrorAction SilentlyContinue
            $results.Connections | Should -Be 10
            $faults[0].CategoryInfo.Category | Should -Be 'ResourceUnavailable'
        }
    }
}
