//! The PostgreSQL of a benchmark: what `pgbench` does on it, for servers to be held against.

use std::process::Command;

use e2e::{Cluster, programs};

use super::CALLERS;

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

/// A cluster with the settings that `initdb` gives; its connections are for 64 callers and a server.
pub(crate) fn cluster() -> Cluster {
    assert!(
        programs().join("pgbench").is_file(),
        "PostgreSQL is not installed; `script/bench` does it, or PG_BIN names its programs"
    );
    Cluster::with(&[])
}

/// `pgbench` in a database of the cluster, over its Unix socket.
pub(crate) struct Pgbench<'a> {
    cluster: &'a Cluster,
    directory: tempfile::TempDir,
}

impl<'a> Pgbench<'a> {
    pub(crate) fn on(cluster: &'a Cluster) -> Pgbench<'a> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(directory.path().join("insert.sql"), INSERT).expect("our own directory");
        let pgbench = Pgbench { cluster, directory };
        pgbench.run("psql", &["-q", "-c", TABLE]);
        pgbench
    }

    /// Rows inserted per second by 64 clients, each row its own transaction.
    pub(crate) fn insert(&self, seconds: usize) -> f64 {
        let (clients, seconds) = (CALLERS.to_string(), seconds.to_string());
        let arguments =
            ["-n", "-M", "prepared", "-c", &clients, "-j", "1", "-T", &seconds, "-f", "insert.sql"];
        let said = self.run("pgbench", &arguments);
        let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        rate.unwrap_or_else(|| panic!("pgbench named no rate:\n{said}"))
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new(programs().join(program))
            .args(arguments)
            .arg(self.cluster.socket())
            .current_dir(self.directory.path())
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program}, {}:\n{said}\n{complained}", output.status);
        said
    }
}
