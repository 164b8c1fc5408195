//! `domain::life::state`, said in SQL, for lists and counts over more rows than fit in memory.
//!
//! The conformance suite holds the two to one answer for random tokens. Both backends share this
//! text; parameters are named, and `t` and `h` are the token's row and its holder's.

use domain::life::{Lens, State};
use domain::policy::Counted;

/// Whether a token has outlived the maximum by the two instants of a [`Lens`]: before the first
/// all have, before the second those that were created no later in their day.
macro_rules! outlived {
    ($second:literal, $all:literal) => {
        concat!(
            "(t.kind <> 'ses' AND (t.created_at <= ",
            $all,
            " OR (t.created_at <= ",
            $second,
            " AND t.created_at % 86400000000 <= ",
            $second,
            " % 86400000000)))"
        )
    };
}

/// The state of a token's row, as text. NULL compares as unknown, which `CASE` takes as false:
/// what was not set has not happened.
pub(crate) const STATE: &str = concat!(
    "CASE
    WHEN t.deleted_at IS NOT NULL OR h.tokens_deleted_at IS NOT NULL THEN 'deleted'
    WHEN t.leaked_at IS NOT NULL THEN 'leaked'
    WHEN t.revoked_at IS NOT NULL
        OR h.revoked_before >= COALESCE(t.approved_at, t.created_at) THEN 'revoked'
    WHEN :closed
        OR (h.inactive_since IS NOT NULL AND (:suspends OR t.kind = 'ses'))
        OR (h.removed_at IS NOT NULL AND t.kind = 'ses') THEN 'suspended'
    WHEN t.expires_at <= :now
        OR ",
    outlived!(":outlived", ":outlived_all"),
    " THEN 'expired'
    WHEN t.approved_at IS NULL OR t.approved_at < h.approve_after THEN 'pending'
    WHEN t.rotated_to IS NOT NULL THEN
        CASE WHEN t.grace_until > :now THEN 'grace' ELSE 'rotated' END
    WHEN t.expires_at <= :soon
        OR ",
    outlived!(":soon_outlived", ":soon_outlived_all"),
    " THEN 'expiring'
    ELSE 'active'
END"
);

/// The names and values of the parameters in [`STATE`].
pub(crate) fn parameters(lens: &Lens) -> [(&'static str, Option<i64>); 8] {
    [
        (":now", Some(lens.now.as_micros())),
        (":closed", Some(lens.closed.into())),
        (":suspends", Some(lens.suspends.into())),
        (":outlived", lens.outlived.map(|at| at.as_micros())),
        (":outlived_all", lens.outlived_all.map(|at| at.as_micros())),
        (":soon", lens.soon.map(|at| at.as_micros())),
        (":soon_outlived", lens.soon_outlived.map(|at| at.as_micros())),
        (":soon_outlived_all", lens.soon_outlived_all.map(|at| at.as_micros())),
    ]
}

/// A list of states for `IN (…)`. The words are our own; none needs quoting.
pub(crate) fn one_of(states: impl IntoIterator<Item = State>) -> String {
    let quoted: Vec<_> = states.into_iter().map(|state| format!("'{state}'")).collect();
    quoted.join(", ")
}

/// The states that take a place when `counted` does.
pub(crate) fn counted(counted: &[Counted]) -> Vec<State> {
    let mut states = Vec::new();
    for each in counted {
        match each {
            Counted::Active => states.extend([State::Active, State::Expiring]),
            Counted::Pending => states.push(State::Pending),
            Counted::Suspended => states.push(State::Suspended),
            Counted::Revoked => states.push(State::Revoked),
            Counted::Expired => states.push(State::Expired),
        }
    }
    states
}
