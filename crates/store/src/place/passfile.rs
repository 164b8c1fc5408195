//! The password file that PostgreSQL's own programs read (libpq, "The Password File"): one entry a
//! line, `hostname:port:database:username:password`. The first four may be `*`; a backslash goes
//! before a colon or a backslash that belongs to a field; a line that begins with `#` is a comment.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::Secret;

/// Why a password file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PassfileError {
    #[error(
        "the password file {} can be read by others (mode {mode:03o}); run `chmod 600` on it", path.display()
    )]
    Exposed { path: PathBuf, mode: u32 },
    #[error("could not read the password file {}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, PassfileError> {
    let io = |source| PassfileError::Io { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    let mode = metadata.mode() & 0o777;
    if metadata.is_file() && mode & 0o077 != 0 {
        return Err(PassfileError::Exposed { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::with_capacity(4096));
    file.read_to_string(&mut text).map_err(io)?;
    Ok(text)
}

/// The password of the first entry that fits. An entry without a password, and a line that has
/// too few fields, fit nothing.
pub fn password_from(passfile: &str, host: &str, port: u16, database: &str, user: &str) -> Option<Secret> {
    let port = port.to_string();
    passfile.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut rest = line;
        for wanted in [host, &port, database, user] {
            let (field, after) = field(rest)?;
            let any = rest.starts_with("*:");
            if !any && *field != wanted {
                return None;
            }
            rest = after;
        }
        // The password ends with its line; a colon in it may stand bare.
        let password = unescaped(rest);
        (!password.is_empty()).then(|| Secret::new(password.as_str()))
    })
}

/// The text up to the next colon that is none of its own, and what follows that.
fn field(line: &str) -> Option<(Zeroizing<String>, &str)> {
    let mut escaped = false;
    for (at, letter) in line.char_indices() {
        match letter {
            ':' if !escaped => return Some((unescaped(&line[..at]), &line[at + 1..])),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    None
}

fn unescaped(text: &str) -> Zeroizing<String> {
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => plain.extend(letters.next()),
            other => plain.push(other),
        }
    }
    plain
}
