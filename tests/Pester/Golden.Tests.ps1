BeforeDiscovery {
    . $PSScriptRoot/Setup.ps1
    $golden = Get-GoldenFolder
    $skip = -not $golden -and $env:CI -ne 'true'
    $names = 'cilium', 'ipvs', 'ipvs-ecmp', 'ipvs-lc', 'ipvs-mh', 'nftables'
}

Describe 'Recorded runs of mconnect' -Skip:$skip {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $folder = Join-Path (Get-GoldenFolder) 'mconnect'
        $frequencies = Get-Content (Join-Path $folder 'frequencies-expected.json') -Raw | ConvertFrom-Json -AsHashtable
        $balances = Get-Content (Join-Path $folder 'balance-expected.json') -Raw | ConvertFrom-Json -AsHashtable
    }

    It 'gives the expected frequencies of <_>' -ForEach $names {
        $rows = Import-LbResult (Join-Path $folder "mconnect-$_.json") | Get-LbFrequency
        $rows.Label | Select-Object -Unique | Should -Be "mconnect-$_"
        ($rows | ForEach-Object { "$($_.Endpoints)x$($_.Connections)" }) | Should -Be ($frequencies[$_] | ForEach-Object { "$($_[0])x$($_[1])" })
    }

    It 'gives the expected balance of <_>' -ForEach $names {
        $expected = $balances["mconnect-$_"]
        $balance = Get-Item (Join-Path $folder "mconnect-$_.json") | Import-LbResult | Measure-LbBalance
        $of = @{
            endpoints = 'Endpoints'; connects = 'Connections'; min = 'Minimum'; max = 'Maximum'; standardDeviation = 'StandardDeviation'; chiSquare = 'ChiSquare'
            degreesOfFreedom = 'DegreesOfFreedom'; pUpper = 'PUpper'; pLower = 'PLower'; jain = 'JainIndex'; coefficientOfVariation = 'CoefficientOfVariation'
            gini = 'Gini'; maxToMean = 'MaxToMean'
        }
        foreach ($name in $of.Keys) {
            [Math]::Abs($balance.($of[$name]) - $expected[$name]) | Should -BeLessOrEqual ([Math]::Max(1e-6, 1e-6 * [Math]::Abs($expected[$name]))) -Because "$name is $($expected[$name])"
        }
    }

    It 'puts all six side by side' {
        $table = Import-LbResult (Join-Path $folder 'mconnect-*.json') | Format-LbTable
        $names = $table.Labels -replace '^mconnect-'
        $names | Sort-Object | Should -Be ($frequencies.Keys | Sort-Object)
        for ($column = 0; $column -lt $names.Count; $column++) {
            $rows = $table.Rows | Where-Object { $_.Endpoints[$column] -gt 0 } | ForEach-Object { "$($_.Endpoints[$column])x$($_.Connections)" }
            $rows | Should -Be ($frequencies[$names[$column]] | ForEach-Object { "$($_[0])x$($_[1])" })
        }
    }
}
