//! Between the domain and the wire, both ways: rows as the API shows them, what was asked as the
//! domain takes it, and every refusal as the problem that it is. Nowhere else.

use std::time::Duration;

use api::members::Binding;
use api::permission::{Access, Permission};
use api::tokens::{HolderKind, TokenKind, TokenStatus};
use api::{Maybe, Metadata, Secret};
use domain::bindings::Bound;
use domain::facts::{Account, Holder, Installation, Node, Role, Scope, Service};
use domain::grant::Level;
use domain::ids::{AccountId, HolderId};
use domain::life::State;
use domain::lifecycle::AskedGrant;
use domain::node::NodePath;
use domain::permission::{Registry, Requirement};
use domain::refusal::{self, Refusal};
use domain::time::{Period, Timestamp};
use serde_json::Value;
use service::journal::Told;
use service::notices::{Falling, Notices};
use service::tokens::{Shown, Used};
use token::Kind;

use crate::problem::{Code, Problem};

// Refusals

impl From<service::Error> for Problem {
    fn from(error: service::Error) -> Problem {
        use service::Error;
        match error {
            Error::Unauthenticated => Problem::invalid_token(),
            Error::Refused(refusal) => refused(refusal),
            // Only to whoever knows the password.
            Error::CodeNeeded(_) => refused(Refusal::invalid(
                "one_time_code",
                "Send a code of your second factor with the password, as `one_time_code`.",
            )),
            Error::Conflict => Problem::new(
                Code::Conflict,
                "It was changed by somebody else meanwhile; read it again and decide anew.",
            ),
            Error::IdempotencyMismatch => Problem::new(
                Code::IdempotencyMismatch,
                "This Idempotency-Key came with another body before; use a new one.",
            ),
            Error::Busy => Problem::rate_limited(Duration::from_secs(1)),
            Error::Slowed(wait) => Problem::slowed(wait),
            Error::Full => Problem::storage_full(),
            Error::Undetermined => Problem::undetermined(),
        }
    }
}

fn refused(refusal: Refusal) -> Problem {
    use refusal::Code as R;
    let code = match refusal.code {
        R::Forbidden => Code::Forbidden,
        R::ReauthenticationRequired => Code::ReauthenticationRequired,
        R::NotFound => return Problem::not_found(),
        R::NameTaken => Code::NameTaken,
        R::LimitReached => Code::LimitReached,
        R::WrongState => Code::WrongState,
        // A cursor stands in the query, where whatever is wrong is a 400.
        R::InvalidField if refusal.field == Some("cursor") => Code::BadRequest,
        R::InvalidField => Code::InvalidField,
        R::NotAllowedByPolicy => Code::NotAllowedByPolicy,
        R::ConfirmationRequired => Code::ConfirmationRequired,
    };
    let problem = match code {
        Code::Forbidden => Problem::insufficient_scope(refusal.detail.clone()),
        code => Problem::new(code, refusal.detail.clone()),
    };
    match refusal.field {
        Some(field) => problem.with_error(field, code.as_str(), refusal.detail),
        None => problem,
    }
}

/// 422 for what this version of the API has no meaning for.
pub(crate) fn unknown_here(field: impl Into<String>) -> Problem {
    let field = field.into();
    let detail = format!("This version does not know `{field}`; leave it out.");
    Problem::new(Code::InvalidField, detail.clone()).with_error(field, Code::InvalidField.as_str(), detail)
}

// What was asked

pub(crate) fn time(field: &'static str, text: &str) -> Result<Timestamp, Problem> {
    const EXPECTED: &str = "Expected a time in RFC 3339 with an offset, such as 2026-07-28T09:30:00Z.";
    text.parse().map_err(|_| Problem::invalid_field(field, EXPECTED))
}

pub(crate) fn period(field: &'static str, text: &str) -> Result<Period, Problem> {
    const EXPECTED: &str = "Expected a period such as `90d`, `2 hours` or `3 months`.";
    text.parse().map_err(|_| Problem::invalid_field(field, EXPECTED))
}

pub(crate) fn node(field: impl Into<String>, text: &str) -> Result<NodePath, Problem> {
    text.parse().map_err(|error: domain::node::NotANode| {
        Problem::invalid_field(field, format!("Expected a path: {error}."))
    })
}

