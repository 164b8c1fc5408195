//! Walks the pages for operators as they are written: docs/operate.md and docs/import.md on a machine of
//! shims (a `systemctl` with sockets, a `sudo`, a `docker`), docs/postgres.md on a real database. And holds
//! what all pages link to.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use e2e::{Place, Postgres, READER, Tour, binary, blocks, free_port, only_on, programs, repository};
use tempfile::TempDir;

const PASSWORD: &str = "seven green bottles on a wall";

/// Stops at the first command that fails, and says which. What the pages do not start with, because a
/// reader types it line by line.
const CAREFUL: &str = "set -eEo pipefail\ntrap 'echo \"failed: $BASH_COMMAND\" >&2' ERR\n";

/// The program as on a machine with the package: it knows its data, and what works on them is for the
/// user jeton.
const JETON: &str = r#"#!/bin/sh
case $1 in
init|setup-link|backup|restore|export|import|migrate|move|admin|serve|doctor)
    if [ "$MACHINE_USER" != jeton ]; then
        echo "jeton $1 runs as the user jeton" >&2
        exit 1
    fi ;;
esac
export JETON_DATA="${MACHINE_DATA:-@DATA@}" JETON_SERVER__LISTEN="${MACHINE_LISTEN:-127.0.0.1:@PORT@}"
export JETON_SERVER__FOREIGN_TOKENS=true
exec '@JETON@' "$@"
"#;

const SUDO: &str = r#"#!/bin/sh
[ "$1 $2" = '-u jeton' ] || { echo "sudo $*: nobody but jeton" >&2; exit 1; }
shift 2
MACHINE_USER=jeton exec "$@"
"#;

/// What is stopped without its socket is started again by it, in the middle of whatever comes next.
const SYSTEMCTL: &str = r#"#!/bin/sh
pid='@HOME@/pid'
case $* in
'start jeton.socket jeton')
    [ ! -e "$pid" ] || { echo 'it runs' >&2; exit 1; }
    MACHINE_USER=jeton jeton serve > '@HOME@/serve.log' 2>&1 &
    echo $! > "$pid"
    curl --silent --fail --retry 60 --retry-delay 1 --retry-connrefused --output /dev/null \
        'http://127.0.0.1:@PORT@/readyz' || { cat '@HOME@/serve.log' >&2; exit 1; } ;;
'stop jeton.socket jeton')
    kill "$(cat "$pid")"
    while kill -0 "$(cat "$pid")" 2>/dev/null; do sleep 0.05; done
    rm "$pid" ;;
*)
    echo "systemctl $*: the socket would start the server again" >&2
    exit 1 ;;
esac
"#;

const DOCKER: &str = r#"#!/bin/sh
[ "$1" != build ] || exit 0
[ "$1" = run ] || exit 1
behind=
while [ "$1" != jeton ]; do
    [ "$1" != -d ] || behind=yes
    shift
