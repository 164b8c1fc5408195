//! Holds docs/security.md to the sources: fifty rows, and behind each a test that exists or the name
//! of the capability that it waits for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use e2e::repository;

/// The rows that may wait, for there is nothing yet that could fail.
const LATER: [u32; 5] = [8, 9, 36, 42, 47];

#[test]
fn every_row_of_the_table_is_held_by_a_test_that_exists() {
    let text = std::fs::read_to_string(repository().join("docs/security.md")).expect("the table is there");
    let rows = rows(&text);
    assert_eq!(rows.keys().copied().collect::<Vec<_>>(), (1..=50).collect::<Vec<_>>());
    let mut faults = Vec::new();
    for (number, held_by) in &rows {
        let tests = tests(held_by);
        let waits = LATER.contains(number);
        if waits != held_by.starts_with("later: ") {
            faults.push(format!("row {number} waits or does not: {held_by}"));
        }
        if tests.is_empty() != waits {
            faults.push(format!("row {number} names {} tests", tests.len()));
        }
        faults.extend(
            tests.iter().filter(|name| !exists(name)).map(|name| format!("row {number}: no test {name}")),
        );
    }
    // What we found ourselves stands below the table, and names its tests too.
    faults.extend(tests(&text).iter().filter(|name| !exists(name)).map(|name| format!("no test {name}")));
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn a_test_that_is_not_there_is_noticed() {
    assert!(exists("e2e::security_table::a_test_that_is_not_there_is_noticed"));
    assert!(!exists("e2e::security_table::a_test_that_nobody_wrote"));
    assert!(!exists("e2e::nowhere::a_test_that_is_not_there_is_noticed"));
    // A function that is no test holds nothing.
    assert!(!exists("e2e::security_table::exists"));
    assert_eq!(tests("`a::b::c`, and `d::e::f`; `clippy.toml` too"), BTreeSet::from(["a::b::c", "d::e::f"]));
}

/// The last cell of each row by its number.
fn rows(text: &str) -> BTreeMap<u32, String> {
    let cells = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let number = cells.first()?.parse().ok()?;
        (cells.len() == 4 && cells.iter().all(|cell| !cell.is_empty())).then(|| (number, cells[3].to_owned()))
    });
    cells.collect()
}

/// The names in a cell: what stands in backquotes and has three parts.
fn tests(cell: &str) -> BTreeSet<&str> {
    cell.split('`').skip(1).step_by(2).filter(|name| name.matches("::").count() == 2).collect()
}

/// Whether a file of that name, in that crate, has that function under a test's attribute or inside
/// `proptest!`.
fn exists(name: &str) -> bool {
    let parts: Vec<&str> = name.split("::").collect();
    let [room, file, function] = parts[..] else { return false };
    let root = if room == "e2e" { repository().join("e2e") } else { repository().join("crates").join(room) };
    let mut files = Vec::new();
    for below in ["src", "tests"] {
        named(&root.join(below), &format!("{file}.rs"), &mut files);
    }
    files.iter().any(|path| {
        let text = std::fs::read_to_string(path).expect("our sources are UTF-8");
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let declared = format!("fn {function}(");
        lines.iter().enumerate().any(|(at, line)| {
            let before = lines[..at].iter().rev().take_while(|line| line.starts_with("#["));
            line.contains(&declared) && before.into_iter().any(|line| is_test(line))
        })
    })
}

fn is_test(attribute: &str) -> bool {
    ["#[test]", "#[rstest]", "#[tokio::test", "#[case"].iter().any(|known| attribute.starts_with(known))
}

fn named(directory: &Path, name: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        if path.is_dir() {
            named(&path, name, found);
        } else if path.file_name().is_some_and(|file| file == name) {
            found.push(path);
        }
    }
}
