//! What commands read: secrets from a file, from standard input, or typed unseen; and the answers
//! of a person, where there is one.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::Path;

use api::Secret;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::output;
use crate::exit::Failure;

/// No secret of jeton is longer.
const LONGEST: u64 = 4096;

/// Reads a secret from a file, or from standard input for `-`: typed unseen where that is a
/// terminal. A line break at its end does not count. `what` names it, as in "password".
///
/// # Errors
/// When it cannot be read, is empty, or is not text.
pub fn secret(path: &Path, what: &str) -> Result<Secret, Failure> {
    if path == Path::new("-") {
        return if io::stdin().is_terminal() {
            hidden(what)
        } else {
            from(io::stdin().lock(), what, "standard input")
        };
    }
    let place = path.display().to_string();
    let file = File::open(path)
        .map_err(|cause| Failure::failed(format!("could not read the {what} from {place}: {cause}")))?;
    from(file, what, &place)
}

fn from(source: impl Read, what: &str, place: &str) -> Result<Secret, Failure> {
    let wrong = |why: &str| Failure::failed(format!("could not read the {what} from {place}: {why}"));
    let mut bytes = Zeroizing::new(Vec::new());
    source.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|cause| wrong(&cause.to_string()))?;
    if bytes.len() as u64 > LONGEST {
        return Err(wrong("it is longer than 4096 bytes"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("it is not text"))?;
    let line = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    match line {
        "" => Err(wrong("it is empty")),
        line => Ok(Secret::new(line)),
    }
}

/// Whether somebody can answer a question.
pub fn a_person_is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a line.
///
/// # Errors
/// When standard input ends instead.
pub fn line(question: &str) -> Result<String, Failure> {
    eprint!("{question}: ");
    let mut answer = String::new();
    match io::stdin().lock().read_line(&mut answer) {
        Ok(read) if read > 0 => Ok(answer.trim().to_owned()),
        _ => Err(Failure::failed("nothing was typed")),
    }
}

/// Asks whether to go on, unless `yes` did answer already.
///
/// # Errors
/// When the answer is not yes; usage, when nobody is there to give it.
pub fn confirm(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !a_person_is_there() {
        let unasked = format!("there is no terminal to ask: {question}");
        return Err(Failure::usage(unasked).help("repeat the command with --yes"));
    }
    match line(&format!("{question} [y/N]"))?.to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::failed("nothing was done")),
    }
}

/// Asks for a secret and shows nothing of what is typed.
///
/// # Errors
/// When standard input is no terminal, ends, or is interrupted.
pub fn hidden(what: &str) -> Result<Secret, Failure> {
    // Before the question, since starting throws away what was typed until then.
    let unseen =
        Unseen::start().map_err(|cause| Failure::failed(format!("could not ask for the {what}: {cause}")))?;
    eprint!("{what}: ");
    let typed = typed(io::stdin().lock());
    drop(unseen);
    output::say("");
    match typed {
        Ok(Some(bytes)) => from(bytes.as_slice(), what, "the terminal"),
        Ok(None) => Err(Failure::failed("interrupted")),
        Err(cause) => Err(Failure::failed(format!("could not read the {what}: {cause}"))),
    }
}

/// What is typed up to the end of the line, key by key; `None` when interrupted.
fn typed(mut keys: impl Read) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(256));
    let mut key = [0];
    while keys.read(&mut key)? == 1 {
        match key[0] {
            b'\r' | b'\n' | 0x04 => break,
            0x03 => return Ok(None),
            0x08 | 0x7f => {
                // A letter may be several bytes; those after the first begin with the bits 10.
                while bytes.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            0x15 => bytes.clear(),
            byte if bytes.len() < 4096 => bytes.push(byte),
            _ => {}
        }
    }
    Ok(Some(bytes))
}

/// A terminal that neither shows what is typed nor acts on it. It takes the interrupt as a key too:
/// ending the process there would leave the terminal blind.
struct Unseen(Termios);

impl Unseen {
    fn start() -> rustix::io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut during = before.clone();
        during.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        tcsetattr(io::stdin(), OptionalActions::Flush, &during)?;
        Ok(Self(before))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        // The terminal may be gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_loses_the_line_break_at_its_end_and_nothing_else() {
        for (bytes, text) in
            [(&b"a b\n"[..], " a b"), (b"a b\r\n", " a b"), (b"a b", " a b"), (b"a b\n\n", " a b\n")]
        {
            let bytes = [b" ", bytes].concat();
            assert_eq!(from(bytes.as_slice(), "password", "a file").unwrap().expose(), text);
        }
    }

    #[test]
    fn an_empty_too_long_or_binary_secret_is_refused_without_showing_it() {
        let said = |bytes: &[u8]| from(bytes, "password", "here").unwrap_err().to_string();
        assert_eq!(said(b"\n"), "could not read the password from here: it is empty");
        assert_eq!(
            said(&[b'x'; 4097]),
            "could not read the password from here: it is longer than 4096 bytes"
        );
        assert_eq!(said(b"hush\xff"), "could not read the password from here: it is not text");
    }

    #[test]
    fn typing_can_be_corrected_and_interrupted() {
        let line = |keys: &[u8]| typed(keys).unwrap().map(|bytes| bytes.to_vec());
        assert_eq!(line("pé\u{7f}\u{7f}ass\rrest".as_bytes()), Some(b"ass".to_vec()));
        assert_eq!(line(b"wrong\x15right\n"), Some(b"right".to_vec()));
        assert_eq!(line(b"pass\x03"), None);
    }
}
