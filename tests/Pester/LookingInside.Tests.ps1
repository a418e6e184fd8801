BeforeDiscovery {
    . $PSScriptRoot/Setup.ps1
    $ipvs = Test-LbPrerequisite -ProxyMode Ipvs -Quiet
}

Describe 'What IPVS has' {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $list = @'
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  10.96.0.100:5001 rr persistent 10800
  -> 11.0.1.2:5001                Masq    1      3          7
  -> 11.0.1.3:5001                Masq    0      0          0
UDP  10.96.0.10:53 mh (mh-port) ops
TCP  [fd00::a60:64]:5001 wlc
  -> [fd00::b00:102]:5001         Masq    1      0          0
FWM  7 IPv6 sed
'@
        $counters = @'
Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
  -> RemoteAddress:Port
TCP  10.96.0.100:5001                   10       70       40     123M      224
  -> 11.0.1.2:5001                      10       70       40     123M      224
'@
        $addresses = @'
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    inet 127.0.0.1/8 scope host lo
2: kube-ipvs0: <BROADCAST,NOARP> mtu 1500 qdisc noop state DOWN group default qlen 1000
    inet 10.96.0.100/32 scope global kube-ipvs0
    inet 10.96.0.99/32 scope global kube-ipvs0
'@
        # What is shown, without blank lines and what fills lines up.
        function Get-Shown { @(($input | Out-String -Width 100) -split '\r?\n' | ForEach-Object TrimEnd | Where-Object Length) }
    }

    Context 'read from text' {
        It 'takes lines, one string, and several' {
            foreach ($servers in @(($list -split '\n' | Get-LbVirtualServer), ($list | Get-LbVirtualServer), (Get-LbVirtualServer -InputObject $list), ($list -replace '\n', "`r`n" | Get-LbVirtualServer))) {
                $servers | Should -BeOfType LbTest.Clusters.Ipvs.VirtualServer
                $servers.Name | Should -Be 'TCP 10.96.0.100:5001', 'UDP 10.96.0.10:53', 'TCP [fd00::a60:64]:5001', 'FWM 7 IPv6'
                $servers[0].PersistenceTimeout | Should -Be ([TimeSpan]::FromHours(3))
                $servers[0].RealServers.Weight | Should -Be 1, 0
                $servers[0].RealServers[0].ActiveConnections | Should -Be 3
                $servers[1].Flags | Should -Be 'mh-port', 'ops'
                $servers | Where-Object NodeName | Should -BeNullOrEmpty
            }
            $list, $counters | Get-LbVirtualServer | Should -HaveCount 5
        }

        It 'names the node that it was told' {
            $list | Get-LbVirtualServer -NodeName node-7 | ForEach-Object NodeName | Select-Object -Unique | Should -Be 'node-7'
            { $list | Get-LbVirtualServer -NodeName node-7, node-8 } | Should -Throw -ErrorId 'LbTest.NodeName,*'
        }

        It 'reads like ipvsadm -ln' {
            $list | Get-LbVirtualServer | Get-Shown | Should -Be ($list -split '\r?\n' | Select-Object -Skip 1)
            $shown = $list, "==> node-8 <==`n$counters" | Get-LbVirtualServer -NodeName node-7 | Get-Shown
            $shown[0..1] | Should -Be 'Node: node-7', 'Prot LocalAddress:Port Scheduler Flags'
            $shown[-5] | Should -Be 'Node: node-8'
            $shown[-4..-1] | Should -Be ($counters -replace '123M', '123000000' -replace ' {9}(?=123)', ' ' -split '\r?\n' | ForEach-Object { $_ -replace ' {4,5}(?=123000000)', ' ' })
        }

        It 'shows counters as --stats does, and a line for each' {
            $servers = $counters | Get-LbVirtualServer
            $servers | Format-Custom -View Counters | Get-Shown | Select-Object -Index 2, 3 | Should -Be @(
                'TCP  10.96.0.100:5001                   10       70       40 123000000      224', '  -> 11.0.1.2:5001                      10       70       40 123000000      224')
            $list | Get-LbVirtualServer | Format-Table | Get-Shown | Select-Object -Index 2 | Should -Match '^ +TCP 10.96.0.100:5001 +rr +2 +3 +7$'
            ($list | Get-LbVirtualServer)[0].RealServers | Get-Shown | Select-Object -Index 2 | Should -Match '^11.0.1.2:5001 +Masq +1 +3 +7$'
        }

        It 'says which line is none' {
            $servers = "$list`nwho knows" | Get-LbVirtualServer -ErrorVariable faults -ErrorAction SilentlyContinue
            $servers | Should -BeNullOrEmpty
            $faults | Should -HaveCount 1
            $faults[0].FullyQualifiedErrorId | Should -BeLike 'LbTest.Format,*'
            $faults[0].CategoryInfo.Category | Should -Be 'InvalidData'
            $faults[0].Exception.Message | Should -BeLike "Line 11 is none of ipvsadm's: 'who knows'. Expected*"
        }

        It 'comes through a job whole, and looks the same' {
            $job = Start-Job { Import-Module $args[0]; $args[1], $args[2] | Get-LbVirtualServer -NodeName node-7 } -ArgumentList $ModulePath, $list, $counters | Receive-Job -Wait -AutoRemoveJob
            $job | Get-Shown | Should -Be ($list, $counters | Get-LbVirtualServer -NodeName node-7 | Get-Shown)
            $job[4].RealServers[0].Counters.IncomingBytes | Should -Be 123000000
            $job | Select-Object -First 4 | Get-LbServiceAddress -AddressText $addresses | ForEach-Object Address | Should -Be '10.96.0.100', '10.96.0.99', '10.96.0.10', 'fd00::a60:64'
        }
    }

    Context 'beside what is bound' {
        It 'flags what does not belong together' {
            $rows = $list | Get-LbVirtualServer -NodeName node-7 | Get-LbServiceAddress -AddressText ($addresses -split '\n')
            $rows.State | Should -Be 'Ok', 'NoVirtualServer', 'NotBound', 'NotBound'
            $rows.Device | Should -Be 'kube-ipvs0', 'kube-ipvs0', $null, $null
            $rows[0].VirtualServers | Should -Be 'TCP 10.96.0.100:5001'
            $rows.NodeName | Select-Object -Unique | Should -Be 'node-7'
            @() | Get-LbVirtualServer | Get-LbServiceAddress -AddressText $addresses | ForEach-Object State | Should -Be 'NoVirtualServer', 'NoVirtualServer'
        }

        It 'shows them in red where the host has colours' {
            $rows = $list | Get-LbVirtualServer -NodeName node-7 | Get-LbServiceAddress -AddressText $addresses
            $before = $PSStyle.OutputRendering
            try {
                $PSStyle.OutputRendering = 'PlainText'
                $shown = $rows | Get-Shown
                $shown | Should -Contain 'Node: node-7'
                $shown | Should -Contain '10.96.0.100      kube-ipvs0 Ok              TCP 5001'
                $shown | Should -Contain '10.96.0.99       kube-ipvs0 NoVirtualServer'
                $PSStyle.OutputRendering = 'Ansi'
                $rows | Get-Shown | Where-Object { $_.Contains("$($PSStyle.Foreground.Red)N") } | Should -HaveCount 3
            }
            finally { $PSStyle.OutputRendering = $before }
        }

        It 'refuses what nobody can tell: <What>' -ForEach @(
            @{ What = 'names'; Servers = { 'TCP  www.example.com:http rr' | Get-LbVirtualServer }; Text = { $addresses }; Id = 'LbTest.VirtualServer' }
            @{ What = 'two nodes'; Servers = { "==> a <==`n$list`n==> b <==`n$list" | Get-LbVirtualServer }; Text = { $addresses }; Id = 'LbTest.VirtualServer' }
            @{ What = 'one device'; Servers = { $list | Get-LbVirtualServer }; Text = { $addresses -replace '(?s)^.*(?=2:)' }; Id = 'LbTest.AddressText' }
            @{ What = 'another text'; Servers = { $list | Get-LbVirtualServer }; Text = { $list }; Id = 'LbTest.Format' }
        ) {
            { & $Servers | Get-LbServiceAddress -AddressText (& $Text) -ErrorAction Stop } | Should -Throw -ErrorId "$Id,*"
        }
    }

    Context 'in a lab in another mode' {
        BeforeAll { $lab = Start-LbCluster -Name (New-LabName) -NodeCount 2 -EndpointCount 1 }
        AfterAll { $lab | Stop-LbCluster }

        It 'says so, and goes on to the next' {
            $lab, $lab | Get-LbVirtualServer -ErrorVariable faults -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
            $faults.FullyQualifiedErrorId | Should -BeLike 'LbTest.Cluster,*'
            $faults | Should -HaveCount 2
            $faults[0].ErrorDetails.RecommendedAction | Should -Match '-ProxyMode Ipvs'
            { $lab | Get-LbServiceAddress -NodeName node-1 -ErrorAction Stop } | Should -Throw '*node-1*not in mode Ipvs*'
        }

        It 'knows its nodes' {
            { $lab | Get-LbVirtualServer -NodeName node-9 -ErrorAction Stop } | Should -Throw -ErrorId 'LbTest.NotFound,*'
            $line = "Get-LbServiceAddress $($lab.Name) -NodeName n"
            (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -Be 'node-1', 'node-2'
        }
    }

    Context 'in a lab' -Skip:(-not $ipvs) {
        BeforeAll {
            $lab = Start-LbCluster -Name (New-LabName) -ProxyMode Ipvs -IpvsScheduler Lc -NodeCount 2 -EndpointCount 3
            $result = $lab | Invoke-ConnectTest -Count 60
        }
        AfterAll { $lab | Stop-LbCluster }

        It 'is what the kernel says' {
            # The kernel brings its counters up to date every two seconds.
            Wait-Until { (($lab | Get-LbVirtualServer).Counters.Connections | Measure-Object -Sum).Sum -ge 60 } | Should -BeTrue
            $servers = $lab | Get-LbVirtualServer
            $servers.NodeName | Select-Object -Unique | Should -Be 'node-1', 'node-2'
            $servers.Scheduler | Select-Object -Unique | Should -Be 'lc'
            $used = $servers | Where-Object { $_.Counters.Connections }
            $used.Name | Should -Be 'TCP 10.0.0.1:5001'
            $used.Counters.Connections | Should -Be $result.Connections
            $used.RealServers.Forward | Select-Object -Unique | Should -Be 'Masq'
            ($used.RealServers | ForEach-Object { $_.ActiveConnections + $_.InactiveConnections } | Measure-Object -Sum).Sum | Should -Be 60
        }

        It 'takes the lab by name, and some of its nodes' {
            Get-LbVirtualServer $lab.Name -NodeName *-2 | ForEach-Object NodeName | Select-Object -Unique | Should -Be 'node-2'
            $lab.Name | Get-LbServiceAddress -NodeName node-1, node-2 | ForEach-Object NodeName | Select-Object -Unique | Should -Be 'node-1', 'node-2'
        }

        It 'has nothing amiss' {
            $rows = $lab | Get-LbServiceAddress
            $rows.State | Select-Object -Unique | Should -Be 'Ok'
            $rows | Where-Object Device -EQ 'kube-ipvs0' | ForEach-Object Address | Sort-Object -Unique | Should -Be '10.0.0.1', '10.96.0.100', 'fd00::a00:1', 'fd00::a60:64' -Because 'these are its service addresses'
        }
    }
}

