//! Filters and their rules, made with `seccompiler`.

use std::{collections::BTreeMap, io};

use libc::ENOSYS;
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, apply_filter,
};

/// System calls by their number, each with the arguments that it is about; none: whatever its arguments.
pub(super) type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// On x86-64, each call has a second number, for the x32 ABI.
const SHORT_POINTERS: i64 = 0x4000_0000;

/// Installs a filter on this thread: an action for what the rules match, and one for everything else.
pub(super) fn apply(rules: Rules, matched: SeccompAction, others: SeccompAction) -> io::Result<()> {
    let architecture = std::env::consts::ARCH.try_into();
    let program = architecture
        .and_then(|architecture| SeccompFilter::new(rules, others, matched, architecture));
    let program: BpfProgram = program
        .and_then(TryInto::try_into)
        .map_err(io::Error::other)?;
    apply_filter(&program).map_err(io::Error::other)
}

/// Fails a call with this error number.
pub(super) fn failing(error: i32) -> SeccompAction {
    SeccompAction::Errno(error.unsigned_abs())
}

/// The flags of `clone3` are in memory, where a filter can't read them. Callers fall back to `clone` if the kernel
/// seems not to have it.
pub(super) fn hide_clone3() -> io::Result<()> {
    let rules = with_short_pointers([(libc::SYS_clone3, Vec::new())]);
    apply(rules, failing(ENOSYS), SeccompAction::Allow)
}

/// The same rules for both numbers of each call.
pub(super) fn with_short_pointers(
    rules: impl IntoIterator<Item = (i64, Vec<SeccompRule>)>,
) -> Rules {
    rules
        .into_iter()
        .flat_map(|(call, rules)| {
            let second = cfg!(target_arch = "x86_64").then_some(call | SHORT_POINTERS);
            std::iter::once(call)
                .chain(second)
                .map(move |call| (call, rules.clone()))
        })
        .collect()
}

/// Matches any of these bits in an argument.
pub(super) fn flags(index: u8, any: &[i32]) -> Result<Vec<SeccompRule>, Error> {
    let rules = any.iter().map(|flag| {
        let flag = u64::from(flag.cast_unsigned());
        let set = SeccompCmpOp::MaskedEq(flag);
        rule(vec![SeccompCondition::new(index, Dword, set, flag)?])
    });
    rules.collect()
}

/// Matches any of these values of an argument.
pub(super) fn values(index: u8, any: &[i32]) -> Result<Vec<SeccompRule>, Error> {
    let rules = any
        .iter()
        .map(|value| rule(vec![argument(index, SeccompCmpOp::Eq, *value)?]));
    rules.collect()
}

/// Compares an argument of 32 bits.
pub(super) fn argument(
    index: u8,
    operator: SeccompCmpOp,
    value: i32,
) -> Result<SeccompCondition, Error> {
    let value = u64::from(value.cast_unsigned());
    Ok(SeccompCondition::new(index, Dword, operator, value)?)
}

/// Matches where all of these conditions hold.
pub(super) fn rule(conditions: Vec<SeccompCondition>) -> Result<SeccompRule, Error> {
    Ok(SeccompRule::new(conditions)?)
}
