//! The credential that `jeton login` keeps: `$XDG_CONFIG_HOME/jeton/credentials.toml`, readable by
//! its owner only.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use api::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{input, output};
use crate::exit::Failure;

/// One login.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Credentials {
    /// The URL of the server that the token is for, and goes to.
    pub server: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    pub token: Secret,
    /// Where the policy makes pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
}

impl Credentials {
    /// What is stored, if anything.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn load() -> Result<Option<Self>, Failure> {
        let Some(path) = path() else { return Ok(None) };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => Zeroizing::new(text),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(Failure::failed(format!("could not read {}: {cause}", path.display()))),
        };
        warn_of_other_readers(&path);
        // The cause would quote the line, and the line may be the token.
        let broken = |_| Failure::failed(format!("{} is not what `jeton login` wrote", path.display()));
        toml::from_str(&text)
            .map(Some)
            .map_err(|cause| broken(cause).help("sign in again with `jeton login`"))
    }

    /// Replaces what is stored, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written, or there is no home to write it to.
    pub fn save(&self) -> Result<(), Failure> {
        let path = path().ok_or_else(|| {
            Failure::failed("neither XDG_CONFIG_HOME nor HOME says where to keep the login")
        })?;
        let text = Zeroizing::new(toml::to_string(self).expect("four strings are TOML"));
        write_for_owner(&path, text.as_bytes())
            .map_err(|cause| Failure::failed(format!("could not write {}: {cause}", path.display())))
    }

    /// Waits until no other command is renewing what is stored, and keeps them waiting until it is dropped.
    /// None where nothing is stored anywhere.
    ///
    /// # Errors
    /// When the file beside the login that it locks cannot be opened.
    pub fn lock() -> Result<Option<File>, Failure> {
        let Some(path) = path().map(|path| path.with_extension("lock")) else { return Ok(None) };
        let locked =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).and_then(
                |file| {
                    file.lock()?;
                    Ok(file)
                },
            );
        locked
            .map(Some)
            .map_err(|cause| Failure::failed(format!("could not lock {}: {cause}", path.display())))
    }

    /// Forgets what is stored.
    ///
    /// # Errors
    /// When the file is there and cannot be removed.
    pub fn forget() -> Result<(), Failure> {
        let Some(path) = path() else { return Ok(()) };
        match std::fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(Failure::failed(format!("could not remove {}: {cause}", path.display())))
            }
            _ => Ok(()),
        }
    }
}

/// The token that the environment gives: the file that `JETON_TOKEN_FILE` names, or `JETON_TOKEN`.
///
/// # Errors
/// When both are set, or the file cannot be read.
pub fn from_environment() -> Result<Option<Secret>, Failure> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    match (variable("JETON_TOKEN_FILE"), variable("JETON_TOKEN")) {
        (Some(_), Some(_)) => Err(Failure::usage("JETON_TOKEN_FILE and JETON_TOKEN are both set; keep one")),
        (Some(path), None) => input::secret(Path::new(&path), "token").map(Some),
        (None, Some(text)) => match text.into_string() {
            Ok(text) => Ok(Some(Secret::new(text))),
            Err(_) => Err(Failure::usage("JETON_TOKEN is not a token")),
        },
        (None, None) => Ok(None),
    }
}

/// XDG Base Directory Specification: a relative `XDG_CONFIG_HOME` does not count.
fn path() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?;
    Some(home.join("jeton").join("credentials.toml"))
}

fn write_for_owner(path: &Path, text: &[u8]) -> io::Result<()> {
    let directory = path.parent().expect("the path ends in jeton/credentials.toml");
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    // Named for this process, so that two logins at once do not write into one file.
    let draft = directory.join(format!(".credentials.{}", std::process::id()));
    let written =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft).and_then(
            |mut file| {
                // A draft that a crash left behind keeps its mode otherwise.
                file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
                file.write_all(text)?;
                file.sync_all()?;
                std::fs::rename(&draft, path)
            },
        );
    if written.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&draft);
    }
    written
}

fn warn_of_other_readers(path: &Path) {
    let others = std::fs::metadata(path).is_ok_and(|facts| facts.permissions().mode() & 0o077 != 0);
    if others {
        output::say(&format!("warning: others can read {0}; run `chmod 600 {0}`", path.display()));
    }
}
