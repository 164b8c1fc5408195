//! A pgbouncer in transaction mode: it lends a connection for one transaction at a time, so nothing
//! that the database would say to a listener comes through.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// One before a cluster, until it is dropped.
pub(crate) struct Pooler {
    child: Child,
    port: u16,
    _directory: TempDir,
}

impl Pooler {
    /// None where pgbouncer is not installed. `url` is of any database of the cluster.
    pub(crate) fn before(url: &str) -> Option<Pooler> {
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"]
            .into_iter()
            .find(|program| std::path::Path::new(program).is_file())?;
        let server = port_of(url);
        let port = e2e::free_port();
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("pgbouncer.ini");
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={server} user=postgres\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = any\npool_mode = transaction\ndefault_pool_size = 40\n\
             ignore_startup_parameters = extra_float_digits\n"
        );
        std::fs::write(&file, settings).expect("our own directory");
        let mut command = Command::new(program);
        command.arg("-q").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if rustix::process::geteuid().is_root() {
            // It refuses to be run by root, as PostgreSQL does.
            let (user, group) = e2e::postgres_user();
            for path in [directory.path(), file.as_path()] {
                chown(path, Some(user), Some(group)).expect("root may");
            }
            command.uid(user).gid(group);
        }
        let child = command.spawn().expect("it is installed");
        e2e::until("the pooler takes connections", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Some(Pooler { child, port, _directory: directory })
    }

    /// The same database through the pooler.
    pub(crate) fn through(&self, url: &str) -> String {
        url.replacen(&format!(":{}/", port_of(url)), &format!(":{}/", self.port), 1)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn port_of(url: &str) -> u16 {
    let port = url.rsplit_once(':').and_then(|(_, rest)| rest.split('/').next()?.parse().ok());
    port.expect("a URL with a port")
}
