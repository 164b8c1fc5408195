//! Gathers what was set: flags of the command line, variables of the environment, the file. The
//! only part of the configuration that reads them; what they mean is decided in `resolve`.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::resolve::{ConfigError, Problem};

/// Everything that was set, before anybody judged it.
#[derive(Debug, Default)]
pub struct Sources {
    pub flags: Vec<Flag>,
    pub variables: Vec<(OsString, OsString)>,
    pub file: Option<File>,
}

/// A key that was set by a flag.
#[derive(Debug)]
pub struct Flag {
    /// The key, such as `server.listen`.
    pub key: &'static str,
    /// The flag, such as `--listen`.
    pub flag: &'static str,
    pub text: String,
}

/// A configuration file that was read.
#[derive(Debug)]
pub struct File {
    pub path: PathBuf,
    pub text: String,
}

/// Where a file is looked for when no flag names one.
const PLACES: [&str; 2] = ["/etc/jeton/jeton.toml", "jeton.toml"];

impl Sources {
    /// The flags given, the environment of this process, and the file: the one named, else the
    /// first that exists of `/etc/jeton/jeton.toml` and `./jeton.toml`.
    ///
    /// # Errors
    /// When the named file, or one that exists, cannot be read.
    pub fn gather(flags: Vec<Flag>, named: Option<&Path>) -> Result<Self, ConfigError> {
        let file = match named {
            Some(path) => Some(read(path).map_err(|cause| unreadable(path, &cause))?),
            None => first(&PLACES)?,
        };
        Ok(Self { flags, variables: std::env::vars_os().collect(), file })
    }
}

fn first(places: &[&str]) -> Result<Option<File>, ConfigError> {
    for place in places {
        match read(Path::new(place)) {
            Ok(file) => return Ok(Some(file)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(unreadable(Path::new(place), &cause)),
        }
    }
    Ok(None)
}

fn read(path: &Path) -> io::Result<File> {
    Ok(File { path: path.to_owned(), text: std::fs::read_to_string(path)? })
}

fn unreadable(path: &Path, cause: &io::Error) -> ConfigError {
    ConfigError(vec![Problem(format!("could not read the configuration file {}: {cause}", path.display()))])
}
