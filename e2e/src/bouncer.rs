//! Debian's pgbouncer in transaction mode, between a server and its database.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::{free_port, postgres_user};

/// Few sessions for many connections, so that they change hands all the time.
const SESSIONS: usize = 4;

/// A pooler that runs until it is dropped.
pub struct Bouncer {
    child: Child,
    port: u16,
    _directory: TempDir,
}

impl Bouncer {
    /// In front of the cluster of this URL.
    pub fn start(database: &str) -> Bouncer {
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
        crate::until("pgbouncer takes connections", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Bouncer { child, port, _directory: directory }
    }

    /// The URL of the same database, through it.
    pub fn through(&self, database: &str) -> String {
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
