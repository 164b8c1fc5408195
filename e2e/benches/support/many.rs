//! Many rows of few: tokens by the million, written into a stopped server's database as copies of those
//! that it made. Columns are copied whatever they are called, so that this survives a migration.

use std::time::Instant;

use e2e::{ACCOUNT, Postgres, Server};
use rusqlite::Connection;

const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const DAY: i64 = 86_400_000_000;
/// Copies whose names say that they are to be revoked together with what was made.
const SWEPT: usize = 100_000;

/// How many, and where: with no further accounts all in the first one.
pub(crate) struct Spec {
    pub(crate) tokens: usize,
    pub(crate) accounts: usize,
    pub(crate) holders: usize,
}

/// Somebody and something to ask about.
pub(crate) struct Many {
    pub(crate) holder: String,
    pub(crate) id: String,
}

/// A copy: its own values, and those of the row that it is a copy of.
struct Copy {
    account: String,
    number: i64,
    id: String,
    holder: String,
    name: String,
    role: bool,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    leaked_at: Option<i64>,
    used: bool,
}

impl Many {
    pub(crate) fn write(server: &Server, spec: &Spec, role: &str) -> Many {
        let began = Instant::now();
        let mut codes = Codes(1);
        let accounts: Vec<String> = (0..spec.accounts).map(|n| format!("account-{n}")).collect();
        let holders: Vec<String> = (0..spec.holders).map(|_| format!("mem_{}", codes.draw())).collect();
        // Every holder is of one account.
        let home = |n: usize| match accounts.len() {
            0 => ACCOUNT.to_owned(),
            count => accounts[n % count].clone(),
        };
        // Past those of the tokens that were made; numbers may be left out.
        let mut numbers = vec![100_000; accounts.len().max(1)];
        let now = e2e::now().as_microsecond();
        let copies = (0..spec.tokens).map(|n| {
            let chance = codes.draw_number();
            let holder = (chance >> 40) as usize % holders.len();
            let place = if accounts.is_empty() { 0 } else { holder % accounts.len() };
            numbers[place] += 1;
            let word = ["deploy of", "ci runner", "backup", "Terraform", "grafana"][chance as usize % 5];
            let swept = if n < SWEPT { "swept " } else { "" };
            Copy {
                account: home(holder),
                number: numbers[place],
                id: format!("pat_{}", codes.draw()),
                holder: holders[holder].clone(),
                name: format!("{swept}{word} {}", chance >> 20 & 0xfffff),
                role: (chance >> 8).is_multiple_of(3),
                created_at: now - 400 * DAY + n as i64 * (399 * DAY / spec.tokens as i64),
                expires_at: (!(chance >> 12).is_multiple_of(5))
                    .then(|| now - 100 * DAY + (chance >> 16) as i64 % (500 * DAY)),
                revoked_at: (chance >> 30).is_multiple_of(20).then_some(now),
                leaked_at: (chance >> 33).is_multiple_of(200_000).then_some(now),
                used: (chance >> 36).is_multiple_of(3),
            }
        });
        let id = match server.postgres() {
            None => sqlite(server, &accounts, &holders, &home, role, copies),
            Some(database) => postgres(server, database, &accounts, &holders, &home, role, copies),
        };
        println!("{} rows of tokens after {:.0} s", spec.tokens, began.elapsed().as_secs_f64());
        Many { holder: holders[holders.len() / 2].clone(), id }
    }
}

