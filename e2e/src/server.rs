//! The server under test: a process of its own over a directory of its own, on a port that the
//! system chose; on PostgreSQL over a database of its own too, and with peers three processes, each
//! with a directory, behind one address. What a test says to it is the same everywhere.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::begin::Begin;
use crate::postgres::Peers;
use crate::process::Running;
use crate::round_robin::RoundRobin;
use crate::{Answer, Client, PATIENCE, Place, Postgres, binary};

/// The account that `init` makes.
pub const ACCOUNT: &str = "acme";
/// The address of the first administrator.
pub const ADMIN: &str = "ada@example.com";
/// Everybody's password: long enough for any rule, and found in no list.
pub const PASSWORD: &str = "harness-Quill-97-lantern";

/// A running server with an account `acme` and its first administrator.
pub struct Server {
    /// Where it listens: `http://127.0.0.1:PORT`. Another one after a restart. With peers it is where
    /// their round-robin listens.
    pub url: String,
    /// The preset it was initialised with.
    pub preset: String,
    /// The administrator's token, named `init`. Empty when nothing was initialised.
    pub admin_token: String,
    /// The administrator's member id.
    pub admin_id: String,
    /// A service's key that may verify in every account.
    pub service_key: String,
    directory: TempDir,
    begin: Begin,
    /// None on SQLite.
    postgres: Option<Arc<Postgres>>,
    /// None but where a server is several processes.
    peers: Option<Peers>,
    /// All of its processes, or none when it does not run.
    running: Vec<Running>,
    front: Option<RoundRobin>,
    output: Arc<Mutex<Vec<u8>>>,
    members: AtomicUsize,
}

/// A member made by the harness, signed in.
#[derive(Debug, Clone)]
pub struct Member {
    /// `mem_…`
    pub id: String,
    /// The token of the member's login.
    pub session: String,
    pub email: String,
    pub name: String,
}

/// A command that has run to its end.
#[derive(Debug)]
pub struct Finished {
    /// The exit code; -1 when a signal ended it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// Asserts exit code 0 and hands out standard output.
    #[track_caller]
    pub fn done(&self) -> &str {
        assert_eq!(self.code, 0, "{self:#?}");
        &self.stdout
    }

    /// Asserts exit code 0 and reads standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(self.done()).unwrap_or_else(|error| panic!("not JSON, {error}: {self:#?}"))
    }
}

impl Server {
    pub(crate) fn begin(begin: Begin) -> Server {
        let directory = TempDir::new().expect("a temporary directory");
        std::fs::create_dir(directory.path().join("home")).expect("a home for the commands");
        std::fs::write(directory.path().join("password"), PASSWORD).expect("the password file");
        std::fs::write(directory.path().join("jeton.toml"), &begin.configuration).expect("the configuration");
        let made = || (begin.place != Place::Sqlite).then(|| Arc::new(Postgres::create()));
        let postgres = begin.postgres.clone().or_else(made);
        let peers = postgres.clone().filter(|_| begin.place == Place::Peers).map(Peers::over);
        let mut server = Server {
            url: String::new(),
            preset: begin.preset.clone(),
            admin_token: String::new(),
            admin_id: String::new(),
            service_key: String::new(),
            directory,
            begin,
            postgres,
            peers,
            running: Vec::new(),
            front: None,
            output: Arc::default(),
            members: AtomicUsize::new(0),
        };
        if server.begin.initialise {
            server.initialise();
        }
        server.serve();
        server
    }

    /// A server whose account `acme` was made with this preset.
    pub fn start(preset: &str) -> Server {
        Begin::preset(preset).start()
    }

    // Who speaks

    /// A client with this token.
    pub fn as_(&self, token: &str) -> Client {
        self.anonymous().bearer(token)
    }

    /// A client with the administrator's token.
    pub fn admin(&self) -> Client {
        self.as_(&self.admin_token)
    }

    /// A client with the service's key.
    pub fn service(&self) -> Client {
        self.as_(&self.service_key)
    }

    pub fn anonymous(&self) -> Client {
        Client::over(&self.url, self.peers.clone())
    }

    /// The verdict over a token, as a service hears it.
    #[track_caller]
    pub fn verify(&self, text: &str) -> Value {
        self.verify_with(json!({ "token": text }))
    }

