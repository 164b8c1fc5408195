//! What an operator may write, what is refused and why, and that no password is ever shown.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use super::*;

fn postgres(text: &str) -> Postgres {
    match text.parse() {
        Ok(Place::Postgres(postgres)) => postgres,
        other => panic!("{text} is {other:?}"),
    }
}

fn why_not(text: &str) -> String {
    text.parse::<Place>().expect_err(text).to_string()
}

#[test]
fn a_directory_and_a_database_are_places() {
    for (text, data) in
        [("sqlite:data", "data"), ("sqlite:/srv/jeton", "/srv/jeton"), ("sqlite:///srv/jeton", "/srv/jeton")]
    {
        assert_eq!(text.parse(), Ok(Place::Sqlite(data.into())));
    }
    let there = postgres("postgresql://jeton@db.example.com:6432/tokens?application_name=desk");
    let config = there.config(None);
    assert_eq!(config.get_hosts(), [Host::Tcp("db.example.com".to_owned())]);
    assert_eq!(config.get_ports(), [6432]);
    assert_eq!((config.get_user(), config.get_dbname()), (Some("jeton"), Some("tokens")));
    assert_eq!(config.get_application_name(), Some("desk"));
    assert_eq!(config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
    assert!(config.get_connect_timeout().is_some(), "a server that does not answer is given up on");
    let seconds = |text: &str| patience(&postgres(text).config(None)).as_secs();
    assert_eq!(seconds("postgres://jeton@a/tokens"), 4);
    assert_eq!(seconds("postgres://jeton@a,b,c/tokens"), 8, "each host has its turn");
    assert_eq!(seconds("postgres://jeton@a,b/tokens?connect_timeout=5"), 12);
    let socket = postgres("postgres://jeton@/tokens?host=/run/postgresql");
    assert_eq!(socket.config(None).get_hosts(), [Host::Unix("/run/postgresql".into())]);
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    for (text, part) in [
        ("mysql://x", "neither sqlite: nor postgres://"),
        ("sqlite:", "names no directory"),
        ("sqlite://srv", "two slashes"),
        ("postgres://jeton@/tokens", "names no host"),
        ("postgres://db/tokens", "names no user"),
        ("postgres://jeton@db", "names no database"),
        ("postgres://jeton@db/", "names no database"),
        ("postgres://jeton:p@ss@db/tokens", "more than one @"),
        ("postgres://jeton@db/tokens?nonsense=1", "unknown option"),
        ("postgres://jeton@db/tokens?sslmode", "lacks the value"),
        ("postgres://jeton@db/tokens?sslcert=x", "option sslcert"),
        ("postgres://jeton@db:port/tokens", "invalid value for option `port`"),
        ("postgres://jeton@db/tokens?target_session_attrs=read-only", "takes no writes"),
        ("postgres://jeton:a@db/tokens?password=b", "two passwords"),
    ] {
        let why = why_not(text);
        assert!(why.contains(part), "{text}: {why}");
    }
}

#[test]
fn another_machine_is_verified_unless_told_otherwise_and_this_one_is_not_encrypted() {
    for here in ["localhost", "127.0.0.1", "127.1.2.3:6432", "[::1]", "localhost,127.0.0.1"] {
        assert_eq!(postgres(&format!("postgres://j@{here}/d")).tls(), &Tls::Off, "{here}");
    }
    // A socket does not leave the machine, whatever is asked for.
    for query in ["", "&sslmode=verify-full", "&sslmode=require"] {
        assert_eq!(postgres(&format!("postgres://j@/d?host=/run/postgresql{query}")).tls(), &Tls::Off);
    }
    for away in ["db.example.com", "10.0.0.1", "localhost,db.example.com", "localhost.example.com"] {
        let there = postgres(&format!("postgres://j@{away}/d"));
        assert_eq!(there.tls(), &Tls::Verify { ca: None }, "{away}");
        assert_eq!(there.config(None).get_ssl_mode(), SslMode::Require, "never falls back to plain text");
    }
    assert_eq!(postgres("postgres://j@localhost/d?hostaddr=10.0.0.1").tls(), &Tls::Verify { ca: None });
}

#[test]
fn each_sslmode_is_carried_out_or_refused_with_what_to_write() {
    let tls = |query: &str| postgres(&format!("postgres://j@db/d?{query}")).tls().clone();
    assert_eq!(tls("sslmode=disable"), Tls::Off);
    assert_eq!(tls("sslmode=require"), Tls::Encrypt);
    assert_eq!(tls("sslmode=verify-full"), Tls::Verify { ca: None });
    assert_eq!(tls("sslrootcert=system"), Tls::Verify { ca: None });
    let own = Tls::Verify { ca: Some("/etc/ca files/ca.pem".into()) };
    assert_eq!(tls("sslmode=verify-full&sslrootcert=/etc/ca%20files/ca.pem"), own);
    assert_eq!(tls("sslrootcert=/etc/ca%20files/ca.pem"), own);
    for refused in [
        "sslmode=verify-ca",
        "sslmode=prefer",
        "sslmode=allow",
        "sslmode=Require",
        "sslmode=require&sslrootcert=/ca.pem",
        "sslmode=disable&sslrootcert=/ca.pem",
    ] {
        let why = why_not(&format!("postgres://j@db/d?{refused}"));
        assert!(why.contains("verify-full"), "{refused}: {why}");
    }
}

#[test]
fn a_connector_needs_authorities_that_can_be_read() {
    for query in ["sslmode=disable", "sslmode=require", "sslmode=verify-full"] {
        assert!(postgres(&format!("postgres://j@db/d?{query}")).connector().is_ok(), "{query}");
    }
    let with =
        |path: &Path| postgres(&format!("postgres://j@db/d?sslrootcert={}", path.display())).connector();
    assert!(matches!(with(Path::new("/nowhere/ca.pem")), Err(TlsError::Unreadable { .. })));
    let empty = tempfile::NamedTempFile::new().unwrap();
    assert!(matches!(with(empty.path()), Err(TlsError::Empty { .. })));
}

#[test]
fn a_password_of_the_url_is_used_and_never_shown() {
    for text in [
        "postgres://jeton:open%40sesame@db/tokens?sslmode=require",
        "postgres://jeton@db/tokens?password=open%40sesame&sslmode=require",
        "postgres://jeton@db/tokens?pass%77ord=open%40sesame&sslmode=require",
    ] {
        let place: Place = text.parse().unwrap();
        let there = postgres(text);
        assert_eq!(there.password().map(Secret::expose), Some("open@sesame"));
        assert_eq!(there.config(None).get_password(), Some(&b"open@sesame"[..]));
        let other = Secret::new("another");
        assert_eq!(there.config(Some(&other)).get_password(), Some(&b"another"[..]));
        for shown in [
            place.to_string(),
            format!("{place:?}"),
            format!("{there:?}"),
            format!("{:?}", there.password()),
            format!("{:?}", Access { place: place.clone(), password: Some(other), keys: "k".into() }),
            redacted(text),
        ] {
            assert!(!shown.contains("sesame") && !shown.contains("another"), "{shown}");
        }
        assert_eq!(place.to_string(), "postgres://jeton@db/tokens?sslmode=require");
        assert_eq!(place.to_string().parse::<Place>().unwrap().to_string(), place.to_string());
    }
}

#[test]
fn a_text_that_is_no_place_is_shown_without_what_may_be_a_password() {
    for text in [
        "postgres://jeton:s3cret@db@tokens",
        "postgres://jeton:s3c/ret@db",
        "postgres://jeton:s3c?ret@db",
        "postgres://jeton:s3c//ret@db",
        "jeton:s3cret@db/tokens",
        "postgres:jeton:s3cret@db/tokens",
        "postgres://jeton@db/?password=s3cret",
        "mysql://jeton:s3cret@db/tokens?x=s3cret@y",
    ] {
        let shown = redacted(text);
        for part in ["s3c", "ret"] {
            assert!(!shown.contains(part), "{text}: {shown}");
        }
    }
    assert_eq!(redacted("sqlite:/srv/jeton"), "sqlite:/srv/jeton");
    assert_eq!(redacted("postgers://jeton:s3cret@db/tokens"), "postgers://…@db/tokens");
}

const PASSFILE: &str = "\
# host:port:database:user:password
db.example.com:5432:tokens:jeton:first
db.example.com:*:*:jeton:second
*:6432:tokens:*:third
odd\\:host:5432:a\\\\b:jeton:fo\\:ur\\\\th:rest
short:5432:tokens
empty:5432:tokens:jeton:
*:5432:star:\\*:fifth
";

#[test]
fn the_first_entry_of_a_password_file_that_fits_is_taken() {
    let found = |host: &str, port: u16, database: &str, user: &str| {
        password_from(PASSFILE, host, port, database, user).map(|secret| secret.expose().to_owned())
    };
    assert_eq!(found("db.example.com", 5432, "tokens", "jeton").as_deref(), Some("first"));
    assert_eq!(found("db.example.com", 5433, "tokens", "jeton").as_deref(), Some("second"));
    assert_eq!(found("elsewhere", 6432, "tokens", "anybody").as_deref(), Some("third"));
    assert_eq!(found("odd:host", 5432, "a\\b", "jeton").as_deref(), Some("fo:ur\\th:rest"));
    for (host, port, database, user) in [
        ("elsewhere", 5432, "tokens", "jeton"),
        ("db.example.com", 5432, "tokens", "somebody"),
        ("short", 5432, "tokens", "jeton"),
        ("empty", 5432, "tokens", "jeton"),
        // An escaped star is a star.
        ("db", 5432, "star", "jeton"),
    ] {
        assert_eq!(found(host, port, database, user), None, "{host}:{port}:{database}:{user}");
    }
    assert_eq!(found("db", 5432, "star", "*").as_deref(), Some("fifth"));
}

#[test]
fn a_password_file_is_read_for_its_database_unless_others_can_read_it() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(PASSFILE.as_bytes()).unwrap();
    file.write_all(b"localhost:5432:tokens:jeton:of the socket\n").unwrap();
    let found = |url: &str| {
        let there = postgres(url);
        there.password_in(file.path()).map(|found| found.map(|secret| secret.expose().to_owned()))
    };
    assert_eq!(found("postgres://jeton@db.example.com/tokens").unwrap().as_deref(), Some("first"));
    assert_eq!(found("postgres://jeton@a,db.example.com/tokens").unwrap().as_deref(), Some("first"));
    assert_eq!(found("postgres://jeton@db.example.com:1/tokens").unwrap().as_deref(), Some("second"));
    let socket = "postgres://jeton@/tokens?host=/run/postgresql";
    assert_eq!(found(socket).unwrap().as_deref(), Some("of the socket"));
    assert_eq!(found("postgres://jeton@elsewhere/tokens").unwrap(), None);
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o640)).unwrap();
    let exposed = found(socket).unwrap_err().to_string();
    assert!(exposed.ends_with("can be read by others (mode 640); run `chmod 600` on it"), "{exposed}");
}
