//! `domain::life::state`, said in SQL, for lists and counts over more rows than fit in memory.
//!
//! The conformance suite holds the two to one answer for random tokens. In it
//! `t` and `h` are the token's row and its holder's.

use domain::life::{Lens, State};
use domain::policy::Counted;
use domain::time::Timestamp;

use super::query::Query;

/// The state of a token's row, as text, by a lens whose instants are bound to `query`. NULL compares
/// as unknown, which `CASE` takes as false: what was not set has not happened.
pub(crate) fn state(query: &mut Query<'_>, lens: &Lens) -> String {
    let now = query.bind(lens.now);
    let closed = query.bind(lens.closed);
    let suspends = query.bind(lens.suspends);
    let outlived = outlived(query, lens.outlived, lens.outlived_all);
    let soon = query.bind(lens.soon);
    let soon_outlived = self::outlived(query, lens.soon_outlived, lens.soon_outlived_all);
    format!(
        "CASE
            WHEN t.deleted_at IS NOT NULL OR h.tokens_deleted_at IS NOT NULL THEN 'deleted'
            WHEN t.leaked_at IS NOT NULL THEN 'leaked'
            WHEN t.revoked_at IS NOT NULL
                OR h.revoked_before >= COALESCE(t.approved_at, t.created_at) THEN 'revoked'
            WHEN ?{closed}
                OR (h.inactive_since IS NOT NULL AND (?{suspends} OR t.kind = 'ses'))
                OR (h.removed_at IS NOT NULL AND t.kind = 'ses') THEN 'suspended'
            WHEN t.expires_at <= ?{now} OR {outlived} THEN 'expired'
            WHEN t.approved_at IS NULL OR t.approved_at < h.approve_after THEN 'pending'
            WHEN t.rotated_to IS NOT NULL THEN
                CASE WHEN t.grace_until > ?{now} THEN 'grace' ELSE 'rotated' END
            WHEN t.expires_at <= ?{soon} OR {soon_outlived} THEN 'expiring'
            ELSE 'active'
        END"
    )
}

/// Whether a token has outlived the maximum by the two instants of a [`Lens`]: before `all` all
/// have, before the other those that were created no later in their day.
fn outlived(query: &mut Query<'_>, some: Option<Timestamp>, all: Option<Timestamp>) -> String {
    let (some, all) = (query.bind(some), query.bind(all));
    format!(
        "(t.kind <> 'ses' AND (t.created_at <= ?{all} OR (t.created_at <= ?{some}
            AND t.created_at % 86400000000 <= ?{some} % 86400000000)))"
    )
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
