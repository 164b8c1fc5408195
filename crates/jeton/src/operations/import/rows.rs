//! The rows of a table, read: CSV with a head, or a JSON object a line. What cannot be read is told by
//! its line, without a word of what stands there.

use std::io::{BufRead, BufReader, Read};

use domain::grant::Level;
use domain::lifecycle::{AskedGrant, Import};
use domain::node::NodePath;
use domain::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use service::import::{Known, Refused, Row};
use zeroize::Zeroizing;

use super::Format;
use crate::exit::Failure;

/// The columns, by their names in the head of a CSV and in JSON.
const COLUMNS: [&str; 15] = [
    "token",
    "sha256",
    "sha512",
    "hmac_sha256",
    "bcrypt",
    "argon2",
    "prefix",
    "name",
    "holder",
    "description",
    "permission",
    "node",
    "created_at",
    "expires_at",
    "metadata",
];

/// A row as it stands there.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    token: Option<String>,
    sha256: Option<String>,
    sha512: Option<String>,
    hmac_sha256: Option<String>,
    bcrypt: Option<String>,
    argon2: Option<String>,
    prefix: Option<String>,
    name: Option<String>,
    holder: Option<String>,
    description: Option<String>,
    permission: Option<Value>,
    node: Option<String>,
    created_at: Option<Value>,
    expires_at: Option<Value>,
    metadata: Option<Value>,
}

/// Rows, one after the other.
pub(super) enum Rows<R> {
    Csv { reader: Box<csv::Reader<R>>, record: csv::StringRecord, columns: Vec<usize> },
    Jsonl { reader: BufReader<R>, line: u64, text: Zeroizing<String> },
}

impl<R: Read> Rows<R> {
    /// # Errors
    /// A CSV whose head is not one of ours, and a CSV that is to be read as JSON lines.
    pub(super) fn of(source: R, format: Format) -> Result<Self, Failure> {
        if format == Format::Jsonl {
            let mut reader = BufReader::with_capacity(1 << 20, source);
            // What cannot be read is told when it is wanted.
            if begins_as_csv(reader.fill_buf().unwrap_or_default()) {
                return Err(Failure::failed("the table begins as a CSV does, and is read as JSON lines")
                    .help("repeat the command with --format csv"));
            }
            return Ok(Self::Jsonl { reader, line: 0, text: Zeroizing::new(String::new()) });
        }
        let mut reader = csv::ReaderBuilder::new().buffer_capacity(1 << 20).from_reader(source);
        let head = reader.headers().map_err(|cause| {
            Failure::failed(format!("could not read the head of the table: {}", place(&cause)))
        })?;
        let known = |name: &str| {
            let at = COLUMNS.iter().position(|column| *column == name.trim());
            at.ok_or_else(|| {
                Failure::failed(format!("the table has a column `{}`", name.escape_debug()))
                    .help(format!("its first line names the columns, of {}", COLUMNS.join(", ")))
            })
        };
        if head.is_empty() {
            return Err(Failure::failed("the table is empty: it has no head"));
        }
        let columns = head.iter().map(known).collect::<Result<Vec<usize>, _>>()?;
        Ok(Self::Csv { reader: Box::new(reader), record: csv::StringRecord::new(), columns })
    }

    /// The next row, or why it is none. None: the end.
    ///
    /// # Errors
    /// The source itself cannot be read.
    pub(super) fn next(&mut self) -> Result<Option<Result<Row, Refused>>, Failure> {
        match self {
            Self::Csv { reader, record, columns } => match reader.read_record(record) {
                Ok(false) => Ok(None),
                Ok(true) => {
                    let line = record.position().map_or(0, csv::Position::line);
                    Ok(Some(
                        of_record(record, columns)
                            .and_then(|raw| raw.row(line))
                            .map_err(|why| Refused { line, why }),
                    ))
                }
                Err(cause) if cause.is_io_error() => {
                    Err(Failure::failed(format!("could not read the table: {cause}")))
                }
                Err(cause) => {
                    let line = cause.position().map_or(0, csv::Position::line);
                    Ok(Some(Err(Refused { line, why: place(&cause) })))
                }
            },
            Self::Jsonl { reader, line, text } => loop {
                text.clear();
                *line += 1;
                match reader.read_line(text) {
                    Ok(0) => return Ok(None),
                    Ok(_) if text.trim().is_empty() => {}
                    Ok(_) => {
                        let raw = serde_json::from_str::<Raw>(text).map_err(|cause| unreadable(&cause));
                        let row =
                            raw.and_then(|raw| raw.row(*line)).map_err(|why| Refused { line: *line, why });
                        return Ok(Some(row));
                    }
                    Err(cause) if cause.kind() == std::io::ErrorKind::InvalidData => {
                        return Ok(Some(Err(Refused {
                            line: *line,
                            why: "It is not text in UTF-8.".to_owned(),
                        })));
                    }
                    Err(cause) => return Err(Failure::failed(format!("could not read the table: {cause}"))),
                }
            },
        }
    }
}

