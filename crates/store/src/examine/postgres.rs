//! A store on PostgreSQL: the server and its settings, the way there, what is in the database, and
//! the peers.

use std::path::Path;
use std::time::Duration;

use domain::time::Timestamp;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, IsolationLevel, Row, Transaction};

use super::{Finding, bad, clock, good, journal, keys, note, schema, told, unreadable};
use crate::STRETCH;
use crate::contract::{Clock, Unavailable};
use crate::journal::{self, GENESIS, Head, Link, Walk};
use crate::migrations::{self, Applied};
use crate::place::{Postgres, Secret, Tls};
use crate::sql::Dialect;

/// The oldest PostgreSQL whose makers still mend it; older ones may work.
const MENDED: i32 = 140_000;

/// How long the first answers may take: a server that was stopped takes connections and says
/// nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// Without a beat for this long, a peer is not there.
const SILENT: i64 = 10_000_000;

pub(super) async fn examine(
    there: &Postgres,
    password: Option<&Secret>,
    key_file: &Path,
    machine: &dyn Clock,
) -> Vec<Finding> {
    let connected = tokio::time::timeout(PATIENCE, connect(there, password)).await;
    let mut client = match connected {
        Ok(Ok(client)) => client,
        Ok(Err(Unavailable(cause))) => {
            let help = "is the server there, and are host, user, sslrootcert and password right? the password is taken from \
                        JETON_STORE__PASSWORD_FILE or PGPASSFILE";
            return vec![bad("connection", told(&*cause), help)];
        }
        Err(_) => return vec![bad("connection", "no answer within 10 s", "is the server there?")],
    };
    let mut found = Vec::new();
    match tokio::time::timeout(PATIENCE, server(&client, there, machine)).await {
        Ok(Ok(more)) => found.extend(more),
        Ok(Err(cause)) => found.push(unreadable("server", &cause)),
        Err(_) => {
            return vec![bad("server", "no answer within 10 s", "is it stopped, or out of connections?")];
        }
    }
    match database(&mut client, key_file).await {
        Ok(more) => found.extend(more),
        Err(cause) => found.push(unreadable("database", &cause)),
    }
    found
}

async fn connect(there: &Postgres, password: Option<&Secret>) -> Result<Client, Unavailable> {
    let mut config = there.config(password);
    // A standby is to be found out, not passed over.
    config.target_session_attrs(TargetSessionAttrs::Any);
    let tls = there.connector().map_err(Unavailable::because)?;
    let (client, connection) = config.connect(tls).await.map_err(Unavailable::because)?;
    // Ends with the client. What goes wrong there the client's own calls say too.
    tokio::spawn(connection);
    Ok(client)
}

/// What the server says of itself.
async fn server(
    client: &Client,
    there: &Postgres,
    machine: &dyn Clock,
) -> Result<Vec<Finding>, tokio_postgres::Error> {
    let mut found = vec![way(client, there).await?];
    let sql = "SELECT current_setting('server_version'), current_setting('server_version_num')::int4,
                      pg_is_in_recovery()";
    let row = client.query_typed_one(sql, &[]).await?;
    let (version, number): (String, i32) = (row.get(0), row.get(1));
    found.push(match number {
        MENDED.. => good("PostgreSQL", version),
        _ => note("PostgreSQL", version, "its makers no longer mend it; plan for a newer one"),
    });
    found.push(match row.get(2) {
        false => good("role", "primary"),
        true => bad("role", "standby", "name the primary in the URL; a standby takes no writes"),
    });
    for (name, help) in [
        ("fsync", "with it off, a crash of the machine can damage the whole cluster; set fsync = on"),
        ("full_page_writes", "with it off, a power cut can tear pages; set full_page_writes = on"),
        (
            "synchronous_commit",
            "with it off, an acknowledged revocation can be gone after a crash; set synchronous_commit = on",
        ),
    ] {
        let sql = "SELECT current_setting($1)";
        let row = client.query_typed_one(sql, &[(&name, Type::TEXT)]).await?;
        let value: String = row.get(0);
        found.push(match value.as_str() {
            "off" => bad(name, value, help),
            _ => good(name, value),
        });
    }
    let row = client.query_typed_one("SELECT current_setting('synchronous_standby_names')", &[]).await?;
    let standbys: String = row.get(0);
    found.push(match standbys.as_str() {
        "" => note(
            "standbys",
            "none must confirm a commit",
            "should this server be lost with its disk, so are its last commits; see synchronous_standby_names",
        ),
        names => good("standbys", names),
    });
    let before = machine.wall();
    let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8";
    let at: i64 = client.query_typed_one(sql, &[]).await?.get(0);
    found.push(clock(at - i64::midpoint(before, machine.wall())));
    Ok(found)
}

