//! The commands that act on a store itself, run as an operator runs them: which store they take,
//! and that no password is told to whoever lists the processes or reads what is printed.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

struct Ran {
    exit: i32,
    out: String,
    err: String,
}

fn run(directory: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_jeton"))
        .args(arguments)
        .env_clear()
        .env("HOME", directory)
        .envs(variables.iter().copied())
        .current_dir(directory)
        .output()
        .unwrap();
    Ran {
        exit: output.status.code().expect("the program ends by itself"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_password_in_an_argument_is_refused_by_every_command_and_not_repeated() {
    let home = TempDir::new().unwrap();
    let url = "postgres://jeton:s3cret@127.0.0.1:1/jeton";
    for command in [
        &["serve", "--store", url][..],
        &["init", "--account", "acme", "--admin", "a@b.c", "--password-file", "p", "--store", url],
        &["setup-link", "--store", url],
        &["migrate", "--store", url],
        &["doctor", "--store", url],
        &["backup", "--to", "f", "--store", url],
        &["restore", "--from", "f", "--store", url],
        &["export", "--to", "-", "--store", url],
        &["import", "--account", "acme", "--from", "f", "--store", url],
        &["admin", "reset", "--email", "a@b.c", "--password-file", "p", "--store", url],
        &["config", "show", "--store", url],
        &["config", "check", "--json", "--store", url],
        &["move", "--from", url, "--to", "sqlite:there"],
        &["move", "--from", "sqlite:here", "--to", url],
    ] {
        let ran = run(home.path(), &[], command);
        assert_eq!(ran.exit, 2, "{command:?}: {}", ran.err);
        assert!(ran.err.contains("it would show in the list of processes"), "{}", ran.err);
        assert!(ran.err.contains("JETON_STORE__PASSWORD_FILE or PGPASSFILE"), "{}", ran.err);
        assert!(!ran.err.contains("s3cret") && !ran.out.contains("s3cret"), "{command:?}");
    }
}

#[test]
fn the_flag_goes_before_the_environment_and_the_data_directory() {
    let home = TempDir::new().unwrap();
    let environment = [("JETON_STORE__URL", "postgres://jeton:s3cret@db/jeton")];
    let shown = run(home.path(), &environment, &["config", "show", "--origin"]);
    assert!(shown.out.contains("store.url = \"postgres://jeton@db/jeton\""), "{}", shown.out);
    assert!(!shown.out.contains("s3cret"), "{}", shown.out);

    std::fs::write(home.path().join("password"), "correct horse battery staple").unwrap();
    let init = ["init", "--account", "acme", "--admin", "ada@example.com", "--password-file", "password"];
    let ran =
        run(home.path(), &environment, &[&init[..], &["--store", "sqlite:here", "--data", "there"]].concat());
    assert_eq!(ran.exit, 0, "{}", ran.err);
    assert!(ran.err.contains("The data is in here."), "{}", ran.err);
    assert!(home.path().join("here/jeton.db").exists() && home.path().join("here/keys").exists());
    assert!(!home.path().join("there").exists());
    // The same store, found the other way.
    let again = run(home.path(), &[], &[&init[..], &["--data", "here"]].concat());
    assert_eq!(again.exit, 1, "{}", again.err);
    assert!(again.err.contains("has begun already"), "{}", again.err);
}

#[test]
fn a_password_file_that_others_can_read_is_refused_with_what_to_do() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("passwords");
    std::fs::write(&file, "*:*:*:*:s3cret\n").unwrap();
    let there = ["setup-link", "--store", "postgres://jeton@127.0.0.1:1/jeton"];
    let ran = run(home.path(), &[("PGPASSFILE", file.to_str().unwrap())], &there);
    assert_eq!(ran.exit, 1);
    assert!(ran.err.contains("can be read by others") && ran.err.contains("chmod 600"), "{}", ran.err);
    assert!(!ran.err.contains("s3cret"), "{}", ran.err);
    let ran = run(home.path(), &[("PGPASSFILE", "/nowhere/passwords")], &there);
    assert!(ran.err.contains("could not read the password file /nowhere/passwords"), "{}", ran.err);
}

#[test]
fn a_store_that_is_not_there_is_neither_moved_nor_made() {
    let home = TempDir::new().unwrap();
    let ran = run(home.path(), &[], &["move", "--from", "sqlite:here", "--to", "sqlite:there"]);
    assert_eq!(ran.exit, 1, "{}", ran.err);
    assert!(ran.err.contains("there is no store in sqlite:here"), "{}", ran.err);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn a_directory_that_was_named_and_is_not_there_is_bad_and_what_is_no_database_is_no_backup() {
    let home = TempDir::new().unwrap();
    let ran = run(home.path(), &[], &["doctor", "--data", "nowhere"]);
    assert_eq!(ran.exit, 1, "{}", ran.out);
    assert!(ran.out.contains("file system (bad): name the data directory"), "{}", ran.out);
    std::fs::write(home.path().join("password"), "correct horse battery staple").unwrap();
    for (file, data) in [("password", "nowhere"), ("/dev/null", "nowhere")] {
        let ran = run(home.path(), &[], &["restore", "--from", file, "--data", data]);
        assert_eq!(ran.exit, 1, "{}", ran.err);
        assert!(ran.err.starts_with(&format!("error: {file} is no backup of jeton\n")), "{}", ran.err);
    }
    assert!(!home.path().join("nowhere").exists());
}

#[test]
fn the_key_file_of_a_database_that_is_moved_from_is_where_the_flag_says() {
    let home = TempDir::new().unwrap();
    let database = postgres("moved_from");
    let password = home.path().join("password");
    std::fs::write(&password, "correct horse battery staple").unwrap();
    let init = ["init", "--account", "acme", "--admin", "ada@example.com", "--password-file", "password"];
    let ran = run(home.path(), &[], &[&init[..], &["--store", &database.url, "--data", "of-peer"]].concat());
    assert_eq!(ran.exit, 0, "{}", ran.err);
    assert!(ran.err.contains("The key file is of-peer/keys. Every peer needs a copy of it"), "{}", ran.err);

    let there = ["move", "--from", &database.url, "--to", "sqlite:there"];
    let ran = run(home.path(), &[], &there);
    assert_eq!(ran.exit, 1, "the key file is not in ./jeton-data: {}", ran.err);
    let ran = run(home.path(), &[], &[&there[..], &["--data", "of-peer"]].concat());
    assert_eq!(ran.exit, 0, "{}", ran.err);
    let keys = |directory: &str| std::fs::read_to_string(home.path().join(directory).join("keys")).unwrap();
    assert_eq!(keys("there"), keys("of-peer"));
    assert!(ran.err.contains("--store sqlite:there and the key file there/keys. "), "{}", ran.err);

    let back = postgres("moved_back");
    let ran = run(home.path(), &[], &["move", "--from", "sqlite:there", "--to", &back.url]);
    assert_eq!(ran.exit, 0, "{}", ran.err);
    let how =
        "the key file there/keys (a copy for every peer; set keys.file to it, or --data to its directory)";
    assert!(ran.err.contains(how), "{}", ran.err);
}

#[test]
fn a_database_that_is_not_there_is_named_once_with_what_its_server_says_and_what_to_do() {
    let home = TempDir::new().unwrap();
    // The variables of this test suite are in the environment, as they are where it is run by hand.
    let environment = [("JETON_TEST_POSTGRES", server())];
    let environment: Vec<_> = environment.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let url = in_database("nobody_made_this");
    let ran = run(home.path(), &environment, &["setup-link", "--store", &url]);
    assert_eq!(ran.exit, 1);
    assert_eq!(
        ran.err.trim_end(),
        format!(
            "error: could not use the database {url}: database \"nobody_made_this\" does not exist (3D000); \
             make it with CREATE DATABASE … OWNER …"
        )
    );
    let ran = run(home.path(), &environment, &["doctor", "--store", &url]);
    assert_eq!(ran.exit, 1);
    assert!(ran.out.contains("connection (bad): make it with CREATE DATABASE"), "{}", ran.out);

    let nobody = "postgres://jeton@127.0.0.1:1/jeton";
    let ran = run(home.path(), &[], &["migrate", "--store", nobody]);
    assert!(ran.err.contains("Connection refused") && ran.err.contains("is it started"), "{}", ran.err);
    assert_eq!(ran.err.matches(nobody).count(), 1, "{}", ran.err);
}

#[test]
fn root_makes_nothing_in_the_data_of_somebody_else() {
    use std::os::unix::fs::{MetadataExt, chown};
    let home = TempDir::new().unwrap();
    let data = home.path().join("data");
    if std::fs::metadata(home.path()).unwrap().uid() != 0 {
        println!("left out: only root can do what is refused here");
        return;
    }
    std::fs::write(home.path().join("password"), "correct horse battery staple").unwrap();
    let on = |command: &[&str]| run(home.path(), &[], &[command, &["--data", "data"]].concat());
    let init = ["init", "--account", "acme", "--admin", "ada@example.com", "--password-file", "password"];
    assert_eq!(on(&init).exit, 0);
    assert_eq!(on(&["backup", "--to", "before.db"]).exit, 0);
    let kept = || -> Vec<_> {
        let mut names: Vec<_> =
            std::fs::read_dir(&data).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        names
    };
    const SOMEBODY: u32 = 4_000_000_000;
    for file in std::fs::read_dir(&data).unwrap() {
        chown(file.unwrap().path(), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    }
    chown(&data, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    let before = kept();
    for command in [
        &init[..],
        &["setup-link"],
        &["serve", "--listen", "127.0.0.1:0"],
        &["migrate"],
        &["restore", "--from", "before.db", "--replace"],
        &["import", "--account", "acme", "--from", "password", "--dry-run"],
        &["admin", "reset", "--email", "ada@example.com", "--password-file", "password"],
        &["admin", "retire", "--email", "ada@example.com"],
        &["move", "--from", "sqlite:data", "--to", "sqlite:elsewhere"],
        &["move", "--from", "sqlite:elsewhere", "--to", "sqlite:data"],
    ] {
        let ran = on(command);
        assert_eq!(ran.exit, 1, "{command:?}: {}", ran.err);
        assert!(ran.err.contains("belong to the user #4000000000"), "{command:?}: {}", ran.err);
        assert!(ran.err.contains("`sudo -u '#4000000000' jeton …`"), "{command:?}: {}", ran.err);
    }
    // What only reads may.
    assert_eq!(on(&["backup", "--to", "after.db"]).exit, 0);
    assert_eq!(on(&["export", "--to", "all.jsonl"]).exit, 0);
    assert_eq!(on(&["doctor"]).exit, 0);
    assert_eq!(kept(), before, "nothing was made");
}

fn server() -> String {
    std::env::var("JETON_TEST_POSTGRES")
        .expect("start a PostgreSQL with script/postgres and set JETON_TEST_POSTGRES to what it prints")
}

fn in_database(name: &str) -> String {
    let server = server();
    let (address, _) = server.rsplit_once('/').expect("a URL with a database");
    format!("{address}/{name}")
}

/// A database of a test's own.
struct Database {
    name: String,
    url: String,
}

fn postgres(purpose: &str) -> Database {
    let name = format!("operations_{}_{purpose}", std::process::id());
    execute(&format!("CREATE DATABASE {name}"));
    Database { url: in_database(&name), name }
}

impl Drop for Database {
    fn drop(&mut self) {
        execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

fn execute(statement: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&server(), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(statement).await.unwrap();
    });
}