/// Whether the first line is the head of a CSV: names of columns, with commas between them.
fn begins_as_csv(text: &[u8]) -> bool {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let Ok(line) = std::str::from_utf8(line) else { return false };
    line.contains(',') && line.split(',').all(|name| COLUMNS.contains(&name.trim().trim_matches('"')))
}

/// What serde says may quote the line, which may hold a token.
fn unreadable(cause: &serde_json::Error) -> String {
    let said = cause.to_string();
    match said.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) {
        Some(name) if name.len() <= 32 => {
            format!("It has a field `{}`; known are {}.", name.escape_debug(), COLUMNS.join(", "))
        }
        _ => format!("It is no JSON object as it should be, at column {}.", cause.column()),
    }
}

fn place(cause: &csv::Error) -> String {
    match cause.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("It has {len} cells, and the first line has {expected_len}.")
        }
        csv::ErrorKind::Utf8 { .. } => "It is not text in UTF-8.".to_owned(),
        _ => "It is no line of CSV.".to_owned(),
    }
}

fn of_record(record: &csv::StringRecord, columns: &[usize]) -> Result<Raw, String> {
    let mut raw = Raw::default();
    for (cell, column) in record.iter().zip(columns) {
        if cell.is_empty() {
            continue;
        }
        let text = || Some(cell.to_owned());
        let value = || Some(Value::String(cell.to_owned()));
        match COLUMNS[*column] {
            "token" => raw.token = text(),
            "sha256" => raw.sha256 = text(),
            "sha512" => raw.sha512 = text(),
            "hmac_sha256" => raw.hmac_sha256 = text(),
            "bcrypt" => raw.bcrypt = text(),
            "argon2" => raw.argon2 = text(),
            "prefix" => raw.prefix = text(),
            "name" => raw.name = text(),
            "holder" => raw.holder = text(),
            "description" => raw.description = text(),
            "permission" => raw.permission = value(),
            "node" => raw.node = text(),
            "created_at" => raw.created_at = value(),
            "expires_at" => raw.expires_at = value(),
            _ => {
                raw.metadata =
                    Some(serde_json::from_str(cell).map_err(|_| "Its `metadata` is no JSON.".to_owned())?)
            }
        }
    }
    Ok(raw)
}

impl Raw {
    fn row(self, line: u64) -> Result<Row, String> {
        let prefix = self.prefix;
        let slow = |hash: String| match &prefix {
            Some(prefix) => Ok((hash, prefix.clone())),
            None => Err("A slow hash needs a `prefix`: how the text begins.".to_owned()),
        };
        let known = match (self.token, self.sha256, self.sha512, self.hmac_sha256, self.bcrypt, self.argon2) {
            (Some(text), None, None, None, None, None) => Known::Text(Zeroizing::new(text)),
            (None, Some(digest), None, None, None, None) => Known::Sha256(bytes(&digest, "sha256")?),
            (None, None, Some(digest), None, None, None) => Known::Sha512(bytes(&digest, "sha512")?),
            (None, None, None, Some(digest), None, None) => Known::HmacSha256(bytes(&digest, "hmac_sha256")?),
            (None, None, None, None, Some(hash), None) => {
                let (hash, prefix) = slow(hash)?;
                Known::Bcrypt { hash, prefix }
            }
            (None, None, None, None, None, Some(hash)) => {
                let (hash, prefix) = slow(hash)?;
                Known::Argon2 { hash, prefix }
            }
            _ => {
                return Err(
                    "It needs one of token, sha256, sha512, hmac_sha256, bcrypt and argon2, and not two."
                        .to_owned(),
                );
            }
        };
        let node = match self.node {
            Some(path) => path.parse().map_err(|_| "Its `node` is no path, as `/sales/prod`.".to_owned())?,
            None => NodePath::root(),
        };
        let token = Import {
            name: self.name.ok_or("It has no `name`.")?,
            description: self.description,
            permission: self.permission.map_or(Ok(None), permission)?,
            node,
            created_at: self.created_at.map(|at| time(at, "created_at")).transpose()?.flatten(),
            expires_at: self.expires_at.map(|at| time(at, "expires_at")).transpose()?.flatten(),
            metadata: self.metadata,
        };
        Ok(Row { line, known, holder: self.holder, token })
    }
}

