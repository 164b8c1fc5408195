//! A PostgreSQL of a test's own, to be killed, frozen and started again while a server works on it.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A cluster in a temporary directory, on a port that it keeps from one start to the next.
pub struct Cluster {
    directory: TempDir,
    port: u16,
    /// User and group to run as: PostgreSQL refuses to be run by root.
    user: Option<(u32, u32)>,
    /// Each `name=value`.
    settings: Vec<String>,
    running: Option<Child>,
}

impl Cluster {
    pub fn start() -> Cluster {
        Cluster::with(&["shared_buffers=32MB"])
    }

    /// One with the settings that `initdb` gives, but for these (each `name=value`) and where it
    /// listens.
    pub fn with(settings: &[&str]) -> Cluster {
        let directory = tempfile::Builder::new().prefix("pg").tempdir().expect("a temporary directory");
        let user = rustix::process::geteuid().is_root().then(postgres_user);
        if let Some((user, group)) = user {
            chown(directory.path(), Some(user), Some(group)).expect("root may");
        }
        let mut cluster = Cluster {
            directory,
            port: free_port(),
            user,
            settings: settings.iter().map(|setting| (*setting).to_owned()).collect(),
            running: None,
        };
        let output = cluster
            .command("initdb")
            .args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-instructions"])
            .output()
            .expect("initdb was found");
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        cluster.start_again();
        cluster
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of its first database, by its superuser.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Puts a file into its data directory, which nobody else may read. What is configured there holds
    /// from the next start.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.data().join(name);
        std::fs::write(&path, text).expect("our directory");
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("our own file");
        if let Some((user, group)) = self.user {
            chown(&path, Some(user), Some(group)).expect("root may");
        }
    }

    /// How PostgreSQL's own programs find its first database, by its superuser and its socket.
    pub fn socket(&self) -> String {
        let directory = self.directory.path().display();
        format!("host={directory} port={} user=postgres dbname=postgres", self.port)
    }

    /// Starts it over the same data, after `kill9` or `stop`, and waits until it takes connections.
    pub fn start_again(&mut self) {
        assert!(self.running.is_none(), "it runs");
        let log = self.directory.path().join("log");
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log).expect("our directory");
        let child = self
            .command("postgres")
            .args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .arg("-c")
            .arg(format!("unix_socket_directories={}", self.directory.path().display()))
            .args(self.settings.iter().flat_map(|setting| ["-c", setting.as_str()]))
            .stdout(file.try_clone().expect("an open file"))
            .stderr(file)
            .spawn()
            .expect("postgres was found");
        self.running = Some(child);
        let url = self.url();
        crate::until("PostgreSQL takes connections", || {
            let mut ready = Command::new(programs().join("pg_isready"));
            let ready = ready.args(["-q", "-t", "5", "-d", &url]).status().expect("pg_isready was found");
            let ended = self.running.as_mut().expect("just started").try_wait().expect("our own child");
            assert!(
                ended.is_none(),
                "PostgreSQL ended: {}",
                std::fs::read_to_string(&log).unwrap_or_default()
            );
            ready.success()
        });
    }

    /// Ends all of its processes as a power cut would.
    pub fn kill9(&mut self) {
        let mut child = self.running.take().expect("it runs");
        // Its parent first, which would otherwise start some of them anew.
        let children = processes_of(&child);
        child.kill().expect("our own child");
        for process in children {
            // One that ended by itself is no failure.
            let _ = kill_process(process, Signal::KILL);
        }
        child.wait().expect("our own child");
        // Nobody may hold the memory that the next start asks for.
        let _ = std::fs::remove_file(self.data().join("postmaster.pid"));
    }

    /// Ends it as an operator would who cannot wait for its clients, and waits.
    pub fn stop(&mut self) {
        let mut child = self.running.take().expect("it runs");
        kill_process(Pid::from_child(&child), Signal::INT).expect("our own child");
        child.wait().expect("our own child");
    }

    /// Stops all of its processes in their tracks. Connections stay, and nothing answers.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets them go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let child = self.running.as_ref().expect("it runs");
        kill_process(Pid::from_child(child), signal).expect("our own child");
        for process in processes_of(child) {
            // One that ended by itself is no failure.
            let _ = kill_process(process, signal);
        }
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(programs().join(program));
        command.arg("-D").arg(self.data()).current_dir(self.directory.path());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.running.is_some() {
            // Its data go with it. A frozen process dies of this too.
            self.kill9();
        }
    }
}

/// Where PostgreSQL's programs are: `PG_BIN`, or the newest version in Debian's place, or the search
/// path.
pub fn programs() -> PathBuf {
    if let Some(path) = std::env::var_os("PG_BIN") {
        return PathBuf::from(path);
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let bins = versions.map(|entry| entry.path().join("bin"));
    bins.filter(|bin| bin.join("initdb").is_file()).max().unwrap_or_default()
}

/// The ids of the user that the operating system's package makes.
pub fn postgres_user() -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").expect("a system has users");
    let line = users.lines().find(|line| line.starts_with("postgres:")).expect("the package made its user");
    let fields: Vec<&str> = line.split(':').collect();
    (fields[2].parse().expect("a user id"), fields[3].parse().expect("a group id"))
}

/// A port on which nobody listens, below those that the system gives to whoever does not care: a
/// server that is down for a moment finds it free again.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let own = u16::try_from(std::process::id() % 15_000).expect("below 15,000");
    loop {
        let port = 15_000 + (own + 97 * NEXT.fetch_add(1, Ordering::Relaxed)) % 15_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The children of a process.
fn processes_of(parent: &Child) -> Vec<Pid> {
    let path = format!("/proc/{0}/task/{0}/children", parent.id());
    let children = std::fs::read_to_string(Path::new(&path)).expect("a process has its children in /proc");
    children.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Postgres;

    #[test]
    fn a_cluster_keeps_its_data_over_its_ends_and_answers_nobody_while_it_is_frozen() {
        let mut cluster = Cluster::start();
        let database = Postgres::create_on(&cluster.url());
        database.rows("CREATE TABLE kept (number BIGINT)", &[]);
        for number in [1_i64, 2] {
            database.rows("INSERT INTO kept (number) VALUES ($1)", &[&number]);
            if number == 1 {
                cluster.kill9()
            } else {
                cluster.stop()
            }
            assert!(database.try_rows("SELECT 1", &[]).is_err());
            cluster.start_again();
            assert_eq!(database.number("SELECT max(number) FROM kept", &[]), number);
        }
        cluster.freeze();
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| database.number("SELECT count(*) FROM kept", &[]));
            // It shows that nothing comes; there is nothing to wait for.
            std::thread::sleep(std::time::Duration::from_millis(200));
            assert!(!asked.is_finished(), "a frozen database answers nobody");
            cluster.thaw();
            assert_eq!(asked.join().unwrap(), 2);
        });
    }
}
