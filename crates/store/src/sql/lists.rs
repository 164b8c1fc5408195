//! Lists of tokens: filtered, in an order, from a place on.

use domain::facts::Token;
use domain::ids::AccountId;

use super::Dialect;
use super::query::{Query, Read, Row, Unreadable, Value};
use super::reads::bound;
use super::rows::{self, Seen, TOKEN};
use super::states;
use crate::query::{LastUse, Place, Sort, TokenQuery};

/// Rows of a list, and the values that they share.
#[derive(Default)]
pub(crate) struct Page {
    pub(crate) rows: Vec<(Token, LastUse)>,
    seen: Seen,
}

impl Page {
    /// Takes in a row of [`TOKEN`] and the last use.
    pub(super) fn take(&mut self, row: &dyn Row) -> Result<(), Unreadable> {
        self.rows.push((rows::token(row, &mut self.seen)?, rows::last_use(row)?));
        Ok(())
    }
}

pub(crate) fn tokens(account: &AccountId, asked: &TokenQuery, dialect: Dialect) -> Read<Page> {
    let mut query = Query::default();
    let mut only = format!("t.account = ?{}", query.bind(account.to_string()));
    if let Some(holder) = asked.holder {
        only.push_str(&format!(" AND t.holder = ?{}", query.bind(holder.to_string())));
    }
    if let Some(issued_by) = asked.issued_by {
        only.push_str(&format!(" AND t.issued_by = ?{}", query.bind(issued_by.to_string())));
    }
    if let Some(node) = &asked.node {
        // A path has no character that means another in a pattern.
        let (node, below) = (query.bind(node.to_string()), query.bind(format!("{node}/%")));
        only.push_str(&format!(" AND (t.node = ?{node} OR t.node LIKE ?{below})"));
    }
    if let Some(role) = asked.role {
        only.push_str(&format!(" AND t.role = ?{}", query.bind(role.to_string())));
    }
    if let Some(text) = &asked.text {
        if text.contains('\0') {
            // No name has it, and PostgreSQL takes no text that does.
            only.push_str(" AND 1 = 0");
        }
        let part = query.bind(containing(&text.to_ascii_lowercase().replace('\0', "")));
        only.push_str(&format!(
            " AND (lower(t.name) LIKE ?{part} ESCAPE '\\' OR t.id LIKE ?{part} ESCAPE '\\')"
        ));
    }
    if !asked.kinds.is_empty() {
        let kinds: Vec<_> = asked.kinds.iter().map(|kind| format!("'{kind}'")).collect();
        only.push_str(&format!(" AND t.kind IN ({})", kinds.join(", ")));
    }
    if !asked.states.is_empty() {
        let state = states::state(&mut query, &asked.lens);
        only.push_str(&format!(" AND {state} IN ({})", states::one_of(asked.states.iter().copied())));
    }
    let sorted = sorted(asked.sort);
    let (direction, beyond) = if asked.descending { ("DESC", "<") } else { ("ASC", ">") };
    if let Some(after) = &asked.after {
        let (value, id) = (query.bind(value(&after.value)), query.bind(after.id.to_string()));
        only.push_str(&format!(" AND ({sorted}, t.id) {beyond} (?{value}, ?{id})"));
    }
    // One holder's tokens are few, whatever the order; SQLite would walk the account's by the order.
    let by = if asked.holder.is_some() { dialect.by("token_holder") } else { String::new() };
    let join = dialect.join();
    let limit = query.bind(bound(asked.limit));
    query.text = format!(
        "SELECT {TOKEN}, u.at, u.address
         FROM token AS t {by}
         {join} holder AS h ON h.account = t.account AND h.id = t.holder
         LEFT JOIN token_use AS u ON u.token = t.id
         WHERE {only}
         ORDER BY {sorted} {direction}, t.id {direction}
         LIMIT ?{limit}"
    )
    .into();
    Read { queries: vec![query], state: Page::default(), row: |page, _, row| page.take(row) }
}

/// What a list is in order of, and what [`After::row`](crate::After::row) computes likewise.
fn sorted(sort: Sort) -> &'static str {
    match sort {
        Sort::Name => "t.name",
        Sort::CreatedAt => "t.created_at",
        Sort::Id => "t.id",
        Sort::ExpiresAt => "COALESCE(t.expires_at, 9223372036854775807)",
        // One below the smallest number that SQL can spell.
        Sort::LastUsedAt => "COALESCE(u.at, -9223372036854775807 - 1)",
    }
}

fn value(place: &Place) -> Value<'static> {
    match place {
        Place::Text(text) => text.clone().into(),
        Place::Time(micros) => (*micros).into(),
    }
}

/// A pattern for `LIKE … ESCAPE '\'` that finds the text as it is written.
fn containing(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}
