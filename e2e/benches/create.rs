//! How fast tokens are made: 64 callers over HTTP, each answer durable, all in one account, against
//! 64 clients of PostgreSQL that insert a similar row each.
//!
//! `cargo bench -p e2e --bench create [-- SECONDS_PER_ROUND]`, and with `JETON_TEST_STORE=postgres` on a
//! database of the same cluster. Needs PostgreSQL's programs, found by `PG_BIN` or in Debian's place;
//! `script/bench` installs them.
#![allow(clippy::disallowed_methods)] // A benchmark reads a clock.

mod support;

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use e2e::{Begin, Place, postgres_user};
use support::wire::Wire;
use support::{CALLERS, ROUNDS, Spread};
use tempfile::TempDir;

fn main() {
    let seconds = support::argument(5);
    let postgres = Postgres::start();
    let begin = Begin::preset("default");
    let (begin, goal) = match Place::chosen() {
        Place::Sqlite => (begin, "at least 0.3"),
        _ => (begin.on(Arc::new(e2e::Postgres::create_on(&postgres.url()))), "at least 0.5"),
    };
    let server = support::unlimited(begin);
    let mut wire = Wire::open(&server.url, CALLERS);
    let mut ours_once = || {
        let (made, elapsed) = support::create(
            &mut wire,
            &server.admin_token,
            |_, elapsed| elapsed.as_secs_f64() >= seconds as f64,
            |_| (),
        );
        made as f64 / elapsed.as_secs_f64()
    };

    let _ = (ours_once(), postgres.insert(seconds));
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for number in 0..ROUNDS {
        // Who is first changes, so that a slow drift of the machine meets both.
        if number % 2 == 0 {
            ours.push(ours_once());
            theirs.push(postgres.insert(seconds));
        } else {
            theirs.push(postgres.insert(seconds));
            ours.push(ours_once());
        }
    }
    let ratio: Vec<f64> = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect();
    let ratio = Spread::of(&ratio);
    Spread::heading(&format!("{CALLERS} callers, {seconds} s a round"));
    Spread::of(&ours).row("jeton, tokens created per second", 0);
    Spread::of(&theirs).row("PostgreSQL, rows inserted per second", 0);
    ratio.row("ratio", 2);
    support::conclude("create, per second against pgbench's INSERT", &ratio, goal);
}

/// A row with what identifies a token, and as unique as one. Its digest is drawn and computed in
/// the server, which is cheaper than sending it.
const TABLE: &str = "
    CREATE TABLE token (
        id         TEXT PRIMARY KEY,
        account    TEXT NOT NULL,
        name       TEXT NOT NULL,
        digest     BYTEA NOT NULL UNIQUE,
        created_at TIMESTAMPTZ NOT NULL
    )";
const INSERT: &str = "
\\set number random(1, 9223372036854775807)
INSERT INTO token (id, account, name, digest, created_at) \
VALUES ('pat_' || :number, 'acme', 'number ' || :number, sha256(int8send(:number)), now());
";

/// A cluster of its own in a temporary directory, with the settings that initdb gives, which
/// its clients speak to over a Unix socket and a server over the loopback.
struct Postgres {
    programs: PathBuf,
    directory: TempDir,
    /// User and group to run as: PostgreSQL refuses to be run by root.
    user: Option<(u32, u32)>,
    port: u16,
}

impl Postgres {
    fn start() -> Postgres {
        let directory = tempfile::Builder::new().prefix("pg").tempdir().expect("a temporary directory");
        let user = rustix::process::geteuid().is_root().then(postgres_user);
        if let Some((user, group)) = user {
            chown(directory.path(), Some(user), Some(group)).expect("root may");
        }
        let postgres = Postgres { programs: programs(), directory, user, port: e2e::free_port() };
        let data = postgres.data();
        postgres.run("initdb", &["-D", &data, "-A", "trust", "-U", "bench", "--no-instructions"]);
        let options = format!(
            "-c listen_addresses=127.0.0.1 -p {} -c unix_socket_directories='{}'",
            postgres.port,
            postgres.path()
        );
        let log = format!("{}/log", postgres.path());
        postgres.run("pg_ctl", &["-D", &data, "-w", "-l", &log, "-o", &options, "start"]);
        let port = postgres.port.to_string();
        let create = ["-h", &postgres.path(), "-p", &port, "-U", "bench", "-q", "-c", TABLE, "postgres"];
        postgres.run("psql", &create);
        std::fs::write(postgres.directory.path().join("insert.sql"), INSERT).expect("our own directory");
        postgres
    }

    /// Rows inserted per second by 64 clients, each row its own transaction.
    fn insert(&self, seconds: usize) -> f64 {
        let clients = CALLERS.to_string();
        let seconds = seconds.to_string();
        let script = format!("{}/insert.sql", self.path());
        let (path, port) = (self.path(), self.port.to_string());
        let said = self.run(
            "pgbench",
            &[
                "-h", &path, "-p", &port, "-U", "bench", "-n", "-M", "prepared", "-c", &clients, "-j", "1",
                "-T", &seconds, "-f", &script, "postgres",
            ],
        );
        let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        rate.unwrap_or_else(|| panic!("pgbench named no rate:\n{said}"))
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(self.programs.join(program));
        command.args(arguments).current_dir(self.directory.path()).stdin(Stdio::null());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        // A server that pg_ctl started keeps its pipes open, so its output goes to a file.
        let said = self.directory.path().join(format!("{program}.out"));
        let file = std::fs::File::create(&said).expect("our own directory");
        let status = command
            .stdout(file.try_clone().expect("an open file"))
            .stderr(file)
            .status()
            .unwrap_or_else(|error| panic!("{program}: {error}; `script/bench` installs PostgreSQL"));
        let said = std::fs::read_to_string(said).expect("our own file");
        assert!(status.success(), "{program} failed, {status}:\n{said}");
        said
    }

    fn url(&self) -> String {
        format!("postgres://bench@127.0.0.1:{}/postgres", self.port)
    }

    fn path(&self) -> String {
        self.directory.path().to_str().expect("a temporary directory has a plain name").to_owned()
    }

    fn data(&self) -> String {
        format!("{}/data", self.path())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.run("pg_ctl", &["-D", &self.data(), "-m", "immediate", "stop"]);
            return;
        }
        // A second panic would hide the first.
        let mut command = Command::new(self.programs.join("pg_ctl"));
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        let _ = command.args(["-D", &self.data(), "-m", "immediate", "stop"]).status();
    }
}

/// Where the programs are: `PG_BIN`, or the newest version in Debian's place.
fn programs() -> PathBuf {
    if let Some(path) = std::env::var_os("PG_BIN") {
        return PathBuf::from(path);
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest =
        versions.map(|entry| entry.path().join("bin")).filter(|bin| bin.join("initdb").is_file()).max();
    newest.expect("PostgreSQL is not installed; `script/bench` does it, or PG_BIN names its programs")
}