Describe 'Tracked connections of a lab' {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $lab = Start-LbCluster -Name (New-LabName) -NodeCount 2 -EndpointCount 4
        $lab | Invoke-ConnectTest -Count 50 | Out-Null
        $lab | Invoke-ConnectTest -Count 20 -Protocol Udp | Out-Null
    }

    AfterAll { $lab | Stop-LbCluster }

    It 'are those that were made, with the endpoint that the kernel chose' {
        $tracked = Get-LbConntrack $lab -NodeName node-1
        $tracked.NodeName | Sort-Object -Unique | Should -Be node-1
        $tracked | Where-Object Protocol -EQ tcp | Should -HaveCount 50
        $tracked | Where-Object Protocol -EQ udp | Should -HaveCount 20
        $tracked | ForEach-Object { $_.DestinationPort, $_.EndpointPort | Should -Be 5001, 5001 }
        ($tracked.Endpoint | Sort-Object -Unique).Count | Should -BeIn 2, 3, 4
    }

    It 'are chosen by protocol, place and endpoint' {
        Get-LbConntrack $lab -NodeName node-1 -Protocol Udp | Should -HaveCount 20
        $endpoint = (Get-LbConntrack $lab -NodeName node-1)[0].Endpoint
        $there = Get-LbConntrack $lab -NodeName node-1 -EndpointAddress $endpoint
        $there.Endpoint | Sort-Object -Unique | Should -Be $endpoint
        { Get-LbConntrack $lab -NodeName nowhere -ErrorAction Stop } | Should -Throw "*'nowhere'*"
    }

    It 'are forgotten when told so, and only those' {
        Clear-LbConntrack $lab -Protocol Udp -WhatIf
        Get-LbConntrack $lab -NodeName node-1 -Protocol Udp | Should -HaveCount 20
        { Clear-LbConntrack $lab -ErrorAction Stop } | Should -Throw '*-All*'
        (Clear-LbConntrack $lab -Protocol Udp -PassThru -Confirm:$false | Where-Object NodeName -EQ node-1) | Should -HaveCount 20
        Get-LbConntrack $lab -Protocol Udp | Should -BeNullOrEmpty
        Get-LbConntrack $lab -NodeName node-1 -Protocol Tcp | Should -HaveCount 50
        Clear-LbConntrack $lab -All -Confirm:$false
        Get-LbConntrack $lab | Should -BeNullOrEmpty
    }
}
