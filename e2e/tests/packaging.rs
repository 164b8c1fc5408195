//! What is shipped around the program: its units, its Debian package, its container. A package is
//! really made and looked into; the units are judged by systemd's own tool where there is one; the
//! Dockerfile is read, for there may be nothing here to build it with.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use e2e::{binary, repository, tracked_files};

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What a program of the machine says; none where it is not there.
fn said(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).current_dir(repository()).output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            println!("left out: there is no {program} here");
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_unit_is_hardened_as_far_as_the_tool_can_tell() {
    let unit = "packaging/jeton.service";
    let Some(output) = said("systemd-analyze", &["security", "--offline=true", "--no-pager", unit]) else {
        return;
    };
    let said = text(&output.stdout);
    let line = said.lines().find(|line| line.contains("Overall exposure level")).unwrap_or_else(|| {
        panic!("systemd-analyze says nothing of exposure: {said}{}", text(&output.stderr))
    });
    let score: f64 = line
        .split(": ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .expect("a score")
        .parse()
        .expect("a number");
    assert!(score <= 1.5, "{said}");
}

#[test]
fn the_unit_waits_longer_than_the_server_drains() {
    let unit = read("packaging/jeton.service");
    let seconds = unit.lines().find_map(|line| line.strip_prefix("TimeoutStopSec=")).expect("a time");
    let defaults = Command::new(binary())
        .args(["config", "show", "--config", "/dev/null", "--json"])
        .env_clear()
        .output()
        .expect("the binary runs");
    let shown: serde_json::Value = serde_json::from_slice(&defaults.stdout).expect("JSON");
    let drain = shown["server.drain"].as_str().expect("a period").trim_end_matches(" s");
    let [seconds, drain] = [seconds, drain].map(|text| text.parse::<u32>().expect("seconds"));
    assert!(seconds > drain, "{seconds} {drain}");
}

#[test]
fn the_sockets_speak_of_the_service_as_the_server_does() {
    let metrics = read("packaging/jeton-metrics.socket");
    assert!(metrics.contains("FileDescriptorName=metrics") && metrics.contains("Service=jeton.service"));
    // Without a Service= it is the one of the same name.
    assert!(read("packaging/jeton.socket").contains("ListenStream=127.0.0.1:7070"));
}

#[test]
fn the_shipped_configuration_is_in_order() {
    let file = repository().join("packaging/jeton.toml");
    let mut command = Command::new(binary());
    let checked =
        command.args(["config", "check", "--config"]).arg(&file).env_clear().output().expect("it runs");
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    // Every line that is commented out is one that could stand there.
    let commented: String = read("packaging/jeton.toml")
        .lines()
        .map(|line| {
            line.strip_prefix("# ").filter(|rest| rest.contains(" = \"")).unwrap_or(line).to_owned() + "\n"
        })
        .collect();
    let directory = tempfile::tempdir().expect("a directory");
    let whole = directory.path().join("jeton.toml");
    std::fs::write(&whole, commented).expect("written");
    let mut command = Command::new(binary());
    let checked =
        command.args(["config", "check", "--config"]).arg(&whole).env_clear().output().expect("it runs");
    assert!(checked.status.success(), "{}", text(&checked.stderr));
}

#[test]
fn a_debian_package_has_everything_and_in_its_place() {
    if said("dpkg-deb", &["--version"]).is_none() {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let to = directory.path().display().to_string();
    let program = binary().display().to_string();
    let made =
        said("packaging/deb", &["--binary", &program, "--to", &to, "--quick"]).expect("our own script");
    assert!(made.status.success(), "{}", text(&made.stderr));
    let package = text(&made.stdout).trim().to_owned();
    let listed = text(&said("dpkg-deb", &["-c", &package]).expect("it is there").stdout);
    let has = |mode: &str, path: &str| {
        let found = listed.lines().find(|line| line.ends_with(&format!(" .{path}")));
        let line = found.unwrap_or_else(|| panic!("no {path} in:\n{listed}"));
        assert!(line.starts_with(mode) && line.contains(" root/root "), "{line}");
    };
    has("-rwxr-xr-x", "/usr/bin/jeton");
    for unit in ["jeton.service", "jeton.socket", "jeton-metrics.socket"] {
        has("-rw-r--r--", &format!("/usr/lib/systemd/system/{unit}"));
    }
    has("-rw-r--r--", "/usr/lib/sysusers.d/jeton.conf");
    has("-rw-r--r--", "/etc/jeton/jeton.toml");
    has("-rw-r--r--", "/usr/share/doc/jeton/operate.md");
    has("-rw-r--r--", "/usr/share/doc/jeton/copyright");
    has("-rw-r--r--", "/usr/share/man/man1/jeton.1.gz");
    has("-rw-r--r--", "/usr/share/bash-completion/completions/jeton");
    has("-rw-r--r--", "/usr/share/zsh/vendor-completions/_jeton");
    has("-rw-r--r--", "/usr/share/fish/vendor_completions.d/jeton.fish");
    // A file outside of these places would be somebody else's.
    for line in listed.lines() {
        let path = line.split(" .").last().expect("a path");
        assert!(["/usr/", "/etc/"].iter().any(|root| path.starts_with(root)) || path == "/", "{line}");
    }
    let field = |name: &str| text(&said("dpkg-deb", &["-f", &package, name]).expect("it is there").stdout);
    assert_eq!(field("Package").trim(), "jeton");
    assert!(field("Depends").contains("libc6"));
    let control = directory.path().join("control");
    let extract = [package.as_str(), control.to_str().expect("UTF-8")];
    assert!(said("dpkg-deb", &[&["-e"], &extract[..]].concat()).expect("it is there").status.success());
    let conffiles = std::fs::read_to_string(control.join("conffiles")).expect("conffiles");
    assert_eq!(conffiles.trim(), "/etc/jeton/jeton.toml");
    for script in ["postinst", "prerm", "postrm"] {
        let path = control.join(script);
        let checked = said("sh", &["-n", path.to_str().expect("UTF-8")]).expect("a shell");
        assert!(checked.status.success(), "{script}: {}", text(&checked.stderr));
    }
    // And the program that is in it runs.
    let out = directory.path().join("out");
    let extract = [package.as_str(), out.to_str().expect("UTF-8")];
    assert!(said("dpkg-deb", &[&["-x"], &extract[..]].concat()).expect("it is there").status.success());
    let version = Command::new(out.join("usr/bin/jeton")).arg("--version").output().expect("it runs");
    assert_eq!(text(&version.stdout).trim(), format!("jeton {}", field("Version").trim()));
}

#[test]
fn a_package_makes_the_directory_before_anybody_can_begin() {
    // The programs that the script calls, which write down how they were called.
    let directory = tempfile::tempdir().expect("a directory");
    let called = directory.path().join("called");
    for program in ["systemd-sysusers", "systemctl", "install"] {
        let script = format!("#!/bin/sh\necho {program} \"$@\" >> '{}'\n", called.display());
        let path = directory.path().join(program);
        std::fs::write(&path, script).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("our own file");
    }
    let path = format!("{}:/usr/bin:/bin", directory.path().display());
    for version in ["", "0.9.0"] {
        let ran = Command::new("sh")
            .arg(repository().join("packaging/debian/postinst"))
            .args(["configure", version])
            .env("PATH", &path)
            .output()
            .expect("a shell");
        assert!(ran.status.success(), "{}", text(&ran.stderr));
        let said = std::fs::read_to_string(&called).expect("something was called");
        let user = said.find("systemd-sysusers jeton.conf").expect("the user");
        let made = said.find("install -d -m 0700 -o jeton -g jeton /var/lib/jeton").expect("the directory");
        assert!(user < made, "{said}");
        std::fs::remove_file(&called).expect("it was there");
    }
}

#[test]
fn a_database_that_is_away_for_long_does_not_end_the_attempts() {
    let unit = read("packaging/jeton.service");
    assert!(unit.contains("Restart=on-failure") && unit.contains("\nStartLimitIntervalSec=0\n"));
}

/// The instructions of the Dockerfile, lines that go on put together.
fn dockerfile() -> Vec<String> {
    let whole = read("Dockerfile").replace("\\\n", " ");
    whole
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_container_is_made_of_what_is_there_and_runs_as_nobody() {
    let lines = dockerfile();
    let of = |word: &str| {
        lines.iter().filter(|line| line.starts_with(&format!("{word} "))).cloned().collect::<Vec<_>>()
    };
    let ignore = read(".dockerignore");
    assert_eq!(ignore.lines().nth(1), Some("*"), "everything is left out that is not named");
    let tracked = tracked_files();
    for line in of("COPY").iter().filter(|line| !line.contains("--from=")) {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        for source in &words[..words.len() - 1] {
            let there = tracked.iter().any(|file| file == source || file.starts_with(&format!("{source}/")));
            assert!(there, "{source} is not in the repository: {line}");
            assert!(ignore.lines().any(|line| line == format!("!{source}")), "{source} is ignored");
        }
    }
    // What the build embeds from outside of the crates has to be copied too.
    let embeds = |name: &str| {
        lines.iter().any(|line| line.starts_with("COPY") && line.split(' ').any(|word| word == name))
    };
    for (file, source) in [("crates/domain/src/preset.rs", "presets"), ("Cargo.toml", "e2e")] {
        assert!(read(file).contains(source) && embeds(source), "{source}");
    }
    let rust = read("Cargo.toml");
    let rust = rust
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "))
        .expect("a version")
        .trim_matches('"')
        .to_owned();
    let bases = of("FROM");
    assert!(bases[0].starts_with(&format!("FROM rust:{rust}-")), "{bases:?}");
    assert_eq!(bases.len(), 2, "what builds is not what runs");
    let user = of("USER").pop().expect("a user");
    assert!(user.contains("10001") && !user.contains("root"), "{user}");
    assert!(of("VOLUME").iter().any(|line| line.contains("/var/lib/jeton")));
    assert!(
        of("HEALTHCHECK").iter().any(|line| line.contains("[\"/usr/bin/jeton\", \"doctor\", \"--ready\"]"))
    );
    assert!(
        of("ENTRYPOINT").iter().any(|line| line.contains("[\"/usr/bin/jeton\"]")),
        "signals reach the server itself"
    );
    // The variables are ones that the program knows.
    let variables: Vec<(String, String)> = of("ENV")
        .iter()
        .flat_map(|line| line.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|pair| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect();
    assert!(variables.len() >= 3);
    let mut command = Command::new(binary());
    let checked = command
        .args(["config", "check", "--config", "/dev/null"])
        .env_clear()
        .envs(variables)
        .output()
        .expect("it runs");
    assert!(checked.status.success(), "{}", text(&checked.stderr));
}

#[test]
fn a_health_check_is_answered_by_the_program_itself() {
    let server = e2e::Server::start("default");
    let address = server.urls()[0].trim_start_matches("http://").to_owned();
    let ask = |address: &str| {
        let mut command = Command::new(binary());
        command.args(["doctor", "--ready", "--config", "/dev/null"]).env_clear();
        command.env("JETON_SERVER__LISTEN", address).output().expect("it runs").status.code()
    };
    assert_eq!(ask(&address), Some(0));
    let everywhere = address.replace("127.0.0.1", "0.0.0.0");
    assert_eq!(ask(&everywhere), Some(0), "a server that listens everywhere is asked here");
    drop(server);
    assert_eq!(ask(&address), Some(5));
}
