# Dot-sourced by every suite: imports the built module, and knows where things lie.
$env:POWERSHELL_TELEMETRY_OPTOUT = '1'
$ModulePath = if ($env:LBTEST_MODULE) { $env:LBTEST_MODULE } else { Join-Path $PSScriptRoot '../../output/LbTest' }
$ModulePath = (Resolve-Path (Join-Path $ModulePath 'LbTest.psd1')).ProviderPath
$Shell = (Get-Process -Id $PID).Path
Import-Module $ModulePath -Force

# Labs of other people may run on this machine: ours have names of their own, and only those are ever stopped.
function New-LabName { "pester-$PID-$(Get-Random -Maximum 1000000)" }

# The golden files lie beside the checkout. A machine without them skips, but never the build server.
function Get-GoldenFolder {
    for ($folder = Get-Item $PSScriptRoot; $folder; $folder = $folder.Parent) {
        $golden = Join-Path $folder.FullName 'shared/golden'
        if (Test-Path $golden) { return $golden }
    }
}

# What another shell writes when it has imported the module and run this.
function Invoke-Shell([string]$Command) {
    & $Shell -NoProfile -NonInteractive -Command "`$ErrorActionPreference = 'Stop'; Import-Module '$ModulePath'; $Command"
}

# Processes whose command line has this word in it.
function Get-ProcessOf([string]$Word) {
    Get-ChildItem /proc -Directory | Where-Object Name -Match '^\d+$' | Where-Object {
        $line = try { [IO.File]::ReadAllText("$($_.FullName)/cmdline") } catch { '' }
        $line.Contains($Word)
    } | ForEach-Object { [int]$_.Name }
}

# A namespace that is gone, or on its way: kubelets may take a minute for its last pods.
function Test-Leaving([string]$Namespace) {
    $phase = kubectl get namespace $Namespace --ignore-not-found -o 'jsonpath={.status.phase}'
    -not $phase -or $phase -eq 'Terminating'
}

# Deletes what a test has on Kubernetes, where stopping it is not what is tested: kubelets may take a minute for the last pods, and nobody waits for that.
function Remove-Namespace([string]$Namespace) { kubectl delete namespace $Namespace "$Namespace-node" --wait=false --ignore-not-found | Out-Null }

# Waits for what must come true soon.
function Wait-Until([scriptblock]$Condition, [double]$Seconds = 5) {
    $deadline = [DateTime]::UtcNow.AddSeconds($Seconds)
    while ([DateTime]::UtcNow -lt $deadline) {
        if (& $Condition) { return $true }
        Start-Sleep -Milliseconds 50
    }
    [bool](& $Condition)
}

# The children of a process, and theirs.
function Get-Descendant([int]$Id) {
    # Each thread has children of its own; any of them may end meanwhile.
    $children = Get-ChildItem "/proc/$Id/task" -ErrorAction Ignore | ForEach-Object { -split $(try { [IO.File]::ReadAllText("$($_.FullName)/children") } catch { '' }) } | Where-Object Length
    foreach ($child in $children) {
        [int]$child
        Get-Descendant $child
    }
}