/// Paths in a list, each named by its place in it.
pub(crate) fn nodes(field: &str, texts: &[String]) -> Result<Vec<NodePath>, Problem> {
    let each = texts.iter().enumerate();
    each.map(|(n, text)| node(format!("{field}[{n}]"), text)).collect()
}

/// Roles at nodes, as a body names them.
pub(crate) fn bound(bindings: &[Binding]) -> Result<Vec<Bound>, Problem> {
    let each = bindings.iter().enumerate().map(|(n, binding)| {
        let node = node(format!("bindings[{n}].node"), &binding.node)?;
        Ok(Bound { role: binding.role.clone(), node })
    });
    each.collect()
}

/// What a PATCH says of metadata: null clears it.
pub(crate) fn metadata_asked(metadata: Maybe<Metadata>) -> Option<Value> {
    match metadata {
        Maybe::Absent => None,
        Maybe::Null => Some(Value::Null),
        Maybe::Value(metadata) => Some(object(metadata)),
    }
}

pub(crate) fn asked_grant(permission: Permission) -> AskedGrant {
    match permission {
        Permission::Inherit => AskedGrant::Inherit,
        Permission::Role(name) => AskedGrant::Role(name),
        Permission::Access { access, entities } => {
            let level = match access {
                Access::Full => Level::Full,
                Access::Write => Level::Write,
                Access::Read => Level::Read,
            };
            AskedGrant::Access { level, entities }
        }
        Permission::List(names) => AskedGrant::List(names),
    }
}

pub(crate) fn requirement(expression: api::verify::Expression) -> Requirement {
    use api::verify::Expression;
    match expression {
        Expression::One(name) => Requirement::One(name),
        Expression::All { all } => Requirement::All(all.into_iter().map(requirement).collect()),
        Expression::Any { any } => Requirement::Any(any.into_iter().map(requirement).collect()),
    }
}

pub(crate) fn state(status: TokenStatus) -> State {
    match status {
        TokenStatus::Deleted => State::Deleted,
        TokenStatus::Leaked => State::Leaked,
        TokenStatus::Revoked => State::Revoked,
        TokenStatus::Suspended => State::Suspended,
        TokenStatus::Expired => State::Expired,
        TokenStatus::Pending => State::Pending,
        TokenStatus::Rotated => State::Rotated,
        TokenStatus::Grace => State::Grace,
        TokenStatus::Expiring => State::Expiring,
        TokenStatus::Active => State::Active,
    }
}

pub(crate) fn kind(kind: TokenKind) -> Kind {
    match kind {
        TokenKind::Pat => Kind::Pat,
        TokenKind::Sat => Kind::Sat,
        TokenKind::Ses => Kind::Ses,
        TokenKind::Rft => Kind::Rft,
        TokenKind::Svc => Kind::Svc,
    }
}

pub(crate) fn scope(scope: api::services::Scope) -> Scope {
    match scope {
        api::services::Scope::Verify => Scope::Verify,
        api::services::Scope::Introspect => Scope::Introspect,
        api::services::Scope::Provision => Scope::Provision,
        api::services::Scope::ActAs => Scope::ActAs,
    }
}

// What is shown

/// A token. Its permission was spelled by the domain in the shape that asks for it; a role that
/// is gone has no name any more, and its token no permission.
pub(crate) fn shown(shown: Shown) -> api::tokens::Token {
    let Shown { token, last_use, state, ends_at, holder_name, issuer_name, permission } = shown;
    api::tokens::Token {
        id: token.id.to_string(),
        number: token.number,
        kind: kind_shown(token.id.kind),
        name: token.name,
        description: token.description,
        metadata: metadata(token.metadata.as_deref()),
        account: token.account.to_string(),
        holder: api::tokens::Holder {
            id: token.holder.to_string(),
            kind: holder_kind(token.holder),
            name: holder_name,
        },
        issued_by: Some(api::tokens::Issuer { id: token.issued_by.to_string(), name: issuer_name }),
        permission: serde_json::from_value(permission).unwrap_or(Permission::List(Vec::new())),
        node: token.node.to_string(),
        status: status(state),
        created_at: token.life.created_at.to_string(),
        not_before: text(token.life.not_before),
        expires_at: text(ends_at),
        last_used_at: text(last_use.at),
        last_used_from: last_use.address,
        conditions: None,
        limits: None,
        version: token.version,
    }
}

