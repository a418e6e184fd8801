#Requires -Version 7.6
<#
.SYNOPSIS
    Builds, tests, shows and packages LbTest.
.DESCRIPTION
    Build     Compiles, lays the module out in output/LbTest, publishes the agent lbtest into it. Incremental.
    Test      Build and Analyze, then the xunit tests and the Pester suites. The last line counts them.
    Demo      Build, then 10,000 connections through a lab of 10 nodes and 100 endpoints.
    Analyze   PSScriptAnalyzer over every script.
    Image     The image that clusters run, output/lbtest-image.tar, for 'ctr images import', 'kind load image-archive' or 'docker load'.
    Package   A nupkg in output/package that installs from a local PSRepository folder.
    Bench     The benchmarks of bench/, side by side in one run.
    Clean     Removes everything that was built.
.EXAMPLE
    ./build.ps1 -Task Test
#>
[CmdletBinding()]
param(
    [ValidateSet('Build', 'Test', 'Demo', 'Analyze', 'Image', 'Package', 'Bench', 'Clean')]
    [string[]] $Task = 'Build'
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$module = Join-Path $PSScriptRoot 'output/LbTest'
$manifest = Join-Path $module 'LbTest.psd1'

function Invoke-Native {
    param([string] $Command, [string[]] $ArgumentList)
    & $Command @ArgumentList
    if ($LASTEXITCODE -ne 0) { throw "'$Command $ArgumentList' ended with code $LASTEXITCODE." }
}

function Invoke-MSBuild([string] $Target) {
    Invoke-Native dotnet @('msbuild', (Join-Path $PSScriptRoot 'build.proj'), '-nologo', '-v:minimal', "-t:$Target")
}

# A new shell for everything that loads the module: this one would keep its files, and the next build could not replace them.
function Invoke-Shell([string] $Script) {
    Invoke-Native (Get-Process -Id $PID).Path @('-NoProfile', '-NonInteractive', '-Command', $Script)
}

# In CI nothing may be left out; elsewhere a missing tool is said in one line.
function Test-Tool([string] $Name, [string] $Version) {
    if (Get-Module -ListAvailable -FullyQualifiedName @{ ModuleName = $Name; ModuleVersion = $Version }) { return $true }
    $message = "$Name $Version is not here, so what needs it is left out (get it: Install-PSResource $Name)."
    if ($env:CI -eq 'true') { throw $message }
    Write-Warning $message
    $false
}

function Invoke-Analyze {
    if (-not (Test-Tool PSScriptAnalyzer 1.25.0)) { return }
    $scripts = @(Get-ChildItem $PSScriptRoot -File) + @(Get-ChildItem (Join-Path $PSScriptRoot 'src'), (Join-Path $PSScriptRoot 'tests') -Recurse -File) |
        Where-Object Extension -In '.ps1', '.psm1', '.psd1' | Where-Object FullName -NotMatch '[\\/](bin|obj)[\\/]'
    $findings = @($scripts | ForEach-Object { Invoke-ScriptAnalyzer -Path $_.FullName -Settings (Join-Path $PSScriptRoot 'PSScriptAnalyzerSettings.psd1') })
    $findings | Format-Table Severity, RuleName, ScriptName, Line, Message -AutoSize -Wrap | Out-Host
    if ($findings) { throw "PSScriptAnalyzer has $($findings.Count) findings." }
    "PSScriptAnalyzer: $($scripts.Count) files, no findings" | Out-Host
}

function Invoke-XunitTest {
    # Not through Invoke-Native: failed tests are counted and told at the end.
    dotnet msbuild (Join-Path $PSScriptRoot 'build.proj') -nologo -v:minimal -t:Test | Tee-Object -Variable lines | Out-Host
    $exitCode = $LASTEXITCODE
    $counts = $lines | Select-String 'Failed: +(\d+), Passed: +(\d+), Skipped: +(\d+)' | ForEach-Object { , [int[]] $_.Matches[0].Groups[1..3].Value }
    if (-not $counts) { throw 'No xunit test was run.' }
    if ($exitCode -ne 0 -and -not ($counts | Where-Object { $_[0] -gt 0 })) { throw "The xunit tests ended with code $exitCode although none failed." }
    [pscustomobject]@{
        Passed = ($counts | ForEach-Object { $_[1] } | Measure-Object -Sum).Sum
        Failed = ($counts | ForEach-Object { $_[0] } | Measure-Object -Sum).Sum
        Skipped = ($counts | ForEach-Object { $_[2] } | Measure-Object -Sum).Sum
    }
}

function Invoke-PesterTest {
    if (-not (Test-Tool Pester 6.0.0)) { return [pscustomobject]@{ Passed = 0; Failed = 0; Skipped = 0 } }
    $report = Join-Path $PSScriptRoot 'output/pester.json'
    Invoke-Shell @"
        Import-Module Pester -MinimumVersion 6.0.0
        `$configuration = New-PesterConfiguration
        `$configuration.Run.Path = '$(Join-Path $PSScriptRoot 'tests/Pester')'
        `$configuration.Run.PassThru = `$true
        `$configuration.Output.Verbosity = 'Normal'
        `$run = Invoke-Pester -Configuration `$configuration
        `$failed = `$run.FailedCount + `$run.FailedBlocksCount + `$run.FailedContainersCount
        @{ Passed = `$run.PassedCount; Failed = `$failed; Skipped = `$run.SkippedCount + `$run.NotRunCount } | ConvertTo-Json | Set-Content '$report'
"@ | Out-Host
    $result = Get-Content $report | ConvertFrom-Json
    if ($result.Passed -eq 0) { throw 'No Pester test was run.' }
    $result
}

function Invoke-Test {
    Invoke-MSBuild Build
    Invoke-Analyze
    $results = @(Invoke-XunitTest) + @(Invoke-PesterTest)
    $sum = @{}
    foreach ($kind in 'Passed', 'Failed', 'Skipped') { $sum[$kind] = ($results | Measure-Object $kind -Sum).Sum }
    "$($sum.Passed) passed, $($sum.Failed) failed, $($sum.Skipped) skipped"
    if ($sum.Failed -gt 0) { exit 1 }
}

function Invoke-Demo {
    Invoke-MSBuild Build
    Invoke-Shell @"
        Import-Module '$manifest'
        Write-Host 'PS> Start-LbCluster -ProxyMode nftables | Invoke-ConnectTest -Count 10000 | Format-LbTable'
        Write-Host
        Start-LbCluster -ProxyMode nftables | Invoke-ConnectTest -Count 10000 | Format-LbTable
"@
}

function New-Package {
    Invoke-MSBuild Build
    $folder = New-Item (Join-Path $PSScriptRoot 'output/package') -ItemType Directory -Force
    Invoke-Native dotnet @('pack', (Join-Path $PSScriptRoot 'src/LbTest.Module'), '-c', 'Release', '--no-build', '--nologo', '-v', 'quiet', '-o', $folder.FullName)
    Get-ChildItem $folder -Filter *.nupkg
}

foreach ($one in $Task) {
    switch ($one) {
        'Build' { Invoke-MSBuild Build }
        'Test' { Invoke-Test }
        'Demo' { Invoke-Demo }
        'Analyze' { Invoke-Analyze }
        'Image' { Invoke-MSBuild Image }
        'Package' { New-Package }
        'Bench' {
            Invoke-MSBuild Build
            Invoke-Native sh @((Join-Path $PSScriptRoot 'bench/connects.sh'))
            Invoke-Native sh @((Join-Path $PSScriptRoot 'bench/traffic.sh'))
            Invoke-Native sh @((Join-Path $PSScriptRoot 'bench/lab.sh'))
        }
        'Clean' { Invoke-MSBuild Clean }
    }
}
