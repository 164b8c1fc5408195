//! An authority of a test's own that certifies servers, by the `openssl` program.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

pub struct Authority(TempDir);

impl Authority {
    pub fn new() -> Authority {
        let directory = tempfile::tempdir().expect("a temporary directory");
        openssl(
            directory.path(),
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
             -subj /CN=authority -keyout ca.key -out ca.pem",
        );
        Authority(directory)
    }

    /// What those who trust it are given.
    pub fn file(&self) -> PathBuf {
        self.0.path().join("ca.pem")
    }

    /// Certificate and key, in PEM, of a server that is reached by this name.
    pub fn certify(&self, name: &str) -> (String, String) {
        let path = |file: &str| self.0.path().join(file);
        std::fs::write(path("name"), format!("subjectAltName = DNS:{name}\n")).expect("our own directory");
        openssl(
            self.0.path(),
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=server \
             -keyout server.key -out server.csr",
        );
        openssl(
            self.0.path(),
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile name \
             -out server.pem",
        );
        let read = |file: &str| std::fs::read_to_string(path(file)).expect("openssl wrote it");
        (read("server.pem"), read("server.key"))
    }
}

impl Default for Authority {
    fn default() -> Authority {
        Authority::new()
    }
}

fn openssl(directory: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .expect("openssl is installed; script/test does it");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments}: {said}");
}