pub(crate) fn usage(used: Used) -> api::tokens::Usage {
    use api::tokens::{UseByAddress, UseByDay, UseByService};
    use domain::usage::By;
    let Used { report, services } = used;
    let (mut days, mut addresses, mut by_services) = (Vec::new(), Vec::new(), Vec::new());
    for count in report.counts.iter().filter(|count| count.admitted > 0) {
        match &count.by {
            By::All => add(&mut days, count.day, count.admitted),
            By::Address(address) => add(&mut addresses, address.as_str(), count.admitted),
            By::Service(service) => add(&mut by_services, service.as_str(), count.admitted),
        }
    }
    days.sort_unstable_by_key(|(day, _)| std::cmp::Reverse(*day));
    let most_first = |a: &(&str, u64), b: &(&str, u64)| b.1.cmp(&a.1).then(a.0.cmp(b.0));
    addresses.sort_unstable_by(most_first);
    by_services.sort_unstable_by(most_first);
    let address = |(address, count): (&str, u64)| UseByAddress { address: address.to_owned(), count };
    let service = |(service, count): (&str, u64)| UseByService {
        service: service.to_owned(),
        name: services.get(service).cloned(),
        count,
    };
    api::tokens::Usage {
        last_used_at: text(report.last.at),
        last_used_from: report.last.address.clone(),
        by_day: days.into_iter().map(|(day, count)| UseByDay { day: date(day), count }).collect(),
        by_address: addresses.into_iter().map(address).collect(),
        by_service: by_services.into_iter().map(service).collect(),
    }
}

fn add<K: PartialEq>(sums: &mut Vec<(K, u64)>, key: K, count: u64) {
    match sums.iter_mut().find(|(had, _)| *had == key) {
        Some((_, sum)) => *sum += count,
        None => sums.push((key, count)),
    }
}

/// A day counted from 1970-01-01, as `2026-08-21`.
fn date(day: i32) -> String {
    let midnight = Timestamp::from_micros(i64::from(day) * 24 * 3600 * 1_000_000).to_string();
    midnight.split('T').next().unwrap_or_default().to_owned()
}

pub(crate) fn account(account: &Account) -> api::accounts::Account {
    api::accounts::Account {
        id: account.id.to_string(),
        external_id: account.external_id.clone(),
        name: account.name.clone(),
        preset: account.preset.clone(),
        levels: account.levels.clone(),
        active: account.inactive_since.is_none(),
        inactive_since: text(account.inactive_since),
        metadata: metadata(account.metadata.as_deref()),
        created_at: account.created_at.to_string(),
        version: account.version,
    }
}

/// A member, with the name that its role has in the account.
pub(crate) fn member(holder: Holder, account: &Account) -> api::members::Member {
    api::members::Member {
        id: holder.id.to_string(),
        account: holder.account.to_string(),
        role: role_of(&holder, account),
        bindings: bindings(&holder, account),
        active: holder.is_active(),
        inactive_since: text(holder.standing.inactive_since),
        metadata: metadata(holder.metadata.as_deref()),
        created_at: holder.created_at.to_string(),
        version: holder.version,
        external_id: holder.external_id,
        name: holder.name,
        email: holder.email,
    }
}

pub(crate) fn service_account(holder: Holder, account: &Account) -> api::service_accounts::ServiceAccount {
    let api::members::Member {
        id,
        account,
        external_id,
        name,
        email: _,
        role,
        bindings,
        active,
        inactive_since,
        metadata,
        created_at,
        version,
    } = member(holder, account);
    api::service_accounts::ServiceAccount {
        id,
        account,
        external_id,
        name,
        role,
        bindings,
        active,
        inactive_since,
        metadata,
        created_at,
        version,
    }
}

/// Empty for whoever has roles further down the tree alone.
fn role_of(holder: &Holder, account: &Account) -> String {
    let role = holder.role().and_then(|role| account.role(role));
    role.map(|role| role.name.clone()).unwrap_or_default()
}