/// RFC 3339, or seconds since 1970, UTC; null is none.
fn time(value: Value, field: &str) -> Result<Option<Timestamp>, String> {
    let seconds = match &value {
        Value::Null => return Ok(None),
        Value::Number(seconds) => seconds.as_i64(),
        Value::String(text) => match text.parse::<Timestamp>() {
            Ok(at) => return Ok(Some(at)),
            Err(_) => text.parse().ok(),
        },
        _ => None,
    };
    let micros = seconds.and_then(|seconds: i64| seconds.checked_mul(1_000_000));
    let wrong = || format!("Its `{field}` is no time, as `2026-01-31T12:00:00Z` or in seconds since 1970.");
    micros.map(|micros| Some(Timestamp::from_micros(micros))).ok_or_else(wrong)
}

/// As the API says it, none where it is null; in a cell also `inherit`, `role:NAME`, `access:LEVEL` and `list:PERMISSION …`.
fn permission(value: Value) -> Result<Option<AskedGrant>, String> {
    let wrong = || {
        "Its `permission` is none of inherit, role:NAME, access:full, access:write, access:read, list:devices:read …, \
         or the same as JSON."
            .to_owned()
    };
    let value = match value {
        Value::Null => return Ok(None),
        Value::String(text) => match text.split_once(':') {
            _ if text == "inherit" => return Ok(Some(AskedGrant::Inherit)),
            _ if text.starts_with('{') => serde_json::from_str(&text).map_err(|_| wrong())?,
            Some(("role", name)) => return Ok(Some(AskedGrant::Role(name.to_owned()))),
            Some(("access", level)) => serde_json::json!({"access": level}),
            Some(("list", names)) => {
                return Ok(Some(AskedGrant::List(names.split_whitespace().map(str::to_owned).collect())));
            }
            _ => return Err(wrong()),
        },
        object => object,
    };
    use api::permission::{Access, Permission};
    Ok(Some(match serde_json::from_value::<Permission>(value).map_err(|_| wrong())? {
        Permission::Inherit => AskedGrant::Inherit,
        Permission::Role(name) => AskedGrant::Role(name),
        Permission::List(names) => AskedGrant::List(names),
        Permission::Access { access, entities } => {
            let level = match access {
                Access::Full => Level::Full,
                Access::Write => Level::Write,
                Access::Read => Level::Read,
            };
            AskedGrant::Access { level, entities }
        }
    }))
}

