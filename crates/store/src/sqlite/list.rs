//! Lists of tokens: filtered, in an order, from a place on.

use domain::facts::Token;
use domain::ids::AccountId;
use rusqlite::{Connection, ToSql};

use super::Sqlite;
use super::read::bound;
use super::rows::{self, Seen, TOKEN};
use crate::contract::Unavailable;
use crate::query::{LastUse, Place, Sort, TokenQuery};
use crate::states::{self, STATE};

impl Sqlite {
    pub(crate) async fn tokens(
        &self,
        account: &AccountId,
        query: TokenQuery,
    ) -> Result<Vec<(Token, LastUse)>, Unavailable> {
        let account = account.clone();
        self.readers.run(move |db| Ok(tokens(db, &account, &query)?)).await
    }
}

fn tokens(
    db: &Connection,
    account: &AccountId,
    query: &TokenQuery,
) -> rusqlite::Result<Vec<(Token, LastUse)>> {
    let account = account.as_str();
    let limit = bound(query.limit);
    let holder = query.holder.map(|id| id.to_string());
    let issued_by = query.issued_by.map(|id| id.to_string());
    let role = query.role.map(|id| id.to_string());
    let text = query.text.as_deref().map(containing);
    let after = query.after.as_ref().map(|after| (value(&after.value), after.id.to_string()));
    let lens = states::parameters(&query.lens);

    let mut only = String::new();
    let mut values: Vec<(&str, &dyn ToSql)> = vec![(":account", &account), (":limit", &limit)];
    let filters: [(&str, &Option<String>, &str); 4] = [
        (":holder", &holder, " AND t.holder = :holder"),
        (":issued_by", &issued_by, " AND t.issued_by = :issued_by"),
        (":role", &role, " AND t.role = :role"),
        (":text", &text, " AND (t.name LIKE :text ESCAPE '\\' OR t.id LIKE :text ESCAPE '\\')"),
    ];
    for (name, value, sql) in filters.iter().filter(|(_, value, _)| value.is_some()) {
        only.push_str(sql);
        values.push((name, *value));
    }
    if !query.kinds.is_empty() {
        let kinds: Vec<_> = query.kinds.iter().map(|kind| format!("'{kind}'")).collect();
        only.push_str(&format!(" AND t.kind IN ({})", kinds.join(", ")));
    }
    if !query.states.is_empty() {
        only.push_str(&format!(" AND {STATE} IN ({})", states::one_of(query.states.iter().copied())));
        values.extend(lens.iter().map(|(name, value)| (*name, value as &dyn ToSql)));
    }
    let sorted = sorted(query.sort);
    let (direction, beyond) = if query.descending { ("DESC", "<") } else { ("ASC", ">") };
    if let Some((value, id)) = &after {
        only.push_str(&format!(" AND ({sorted}, t.id) {beyond} (:after, :after_id)"));
        values.extend([(":after", &**value as &dyn ToSql), (":after_id", id)]);
    }
    // One holder's tokens are few, whatever the order; SQLite would walk the account's by the order.
    let by = if holder.is_some() { "INDEXED BY token_holder" } else { "" };
    // A CROSS JOIN, which SQLite does not reorder: the list is walked in its order by an index, and
    // each row's holder looked up, so that a page costs what it shows.
    let sql = format!(
        "SELECT {TOKEN}, u.at, u.address
         FROM token AS t {by}
         CROSS JOIN holder AS h ON h.account = t.account AND h.id = t.holder
         LEFT JOIN token_use AS u ON u.token = t.id
         WHERE t.account = :account{only}
         ORDER BY {sorted} {direction}, t.id {direction}
         LIMIT :limit"
    );
    let mut seen = Seen::default();
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement
        .query_map(values.as_slice(), |row| Ok((rows::token(row, &mut seen)?, rows::last_use(row)?)))?;
    rows.collect()
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

fn value(place: &Place) -> Box<dyn ToSql> {
    match place {
        Place::Text(text) => Box::new(text.clone()),
        Place::Time(micros) => Box::new(*micros),
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
