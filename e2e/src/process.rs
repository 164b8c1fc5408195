//! One process of the server: started, listened to, ended by the process id that started it.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process};

use crate::PATIENCE;

/// A child and the threads that read what it says.
pub(crate) struct Running {
    child: Child,
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    /// Which of the peers it is; what does not change when it is started again.
    pub(crate) number: usize,
    /// Disconnected when both streams have ended, which they do when the process does.
    ended: Receiver<()>,
}

impl Running {
    /// Starts `jeton serve` and waits until it takes connections; panics with what it said otherwise.
    pub(crate) fn serve(
        mut command: Command,
        input: Stdio,
        number: usize,
        output: &Arc<Mutex<Vec<u8>>>,
    ) -> Running {
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary was found");
        let (found, listening) = mpsc::channel();
        let (alive, ended) = mpsc::channel();
        let stdout = child.stdout.take().expect("piped");
        let stderr = child.stderr.take().expect("piped");
        follow(stdout, output.clone(), found.clone(), alive.clone());
        follow(stderr, output.clone(), found, alive);
        let Ok(url) = listening.recv_timeout(PATIENCE) else {
            child.kill().expect("our own child");
            child.wait().expect("our own child");
            let said = output.lock().expect("no writer panics");
            panic!("`jeton serve` named no address; it said:\n{}", String::from_utf8_lossy(&said));
        };
        let address = url.strip_prefix("http://").expect("the reader looked for it").to_owned();
        crate::until("the server takes connections", || std::net::TcpStream::connect(&address).is_ok());
        Running { child, url, number, ended }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, as a service manager would.
    pub(crate) fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("our own child");
    }

    /// Waits for the process to end by itself and returns its exit code; kills it if it would not.
    pub(crate) fn wait(mut self) -> Option<i32> {
        match self.ended.recv_timeout(PATIENCE) {
            Err(mpsc::RecvTimeoutError::Timeout) => {
                self.kill();
                None
            }
            _ => Some(self.child.wait().expect("our own child").code().unwrap_or(-1)),
        }
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("our own child");
        self.child.wait().expect("our own child");
    }
}

/// Copies a stream into the buffer line by line and reports the address when a line names it.
fn follow(
    stream: impl Read + Send + 'static,
    output: Arc<Mutex<Vec<u8>>>,
    found: Sender<String>,
    alive: Sender<()>,
) {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
            output.lock().expect("no writer panics").extend_from_slice(&line);
            let text = String::from_utf8_lossy(&line);
            if let Some((_, url)) = text.split_once("listens on ") {
                let url = url.split_whitespace().next().unwrap_or_default().trim_end_matches('/');
                // The one who waits may be gone already; that the line was kept is enough then.
                let _ = found.send(url.to_owned());
            }
            line.clear();
        }
        drop(alive);
    });
}

/// The binary under test: `JETON_BIN`, or the one beside the tests in the target directory.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("JETON_BIN") {
        return PathBuf::from(path);
    }
    let test = std::env::current_exe().expect("a test knows where it runs");
    let profile = test.parent().and_then(Path::parent).expect("target/<profile>/deps/<test>");
    let binary = profile.join("jeton");
    assert!(binary.is_file(), "no binary at {}: run `cargo build -p jeton` first", binary.display());
    binary
}