/// Hexadecimal digits, or base64 of either alphabet with or without its padding.
fn bytes<const N: usize>(text: &str, field: &str) -> Result<[u8; N], String> {
    let text = text.trim();
    let wrong = || format!("Its `{field}` is not {N} bytes in hexadecimal digits or base64.");
    let mut bytes = [0; N];
    if text.len() == 2 * N {
        let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte =
                digit(pair[0]).zip(digit(pair[1])).map(|(high, low)| high << 4 | low).ok_or_else(wrong)?;
        }
        return Ok(bytes);
    }
    let text = text.trim_end_matches('=');
    if text.len() != (N * 8).div_ceil(6) {
        return Err(wrong());
    }
    let (mut held, mut bits, mut at) = (0_u32, 0, 0);
    for letter in text.bytes() {
        let six = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return Err(wrong()),
        };
        (held, bits) = (held << 6 | u32::from(six), bits + 6);
        if bits >= 8 && at < N {
            bits -= 8;
            bytes[at] = (held >> bits) as u8;
            held &= (1 << bits) - 1;
            at += 1;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, format: Format) -> Vec<Result<Row, Refused>> {
        let mut rows = Rows::of(text.as_bytes(), format).unwrap_or_else(|failure| panic!("{failure}"));
        std::iter::from_fn(|| rows.next().unwrap()).collect()
    }

    fn whys(text: &str, format: Format) -> Vec<(u64, String)> {
        all(text, format)
            .into_iter()
            .filter_map(Result::err)
            .map(|refused| (refused.line, refused.why))
            .collect()
    }

    #[test]
    fn digests_are_read_in_hexadecimal_and_in_either_base64() {
        let (hex, plain, url) = (
            "fbf0ff00112233445566778899aabbccddeeff00112233445566778899aabbcc",
            "+/D/ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8w=",
            "-_D_ABEiM0RVZneImaq7zN3u_wARIjNEVWZ3iJmqu8w",
        );
        let read = |text: &str| bytes::<32>(text, "sha256").unwrap();
        assert_eq!(read(hex)[..4], [0xfb, 0xf0, 0xff, 0]);
        assert_eq!(read(hex), read(plain));
        assert_eq!(read(hex), read(url));
        for bad in ["", "fb", &hex[1..], &hex.replace('f', "g"), &plain[1..], "abc="] {
            assert!(bytes::<32>(bad, "sha256").is_err(), "{bad}");
        }
    }

    #[test]
    fn both_forms_say_the_same() {
        let digest = "ab".repeat(32);
        let csv = format!(
            "name,holder,sha256,permission,created_at,expires_at,metadata\n\
             \"ci, nightly\",u-1,{digest},role:Viewer,1700000000,2030-01-01T00:00:00Z,\"{{\"\"a\"\":1}}\"\n"
        );
        let jsonl = format!(
            "\n{{\"name\":\"ci, nightly\",\"holder\":\"u-1\",\"sha256\":\"{digest}\",\"permission\":{{\"role\":\"Viewer\"}},\
             \"created_at\":1700000000,\"expires_at\":\"2030-01-01T00:00:00Z\",\"metadata\":{{\"a\":1}}}}\n"
        );
        for (text, format) in [(csv, Format::Csv), (jsonl, Format::Jsonl)] {
            let row = all(&text, format).remove(0).unwrap_or_else(|refused| panic!("{refused:?}"));
            assert_eq!((row.line, row.holder.as_deref()), (2, Some("u-1")));
            assert_eq!(row.token.name, "ci, nightly");
            assert_eq!(row.token.permission, Some(AskedGrant::Role("Viewer".into())));
            assert_eq!(row.token.created_at, Some(Timestamp::from_micros(1_700_000_000_000_000)));
            assert_eq!(row.token.expires_at.unwrap().to_string(), "2030-01-01T00:00:00.000000Z");
            assert_eq!(row.token.metadata, Some(serde_json::json!({"a": 1})));
        }
    }

    #[test]
    fn a_row_that_cannot_be_read_is_told_by_line_and_never_repeated() {
        let csv = "name,token,bcrypt,prefix\na,hush-hush-hush-hush,$2b$x,\nb,,$2b$x,\nc,hush\nd,,,\n,hush-hush-hush-hush,,\n";
        let told = whys(csv, Format::Csv);
        let lines: Vec<u64> = told.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6], "{told:?}");
        let jsonl = "{\"token\":\"hush-hush\",\"name\":1}\nhush-hush\n{\"naem\":\"a\"}\n{\"name\":\"a\",\"sha256\":\"hush\"}\n";
        let more = whys(jsonl, Format::Jsonl);
        assert_eq!(more.len(), 4);
        assert!(more[2].1.contains("`naem`") && more[2].1.contains("name, holder"), "{more:?}");
        assert!(!format!("{told:?}{more:?}").contains("hush"), "{told:?}{more:?}");
    }

    #[test]
    fn a_table_with_another_head_is_refused_at_once() {
        let refused = Rows::of("name,digest\n".as_bytes(), Format::Csv).err().unwrap().to_string();
        assert!(refused.contains("`digest`") && refused.contains("hmac_sha256"), "{refused}");
        let refused = Rows::of("".as_bytes(), Format::Csv).err().unwrap().to_string();
        assert_eq!(refused, "the table is empty: it has no head");
        let refused = Rows::of("name, sha256\na,b\n".as_bytes(), Format::Jsonl).err().unwrap().to_string();
        assert!(refused.contains("--format csv"), "{refused}");
    }

    #[test]
    fn permissions_are_written_as_words_or_as_in_the_api() {
        let read = |text: &str| permission(Value::String(text.into()));
        assert_eq!(permission(Value::Null), Ok(None));
        assert_eq!(read("inherit"), Ok(Some(AskedGrant::Inherit)));
        assert_eq!(read("access:read"), Ok(Some(AskedGrant::Access { level: Level::Read, entities: None })));
        assert_eq!(
            read("list:a:read  b:update"),
            Ok(Some(AskedGrant::List(vec!["a:read".into(), "b:update".into()])))
        );
        assert_eq!(read("{\"role\":\"Viewer\"}"), Ok(Some(AskedGrant::Role("Viewer".into()))));
        for bad in ["", "root", "access:all", "{}", "role"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
