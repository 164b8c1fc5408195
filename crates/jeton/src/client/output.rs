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
    fn a_time_of_the_api_reads_without_its_fractions() {
        assert_eq!(time("2026-08-21T10:00:00.000000Z"), "2026-08-21 10:00:00 UTC");
        assert_eq!(time("never"), "never");
    }
}
