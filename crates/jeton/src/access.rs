//! How a store is reached: the place that the configuration or a flag names, the password for it,
//! and the key file. The password file of PostgreSQL's own programs (`PGPASSFILE`, `~/.pgpass`) is
//! looked for here, because only this crate reads the environment.

use std::path::{Path, PathBuf};

use store::place::{Access, Place, Postgres, Secret};

use crate::cli::STORE;
use crate::config::{Config, Flag};
use crate::exit::Failure;

/// Where the store of a configuration is: `store.url`, otherwise SQLite in `data`.
pub(crate) fn place(config: &Config) -> Place {
    config.store_url.clone().unwrap_or_else(|| Place::Sqlite(config.data.clone()))
}

/// What opens the store of a configuration.
///
/// # Errors
/// When there are two passwords for it, or a password file that cannot be used.
pub(crate) fn of(config: &Config) -> Result<Access, Failure> {
    let place = place(config);
    let password = match &place {
        Place::Sqlite(_) => None,
        Place::Postgres(there) => {
            password(config.store_password.as_ref(), there, Passfile::usual().as_ref())?
        }
    };
    Ok(Access { place, password, keys: config.keys_file.clone() })
}

/// The place that a flag names, for the configuration. A password in it would be seen by everybody
/// who lists the processes.
///
/// # Errors
/// Usage, when there is one. What is no place at all is for the configuration to refuse.
pub(crate) fn flag(text: &str) -> Result<Flag, Failure> {
    must_not_tell(STORE, text)?;
    Ok(Flag { key: "store.url", flag: STORE, text: text.to_owned() })
}

/// The place that a flag of a command names.
///
/// # Errors
/// Usage, when it is none, or has a password in it.
pub(crate) fn named(flag: &'static str, text: &str) -> Result<Place, Failure> {
    must_not_tell(flag, text)?;
    text.parse().map_err(|why| {
        Failure::usage(format!("{flag} is `{}`, but {why}", store::place::redacted(text).escape_debug()))
    })
}

fn must_not_tell(flag: &str, text: &str) -> Result<(), Failure> {
    match text.parse() {
        Ok(Place::Postgres(there)) if there.password().is_some() => Err(Failure::usage(format!(
            "{flag} has a password in it; it would show in the list of processes"
        ))
        .help("leave it out of the URL; put it into the file that JETON_STORE__PASSWORD_FILE or PGPASSFILE names")),
        _ => Ok(()),
    }
}

/// The password for a database: the configuration's, else the URL's own (for which the answer is
/// none), else that of the password file.
///
/// # Errors
/// When the first two are both there, or the password file cannot be used.
pub(crate) fn password(
    configured: Option<&Secret>,
    there: &Postgres,
    passfile: Option<&Passfile>,
) -> Result<Option<Secret>, Failure> {
    match (configured, there.password(), passfile) {
        (Some(_), Some(_), _) => {
            Err(Failure::failed("store.url has a password in it, and store.password is set too; keep one"))
        }
        (Some(password), None, _) => Ok(Some(password.clone())),
        (None, Some(_), _) | (None, None, None) => Ok(None),
        (None, None, Some(passfile)) => passfile.password(there),
    }
}

/// A file of passwords, and whether somebody named it: a file that was named must be there.
#[derive(Debug)]
pub(crate) struct Passfile {
    path: PathBuf,
    named: bool,
}

impl Passfile {
    /// The one that `PGPASSFILE` names, otherwise `~/.pgpass`.
    pub(crate) fn usual() -> Option<Self> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let named = variable("PGPASSFILE").map(|path| Self { path, named: true });
        named.or_else(|| Some(Self { path: variable("HOME")?.join(".pgpass"), named: false }))
    }

    fn password(&self, there: &Postgres) -> Result<Option<Secret>, Failure> {
        if !self.named && !is_there(&self.path) {
            return Ok(None);
        }
        there.password_in(&self.path).map_err(|cause| anyhow::Error::from(cause).into())
    }
}

/// A file that may not be looked at counts as there, so that reading it says so.
fn is_there(path: &Path) -> bool {
    path.try_exists().unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postgres(text: &str) -> Postgres {
        match text.parse() {
            Ok(Place::Postgres(postgres)) => postgres,
            other => panic!("{text} is {other:?}"),
        }
    }

    fn passfile(text: &str) -> (tempfile::NamedTempFile, Passfile) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let passfile = Passfile { path: file.path().to_owned(), named: true };
        (file, passfile)
    }

    #[test]
    fn the_configured_password_goes_before_the_one_of_the_password_file() {
        let there = postgres("postgres://jeton@db/tokens");
        let (_file, passfile) = passfile("db:5432:tokens:jeton:filed");
        let configured = Secret::new("configured");
        let found = |configured: Option<&Secret>, there: &Postgres| {
            password(configured, there, Some(&passfile))
                .map(|found| found.map(|secret| secret.expose().to_owned()))
        };
        assert_eq!(found(Some(&configured), &there).unwrap().as_deref(), Some("configured"));
        assert_eq!(found(None, &there).unwrap().as_deref(), Some("filed"));
        assert_eq!(found(None, &postgres("postgres://other@db/tokens")).unwrap(), None);
        let own = postgres("postgres://jeton:own@db/tokens");
        assert_eq!(found(None, &own).unwrap(), None, "the place carries it");
        let twice = found(Some(&configured), &own).unwrap_err().to_string();
        assert!(twice.ends_with("keep one") && !twice.contains("configured"), "{twice}");
    }

    #[test]
    fn a_password_file_that_was_named_must_be_there_and_the_usual_one_need_not() {
        let there = postgres("postgres://jeton@db/tokens");
        let absent = |named| Passfile { path: "/nowhere/pgpass".into(), named };
        assert_eq!(password(None, &there, Some(&absent(false))).unwrap(), None);
        let said = password(None, &there, Some(&absent(true))).unwrap_err().to_string();
        assert!(said.starts_with("could not read the password file /nowhere/pgpass: "), "{said}");
    }
}
