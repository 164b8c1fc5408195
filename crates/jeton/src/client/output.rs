//! What commands print: data to standard output, everything else to standard error.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};

use crate::exit::Failure;
use crate::telemetry::one_line;

/// Prints data, with a line break at its end. A reader that went away (`| head`) is not an error.
///
/// # Errors
/// When it cannot be written, as on a full disk: a secret that was shown once would be lost
/// silently.
pub fn data(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("could not write to standard output: {cause}")))
        }
        _ => Ok(()),
    }
}

/// Where data goes that is too long to hold: a new file for its owner alone, or standard output.
pub struct Sink {
    /// None for standard output.
    file: Option<PathBuf>,
    out: BufWriter<Out>,
    /// Whether the reader of standard output went away.
    gone: bool,
}

enum Out {
    File(File),
    Standard(io::Stdout),
}

impl Sink {
    /// # Errors
    /// A file that is there already, or cannot be made. `-` is standard output.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            let out = BufWriter::new(Out::Standard(io::stdout()));
            return Ok(Self { file: None, out, gone: false });
        }
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let made = made.map_err(|cause| match cause.kind() {
            io::ErrorKind::AlreadyExists => {
                Failure::failed(format!("{} is there already; name a new file", path.display()))
            }
            _ => unwritten(&path.display().to_string(), &cause),
        })?;
        Ok(Self { file: Some(path.to_owned()), out: BufWriter::new(Out::File(made)), gone: false })
    }

    /// What to say of an error of writing to it.
    pub fn failed(&self, cause: &io::Error) -> Failure {
        let shown = self.file.as_ref().map(|path| path.display().to_string());
        unwritten(shown.as_deref().unwrap_or("standard output"), cause)
    }

    /// Ends it, with what came of writing: a file is on the disk when this returns. After a failure no
    /// file is left, for half of one looks whole. `None` where the reader of standard output went away
    /// (`| head`), who has what it wanted.
    ///
    /// # Errors
    /// That failure, or the one of writing the rest.
    pub fn close<T>(mut self, written: Result<T, Failure>) -> Result<Option<T>, Failure> {
        let whole = match written {
            Ok(done) => self.finish().map(|()| done).map_err(|cause| self.failed(&cause)),
            Err(why) => Err(why),
        };
        match whole {
            Ok(done) => Ok(Some(done)),
            Err(_) if self.gone => Ok(None),
            Err(why) => {
                // The first error is the one to tell.
                let _ = self.file.map(fs::remove_file);
                Err(why)
            }
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.flush()?;
        match self.out.get_ref() {
            Out::File(file) => file.sync_all(),
            Out::Standard(_) => Ok(()),
        }
    }

    fn heard<T>(&mut self, written: io::Result<T>) -> io::Result<T> {
        let gone = written.as_ref().is_err_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe);
        self.gone |= gone && self.file.is_none();
        written
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.heard(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.heard(flushed)
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Standard(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Standard(out) => out.flush(),
        }
    }
}

fn unwritten(shown: &str, cause: &io::Error) -> Failure {
    Failure::failed(format!("could not write {shown}: {cause}"))
}

/// Says something to the person, beside the data.
pub fn say(text: &str) {
    // If standard error is closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "{text}");
}

/// A table with a head, a line a row.
pub fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    trimmed(&filled(head, rows))
}

/// How many letters stand beside each other on the terminal, where standard output is one.
pub fn room() -> Option<usize> {
    blank().width().filter(|_| io::stdout().is_terminal()).map(usize::from)
}

/// Whether each line of a text has room.
pub fn fits(text: &str, room: Option<usize>) -> bool {
    room.is_none_or(|room| text.lines().all(|line| line.chars().count() <= room))
}

