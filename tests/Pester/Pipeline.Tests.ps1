Describe 'Start-LbCluster | Invoke-ConnectTest | Format-LbTable' {
    BeforeAll { . $PSScriptRoot/Setup.ps1 }

    Context '<Mode>, ECMP <Ecmp>' -ForEach @(
        @{ Mode = 'Iptables'; Ecmp = $false }, @{ Mode = 'Iptables'; Ecmp = $true }
        @{ Mode = 'Nftables'; Ecmp = $false }, @{ Mode = 'Nftables'; Ecmp = $true }
    ) {
        BeforeAll {
            $lab = Start-LbCluster -Name (New-LabName) -ProxyMode $Mode -NodeCount 3 -EndpointCount 12 -Ecmp:$Ecmp
            $result = $lab | Invoke-ConnectTest -Count 2000 -Label 'one'
        }
        AfterAll { $lab | Stop-LbCluster }

        It 'makes every connection' {
            $result.Completed | Should -BeTrue
            $result.Connections | Should -Be 2000
            $result.Failed | Should -Be 0
            $result.Endpoints.Length | Should -Be 12
            $result.Context.Ecmp | Should -Be $Ecmp
        }

        It 'counts what the kernel counts' {
            $counted = $lab | Get-LbEndpointCounter | Where-Object Packets -GT 0 | Group-Object EndpointName -AsHashTable
            foreach ($endpoint in $result.Endpoints) {
                ($counted[$endpoint.Name].Packets | Measure-Object -Sum).Sum | Should -Be $endpoint.Connections -Because "the kernel counted it for $($endpoint.Name)"
            }
        }

        It 'gives frequencies that add up, a verdict, and a table with both' {
            $frequency = $result | Get-LbFrequency
            ($frequency.Endpoints | Measure-Object -Sum).Sum | Should -Be 12
            ($frequency | ForEach-Object { $_.Connections * $_.Endpoints } | Measure-Object -Sum).Sum | Should -Be 2000
            ($result | Measure-LbBalance).Verdict | Should -BeIn 'ConsistentWithRandom', 'Uneven', 'EvenerThanRandom'
            $text = $result, $result | Format-LbTable | Out-String -Width 100
            $text | Should -Match 'one.*one \(2\)'
            $text | Should -Match 'verdict'
        }
    }

    It 'speaks IPv6' {
        $lab = Start-LbCluster -Name (New-LabName) -NodeCount 2 -EndpointCount 4
        try { ($lab | Invoke-ConnectTest -Count 200 -IPv6).Connections | Should -Be 200 } finally { $lab | Stop-LbCluster }
    }

    It 'keeps the clients of a lab with session affinity together' {
        $lab = Start-LbCluster -Name (New-LabName) -NodeCount 2 -EndpointCount 5 -SessionAffinity ClientIP -SessionAffinityTimeout 60
        try {
            $lab.Spec.SessionAffinity | Should -Be ([TimeSpan]::FromMinutes(1))
            $result = $lab | Invoke-ConnectTest -Count 1000 -Source 20.0.0.0/27
            $result.Affinity.Sources | Should -BeIn (2..32)
            $result.Affinity.Moved | Should -Be 0
            ($result | Measure-LbBalance).Connections | Should -Be $result.Affinity.Sources -Because 'sources are what is spread'
        }
        finally { $lab | Stop-LbCluster }
    }

    It 'reaches only local endpoints under the policy Local' {
        $lab = Start-LbCluster -Name (New-LabName) -EndpointsPerNode 3, 5 -ExternalTrafficPolicy Local
        try {
            $result = $lab | Invoke-ConnectTest -Count 600
            $result.Connections | Should -Be 600
            ($result.Endpoints | Where-Object Connections -GT 0).Node | Select-Object -Unique | Should -Be 'node-1'
            $result.Endpoints | Where-Object Node -EQ 'node-2' | ForEach-Object ExpectedShare | Select-Object -Unique | Should -Be 0
        }
        finally { $lab | Stop-LbCluster }
    }

    It 'takes port, affinity and policies from a Kubernetes manifest, and parameters win' {
        $manifest = Join-Path $TestDrive 'service.yaml'
        Set-Content $manifest @'
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  ports: [{ port: 8080 }]
  sessionAffinity: ClientIP
  sessionAffinityConfig: { clientIP: { timeoutSeconds: 77 } }
  externalTrafficPolicy: Local
'@
        $lab = Start-LbCluster -Name (New-LabName) -NodeCount 1 -EndpointCount 2 -Manifest $manifest -ExternalTrafficPolicy Cluster
        try {
            $lab.Spec.Port | Should -Be 8080
            $lab.Spec.SessionAffinity.TotalSeconds | Should -Be 77
            $lab.Spec.ExternalTrafficPolicy | Should -Be 'Cluster'
        }
        finally { $lab | Stop-LbCluster }
    }
}