    /// The verdict over a whole ask.
    #[track_caller]
    pub fn verify_with(&self, ask: Value) -> Value {
        self.service().post("/v1/verify", ask).ok(200).clone()
    }

    /// Asserts that this token is good, and that this code says so.
    #[track_caller]
    pub fn accepts(&self, text: &str) {
        let verdict = self.verify(text);
        assert!(verdict["valid"] == true && verdict["code"] == "valid", "expected a good token: {verdict:#}");
    }

    /// Asserts that this token is not good, for this reason.
    #[track_caller]
    pub fn rejects(&self, text: &str, code: &str) {
        let verdict = self.verify(text);
        assert!(verdict["valid"] == false && verdict["code"] == code, "expected `{code}`: {verdict:#}");
    }

    // People and accounts

    /// Makes a member of `acme` with this role and signs in.
    #[track_caller]
    pub fn member(&self, role: &str) -> Member {
        self.member_of(ACCOUNT, role)
    }

    /// Makes a member of any account, as the operator, and signs in there.
    #[track_caller]
    pub fn member_of(&self, account: &str, role: &str) -> Member {
        let number = self.members.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("Member {number}");
        let email = format!("member{number}@example.com");
        let made = self.admin().post(
            &format!("/v1/accounts/{account}/members"),
            json!({ "name": name, "email": email, "role": role, "password": PASSWORD }),
        );
        made.ok(201);
        let id = made.text_at("id");
        let session = self.log_in_to(account, &email).text_at("token");
        Member { id, session, email, name }
    }

    /// Signs in with the password that everybody has here.
    pub fn log_in(&self, email: &str) -> Answer {
        self.log_in_to(ACCOUNT, email)
    }

    pub fn log_in_to(&self, account: &str, email: &str) -> Answer {
        let ask = json!({ "email": email, "password": PASSWORD, "account": account });
        let answer = self.anonymous().post("/v1/sessions", ask);
        assert!(matches!(answer.status, 200 | 201), "expected a login:\n{answer:?}");
        answer
    }

    /// Makes a second account, as the operator.
    #[track_caller]
    pub fn account(&self, id: &str, preset: &str) {
        self.admin().post("/v1/accounts", json!({ "id": id, "name": id, "preset": preset })).ok(201);
    }

    // Commands

    /// Runs `jeton ARGS` as nobody in particular, in a home of its own, `JETON_SERVER` naming this
    /// server. A login lasts from one command to the next.
    pub fn jeton(&self, arguments: &[&str]) -> Finished {
        self.run(self.command(), arguments, "")
    }

    /// The same with text on standard input.
    pub fn jeton_with_input(&self, arguments: &[&str], input: &str) -> Finished {
        self.run(self.command(), arguments, input)
    }

    /// The same with `JETON_TOKEN`.
    pub fn jeton_as(&self, token: &str, arguments: &[&str], input: &str) -> Finished {
        let mut command = self.command();
        command.env("JETON_TOKEN", token);
        self.run(command, arguments, input)
    }

