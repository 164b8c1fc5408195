//! What the repository promises about itself: it speaks of the project alone, its files are short,
//! and nothing in it is called done that is not.

use e2e::{repository, tracked_files};
use token::{Kind, SystemEntropy, TokenText};

/// A file longer than this holds more than one idea; the house's rule of thumb.
const GUIDELINE: usize = 500;
/// No Rust file is longer than this.
const BOUND: usize = 600;

#[test]
fn no_file_speaks_of_the_machine_it_was_written_on() {
    assert_eq!(over_text(machine_paths), Vec::<String>::new());
}

#[test]
fn no_file_holds_a_secret() {
    assert_eq!(over_text(secrets), Vec::<String>::new());
}

#[test]
fn no_rust_file_is_longer_than_the_bound() {
    let mut lengths: Vec<(usize, String)> =
        rust_files().into_iter().map(|(path, text)| (text.lines().count(), path)).collect();
    lengths.sort();
    for (lines, path) in lengths.iter().rev().take_while(|(lines, _)| *lines > GUIDELINE) {
        println!("{path} has {lines} lines; about {GUIDELINE} is the guideline");
    }
    let over: Vec<_> = lengths.iter().filter(|(lines, _)| *lines > BOUND).collect();
    assert!(over.is_empty(), "longer than {BOUND} lines: {over:?}");
}

#[test]
fn nothing_unfinished_is_called_done() {
    let faults = rust_files().iter().flat_map(|(path, text)| unfinished(path, text)).collect::<Vec<_>>();
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn a_machines_path_is_found() {
    for (before, after) in
        [("see ", "work/main"), ("\"", "root/.cargo"), ("(", "home/ada/x"), (" ", "tmp/target-x")]
    {
        let text = format!("{before}/{after}");
        assert_eq!(machine_paths("a", &text).len(), 1, "{text}");
    }
    assert_eq!(machine_paths("a", &format!("../{}", "shared/design")).len(), 1);
    for text in
        ["https://example.com/home/", "crates/work/src", "$HOME/.config", "/var/lib/jeton", "a/root/b"]
    {
        assert_eq!(machine_paths("a", text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_secret_is_found_by_its_checksum_and_an_example_passes() {
    let body = "jtn_pat_0123456789ab_ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let made_up = format!("{body}000000");
    assert_eq!(secrets("a", &made_up), Vec::<String>::new());
    let real = TokenText::issue("jtn".parse().unwrap(), Kind::Pat, &SystemEntropy);
    assert_eq!(secrets("a", &format!("let token = \"{}\";", real.expose())).len(), 1);
    assert_eq!(secrets("a", &format!("-----BEGIN {} KEY-----", "PRIVATE")).len(), 1);
}

#[test]
fn unfinished_work_is_found() {
    for line in [
        format!("    {}!()", "todo"),
        format!("{}!(\"later\")", "unimplemented"),
        format!("#[{}]", "ignore"),
        format!("#[{} = \"\"]", "ignore"),
    ] {
        assert_eq!(unfinished("a.rs", &line).len(), 1, "{line}");
    }
    assert_eq!(
        unfinished("a.rs", &format!("#[{} = \"an hour long; script/soak runs it\"]", "ignore")),
        Vec::<String>::new()
    );
    assert_eq!(unfinished("a.rs", "// the todos of a list"), Vec::<String>::new());
}

/// Places that exist on one machine only. The words stand apart here so that this file passes too.
fn machine_paths(path: &str, text: &str) -> Vec<String> {
    let roots = ["work", "root", "home", "tmp/target", "tmp/jeton"].map(|name| format!("/{name}"));
    let mut faults = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let elsewhere = line.contains(&format!("../{}", "shared"));
        let absolute = roots.iter().any(|root| {
            line.match_indices(root.as_str()).any(|(at, found)| {
                let before = line[..at].chars().next_back();
                let after = line[at + found.len()..].chars().next();
                let begins = !before.is_some_and(|c| c.is_alphanumeric() || "._-/}~$*>".contains(c));
                begins && matches!(after, Some('/' | '-'))
            })
        });
        if elsewhere || absolute {
            faults.push(format!("{path}:{}: {}", index + 1, line.trim()));
        }
    }
    faults
}

fn unfinished(path: &str, text: &str) -> Vec<String> {
    let stubs = ["todo", "unimplemented"].map(|name| format!("{name}!("));
    let ignored = format!("#[{}", "ignore");
    let mut faults = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let stub = stubs.iter().any(|stub| line.contains(stub.as_str()));
        let unexplained = line.split_once(&ignored).is_some_and(|(_, rest)| {
            rest.starts_with(']') || rest.trim_start_matches([' ', '=']).starts_with("\"\"")
        });
        if stub || unexplained {
            faults.push(format!("{path}:{}: {}", index + 1, line.trim()));
        }
    }
    faults
}

/// A whole token, known by its checksum, is somebody's secret or teaches people to keep one there;
/// a made-up one is neither. The text of a token is specified in `crates/token`, whose vectors and
/// the fuzzer's seeds are whole.
fn secrets(path: &str, text: &str) -> Vec<String> {
    if path.starts_with("crates/token/") || path.starts_with("fuzz/") {
        return Vec::new();
    }
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let whole = words.filter(|word| TokenText::parse(word).is_ok()).map(|_| "a whole token");
    let key = |line: &&str| line.trim_start().starts_with("-----BEGIN") && line.contains("PRIVATE KEY");
    let keys = text.lines().filter(key);
    whole.chain(keys.map(|_| "a private key")).map(|what| format!("{path}: {what}")).collect()
}

fn over_text(find: impl Fn(&str, &str) -> Vec<String>) -> Vec<String> {
    texts().iter().flat_map(|(path, text)| find(path, text)).collect()
}

fn rust_files() -> Vec<(String, String)> {
    texts().into_iter().filter(|(path, _)| path.ends_with(".rs")).collect()
}

/// Every tracked file that is text, with its path.
fn texts() -> Vec<(String, String)> {
    let files = tracked_files();
    assert!(
        files.iter().any(|path| path == "Cargo.toml"),
        "git listed {} files, none of them ours",
        files.len()
    );
    let read = |path: String| {
        let text = std::fs::read_to_string(repository().join(&path)).ok()?;
        Some((path, text))
    };
    files.into_iter().filter_map(read).collect()
}
