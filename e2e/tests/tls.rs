//! The way to the database: encrypted, with a certificate that is checked, and with a password from a
//! file. What is not as it should be is refused at the start, in a sentence that says what it is.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use e2e::{ACCOUNT, ADMIN, Authority, Begin, Cluster, PASSWORD, Place, Postgres, binary, only_on, text};
use tempfile::TempDir;

const SECRET: &str = "Quill-4-the-database";

/// A cluster that lets the role `jeton` in only by TLS and with a password.
struct Guarded {
    cluster: Cluster,
    authority: Authority,
    files: TempDir,
}

impl Guarded {
    /// None where such tests are left out.
    fn start() -> Option<Guarded> {
        if !only_on(&[Place::Postgres], "is about the way to PostgreSQL") {
            return None;
        }
        let mut cluster = Cluster::start();
        let authority = Authority::new();
        let (certificate, key) = authority.certify("localhost");
        cluster.write("server.crt", &certificate);
        cluster.write("server.key", &key);
        cluster.write("postgresql.auto.conf", "ssl = on\npassword_encryption = 'scram-sha-256'\n");
        cluster.write(
            "pg_hba.conf",
            "host    all postgres 127.0.0.1/32 trust\n\
             hostssl all jeton    127.0.0.1/32 scram-sha-256\n",
        );
        cluster.stop();
        cluster.start_again();
        let admin = Postgres::create_on(&cluster.url());
        admin.rows(&format!("CREATE ROLE jeton LOGIN PASSWORD '{SECRET}'"), &[]);
        let files = tempfile::tempdir().expect("a temporary directory");
        Some(Guarded { cluster, authority, files })
    }

    /// An empty database of its role, and the name of it.
    fn database(&self) -> (Postgres, String) {
        let database = Postgres::create_on(&self.cluster.url());
        let (_, name) = database.store.rsplit_once('/').expect("a URL with a database");
        let name = name.to_owned();
        database.rows(&format!("ALTER DATABASE {name} OWNER TO jeton"), &[]);
        (database, name)
    }

    /// A database on this host, with these options.
    fn url(&self, host: &str, name: &str, options: &str) -> String {
        format!("postgres://jeton@{host}:{}/{name}?{options}", self.cluster.port())
    }

    /// A password file that others may read or not.
    fn passfile(&self, name: &str, password: &str, mode: u32) -> PathBuf {
        let path = self.files.path().join(name);
        fs::write(&path, format!("# of the tests\n*:*:*:jeton:{password}\n")).expect("our own directory");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("our own file");
        path
    }

    /// What `jeton init` says, which opens the database as `serve` does and ends in any case.
    fn init(&self, url: &str, passfile: &Path) -> Output {
        let password = self.files.path().join("password");
        fs::write(&password, PASSWORD).expect("our own directory");
        let mut command = Command::new(binary());
        command.env_clear().env("HOME", self.files.path()).env("PGPASSFILE", passfile).stdin(Stdio::null());
        command.args(["init", "--account", ACCOUNT, "--admin", ADMIN, "--store", url, "--password-file"]);
        command.arg(password).arg("--data").arg(self.files.path().join("data"));
        command.output().expect("the binary was found")
    }
}

/// The options by which the certificate has to be one of this authority.
fn checked(authority: &Authority) -> String {
    format!("sslmode=verify-full&sslrootcert={}", authority.file().display())
}

/// Begins with this password file.
fn begin(passfile: &Path) -> Begin {
    Begin::preset("default").variable("PGPASSFILE", &passfile.display().to_string())
}

#[test]
fn a_server_reaches_its_database_encrypted_and_with_the_password_of_a_file() {
    let Some(guarded) = Guarded::start() else { return };
    let passfile = guarded.passfile("right", SECRET, 0o600);
    for (host, options) in [
        ("localhost", checked(&guarded.authority)),
        // Whoever answers is believed, so no authority is needed, and no name.
        ("127.0.0.1", "sslmode=require".to_owned()),
    ] {
        let (mut database, name) = guarded.database();
        database.store = guarded.url(host, &name, &options);
        let database = Arc::new(database);
        let mut server = begin(&passfile).on(database.clone()).start();
        let made = server.create_named(&server.admin_token, "over TLS");
        server.accepts(&text(&made, "secret"));
        let sessions = "SELECT count(*) FILTER (WHERE ssl), count(*)
                        FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'jeton'";
        let row = &database.rows(sessions, &[])[0];
        let (encrypted, all): (i64, i64) = (row.get(0), row.get(1));
        assert!(encrypted == all && all > 0, "{options}: {encrypted} of {all} sessions are encrypted");
        assert_eq!(server.stop(), 0);
        assert!(!server.output().contains(SECRET), "{}", server.output());
    }
}

#[test]
fn what_is_wrong_on_the_way_to_the_database_is_named_at_the_start() {
    let Some(guarded) = Guarded::start() else { return };
    let right = guarded.passfile("right", SECRET, 0o600);
    let (_database, name) = guarded.database();
    let wrong_password = "Another-4-the-database";
    let wrong = guarded.passfile("wrong", wrong_password, 0o600);
    let shared = guarded.passfile("shared", SECRET, 0o640);
    let none = guarded.files.path().join("none");
    let (good, stranger) = (checked(&guarded.authority), Authority::new());
    let to = |host: &str, options: &str| guarded.url(host, &name, options);
    let cases = [
        ("another authority", to("localhost", &checked(&stranger)), &right, "invalid peer certificate"),
        ("another name", to("127.0.0.1", &good), &right, "not valid for name \"127.0.0.1\""),
        ("no encryption", to("localhost", "sslmode=disable"), &right, "no encryption"),
        ("a wrong password", to("localhost", &good), &wrong, "password authentication failed"),
        ("a file for all to read", to("localhost", &good), &shared, "chmod 600"),
        ("no such file", to("localhost", &good), &none, "could not read the password file"),
    ];
    for (what, url, passfile, named) in cases {
        let refused = guarded.init(&url, passfile);
        let said = String::from_utf8_lossy(&refused.stderr);
        println!("{what}: {}", said.trim());
        assert_eq!(refused.status.code(), Some(1), "{what}: {said}");
        assert!(said.contains(named), "{what}, by the word `{named}`: {said}");
        for secret in [SECRET, wrong_password] {
            assert!(!said.contains(secret), "{what}: a password is shown: {said}");
        }
    }
}
