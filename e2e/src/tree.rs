//! The repository's own files, for the tests that hold its promises about itself.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("e2e is a directory of the repository").to_owned()
}

/// Every file under version control, as paths from the root.
pub fn tracked_files() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(repository())
        .output()
        .expect("git lists the files of its own repository");
    assert!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).expect("our file names are UTF-8");
    // A file deleted but not yet committed is still in the index.
    let here = |name: &&str| !name.is_empty() && repository().join(name).is_file();
    names.split('\0').filter(here).map(str::to_owned).collect()
}

/// Every file below a directory with its bytes.
pub(crate) fn collect(directory: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(directory).expect("a readable directory") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            collect(&path, into);
        } else {
            // SQLite takes its log away when the last connection closes, which may be just now.
            let bytes = match std::fs::read(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                read => read.expect("a readable file"),
            };
            into.push((path.display().to_string(), bytes));
        }
    }
}
