# What needs no cluster: bad input, a kubectl or kubeconfig that is not good, what would be done, and what completes.
Describe 'Kubernetes, before any cluster is asked' {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $path = $env:PATH
        $kubectl = Get-Command kubectl -CommandType Application -ErrorAction Ignore
        $config = Join-Path $TestDrive 'config'
        # A server at a port that nobody listens on.
        Set-Content $config @'
apiVersion: v1
kind: Config
current-context: nearby
clusters: [{ name: one, cluster: { server: "https://127.0.0.1:1" } }]
users: [{ name: me, user: { token: not-a-secret-of-anyone } }]
contexts:
- { name: nearby, context: { cluster: one, user: me } }
- { name: far away, context: { cluster: one, user: me } }
'@
        function Get-Fault([scriptblock]$Command) {
            $ErrorActionPreference = 'Stop'
            try { $null = & $Command } catch { return $_ }
            throw "No error: $Command"
        }
        function Get-Completion([string]$Line) { (TabExpansion2 $Line $Line.Length).CompletionMatches.CompletionText }
    }
    AfterEach { $env:PATH = $path }

    It 'refuses <Command>' -ForEach @(
        @{ Command = { Start-LbCluster -Kubernetes -Namespace 'Not_One' }; Id = 'LbTest.Namespace'; Says = "*'Not_One' is not a namespace's name*lower-case*" }
        @{ Command = { Start-LbCluster -Kubernetes -Namespace '' }; Id = 'LbTest.Namespace'; Says = "*is not a namespace's name*" }
        @{ Command = { Start-LbCluster -Kubernetes -EndpointCount -1 }; Id = 'LbTest.EndpointCount'; Says = '*-1*0 to 10,000*' }
        @{ Command = { Start-LbCluster -Kubernetes -EndpointCount 10001 }; Id = 'LbTest.EndpointCount'; Says = '*10001*0 to 10,000*' }
        @{ Command = { Start-LbCluster -Kubernetes -Image 'two words' }; Id = 'LbTest.Image'; Says = "*is not an image's name*" }
        @{ Command = { Start-LbCluster -Kubernetes -NodeSelector @{ 'a b' = 'c' } }; Id = 'LbTest.NodeSelector'; Says = '*a b=c*is not a label*' }
        @{ Command = { Start-LbCluster -Kubernetes -ServiceType ClusterIP -ExternalTrafficPolicy Local }; Id = 'LbTest.ExternalTrafficPolicy'; Says = '*means nothing for a service of type ClusterIP*' }
        @{ Command = { Start-LbCluster -Kubernetes -SessionAffinityTimeout 5 }; Id = 'LbTest.SessionAffinityTimeout'; Says = '*-SessionAffinity ClientIP*' }
        @{ Command = { Start-LbCluster -Kubernetes -SessionAffinity ClientIP -SessionAffinityTimeout 90000 }; Id = 'LbTest.SessionAffinityTimeout'; Says = '*1 s to 86,400 s*' }
        @{ Command = { Start-LbCluster -Kubernetes -TimeoutSec 0 }; Id = 'LbTest.TimeoutSec'; Says = '*is not a time to wait*' }
        @{ Command = { New-LbDisturbance ProxyRestart -At 1 -Count 1 }; Id = 'LbTest.Count'; Says = '*means nothing for ProxyRestart*' }
        @{ Command = { New-LbDisturbance NodeDrain -At 1 }; Id = 'LbTest.Name'; Says = '*NodeDrain has to know which*' }
        @{ Command = { New-LbDisturbance EndpointDown -At 1 -Count 1 -Image lbtest:2 }; Id = 'LbTest.Image'; Says = '*means nothing for EndpointDown*' }
    ) {
        $fault = Get-Fault $Command
        $fault.FullyQualifiedErrorId | Should -BeLike "$Id,*"
        $fault.CategoryInfo.Category | Should -Be 'InvalidArgument'
        $fault.Exception.Message | Should -BeLike $Says
        $fault.ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
    }

    It 'has no -<Name> for a Kubernetes cluster' -ForEach @(
        @{ Name = 'NodeCount'; Value = 3 }, @{ Name = 'Name'; Value = 'x' }, @{ Name = 'ProxyMode'; Value = 'Ipvs' }, @{ Name = 'Ecmp'; Value = $true }, @{ Name = 'Detached'; Value = $true }
        @{ Name = 'Kernel'; Value = 'Host' }, @{ Name = 'EndpointsPerNode'; Value = 1, 2 }, @{ Name = 'Port'; Value = 80 }, @{ Name = 'Manifest'; Value = 'x.yaml' }
    ) {
        $more = @{ $Name = $Value }
        (Get-Fault { Start-LbCluster -Kubernetes @more }).FullyQualifiedErrorId | Should -BeLike 'AmbiguousParameterSet,*'
    }

    It 'has no -<Name> for a lab' -ForEach @(
        @{ Name = 'Namespace'; Value = 'x' }, @{ Name = 'Image'; Value = 'x' }, @{ Name = 'NodeSelector'; Value = @{ a = 'b' } }, @{ Name = 'NodeAccess'; Value = $true }
    ) {
        $more = @{ $Name = $Value }
        (Get-Fault { Start-LbCluster -NodeCount 2 @more }).FullyQualifiedErrorId | Should -BeLike 'AmbiguousParameterSet,*'
    }

    It 'says that there is no kubectl, and where it comes from' -ForEach @(
        @{ Command = { Start-LbCluster -Kubernetes } }, @{ Command = { Get-LbCluster -Kubernetes } }
    ) {
        $env:PATH = $TestDrive
        $fault = Get-Fault $Command
        $fault.CategoryInfo.Category | Should -Be 'ResourceUnavailable'
        $fault.Exception.Message | Should -BeLike '*kubectl*'
    }

    It 'tells by -WhatIf what it would do, asks nobody and makes nothing' {
        # Without kubectl it could not.
        $env:PATH = $TestDrive
        $lines = Invoke-Shell "Start-LbCluster -Kubernetes -Context here -Namespace mine -EndpointCount 7 -ServiceType LoadBalancer -Image a/b:1 -WhatIf; @(Get-LbCluster).Count"
        $lines[0] | Should -BeLike "What if: *Deploy*namespace 'mine' of context 'here' (7 endpoints of a/b:1, service of type LoadBalancer)*"
        $lines[-1] | Should -Be 0
    }

    Context 'with kubectl' -Skip:(-not (Get-Command kubectl -CommandType Application -ErrorAction Ignore)) {
        It 'says that a kubeconfig is not YAML' {
            $bad = Join-Path $TestDrive 'bad'
            Set-Content $bad "a: [b`n\tc: {"
            $fault = Get-Fault { Start-LbCluster -Kubernetes -KubeConfig $bad }
            $fault.FullyQualifiedErrorId | Should -BeLike 'LbTest.KubernetesConfig,*'
            $fault.Exception.Message | Should -BeLike "*$bad*-KubeConfig*"
        }

        It 'says that a kubeconfig is not there' {
            (Get-Fault { Get-LbCluster -Kubernetes -KubeConfig (Join-Path $TestDrive 'none') }).Exception.Message | Should -BeLike '*none*'
        }

        It 'says which contexts there are' {
            $fault = Get-Fault { Start-LbCluster -Kubernetes -KubeConfig $config -Context nowhere }
            $fault.FullyQualifiedErrorId | Should -BeLike 'LbTest.KubernetesConfig,*'
            $fault.Exception.Message | Should -BeLike "*'nowhere'*far away*nearby*"
        }

        It 'says that a server cannot be reached, without a word of what lets anyone in' {
            $fault = Get-Fault { Start-LbCluster -Kubernetes -KubeConfig $config }
            $fault.CategoryInfo.Category | Should -Be 'ConnectionError'
            $fault.Exception.Message | Should -BeLike "*context 'nearby'*127.0.0.1:1*"
            "$($fault | Format-List * -Force | Out-String)" | Should -Not -Match 'not-a-secret-of-anyone'
        }

        It 'takes a kubeconfig by a path of the session' {
            Push-Location $TestDrive
            try { (Get-Fault { Get-LbCluster -Kubernetes -KubeConfig ./config }).Exception.Message | Should -BeLike '*127.0.0.1:1*' } finally { Pop-Location }
        }

        It 'completes contexts, quoted where they need it' {
            Get-Completion "Start-LbCluster -Kubernetes -KubeConfig $config -Context " | Should -Be "'far away'", 'nearby'
            Get-Completion "Get-LbCluster -Kubernetes -KubeConfig $config -Context ne" | Should -Be 'nearby'
        }
    }

    It 'completes no context without a kubeconfig, and does not complain' {
        Get-Completion "Start-LbCluster -Kubernetes -KubeConfig $(Join-Path $TestDrive 'none') -Context " | Should -BeNullOrEmpty
    }

    Context 'in a lab' {
        BeforeAll { $lab = Start-LbCluster -Name (New-LabName) -NodeCount 2 -EndpointCount 2 }
        AfterAll { $lab | Stop-LbCluster }

        It 'completes names of nodes for client pods and for NodeDrain' {
            Get-Completion "Invoke-ConnectTest $($lab.Name) -From ClientPod -FromName " | Should -Be 'node-1', 'node-2'
            Get-Completion 'New-LbDisturbance NodeDrain -At 1 -Name node' | Should -Be 'node-1', 'node-2'
        }

        It 'refuses what only a Kubernetes cluster can do' {
            (Get-Fault { $lab | Invoke-ConnectTest -From ClientPod }).FullyQualifiedErrorId | Should -BeLike 'LbTest.From,*'
            (Get-Fault { $lab | Invoke-ConnectTest -To Dns }).FullyQualifiedErrorId | Should -BeLike 'LbTest.To,*'
            (Get-Fault { $lab | Invoke-TrafficTest -Duration 3 -Disturbance (New-LbDisturbance NodeDrain -At 1 -Count 1) }).FullyQualifiedErrorId | Should -BeLike 'LbTest.Kind,*'
            (Get-Fault { $lab | Invoke-TrafficTest -Duration 3 -Disturbance (New-LbDisturbance ProxyRestart -At 1) }).FullyQualifiedErrorId | Should -BeLike 'LbTest.Kind,*'
            (Get-Fault { $lab | Invoke-TrafficTest -Duration 3 -Disturbance (New-LbDisturbance RollingUpdate -At 1 -Image lbtest:2) }).FullyQualifiedErrorId | Should -BeLike 'LbTest.Image,*'
        }
    }
}
