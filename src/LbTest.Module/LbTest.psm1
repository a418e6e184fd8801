# In the built module the assemblies lie beside this file; in the checkout, where the build puts them.
$bin = "$PSScriptRoot/bin", "$PSScriptRoot/../../output/LbTest/bin" |
    Where-Object { Test-Path -LiteralPath "$_/LbTest.Module.dll" } | Select-Object -First 1
if (-not $bin) {
    throw "LbTest is not built yet. Run './bootstrap.sh build' in the checkout, then import the module again."
}

if (-not ('LbTest.Loading.ModuleLoadContext' -as [type])) {
    Add-Type -LiteralPath (Resolve-Path -LiteralPath "$bin/LbTest.Module.dll").ProviderPath
}
$inner = Import-Module -Assembly ([LbTest.Loading.ModuleLoadContext]::Cmdlets) -PassThru

# When PowerShell has seen the assembly before, it does not hand its cmdlets on to the module that imports it (PowerShell issue 20710).
$addExportedCmdlet = [System.Management.Automation.PSModuleInfo].GetMethod('AddExportedCmdlet', [System.Reflection.BindingFlags]'Instance, NonPublic')
foreach ($cmdlet in $inner.ExportedCmdlets.Values) {
    $addExportedCmdlet.Invoke($ExecutionContext.SessionState.Module, @(, $cmdlet))
}
