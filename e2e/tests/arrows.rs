//! Holds the arrows of the house: who may depend on whom, who may name a database, a wire or the
//! environment. The rooms and their floors are drawn in ARCHITECTURE.md.

use std::collections::BTreeMap;
use std::path::Path;

use e2e::repository;

/// Each room and its floor. Arrows point to lower floors only, so rooms of one floor do not know
/// each other.
const FLOORS: [(&str, u32); 12] = [
    ("token", 0),
    ("meter", 0),
    ("domain", 1),
    ("api", 1),
    ("store", 2),
    ("verifier", 2),
    ("client", 2),
    ("mail", 2),
    ("courier", 2),
    ("service", 3),
    ("web", 4),
    ("jeton", 5),
];

/// Which rooms may name a crate of which kind.
const KEEPERS: [(&str, &[&str], &[&str]); 4] = [
    (
        "SQL",
        &["rusqlite", "libsqlite3-sys", "tokio-postgres", "deadpool-postgres", "postgres", "sqlx", "diesel"],
        &["store"],
    ),
    (
        "HTTP on the serving side",
        &["axum", "hyper", "hyper-util", "http", "http-body", "http-body-util", "tower", "tower-http", "h2"],
        // The courier asks by it, of addresses that it has chosen itself, which no client that resolves names lets one.
        &["web", "client", "courier"],
    ),
    ("SMTP", &["lettre"], &["mail"]),
    // The command line and the client speak HTTP to a server as anybody does.
    ("HTTP on the asking side", &["ureq", "reqwest"], &["jeton", "client"]),
];

#[test]
fn arrows_point_to_lower_floors() {
    let rooms = rooms();
    assert!(rooms.len() >= 8, "the rooms were not found: {:?}", rooms.keys());
    assert_eq!(faults_of_manifests(&rooms), Vec::<String>::new());
}

#[test]
fn only_the_outermost_room_reads_the_environment() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for room in rooms().keys() {
        for (path, text) in sources(&repository().join("crates").join(room).join("src")) {
            seen += 1;
            faults.extend(faults_of_source(room, &path, &text));
        }
    }
    assert!(seen >= 8, "the sources were not found");
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn an_arrow_that_points_upwards_is_reported() {
    let faults = faults_of_manifests(&fixture("domain", "service = { path = \"../service\" }"));
    assert_eq!(faults, ["domain (floor 1) depends on service (floor 3)"]);
}

#[test]
fn an_arrow_between_neighbours_is_reported_whatever_it_is_called() {
    let faults =
        faults_of_manifests(&fixture("store", "memory = { package = \"verifier\", workspace = true }"));
    assert_eq!(faults, ["store (floor 2) depends on verifier (floor 2)"]);
}

#[test]
fn a_foreign_room_and_a_stray_crate_are_reported() {
    assert_eq!(faults_of_manifests(&fixture("cellar", "")), ["cellar stands on no floor; give it one here"]);
    let faults = faults_of_manifests(&fixture("service", "rusqlite.workspace = true\naxum = \"0.8\""));
    assert_eq!(
        faults,
        [
            "service names axum, which only web, client, courier may (HTTP on the serving side)",
            "service names rusqlite, which only store may (SQL)"
        ]
    );
    let unix = fixture_text("domain", "[target.'cfg(unix)'.dependencies]\nureq = \"3\"");
    assert_eq!(
        faults_of_manifests(&unix),
        ["domain names ureq, which only jeton, client may (HTTP on the asking side)"]
    );
}

#[test]
fn a_look_into_the_environment_is_reported_but_not_in_a_comment() {
    let looks = [
        "let home = std::env::var(\"HOME\");",
        "use std::env;",
        "use std::{env, fs};",
        "let home = option_env!(\"HOME\");",
        "for argument in std::env::args() {",
    ];
    for look in looks {
        assert_eq!(faults_of_source("service", "service/src/lib.rs", look).len(), 1, "{look}");
        assert_eq!(faults_of_source("jeton", "jeton/src/main.rs", look), Vec::<String>::new());
    }
    assert_eq!(
        faults_of_source("service", "service/src/lib.rs", "// std::env is for jeton alone"),
        Vec::<String>::new()
    );
}

/// The `[dependencies]` of each room by the real names of the crates, sorted.
type Rooms = BTreeMap<String, Vec<String>>;

fn faults_of_manifests(rooms: &Rooms) -> Vec<String> {
    let floor = |name: &str| FLOORS.iter().find(|(room, _)| *room == name).map(|(_, floor)| *floor);
    let mut faults = Vec::new();
    for (room, dependencies) in rooms {
        let Some(own) = floor(room) else {
            faults.push(format!("{room} stands on no floor; give it one here"));
            continue;
        };
        for dependency in dependencies {
            if let Some(other) = floor(dependency).filter(|other| *other >= own) {
                faults.push(format!("{room} (floor {own}) depends on {dependency} (floor {other})"));
            }
            for (kind, crates, keepers) in KEEPERS {
                if crates.contains(&dependency.as_str()) && !keepers.contains(&room.as_str()) {
                    faults.push(format!(
                        "{room} names {dependency}, which only {} may ({kind})",
                        keepers.join(", ")
                    ));
                }
            }
        }
    }
    faults
}

/// A look into the environment, line by line. Text rather than syntax: an import that hides the
/// word `env` altogether would pass, and no one writes that by accident.
fn faults_of_source(room: &str, path: &str, text: &str) -> Vec<String> {
    if room == "jeton" {
        return Vec::new();
    }
    let reads = |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        code.contains("std::env")
            || code.contains("option_env!")
            || (code.contains("use std::{")
                && code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "env"))
    };
    let numbered = text.lines().enumerate().filter(|(_, line)| reads(line));
    numbered.map(|(index, line)| format!("{path}:{}: {}", index + 1, line.trim())).collect()
}

fn rooms() -> Rooms {
    let crates = repository().join("crates");
    let entries = std::fs::read_dir(&crates).expect("the rooms are in crates/");
    let mut rooms = Rooms::new();
    for entry in entries {
        let path = entry.expect("a readable directory").path();
        let Ok(text) = std::fs::read_to_string(path.join("Cargo.toml")) else { continue };
        let name = path.file_name().expect("a room has a name").to_string_lossy().into_owned();
        rooms.insert(name, dependencies(&text));
    }
    rooms
}

/// What stands under `[dependencies]`, of every target too; not under `[dev-dependencies]`, for
/// tests may look anywhere.
fn dependencies(manifest: &str) -> Vec<String> {
    let manifest: toml::Table = manifest.parse().expect("cargo read this manifest already");
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let of_targets = targets
        .into_iter()
        .flat_map(|targets| targets.values())
        .filter_map(|target| target.get("dependencies"));
    let tables = manifest.get("dependencies").into_iter().chain(of_targets).filter_map(toml::Value::as_table);
    let mut names: Vec<String> = tables
        .flatten()
        .map(|(key, value)| value.get("package").and_then(toml::Value::as_str).unwrap_or(key).to_owned())
        .collect();
    names.sort();
    names
}

fn fixture(room: &str, lines: &str) -> Rooms {
    fixture_text(room, &format!("[dependencies]\n{lines}"))
}

fn fixture_text(room: &str, manifest: &str) -> Rooms {
    Rooms::from([(room.to_owned(), dependencies(manifest))])
}

/// Every Rust file below a directory, with its path from the repository's root.
fn sources(directory: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(&next).expect("a readable directory") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("our sources are UTF-8");
                let name = path.strip_prefix(repository()).expect("below the root").display().to_string();
                found.push((name, text));
            }
        }
    }
    found.sort();
    found
}
