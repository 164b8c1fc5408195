//! What commands print: data to standard output, everything else to standard error.

use std::io::{self, IsTerminal, Write};

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

/// Says something to the person, beside the data.
pub fn say(text: &str) {
    // If standard error is closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "{text}");
}

/// A table with a head. Where it is not a terminal, or a narrow one, a row is one line.
pub fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = blank();
    table.set_header(head);
    for row in rows {
        table.add_row(row.iter().map(|cell| one_line(cell)));
    }
    if io::stdout().is_terminal() && table.width().is_some_and(|width| width >= NARROW) {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    // The first column is the id, which people select with a double click.
    if let Some(ids) = table.column_mut(0) {
        ids.set_constraint(ColumnConstraint::ContentWidth);
    }
    trimmed(&table)
}

/// Below this many letters in a line, cells would be broken into columns of a few letters.
const NARROW: u16 = 60;

/// Names and values, one a line.
pub fn facts(facts: &[(&str, String)]) -> String {
    let mut table = blank();
    for (name, value) in facts {
        table.add_row([(*name).to_owned(), one_line(value)]);
    }
    trimmed(&table)
}

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

/// `2026-08-21T10:00:00.000000Z` as a person reads it; anything else as it is.
pub fn time(text: &str) -> String {
    match (text.get(..10), text.get(10..11), text.get(11..19)) {
        (Some(day), Some("T"), Some(clock)) if text.ends_with('Z') => format!("{day} {clock} UTC"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_one_line_a_row_and_no_trailing_blanks() {
        let rows =
            [vec!["pat_1".to_owned(), "a\nb\x1b[2J".to_owned()], vec!["pat_22".to_owned(), String::new()]];
        assert_eq!(table(&["ID", "NAME"], rows), "ID      NAME\npat_1   a\\nb\\u{1b}[2J\npat_22");
    }

    #[test]
    fn a_time_of_the_api_reads_without_its_fractions() {
        assert_eq!(time("2026-08-21T10:00:00.000000Z"), "2026-08-21 10:00:00 UTC");
        assert_eq!(time("never"), "never");
    }
}