done
shift
export MACHINE_USER=jeton MACHINE_DATA='@HOME@/volume' MACHINE_LISTEN=127.0.0.1:@OTHER@
[ $# -gt 0 ] || set -- serve
[ -n "$behind" ] || exec jeton "$@"
jeton "$@" > '@HOME@/container.log' 2>&1 &
curl --silent --fail --retry 60 --retry-delay 1 --retry-connrefused --output /dev/null 'http://127.0.0.1:@OTHER@/readyz'
"#;

/// A machine on which a page is walked: a directory in which its paths lie, and what it has installed.
struct Machine {
    directory: TempDir,
    port: String,
}

impl Machine {
    fn new() -> Machine {
        let machine =
            Machine { directory: tempfile::tempdir().expect("a directory"), port: free_port().to_string() };
        let jeton = binary().display().to_string();
        let (data, home) = (machine.at("data"), machine.at(""));
        let other = free_port().to_string();
        for (name, script) in [("jeton", JETON), ("sudo", SUDO), ("systemctl", SYSTEMCTL), ("docker", DOCKER)]
        {
            let parts =
                [("@DATA@", &data), ("@HOME@", &home), ("@PORT@", &machine.port), ("@OTHER@", &other)];
            let script = parts.iter().fold(script.to_owned(), |text, (from, to)| text.replace(from, to));
            let path = machine.path("bin").join(name);
            fs::create_dir_all(machine.path("bin")).expect("our own directory");
            fs::write(&path, script.replace("@JETON@", &jeton)).expect("our own directory");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("our own file");
        }
        for directory in ["backup", "srv/import", READER] {
            fs::create_dir_all(machine.path(directory)).expect("our own directory");
        }
        fs::write(machine.path(READER).join("password"), PASSWORD).expect("our own directory");
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn at(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The blocks of a page, with its places as they are on this machine.
    fn page(&self, name: &str) -> String {
        let page = fs::read_to_string(repository().join("docs").join(name)).expect("there is the page");
        page.replace("/backup", &self.at("backup"))
            .replace("/srv/import", &self.at("srv/import"))
            .replace("$(date +%F)", "2026-11-22")
            .replace("127.0.0.1:7070", &format!("127.0.0.1:{}", self.port))
            .replace("127.0.0.1:7080", &format!("127.0.0.1:{}", free_port()))
    }

    #[track_caller]
    fn walk(&self, steps: &[String]) {
        let all: Vec<String> = [CAREFUL.to_owned()].into_iter().chain(steps.iter().cloned()).collect();
        let bin = self.path("bin");
        let walked = Tour::of_blocks(&all).run(self.directory.path(), &[&bin, &programs()]);
        assert_eq!(walked, Ok(()));
    }
}

/// What the test does between the steps of a page, in the reader's stead.
fn reader(commands: &str) -> Vec<String> {
    vec![format!("{commands}\n")]
}

#[test]
fn a_server_is_operated_as_the_page_says() {
    if !only_on(&[Place::Sqlite], "PostgreSQL has a page of its own") {
        return;
    }
    let machine = Machine::new();
    let page = machine.page("operate.md");
    let of = |heading: &str| {
        let found = blocks(&page, Some(heading));
        assert!(!found.is_empty(), "nothing to do under \"{heading}\"");
        found
    };
    let (restore, operators) = (of("Restore"), of("Operators"));
    let (backup, data) = (machine.at("backup"), machine.at("data"));
    let log_in = format!(
        "jeton login --server http://127.0.0.1:{} --email ada@example.com --password-file password",
        machine.port
    );
    let steps = [
        of("Running under systemd"),
        reader(&log_in),
        reader("jeton token create kept --expires-in 90d > kept\njeton token create gone --expires-in 90d > gone"),
        of("Backup"),
        reader("jeton token revoke \"$(cut -d _ -f 2,3 gone)\""),
        restore[..1].to_vec(),
        reader("jeton token verify < kept\n# => verdict…valid\n# => …"),
        reader("jeton token verify < gone || true\n# => verdict…revoked\n# => …"),
        of("Lost administrator"),
        reader(&log_in),
        of("Is it well?"),
        reader("jeton service list"),
        operators[..1].to_vec(),
        operators[1..].to_vec(),
        reader("if jeton service list; then exit 1; fi"),
        // What a new machine is given.
        reader(&format!(
            "systemctl stop jeton.socket jeton\ncp {backup}/jeton-2026-11-22.db {backup}/jeton.db\n\
             cp {data}/narrowings.log {backup}\nrm -r {data}/jeton.db* {data}/before-restore-1 {data}/narrowings.log"
        )),
        restore[1..].to_vec(),
        reader("if sudo -u jeton jeton admin retire --email ada@example.com; then exit 1; fi"),
        reader("systemctl start jeton.socket jeton\nJETON_TOKEN_FILE=kept jeton whoami\n# => …\n# => token…\n# => …"),
        reader("if JETON_TOKEN_FILE=gone jeton whoami; then exit 1; fi"),
        of("Container"),
        of("Development"),
    ]
    .concat();
    for block in blocks(&page, None) {
        assert!(steps.contains(&block), "nobody walks\n{block}");
    }
    machine.walk(&steps);
    assert!(machine.path("backup/of-container.db").exists());
}

#[test]
fn keys_of_another_system_are_taken_over_as_the_page_says() {
    if !only_on(&[Place::Sqlite], "the import itself is tried everywhere") {
        return;
    }
    let machine = Machine::new();
    let page = machine.page("import.md");
    let table = page.split("```csv\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a table");
    fs::write(machine.path("srv/import/keys.csv"), table).expect("our own directory");
    let begin = format!(
        "sudo -u jeton jeton init --account acme --admin ada@example.com --password-file - < password > init\n\
         systemctl start jeton.socket jeton\n\
         jeton login --server http://127.0.0.1:{} --email ada@example.com --password-file password\n\
         jeton member create 'Customer 1' --external-id u-1 --role Viewer",
        machine.port
    );
    let steps = [
        reader(&begin),
        blocks(&page, None),
        reader(
            "printf old-key-of-customer-1 | jeton token verify\n# => verdict…valid\n# => token…ci\n# => …",
        ),
    ];
    machine.walk(&steps.concat());
}

#[test]
fn an_empty_postgresql_becomes_a_server_as_the_page_says() {
    if !only_on(&[Place::Postgres], "a page about PostgreSQL") {
        return;
    }
    let (first, second) = (Postgres::create(), Postgres::create());
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name).display().to_string();
    let page = fs::read_to_string(repository().join("docs/postgres.md")).expect("there is the page");
    let shown = "jeton serve --store \"$URL\" --data /var/lib/jeton --listen 0.0.0.0:7070";
    assert!(page.contains(shown), "nobody starts a peer");
    let port = free_port();
    let peer = format!(
        "jeton serve --store \"$URL\" --data {} --listen 127.0.0.1:{port} > serve.log 2>&1 &\n\
         curl --silent --fail --retry 60 --retry-delay 1 --retry-connrefused --output /dev/null http://127.0.0.1:{port}/readyz",
        at("data")
    );
    let page = page
        .replace(shown, &peer)
        .replace("postgres://jeton@db.example.com/jeton", &first.store)
        .replace("/var/lib/jeton", &at("data"));
    let of = |heading: &str| blocks(&page, Some(heading));
    let stopped = "kill %1\nwait %1";
    let log_in = format!(
        "jeton login --server http://127.0.0.1:{port} --email ada@example.com --password-file password\njeton token list"
    );
    let elsewhere = format!(
        "rm -r {0}\njeton init --data {0} --account acme --admin ada@example.com --password-file password\nURL='{1}'",
        at("data"),
        second.store
    );
    let steps = [
        reader(CAREFUL),
        of("A database"),
        of("The first start"),
        of("Three peers"),
        reader(&log_in),
        reader(stopped),
        of("Backup"),
        of("A new version"),
        reader(&peer),
        reader(&log_in),
        reader(stopped),
        reader(&elsewhere),
        of("Moving"),
        reader(&peer),
        reader(&log_in),
    ]
    .concat();
    for block in blocks(&page, None) {
        assert!(steps.contains(&block), "nobody walks\n{block}");
    }
    let jeton = binary();
    let walked =
        Tour::of_blocks(&steps).run(directory.path(), &[jeton.parent().expect("a directory"), &programs()]);
    assert_eq!(walked, Ok(()));
}

#[test]
fn what_a_page_links_to_is_there() {
    let mut faults = Vec::new();
    let mut pages: Vec<PathBuf> = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        .iter()
        .map(|name| repository().join(name))
        .collect();
    let docs = fs::read_dir(repository().join("docs")).expect("docs");
    // Pictures lie beside them.
    pages.extend(docs.map(|page| page.expect("a page").path()).filter(|page| page.is_file()));
    for page in &pages {
        let text = fs::read_to_string(page).expect("a page");
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let there = match file {
                "" => page.clone(),
                file => page.parent().expect("a directory").join(file),
            };
            if !there.exists() || (!anchor.is_empty() && !anchors(&there).iter().any(|known| known == anchor))
            {
                faults.push(format!("{} links to {target}", page.display()));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

/// What headings of a page are called in links, as GitHub makes it of them.
fn anchors(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).expect("a page");
    let mut fenced = false;
    let headings = text.lines().filter(|line| {
        fenced ^= line.starts_with("```");
        !fenced && line.starts_with('#')
    });
    let slug = |heading: &str| -> String {
        let title = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(slug).collect()
}