fn sqlite(
    server: &Server,
    accounts: &[String],
    holders: &[String],
    home: &dyn Fn(usize) -> String,
    role: &str,
    copies: impl Iterator<Item = Copy>,
) -> String {
    let mut db = Connection::open(server.data().join("jeton.db")).expect("the server has stopped");
    db.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000;").expect("pragmas");
    let db = db.transaction().expect("nobody else is there");
    let account = copy(&db, "account", &[("id", "?1"), ("external_id", "NULL")], "id = ?2");
    for id in accounts {
        db.execute(&account, (id, ACCOUNT)).expect("a copy of an account");
    }
    let holder = copy(
        &db,
        "holder",
        &[
            ("account", "?1"),
            ("id", "?2"),
            ("person", "NULL"),
            ("email", "NULL"),
            ("external_id", "NULL"),
            ("name", "'holder ' || ?2"),
        ],
        "id = ?3",
    );
    for (n, id) in holders.iter().enumerate() {
        db.execute(&holder, (home(n), id, &server.admin_id)).expect("a copy of a holder");
    }
    let first: i64 = db
        .query_row("SELECT min(number) FROM token WHERE name LIKE 'number %'", [], |row| row.get(0))
        .expect("the tokens that were made");
    let token = copy(
        &db,
        "token",
        &[
            ("account", "?1"),
            ("number", "?2"),
            ("id", "?3"),
            ("holder", "?4"),
            ("issued_by", "?4"),
            ("name", "?5"),
            ("granted", "coalesce(?6, granted)"),
            ("created_at", "?7"),
            ("approved_at", "?7"),
            ("expires_at", "?8"),
            ("revoked_at", "?9"),
            ("leaked_at", "?10"),
            ("digest", "randomblob(32)"),
        ],
        &format!("account = '{ACCOUNT}' AND number = {first}"),
    );
    let granted = format!(r#"{{"role":"{role}"}}"#);
    let mut insert = db.prepare(&token).expect("our own statement");
    let mut used = db
        .prepare("INSERT INTO token_use (token, at, address) VALUES (?1, ?2, NULL)")
        .expect("our own statement");
    let mut last = String::new();
    for each in copies {
        let granted = each.role.then_some(&granted);
        insert
            .execute(rusqlite::params![
                each.account,
                each.number,
                each.id,
                each.holder,
                each.name,
                granted,
                each.created_at,
                each.expires_at,
                each.revoked_at,
                each.leaked_at,
            ])
            .expect("a copy of a token");
        if each.used {
            used.execute((&each.id, each.created_at + DAY)).expect("a use");
        }
        last = each.id;
    }
    drop((insert, used));
    db.execute_batch(
        "UPDATE token SET name = 'swept ' || name WHERE name LIKE 'number %';
         UPDATE account
         SET last_number = (SELECT max(t.number) FROM token AS t WHERE t.account = account.id)
         WHERE EXISTS (SELECT 1 FROM token AS t WHERE t.account = account.id)",
    )
    .expect("the accounts");
    db.commit().expect("room on the disk");
    last
}

fn postgres(
    server: &Server,
    database: &Postgres,
    accounts: &[String],
    holders: &[String],
    home: &dyn Fn(usize) -> String,
    role: &str,
    copies: impl Iterator<Item = Copy>,
) -> String {
    let columns = |table: &str| -> Vec<String> {
        let sql = "SELECT column_name::text FROM information_schema.columns
                   WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER'";
        database.rows(sql, &[&table]).iter().map(|row| row.get(0)).collect()
    };
    // `n` are the new values, `s` is the row that is copied.
    let copy = |table: &str, anew: &[(&str, &str)], values: &str, rows: &str| {
        let columns = columns(table);
        let value = |column: &String| {
            let made = anew.iter().find(|(name, _)| name == column);
            made.map_or(format!("s.{column}"), |(_, expression)| (*expression).to_owned())
        };
        let made: Vec<String> = columns.iter().map(value).collect();
        format!(
            "INSERT INTO {table} ({}) SELECT {} FROM {table} AS s CROSS JOIN {values} WHERE {rows}",
            columns.join(", "),
            made.join(", ")
        )
    };
    let id = [("id", "n.id"), ("external_id", "NULL")];
    let account = copy("account", &id, "unnest($1::text[]) AS n (id)", "s.id = $2");
    database.rows(&account, &[&accounts, &ACCOUNT]);
    let anew = [
        ("account", "n.account"),
        ("id", "n.id"),
        ("person", "NULL"),
        ("email", "NULL"),
        ("external_id", "NULL"),
        ("name", "'holder ' || n.id"),
    ];
    let homes: Vec<String> = (0..holders.len()).map(home).collect();
    let holder = copy("holder", &anew, "unnest($1::text[], $2::text[]) AS n (account, id)", "s.id = $3");
    database.rows(&holder, &[&homes, &holders, &server.admin_id]);
    let first: i64 = database.number("SELECT min(number) FROM token WHERE name LIKE 'number %'", &[]);
    let anew = [
        ("account", "n.account"),
        ("number", "n.number"),
        ("id", "n.id"),
        ("holder", "n.holder"),
        ("issued_by", "n.holder"),
        ("name", "n.name"),
        ("granted", "coalesce(n.granted, s.granted)"),
        ("created_at", "n.created_at"),
        ("approved_at", "n.created_at"),
        ("expires_at", "n.expires_at"),
        ("revoked_at", "n.revoked_at"),
        ("leaked_at", "n.leaked_at"),
        ("digest", "sha256(convert_to(n.id, 'UTF8'))"),
    ];
    let values = "unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
                         $8::bigint[], $9::bigint[], $10::bigint[])
                  AS n (account, number, id, holder, name, granted, created_at, expires_at, revoked_at, leaked_at)";
    let token = copy("token", &anew, values, &format!("s.account = '{ACCOUNT}' AND s.number = {first}"));
    let granted = format!(r#"{{"role":"{role}"}}"#);
    let mut copies = copies.peekable();
    let mut last = String::new();
    while copies.peek().is_some() {
        let some: Vec<Copy> = copies.by_ref().take(20_000).collect();
        macro_rules! column {
            ($value:expr) => {
                some.iter().map($value).collect::<Vec<_>>()
            };
        }
        database.rows(
            &token,
            &[
                &column!(|each| each.account.clone()),
                &column!(|each| each.number),
                &column!(|each| each.id.clone()),
                &column!(|each| each.holder.clone()),
                &column!(|each| each.name.clone()),
                &column!(|each| each.role.then(|| granted.clone())),
                &column!(|each| each.created_at),
                &column!(|each| each.expires_at),
                &column!(|each| each.revoked_at),
                &column!(|each| each.leaked_at),
            ],
        );
        let used: Vec<&Copy> = some.iter().filter(|each| each.used).collect();
        let ids: Vec<&str> = used.iter().map(|each| each.id.as_str()).collect();
        let times: Vec<i64> = used.iter().map(|each| each.created_at + DAY).collect();
        let uses = "INSERT INTO token_use (token, at) SELECT * FROM unnest($1::text[], $2::bigint[])";
        database.rows(uses, &[&ids, &times]);
        last.clone_from(&some.last().expect("it was peeked at").id);
    }
    database.rows("UPDATE token SET name = 'swept ' || name WHERE name LIKE 'number %'", &[]);
    let last_number = "UPDATE account AS a SET last_number = t.most
         FROM (SELECT account, max(number) AS most FROM token GROUP BY account) AS t WHERE t.account = a.id";
    database.rows(last_number, &[]);
    database.rows("ANALYZE", &[]);
    last
}

/// A statement that copies rows of a table, with these columns made anew.
fn copy(db: &Connection, table: &str, anew: &[(&str, &str)], rows: &str) -> String {
    // Generated columns are hidden, and make themselves.
    let sql = format!("SELECT name FROM pragma_table_xinfo('{table}') WHERE hidden = 0");
    let mut statement = db.prepare(&sql).expect("SQLite knows its tables");
    let columns: Vec<String> =
        statement.query_map([], |row| row.get(0)).and_then(Iterator::collect).expect("names are text");
    let value = |column: &String| {
        let made = anew.iter().find(|(name, _)| name == column);
        made.map_or(column.clone(), |(_, expression)| (*expression).to_owned())
    };
    let values: Vec<String> = columns.iter().map(value).collect();
    format!(
        "INSERT INTO {table} ({}) SELECT {} FROM {table} WHERE {rows}",
        columns.join(", "),
        values.join(", ")
    )
}

/// Codes as ids have them, of a sequence that does not repeat.
struct Codes(u64);

impl Codes {
    fn draw_number(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 1
    }

    fn draw(&mut self) -> String {
        let number = self.draw_number();
        (0..12).map(|digit| char::from(CROCKFORD[(number >> (3 + 5 * digit)) as usize & 31])).collect()
    }
}
