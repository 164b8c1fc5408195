//! How the operator made the console theirs: the keys under `[console]` as the pages take them, with the
//! logo read.

use std::path::Path;

use web::console::Look;

use crate::config::Config;
use crate::exit::Failure;

/// A logo is sent with each first visit.
const LOGO_BYTES: u64 = 200 * 1024;

/// What the configuration says of the console.
///
/// # Errors
/// A logo that cannot be read, is too large or is neither SVG nor PNG.
pub(crate) fn of(config: &Config) -> Result<Look, Failure> {
    Ok(Look {
        public_url: config.server_public_url.as_ref().map(|url| url.0.clone()),
        base: config.console_base.0.clone(),
        name: config.console_name.0.clone(),
        logo: config.console_logo.as_deref().map(logo).transpose()?,
        accent: config.console_accent,
        return_url: config.console_return_url.as_ref().map(|url| url.0.clone()),
        locale: config.console_locale,
        framed_by: config.console_framed_by.as_ref().map(|origins| origins.0.clone()).unwrap_or_default(),
    })
}

fn logo(path: &Path) -> Result<(Vec<u8>, &'static str), Failure> {
    let wrong = |what: String| Failure::failed(format!("console.logo is {}, {what}", path.display()));
    let unread = |cause: std::io::Error| wrong(format!("which could not be read: {cause}"));
    let size = std::fs::metadata(path).map_err(unread)?.len();
    if size > LOGO_BYTES {
        return Err(wrong(format!("a file of {size} bytes, but a logo has {LOGO_BYTES} at most")));
    }
    let bytes = std::fs::read(path).map_err(unread)?;
    match kind(&bytes) {
        Some(kind) => Ok((bytes, kind)),
        None => Err(wrong("but it is neither an SVG nor a PNG".to_owned())),
    }
}

/// The type of an image, by what is in it: browsers are told not to guess.
fn kind(bytes: &[u8]) -> Option<&'static str> {
    // W3C, Portable Network Graphics, section 5.2.
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some("image/png");
    }
    let text = std::str::from_utf8(bytes).ok()?.trim_start_matches('\u{feff}').trim_start();
    (text.starts_with("<svg") || (text.starts_with("<?xml") && text.contains("<svg")))
        .then_some("image/svg+xml")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{LOGO_BYTES, kind, logo};

    #[test]
    fn a_logo_is_known_by_what_is_in_it() {
        assert_eq!(kind(b"\x89PNG\r\n\x1a\n..."), Some("image/png"));
        assert_eq!(kind(b"\n<svg xmlns='http://www.w3.org/2000/svg'/>"), Some("image/svg+xml"));
        assert_eq!(kind(b"<?xml version='1.0'?>\n<svg/>"), Some("image/svg+xml"));
        for other in [&b""[..], b"GIF89a", b"<html><svg/></html>", b"\xff\xd8\xff\xe0"] {
            assert_eq!(kind(other), None);
        }
    }

    #[test]
    fn a_logo_that_cannot_be_used_is_refused_with_its_path_and_why() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"GIF89a").unwrap();
        let why = logo(file.path()).unwrap_err().to_string();
        assert!(why.starts_with("console.logo is ") && why.ends_with("neither an SVG nor a PNG"), "{why}");
        file.write_all(&vec![b' '; LOGO_BYTES as usize]).unwrap();
        assert!(logo(file.path()).unwrap_err().to_string().contains("at most"));
        assert!(logo("/nowhere/at/all".as_ref()).unwrap_err().to_string().contains("could not be read"));
    }
}
