//! A store on PostgreSQL: the server and its settings, the way there, what is in the database, and
//! the peers.

use std::path::Path;
use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::types::Type;

use super::{
    Finding, Kept, Verdict, bad, clock, good, has_changed, journal, keys, note, schema, told, unreadable,
};
use crate::STRETCH;
use crate::contract::{Clock, Unavailable};
use crate::migrations;
use crate::place::{Postgres, Secret, Tls, TlsError};
use crate::postgres::execute;
use crate::postgres::follower::CLOCK;
use crate::postgres::schema::applied;
use crate::sql::Dialect;
use crate::sql::reads::{self, Part};

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
    kept: &Kept,
) -> Vec<Finding> {
    let connected = tokio::time::timeout(PATIENCE, connect(there, password)).await;
    let client = match connected {
        Ok(Ok(client)) => client,
        Ok(Err(Unreached::Tls(cause))) => {
            return vec![Finding {
                name: "connection",
                value: told(&cause),
                verdict: Verdict::Bad,
                help: None,
            }];
        }
        Ok(Err(Unreached::Database(cause))) => {
            let otherwise = "is the server there, and are host, user, sslrootcert and password right? the password is \
                             taken from JETON_STORE__PASSWORD_FILE or PGPASSFILE";
            let help = execute::help(&cause).unwrap_or(otherwise);
            return vec![bad("connection", execute::said(&cause), help)];
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
    match database(&client, key_file, kept).await {
        Ok(more) => found.extend(more),
        Err(cause) => found.push(unreadable("database", &cause)),
    }
    found
}

enum Unreached {
    Tls(TlsError),
    Database(tokio_postgres::Error),
}

async fn connect(there: &Postgres, password: Option<&Secret>) -> Result<Client, Unreached> {
    let mut config = there.config(password);
    // A standby is to be found out, not passed over.
    config.target_session_attrs(TargetSessionAttrs::Any);
    let tls = there.connector().map_err(Unreached::Tls)?;
    let (client, connection) = config.connect(tls).await.map_err(Unreached::Database)?;
    // Ends with the client. What goes wrong there the client's own calls say too.
    tokio::spawn(connection);
    Ok(client)
}

/// How grave it is that a setting is off.
type Judge = fn(&'static str, String, &'static str) -> Finding;

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
    for (name, off, help) in [
        (
            "fsync",
            bad as Judge,
            "with it off, a crash of the machine can damage the whole cluster; set fsync = on",
        ),
        ("full_page_writes", bad, "with it off, a power cut can tear pages; set full_page_writes = on"),
        (
            "synchronous_commit",
            note,
            "every change of jeton's sets it on for itself; other programs here may lose what they committed",
        ),
    ] {
        let sql = "SELECT current_setting($1)";
        let row = client.query_typed_one(sql, &[(&name, Type::TEXT)]).await?;
        let value: String = row.get(0);
        found.push(match value.as_str() {
            "off" => off(name, value, help),
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
    let sql = format!("SELECT {CLOCK}");
    let at: i64 = client.query_typed_one(&sql, &[]).await?.get(0);
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

async fn database(client: &Client, key_file: &Path, kept: &Kept) -> Result<Vec<Finding>, Unavailable> {
    let there = "SELECT to_regclass('migration') IS NOT NULL";
    if !client.query_typed_one(there, &[]).await?.get::<_, bool>(0) {
        return Ok(vec![note("schema", "none yet", "`jeton migrate` or the first `jeton serve` makes it")]);
    }
    let mut found = vec![schema(&applied(client).await?, Dialect::Postgres)];
    let fingerprint = client.query_typed_opt("SELECT fingerprint FROM key_check", &[]).await?;
    // A fingerprint of another length is none that fits.
    let fingerprint = fingerprint.map(|row| row.get::<_, &[u8]>(0).try_into().unwrap_or_default());
    let keys = keys(key_file, fingerprint);
    found.push(keys.clone());
    let Part { head, walk, .. } = walked(client, kept).await?;
    let seq = head.seq;
    found.push(journal(walk.clone(), &head));
    found.extend(kept.agreement(walk, &keys));
    found.extend(peers(client, seq).await?);
    Ok(found)
}

/// The whole chain, each stretch of it with the head as it was then.
async fn walked(client: &Client, kept: &Kept) -> Result<Part, Unavailable> {
    let mut erasures = execute::read(client, reads::erasures()).await?;
    let mut walk = kept.walk(&erasures);
    loop {
        let part = execute::read(client, reads::walk(walk, STRETCH)).await?;
        if part.count < STRETCH || part.walk.broken.is_some() {
            if !has_changed(&part.walk, &mut erasures, execute::read(client, reads::erasures()).await?) {
                return Ok(part);
            }
            walk = kept.walk(&erasures);
        } else {
            walk = part.walk;
        }
    }
}

async fn peers(client: &Client, head: i64) -> Result<Vec<Finding>, tokio_postgres::Error> {
    let sql = format!("SELECT id, applied, {CLOCK} - beat, known FROM peer ORDER BY id");
    let rows = client.query_typed(&sql, &[]).await?;
    if rows.is_empty() {
        return Ok(vec![good("peers", "none runs")]);
    }
    let found = rows.iter().map(|row| {
        let (id, applied, silent, knows): (&str, i64, i64, i64) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        // It may have gone on since the journal was read.
        let lag = (head - applied).max(0);
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
