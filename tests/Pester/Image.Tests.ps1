Describe 'Export-LbImage' {
    BeforeAll {
        . $PSScriptRoot/Setup.ps1
        $file = Join-Path $TestDrive 'image.tar'
    }

    It 'writes an archive and returns its file' {
        $image = Export-LbImage $file
        $image | Should -BeOfType System.IO.FileInfo
        $image.FullName | Should -Be $file
        $version = (Get-Module LbTest).Version
        $index = tar -xOf $file index.json | ConvertFrom-Json
        $index.manifests[0].annotations.'io.containerd.image.name' | Should -Be "docker.io/library/lbtest:$version"
        (tar -xOf $file manifest.json | ConvertFrom-Json).RepoTags | Should -Be "lbtest:$version"
    }

    It 'leaves a file that exists alone, unless -Force says otherwise' {
        $other = Join-Path $TestDrive 'other.tar'
        'mine' | Set-Content $other
        { Export-LbImage $other } | Should -Throw "*exists. Permit to overwrite it with -Force*" -ErrorId 'LbTest.Path,*'
        Get-Content $other | Should -Be 'mine'
        (Export-LbImage $other -Name 'registry.example.com/team/lbtest' -Force).Length | Should -BeGreaterThan 1MB
        (tar -xOf $other manifest.json | ConvertFrom-Json).RepoTags | Should -Be "registry.example.com/team/lbtest:$((Get-Module LbTest).Version)"
    }

    It 'writes nothing with -WhatIf' {
        Export-LbImage (Join-Path $TestDrive 'whatif.tar') -WhatIf | Should -BeNullOrEmpty
        Join-Path $TestDrive 'whatif.tar' | Should -Not -Exist
    }

    It 'refuses <Problem>' -ForEach @(
        @{ Problem = 'a name that is none'; Parameters = @{ Path = 'x.tar'; Name = 'Not An Image' }; Message = "Name 'Not An Image' is no name of an image*" }
        @{ Problem = 'a folder'; Parameters = @{ Path = '/tmp' }; Message = "Path '/tmp' is a folder*" }
        @{ Problem = 'a folder that is not there'; Parameters = @{ Path = '/no/such/folder/x.tar' }; Message = "Path '/no/such/folder/x.tar' cannot be written*" }
    ) {
        { Export-LbImage @Parameters } | Should -Throw $Message
    }
}
