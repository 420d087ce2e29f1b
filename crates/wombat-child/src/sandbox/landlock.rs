//! Landlock: rules for files, TCP connections and signals.

use std::{io, path::PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetError, Scope, path_beneath_rules,
};

use crate::confinement::{Confinement, Network};

/// Required: rules for files (since Linux 5.13) and for connections (since 6.7).
const REQUIRED: ABI = ABI::V4;
/// Used as far as the kernel supports it. A newer version has to be tested first.
const KNOWN: ABI = ABI::V7;

/// Confines this thread and everything it starts afterwards; none of them can gain privileges.
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
