@{
    RootModule           = 'src/LbTest.Module/LbTest.psm1'
    ModuleVersion        = '0.1.0'
    GUID                 = '6c1f7a52-3d0b-4c39-9f1e-8a54f5b7d2e6'
    Author               = 'LbTest contributors'
    CompanyName          = 'LbTest contributors'
    Copyright            = '(c) LbTest contributors. MIT licence.'
    Description          = 'Tells the truth about load balancing: starts a lab of network namespaces with the kernel''s own kube-proxy rules, makes many connections, counts which endpoint answered each, and gives a statistical verdict. Holds traffic while endpoints, routes and packets are disturbed, and tells what that cost beside the least it had to.'
    PowerShellVersion    = '7.6'
    CompatiblePSEditions = @('Core')
    FormatsToProcess     = @('src/LbTest.Module/LbTest.Format.ps1xml')
    TypesToProcess       = @('src/LbTest.Module/LbTest.Types.ps1xml')
    CmdletsToExport      = @(
        'Clear-LbConntrack'
        'Compare-LbResult'
        'Export-LbImage'
        'Export-LbReport'
        'Export-LbResult'
        'Format-LbTable'
        'Get-LbCluster'
        'Get-LbConntrack'
        'Get-LbEndpointCounter'
        'Get-LbFrequency'
        'Get-LbProxyMode'
        'Get-LbSampleSize'
        'Get-LbServiceAddress'
        'Get-LbTrafficConnection'
        'Get-LbTrafficSample'
        'Get-LbVirtualServer'
        'Import-LbResult'
        'Invoke-ConnectTest'
        'Invoke-TrafficTest'
        'Measure-LbBalance'
        'Measure-LbDisruption'
        'Measure-LbTraffic'
        'New-LbDisturbance'
        'Set-LbProxyMode'
        'Show-LbChart'
        'Start-LbCluster'
        'Start-LbServer'
        'Stop-LbCluster'
        'Stop-LbServer'
        'Test-LbPrerequisite'
    )
    FunctionsToExport    = @()
    VariablesToExport    = @()
    AliasesToExport      = @()
    PrivateData          = @{
        PSData = @{
            Tags         = @('LoadBalancing', 'Kubernetes', 'kube-proxy', 'nftables', 'iptables', 'ECMP', 'Network', 'Traffic', 'Resilience', 'Test', 'Linux', 'PSEdition_Core')
            LicenseUri   = 'https://opensource.org/license/mit'
            ReleaseNotes = 'First version: labs in iptables and nftables mode, connect tests, frequency tables, balance verdicts; traffic tests with disturbances and what they cost, reports and charts.'
        }
    }
}
