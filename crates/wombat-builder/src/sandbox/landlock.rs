//! Landlock: which files may be opened, which port connected to, who may be signalled.

use std::{io, path::PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetError, Scope, path_beneath_rules,
};

use super::{Confinement, Network};

/// Without these there is no confinement: files since Linux 5.13, connections since 6.7.
const REQUIRED: ABI = ABI::V4;
/// What is used where the kernel has it. A newer one isn't taken before it was tried.
const KNOWN: ABI = ABI::V7;

/// Confines this thread and what it will start; they get no new privileges either.
pub(super) fn restrict(confinement: &Confinement) -> io::Result<()> {
    ruleset(confinement).map_err(io::Error::other)
}

fn ruleset(confinement: &Confinement) -> Result<(), RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let null = [PathBuf::from("/dev/null")];
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(REQUIRED))?
        .handle_access(AccessNet::from_all(REQUIRED))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()?
        .add_rules(path_beneath_rules(
            &confinement.run,
            read | AccessFs::Execute,
        ))?
        .add_rules(path_beneath_rules(&confinement.read, read))?
        .add_rules(path_beneath_rules(&confinement.write, writing()))?
        .add_rules(path_beneath_rules(
            null,
            AccessFs::ReadFile | AccessFs::WriteFile,
        ))?;
    if let Network::Loopback(port) = confinement.network {
        ruleset = ruleset.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
    }
    ruleset.restrict_self()?;
    Ok(())
}

fn writing() -> BitFlags<AccessFs> {
    AccessFs::ReadFile
        | AccessFs::ReadDir
        | AccessFs::WriteFile
        | AccessFs::RemoveDir
        | AccessFs::RemoveFile
        | AccessFs::MakeDir
        | AccessFs::MakeReg
        | AccessFs::Refer
        | AccessFs::Truncate
}