/// A table with as many columns as there is room for, and the names of those that were left out:
/// of `dispensable`, first such as say the same in every row, then as they stand there.
pub fn narrowed<'a>(
    head: &[&'a str],
    rows: &[Vec<String>],
    dispensable: &[&'a str],
    room: usize,
) -> (String, Vec<&'a str>) {
    let mut head = head.to_vec();
    let mut rows = rows.to_vec();
    let mut left_out = Vec::new();
    loop {
        let whole = table(&head, rows.iter().cloned());
        let alike = |at: usize| rows.windows(2).all(|pair| pair[0][at] == pair[1][at]);
        let mut candidates: Vec<usize> =
            dispensable.iter().filter_map(|name| head.iter().position(|own| own == name)).collect();
        candidates.sort_by_key(|at| !alike(*at));
        match candidates.first() {
            Some(&at) if !fits(&whole, Some(room)) => {
                left_out.push(head.remove(at));
                rows.iter_mut().for_each(|row| drop(row.remove(at)));
            }
            _ => return (whole, left_out),
        }
    }
}

fn filled(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = blank();
    table.set_header(head);
    for row in rows {
        table.add_row(row.iter().map(|cell| one_line(cell)));
    }
    table
}

/// Names and values, one a line.
pub fn facts(facts: &[(&str, String)]) -> String {
    let mut table = blank();
    for (name, value) in facts {
        table.add_row([(*name).to_owned(), one_line(value)]);
    }
    // A list of permissions is longer than a line.
    if let Some(width) = room().filter(|room| *room >= NARROW).and_then(|room| u16::try_from(room).ok()) {
        table.set_width(width);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        if let Some(names) = table.column_mut(0) {
            names.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    trimmed(&table)
}

/// Below this many letters in a line, cells would be broken into columns of a few letters.
const NARROW: usize = 60;

fn blank() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table
}

/// Without the blanks that would stand at either end of each line.
fn trimmed(table: &Table) -> String {
    table
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

/// A number of things in words.
pub fn many(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The same of entries of a journal.
pub fn entries(count: i64) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

/// The day alone of a time of the API.
pub fn day(text: &str) -> String {
    text.get(..10).unwrap_or(text).to_owned()
}

/// `2026-08-21T10:00:00.000000Z` as a person reads it; anything else as it is.
pub fn time(text: &str) -> String {
    match (text.get(..10), text.get(10..11), text.get(11..19)) {
        (Some(day), Some("T"), Some(clock)) if text.ends_with('Z') => format!("{day} {clock} UTC"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_table_has_one_line_a_row_and_no_trailing_blanks() {
        let rows =
            [vec!["pat_1".to_owned(), "a\nb\x1b[2J".to_owned()], vec!["pat_22".to_owned(), String::new()]];
        assert_eq!(table(&["ID", "NAME"], rows), "ID      NAME\npat_1   a\\nb\\u{1b}[2J\npat_22");
    }

    #[test]
    fn a_narrow_table_loses_columns_and_never_breaks_a_line() {
        let row = |name: &str, node: &str| {
            ["pat_0123456789ab", name, "ada", node].iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>()
        };
        let rows = [row("nightly build", "/"), row("ci", "/sales")];
        let head = ["ID", "NAME", "HOLDER", "NODE"];
        let at = |room| narrowed(&head, &rows, &["NODE", "HOLDER"], room);
        assert_eq!(at(80).1, Vec::<&str>::new());
        // The holder is the same in both rows.
        assert_eq!(at(42), ("ID                NAME           NODE\npat_0123456789ab  nightly build  /\npat_0123456789ab  ci             /sales".to_owned(), vec!["HOLDER"]));
        assert_eq!(at(10).1, ["HOLDER", "NODE"]);
    }

    #[test]
    fn a_file_is_whole_and_its_owners_alone_or_not_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("all.jsonl");
        let mut sink = Sink::open(&path).unwrap();
        writeln!(sink, "one line").unwrap();
        assert!(sink.close::<()>(Err(Failure::failed("the rest did not come"))).is_err());
        assert!(!path.exists());
        let mut sink = Sink::open(&path).unwrap();
        writeln!(sink, "one line").unwrap();
        assert_eq!(sink.close(Ok(1)).unwrap(), Some(1));
        assert_eq!(fs::read_to_string(&path).unwrap(), "one line\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = Sink::open(&path).err().expect("it is there").to_string();
        assert!(again.ends_with("all.jsonl is there already; name a new file"), "{again}");
    }

    #[test]
    fn a_time_of_the_api_reads_without_its_fractions() {
        assert_eq!(time("2026-08-21T10:00:00.000000Z"), "2026-08-21 10:00:00 UTC");
        assert_eq!(time("never"), "never");
    }
}