    fn run(&self, mut command: Command, arguments: &[&str], input: &str) -> Finished {
        use std::io::Write;
        command.args(arguments).env("JETON_SERVER", &self.url);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary was found");
        // A command that does not read its input closes the pipe early; that is its right.
        let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
        let pid = Pid::from_child(&child);
        let (done, waiting) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            if waiting.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                // A command that does not end is a failure, and its output says of what.
                let _ = kill_process(pid, Signal::KILL);
            }
        });
        let output = child.wait_with_output().expect("the command ends");
        drop(done);
        if let Some(peers) = &self.peers {
            peers.settle();
        }
        Finished {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The data directory, with peers that of the first.
    pub fn data(&self) -> PathBuf {
        self.data_of(0)
    }

    fn data_of(&self, peer: usize) -> PathBuf {
        let name = if peer == 0 { "data".to_owned() } else { format!("data-{}", peer + 1) };
        self.directory.path().join(name)
    }

    /// The database, on PostgreSQL.
    pub fn postgres(&self) -> Option<&Arc<Postgres>> {
        self.postgres.as_ref()
    }

    /// Everything that the server and its commands keep, by name: files, and on PostgreSQL a dump of
    /// the database.
    pub fn kept(&self) -> Vec<(String, Vec<u8>)> {
        let mut kept = Vec::new();
        crate::tree::collect(&self.directory.path().join("home"), &mut kept);
        for peer in 0..self.begin.place.peers() {
            crate::tree::collect(&self.data_of(peer), &mut kept);
        }
        kept.extend(self.postgres.iter().map(|postgres| ("the dump".to_owned(), postgres.dump())));
        kept
    }

    /// The directory that holds everything of this server: data, home, configuration.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    // The process

    /// Everything that the server has written so far, both streams, across restarts.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&self.output.lock().expect("no writer panics")).into_owned()
    }

    /// The process id, for tests that measure or signal; with peers that of the first.
    pub fn pid(&self) -> u32 {
        self.running.first().expect("it runs").pid()
    }

    /// Tells it to end and does not wait; `stop` does.
    pub fn tell_to_stop(&self) {
        self.running.iter().for_each(Running::terminate);
    }

    /// Tells it to read its configuration again, after the file was changed to this.
    pub fn reload(&self, toml: &str) {
        std::fs::write(self.directory.path().join("jeton.toml"), toml).expect("our own directory");
        for peer in &self.running {
            let pid = Pid::from_raw(peer.pid().try_into().expect("a process id")).expect("not zero");
            kill_process(pid, Signal::HUP).expect("our own child");
        }
    }

    /// Where each process listens by itself; one that is no peer is alone in this.
    pub fn each(&self) -> Vec<Client> {
        self.running.iter().map(|peer| Client::anonymous(&peer.url)).collect()
    }

    /// The first line of output, from the running process, which holds this text; waits for it.
    pub fn line_with(&self, text: &str) -> String {
        let mut found = String::new();
        crate::until(&format!("a line of output with `{text}`"), || {
            match self.output().lines().find(|line| line.contains(text)) {
                Some(line) => found = line.to_owned(),
                None => return false,
            }
            true
        });
        found
    }

    /// Ends it as a service manager would, and waits; returns its exit code, with peers the worst.
    pub fn stop(&mut self) -> i32 {
        assert!(!self.running.is_empty(), "it runs");
        self.end().unwrap_or_else(|| panic!("it did not end on SIGTERM; it said:\n{}", self.output()))
    }

    /// None: it did not end by itself.
    fn end(&mut self) -> Option<i32> {
        for peer in &self.running {
            peer.terminate();
        }
        let codes: Vec<Option<i32>> = self.running.drain(..).map(Running::wait).collect();
        self.meet();
        codes.into_iter().collect::<Option<Vec<i32>>>()?.into_iter().max_by_key(|code| code.unsigned_abs())
    }

    /// Ends it as a power cut would.
    pub fn kill9(&mut self) {
        assert!(!self.running.is_empty(), "it runs");
        for peer in self.running.drain(..) {
            peer.kill();
        }
        self.meet();
    }

    /// Starts it again over the same data, after `stop` or `kill9`; stops it first if it runs.
    pub fn restart(&mut self) {
        if !self.running.is_empty() {
            self.stop();
        }
        self.serve();
    }

    fn initialise(&mut self) {
        let mut command = self.command();
        command.args(["init", "--account", ACCOUNT, "--admin", ADMIN, "--preset", &self.preset, "--json"]);
        command.arg("--password-file").arg(self.directory.path().join("password"));
        command.args(self.installation());
        let output = command.output().expect("the binary was found");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "`jeton init` failed, {}:\n{stderr}", output.status);
        let made: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("`jeton init --json` printed no JSON, {error}:\n{stderr}"));
        let field =
            |name: &str| made[name].as_str().unwrap_or_else(|| panic!("`init` printed no {name}")).to_owned();
        assert_eq!(field("account"), ACCOUNT);
        self.admin_token = field("token");
        self.admin_id = field("member");
        self.service_key = field("service_key");
    }

    fn serve(&mut self) {
        for number in 0..self.begin.place.peers() {
            self.serve_one(number);
        }
        self.url = self.running[0].url.clone();
        if self.peers.is_some() {
            let front = RoundRobin::start(&self.urls());
            self.url = front.url();
            self.front = Some(front);
        }
    }

    fn serve_one(&mut self, number: usize) {
        let data = self.data_of(number);
        if number > 0 && !data.exists() {
            // Peers seal and open with the same keys. The first has made them, here or in `init`.
            std::fs::create_dir(&data).expect("our own directory");
            std::fs::copy(self.data().join("keys"), data.join("keys")).expect("the first peer has keys");
        }
        let mut command = match self.begin.under.split_first() {
            _ if self.begin.socket.is_some() => {
                // The process id is known only to the process, which becomes the server.
                let script = "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\"";
                let mut command = self.alone("sh");
                command.args(["-c", script, "sh"]).arg(binary());
                command
            }
            Some((program, arguments)) => {
                let mut command = self.alone(program);
                command.args(arguments).arg(binary());
                command
            }
            None => self.command(),
        };
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(self.installation_of(number));
        if !self.begin.initialise {
            command.args(["--preset", &self.preset]);
        }
        command.args(&self.begin.arguments);
        let before = self.peers.as_ref().map(Peers::ids);
        let socket = self.begin.socket.as_ref().map(|socket| socket.try_clone().expect("a socket"));
        let input = socket.map_or_else(Stdio::null, |socket| Stdio::from(OwnedFd::from(socket)));
        self.running.push(Running::serve(command, input, number, &self.output));
        if let (Some(peers), Some(before)) = (&self.peers, before) {
            peers.joined(number, &before);
        }
    }

    /// The address of each process by itself, with peers in their order.
    pub fn urls(&self) -> Vec<String> {
        self.running.iter().map(|peer| peer.url.clone()).collect()
    }

    /// From now on connections go to those that run, and clients wait for nobody else.
    fn meet(&mut self) {
        let Some(peers) = &self.peers else { return };
        for number in 0..self.begin.place.peers() {
            if self.running.iter().all(|peer| peer.number != number) {
                peers.left(number);
            }
        }
        match &self.front {
            Some(front) if !self.running.is_empty() => front.turn_to(&self.urls()),
            _ => self.front = None,
        }
    }

    /// Ends one of the peers as a power cut would; the others go on. Returns its number.
    pub fn kill9_one(&mut self) -> usize {
        let peer = self.running.remove(0);
        let number = peer.number;
        peer.kill();
        self.meet();
        number
    }

    /// Starts a peer again after `kill9_one`.
    pub fn start_one(&mut self, number: usize) {
        self.serve_one(number);
        self.meet();
    }

    /// The arguments of a command that works on the installation itself: where its data is, and how it
    /// is configured.
    pub fn installation(&self) -> Vec<String> {
        self.installation_of(0)
    }

    fn installation_of(&self, peer: usize) -> Vec<String> {
        let mut arguments = vec!["--data".to_owned(), self.data_of(peer).display().to_string()];
        if let Some(postgres) = &self.postgres {
            arguments.extend(["--store".to_owned(), postgres.store.clone()]);
        }
        if !self.begin.configuration.is_empty() {
            let file = self.directory.path().join("jeton.toml");
            arguments.extend(["--config".to_owned(), file.display().to_string()]);
        }
        arguments
    }

    /// The binary in an environment that holds nothing of the machine but its search path.
    fn command(&self) -> Command {
        self.alone(binary())
    }

    /// The same with another program.
    fn alone(&self, program: impl AsRef<OsStr>) -> Command {
        let home = self.directory.path().join("home");
        let mut command = Command::new(program);
        command.env_clear().current_dir(&home);
        for kept in ["PATH", "LLVM_PROFILE_FILE", "RUST_BACKTRACE"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        command.env("HOME", &home).env("XDG_CONFIG_HOME", home.join(".config")).env("NO_COLOR", "1");
        command.envs(&self.begin.environment);
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.running.is_empty() {
            return;
        }
        let ended = self.end();
        if std::thread::panicking() {
            // The test failed already; what the server said may tell why.
            eprintln!("the server said:\n{}", self.output());
        } else {
            assert!(ended.is_some(), "the server did not end on SIGTERM:\n{}", self.output());
        }
    }
}