/// A role that is gone allows nothing and is not shown.
fn bindings(holder: &Holder, account: &Account) -> Vec<Binding> {
    let shown = |bound: &domain::facts::Binding| {
        let role = account.role(bound.role)?.name.clone();
        Some(Binding { role, node: bound.node.to_string() })
    };
    holder.bindings.iter().filter_map(shown).collect()
}

/// `rank` is the role's place among the account's.
pub(crate) fn role(role: &Role, rank: usize, account: &AccountId, registry: &Registry) -> api::roles::Role {
    api::roles::Role {
        id: role.id.to_string(),
        account: account.to_string(),
        name: role.name.clone(),
        permissions: registry.spell(role.permissions).map(str::to_owned).collect(),
        rank: u32::try_from(rank).unwrap_or(u32::MAX),
    }
}

pub(crate) fn node_shown(node: Node, account: &Account) -> api::nodes::Node {
    api::nodes::Node {
        parent: node.path.parent().map(|parent| parent.to_string()),
        level: account.levels.get(node.path.depth()).cloned().unwrap_or_default(),
        path: node.path.to_string(),
        name: node.name,
        created_at: node.created_at.to_string(),
        version: node.version,
    }
}

pub(crate) fn installation(installation: Installation) -> api::installations::Installation {
    api::installations::Installation {
        id: installation.id.to_string(),
        account: installation.account.to_string(),
        nodes: installation.nodes.iter().map(NodePath::to_string).collect(),
        created_at: installation.created_at.to_string(),
        version: installation.version,
        name: installation.name,
    }
}

pub(crate) fn notices(notices: Notices, account: &AccountId) -> api::notices::Notices {
    let due = |falling: Falling| {
        let Falling { token, holder_name, due } = falling;
        api::notices::DueToken {
            id: token.id.to_string(),
            name: token.name,
            holder: api::tokens::Holder {
                id: token.holder.to_string(),
                kind: holder_kind(token.holder),
                name: holder_name,
            },
            node: token.node.to_string(),
            ends_at: due.ends_at.to_string(),
            notice: due.notice,
            badge: due.marked,
        }
    };
    let due: Vec<_> = notices.due.into_iter().map(due).collect();
    let marked = due.iter().filter(|token| token.badge).count();
    let policy = notices.policy;
    api::notices::Notices {
        account: account.to_string(),
        policy: api::notices::NoticePolicy {
            days: policy.days,
            to: policy.to.into_iter().map(String::from).collect(),
            badge: policy.badge.map(|badge| badge.to_string()),
            mail: policy.mail,
        },
        mail: notices.mail,
        badge_count: u32::try_from(marked).unwrap_or(u32::MAX),
        due,
        more: notices.more,
    }
}

pub(crate) fn service(service: Service) -> api::services::Service {
    use api::services::Scope as Shown;
    let scope = |scope: &Scope| match scope {
        Scope::Verify => Shown::Verify,
        Scope::Introspect => Shown::Introspect,
        Scope::Provision => Shown::Provision,
        Scope::ActAs => Shown::ActAs,
    };
    api::services::Service {
        id: service.id.to_string(),
        scopes: service.scopes.iter().map(scope).collect(),
        accounts: service.accounts.map(|accounts| accounts.iter().map(|id| id.to_string()).collect()),
        created_at: service.created_at.to_string(),
        revoked_at: text(service.revoked_at),
        version: service.version,
        name: service.name,
    }
}

