//! A server whose database stands behind Debian's pgbouncer in transaction mode: from one transaction to
//! the next it speaks to another session, which knows nothing of what was said before.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use e2e::{Answer, Begin, Place, Postgres, free_port, only_on, postgres_user, text};
use serde_json::json;
use tempfile::TempDir;

const WHY: &str = "is about what stands before PostgreSQL";

/// Few sessions for many connections, so that they change hands all the time.
const SESSIONS: usize = 4;

struct Bouncer {
    child: Child,
    port: u16,
    _directory: TempDir,
}

impl Bouncer {
    /// In front of the cluster of this URL.
    fn start(database: &str) -> Bouncer {
        let (_, address) = database.rsplit_once('@').expect("a URL with a user");
        let (address, _) = address.split_once('/').expect("a URL with a database");
        let (host, server_port) = address.split_once(':').expect("a URL with a port");
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("pgbouncer.ini");
        let port = free_port();
        let text = format!(
            "[databases]\n\
             * = host={host} port={server_port} user=postgres\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {port}\n\
             unix_socket_dir =\n\
             auth_type = any\n\
             pool_mode = transaction\n\
             default_pool_size = {SESSIONS}\n"
        );
        std::fs::write(&file, text).expect("our own directory");
        let mut command = Command::new("pgbouncer");
        // Debian keeps it where only root looks.
        command.env("PATH", format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()));
        command.arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if rustix::process::geteuid().is_root() {
            // It refuses to be run by root.
            let (user, group) = postgres_user();
            chown(directory.path(), Some(user), Some(group)).expect("root may");
            command.uid(user).gid(group);
        }
        let child = command.spawn().expect("pgbouncer is installed; script/test does it");
        e2e::until("pgbouncer takes connections", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Bouncer { child, port, _directory: directory }
    }

    /// The URL of the same database, through it.
    fn through(&self, database: &str) -> String {
        let (user, address) = database.rsplit_once('@').expect("a URL with a user");
        let (_, name) = address.split_once('/').expect("a URL with a database");
        format!("{user}@127.0.0.1:{}/{name}", self.port)
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_server_works_through_a_pgbouncer_in_transaction_mode() {
    if !only_on(&[Place::Postgres], WHY) {
        return;
    }
    let mut database = Postgres::create();
    let bouncer = Bouncer::start(&database.store);
    database.store = bouncer.through(&database.store);
    let mut server = Begin::preset("default").on(Arc::new(database)).start();
    let member = server.member("Member");

    // Many at once, so that statements of one connection meet the sessions of others.
    let (client, path) = (server.as_(&member.session), server.path("tokens"));
    let create =
        |number: usize| client.post(&path, json!({ "name": format!("token {number}"), "expires_in": "30d" }));
    let made: Vec<Answer> = std::thread::scope(|scope| {
        let create = &create;
        let threads: Vec<_> = (0..16).map(|number| scope.spawn(move || create(number))).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    let secrets: Vec<String> = made.iter().map(|answer| text(answer.ok(201), "secret")).collect();
    for secret in &secrets {
        server.accepts(secret);
    }
    let ids: Vec<String> = made.iter().map(|answer| answer.text_at("id")).collect();
    server.act(&member.session, &ids[0], "revoke").ok(200);
    server.rejects(&secrets[0], "revoked");
    server.act(&member.session, &ids[1], "rotate").ok(201);
    server.rejects(&secrets[1], "revoked");
    assert_eq!(server.token_names(&member.session, "?limit=100&sort=name").len(), 17);

    // What is in no memory is read.
    server.restart();
    for secret in &secrets[2..] {
        server.accepts(secret);
    }
    server.rejects(&secrets[0], "revoked");
    assert_eq!(server.stop(), 0);
    let said = server.output();
    assert!(!said.contains("prepared statement"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}