/// How what is said to the server is protected.
async fn way(client: &Client, there: &Postgres) -> Result<Finding, tokio_postgres::Error> {
    let sql = "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let row = client.query_typed_opt(sql, &[]).await?;
    // Behind a pooler this is the pooler's connection to the server; ours is as we asked for it.
    let version: Option<String> = row.filter(|row| row.get(0)).and_then(|row| row.get(1));
    let version = version.unwrap_or_else(|| "TLS".to_owned());
    let name = "connection";
    Ok(match there.tls() {
        Tls::Verify { .. } => good(name, format!("{version}, and the certificate is the host's")),
        Tls::Encrypt => note(
            name,
            format!("{version}, and whoever answers is believed"),
            "write sslmode=verify-full, and sslrootcert=FILE where the authority is not a public one",
        ),
        Tls::Off if there.leaves_the_machine() => note(
            name,
            "in the clear",
            "leave sslmode=disable out of the URL, unless the network is encrypted itself",
        ),
        Tls::Off => good(name, "in the clear, within this machine"),
    })
}

async fn database(client: &mut Client, key_file: &Path) -> Result<Vec<Finding>, Unavailable> {
    let snapshot = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await
        .map_err(Unavailable::because)?;
    let found = tables(&snapshot, key_file).await;
    // Nothing was written; if the end of it fails there is nothing to undo.
    let _ = snapshot.rollback().await;
    found.map_err(Unavailable::because)
}

async fn tables(db: &Transaction<'_>, key_file: &Path) -> Result<Vec<Finding>, tokio_postgres::Error> {
    let there: bool = db.query_typed_one("SELECT to_regclass('migration') IS NOT NULL", &[]).await?.get(0);
    if !there {
        return Ok(vec![note("schema", "none yet", "`jeton migrate` or the first `jeton serve` makes it")]);
    }
    let applied = db.query_typed("SELECT number, kind, checksum FROM migration", &[]).await?;
    let applied: Vec<Applied> = applied
        .iter()
        .map(|row| Applied { number: row.get(0), kind: row.get(1), checksum: row.get(2) })
        .collect();
    let mut found = vec![schema(&applied, Dialect::Postgres)];
    let kept = db.query_typed_opt("SELECT fingerprint FROM key_check", &[]).await?;
    found.push(keys(key_file, kept.map(|row| hash(&row, 0))));
    let row = db.query_typed_one("SELECT seq, at, hash FROM head", &[]).await?;
    let head = Head { seq: row.get(0), at: row.get(1), hash: hash(&row, 2) };
    found.push(journal(walked(db).await?, &head));
    found.extend(peers(db, &head).await?);
    Ok(found)
}

async fn walked(db: &Transaction<'_>) -> Result<Walk, tokio_postgres::Error> {
    let sql = "
        SELECT seq, at, actor, account, action, subject, payload, salt, entry_hash, hash
        FROM journal
        WHERE seq > $1
        ORDER BY seq
        LIMIT $2";
    let stretch = i64::try_from(STRETCH).unwrap_or(i64::MAX);
    let mut walk = Walk::after(0, GENESIS);
    loop {
        let rows = db.query_typed(sql, &[(&walk.seq, Type::INT8), (&stretch, Type::INT8)]).await?;
        rows.iter().for_each(|row| walk.step(&link(row)));
        if rows.len() < STRETCH || walk.broken.is_some() {
            return Ok(walk);
        }
    }
}

fn link(row: &Row) -> Link {
    let (payload, salt): (Option<&str>, Option<&[u8]>) = (row.get(6), row.get(7));
    let salt: Option<[u8; 16]> = salt.and_then(|salt| salt.try_into().ok());
    let computed = payload.zip(salt).map(|(payload, salt)| {
        let at = Timestamp::from_micros(row.get(1));
        let text = journal::entry_text(at, row.get(2), row.get(3), row.get(4), row.get(5), payload, &salt);
        journal::entry_hash(&text)
    });
    Link { seq: row.get(0), entry_hash: hash(row, 8), computed, hash: hash(row, 9) }
}

/// A hash of another length is none that fits.
fn hash(row: &Row, at: usize) -> [u8; 32] {
    row.get::<_, &[u8]>(at).try_into().unwrap_or_default()
}

async fn peers(db: &Transaction<'_>, head: &Head) -> Result<Vec<Finding>, tokio_postgres::Error> {
    let sql = "
        SELECT id, applied, (extract(epoch FROM clock_timestamp()) * 1000000)::int8 - beat, known
        FROM peer
        ORDER BY id";
    let rows = db.query_typed(sql, &[]).await?;
    if rows.is_empty() {
        return Ok(vec![good("peers", "none runs")]);
    }
    let found = rows.iter().map(|row| {
        let (id, applied, silent, knows): (&str, i64, i64, i64) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        let lag = head.seq - applied;
        let beat = silent as f64 / 1e6;
        let value =
            format!("{id} has applied {applied}, {lag} behind; beat {beat:.1} s ago; knows schema {knows}");
        match (silent, knows < migrations::known()) {
            (SILENT.., _) => note(
                "peer",
                value,
                "it was killed or cannot reach the database; when it is back it joins anew",
            ),
            (_, true) => {
                note("peer", value, "an older version; `jeton migrate --contract` waits for it to end")
            }
            (_, false) => good("peer", value),
        }
    });
    Ok(found.collect())
}