pub(crate) fn session(session: service::sessions::Session) -> api::sessions::Session {
    let service::sessions::Session { token, last_use, current } = session;
    api::sessions::Session {
        id: token.id.to_string(),
        account: token.account.to_string(),
        node: token.node.to_string(),
        created_at: token.life.created_at.to_string(),
        expires_at: text(token.life.expires_at),
        last_used_at: text(last_use.at),
        last_used_from: last_use.address,
        current,
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn entry(told: Told) -> api::journal::Entry {
    let Told { entry, actor_name, subject_name } = told;
    api::journal::Entry {
        seq: entry.seq,
        at: entry.at.to_string(),
        account: entry.account.map(|account| account.to_string()),
        actor: entry.actor,
        actor_name,
        action: entry.action,
        subject: entry.subject,
        subject_name,
        payload: entry.payload,
        salt: entry.salt.map(|salt| hex(&salt)),
        entry_hash: hex(&entry.entry_hash),
        hash: hex(&entry.hash),
    }
}

pub(crate) fn page<T, U>(page: service::Page<T>, show: impl FnMut(T) -> U) -> api::Page<U> {
    api::Page { items: page.items.into_iter().map(show).collect(), next_cursor: page.next_cursor }
}

pub(crate) fn kind_shown(kind: Kind) -> TokenKind {
    match kind {
        Kind::Pat => TokenKind::Pat,
        Kind::Sat => TokenKind::Sat,
        Kind::Ses => TokenKind::Ses,
        Kind::Rft => TokenKind::Rft,
        Kind::Svc => TokenKind::Svc,
    }
}

fn holder_kind(holder: HolderId) -> HolderKind {
    match holder {
        HolderId::Member(_) => HolderKind::Member,
        HolderId::ServiceAccount(_) => HolderKind::ServiceAccount,
    }
}

pub(crate) fn status(state: State) -> TokenStatus {
    match state {
        State::Deleted => TokenStatus::Deleted,
        State::Leaked => TokenStatus::Leaked,
        State::Revoked => TokenStatus::Revoked,
        State::Suspended => TokenStatus::Suspended,
        State::Expired => TokenStatus::Expired,
        State::Pending => TokenStatus::Pending,
        State::Rotated => TokenStatus::Rotated,
        State::Grace => TokenStatus::Grace,
        State::Expiring => TokenStatus::Expiring,
        State::Active => TokenStatus::Active,
    }
}

/// Rows keep metadata as the text of an object that was checked when it came.
fn metadata(text: Option<&str>) -> Metadata {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

fn text(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}

/// Metadata as the domain takes it.
pub(crate) fn object(metadata: Metadata) -> Value {
    Value::Object(metadata)
}

/// A link that was just made.
pub(crate) fn link(url: &str, until: Timestamp) -> api::sessions::Link {
    api::sessions::Link { url: Secret::new(url), expires_at: until.to_string() }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use domain::refusal::{Code as R, Refusal};

    use super::date;
    use crate::problem::Problem;

    #[test]
    fn every_refusal_has_its_status() {
        for (code, status) in [
            (R::Forbidden, 403),
            (R::ReauthenticationRequired, 403),
            (R::NotFound, 404),
            (R::NameTaken, 409),
            (R::LimitReached, 409),
            (R::WrongState, 409),
            (R::InvalidField, 422),
            (R::NotAllowedByPolicy, 422),
            (R::ConfirmationRequired, 422),
        ] {
            let problem = Problem::from(service::Error::from(Refusal::new(code, "No.")));
            assert_eq!(problem.status(), StatusCode::from_u16(status).unwrap(), "{code:?}");
            assert_eq!(problem.code().as_str(), code.as_str());
        }
        for (error, status) in [
            (service::Error::Unauthenticated, 401),
            (service::Error::Conflict, 409),
            (service::Error::IdempotencyMismatch, 422),
            (service::Error::Busy, 429),
            (service::Error::Slowed(std::time::Duration::from_secs(4)), 429),
            (service::Error::Undetermined, 503),
            (service::Error::Full, 507),
        ] {
            assert_eq!(Problem::from(error).status().as_u16(), status);
        }
    }

    #[test]
    fn a_refusal_of_a_field_names_it_and_one_of_a_cursor_is_a_bad_request() {
        let refusal = Refusal::invalid("name", "Give a name.");
        let body = Problem::from(service::Error::from(refusal)).body("r");
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            body["errors"],
            serde_json::json!([{ "field": "name", "code": "invalid_field", "detail": "Give a name." }])
        );
        let cursor = Refusal::invalid("cursor", "Not a cursor of this list.");
        assert_eq!(Problem::from(service::Error::from(cursor)).status(), StatusCode::BAD_REQUEST);
    }

    #[test]
    fn a_day_is_written_as_a_date() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(20_686), "2026-08-21");
    }
}
