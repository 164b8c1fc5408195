//! Whose the data are. What root makes in a directory of somebody else, that somebody cannot open, and
//! their server does not start any more; so whatever writes there is refused to root.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::{Uid, geteuid};
use store::place::Place;

use crate::exit::Failure;

/// Refuses root where the directory belongs to somebody else. Anybody else is refused by the file system
/// itself.
///
/// # Errors
/// With the user as whom to do it.
pub(crate) fn must_not_be_another(data: &Path) -> Result<(), Failure> {
    // What is not there yet will belong to whoever makes it.
    let Ok(found) = fs::metadata(data) else { return Ok(()) };
    if !geteuid().is_root() || found.uid() == Uid::ROOT.as_raw() {
        return Ok(());
    }
    let owner = called(found.uid());
    Err(Failure::failed(format!(
        "the data in {} belong to the user {owner}, whose server cannot open what root makes there",
        data.display()
    ))
    .help(format!("run it as that user: `sudo -u '{owner}' jeton …`")))
}

/// The same for the directory of a store and, where the facts are elsewhere, the one that has the key
/// file.
///
/// # Errors
/// As [`must_not_be_another`].
pub(crate) fn must_not_own(place: &Place, data: &Path) -> Result<(), Failure> {
    must_not_be_another(match place {
        Place::Sqlite(directory) => directory,
        Place::Postgres(_) => data,
    })
}

/// As `sudo -u` takes it: the name of a user of this machine, or the number.
fn called(user: u32) -> String {
    let known = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let names = known.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(user)).then(|| name.to_owned())
    });
    names.unwrap_or_else(|| format!("#{user}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_called_by_name_where_there_is_one() {
        assert_eq!(called(0), "root");
        assert_eq!(called(4_000_000_000), "#4000000000");
    }
}
