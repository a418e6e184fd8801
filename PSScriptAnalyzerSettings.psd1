@{
    ExcludeRules = @(
        # Pester's blocks assign in one scope and read in another, which the analyzer cannot see.
        'PSUseDeclaredVarsMoreThanAssignments'
        # New-* helpers of the tests and the build make nothing that -WhatIf could spare.
        'PSUseShouldProcessForStateChangingFunctions'
    )
}
