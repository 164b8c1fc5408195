//! Walks docs/adopt.md with the example apps as they are in `examples/`, and counts what each of them gained.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::{READER, Tour, binary, free_port, repository};

/// Lines that an app may gain, blank ones apart.
const MOST: usize = 53;

#[test]
fn an_afternoon_of_adopting_goes_as_written() {
    let mut page = fs::read_to_string(repository().join("docs/adopt.md")).expect("there is the page");
    for written in ["7070", "7171", "7172"] {
        page = page.replace(written, &free_port().to_string());
    }
    let tour = Tour::of_page(&page);
    for told in ["service create", "with-jeton/app.js", "with_jeton.app", "Jeton", "by-external-id"] {
        assert!(page.contains(told), "the page does not speak of `{told}`");
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let work = directory.path().join(READER);
    copy(&repository().join("examples"), &work.join("examples"));
    let python = installed(&work);
    assert_eq!(tour.run(directory.path(), &[binary().parent().expect("a directory"), &python]), Ok(()));
}

#[test]
fn each_example_gained_at_most_so_many_lines() {
    let examples = repository().join("examples");
    for (before, after) in [
        ("express/before/app.js", "express/with-jeton/app.js"),
        ("fastapi/before/app.py", "fastapi/with_jeton/app.py"),
    ] {
        let read = |file: &str| fs::read_to_string(examples.join(file)).expect("the example is there");
        let added = added(&read(before), &read(after));
        assert!((10..=MOST).contains(&added), "{after} gained {added} lines, and {MOST} are promised");
    }
    assert_eq!(added("a\nb\n", "a\n\nb\nb\nc\n"), 2);
}

/// Lines that are there more often than before, blank ones apart.
fn added(before: &str, after: &str) -> usize {
    let mut had: HashMap<&str, usize> = HashMap::new();
    for line in before.lines() {
        *had.entry(line).or_default() += 1;
    }
    let new = after.lines().filter(|line| match had.get_mut(*line) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => !line.trim().is_empty(),
    });
    new.count()
}

/// Installs what the page has its reader install; returns where Python's programs are.
fn installed(work: &Path) -> PathBuf {
    run(Command::new("npm")
        .args(["ci", "--prefix", "examples/express", "--no-audit", "--no-fund"])
        .current_dir(work));
    // Kept beside the binary: it takes longer to install than to use.
    let wanted = fs::read_to_string(work.join("examples/fastapi/requirements.txt")).expect("it was copied");
    let kept = binary().parent().expect("a directory").join("examples-python");
    let mark = kept.join("requirements.txt");
    if fs::read_to_string(&mark).ok().as_deref() != Some(wanted.as_str()) {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&kept));
        let requirements = work.join("examples/fastapi/requirements.txt");
        run(Command::new(kept.join("bin/pip"))
            .args(["install", "--quiet", "--requirement"])
            .arg(requirements));
        fs::write(&mark, wanted).expect("the directory is ours");
    }
    kept.join("bin")
}

fn run(command: &mut Command) {
    let done = command.output().expect("the program is there; script/test installs it");
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Copies a tree of files, without what was installed into it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the directory is ours");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let name = entry.file_name();
        if name == "node_modules" || name == "__pycache__" {
            continue;
        }
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &to.join(name));
        } else {
            fs::copy(entry.path(), to.join(name)).expect("a file that can be read");
        }
    }
}
