//! The search for contradictions in a policy.

use super::Policy;

/// What is wrong with one switch, in a sentence for the person who set it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {detail}")]
pub struct PolicyFault {
    /// The switch's path, such as `expiry.default`.
    pub field: String,
    pub detail: String,
}

pub(super) fn check(_policy: &Policy, _role_names: &[&str]) -> Result<(), Vec<PolicyFault>> {
    Ok(())
}
