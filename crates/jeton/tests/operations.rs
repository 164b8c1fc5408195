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
