//! Decides the value of every key from what was set, and says where it came from. Pure but for
//! the files of secrets (`…_FILE`), which it reads when a variable names one.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::key::{Base, Key, Setting, Unset};
use super::sources::{File, Sources};
use crate::nearest::nearest;

/// Variables that begin with `JETON_` and are no configuration: they belong to the commands that
/// speak to a server.
pub const CLIENT_VARIABLES: [&str; 4] = ["JETON_SERVER", "JETON_ACCOUNT", "JETON_TOKEN", "JETON_TOKEN_FILE"];

/// The prefix of the variables of jeton's own test suite, which are no configuration either.
const TEST_VARIABLES: &str = "JETON_TEST_";

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Flag(&'static str),
    /// The name of the variable, `…_FILE` where that was the one.
    Variable(String),
    File {
        path: PathBuf,
        line: usize,
    },
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(out, "{flag}"),
            Self::Variable(name) => write!(out, "{name}"),
            Self::File { path, line } => write!(out, "{}:{line}", path.display()),
            Self::Default => write!(out, "default"),
        }
    }
}

/// A value of the configuration as text. Whether it may be shown is for its [`Key`] to say, so it
/// does not print by itself.
#[derive(Clone)]
pub struct Value {
    pub key: Key,
    pub(super) text: Option<String>,
    pub origin: Origin,
}

impl Value {
    /// Whether the key has the same value there, wherever it came from.
    pub fn says_as(&self, other: &Value) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text.as_deref().map(|text| match self.key.secret {
            true => "(secret)".to_owned(),
            false => (self.key.shown)(text),
        });
        out.debug_struct("Value")
            .field("key", &self.key.name)
            .field("text", &text)
            .field("origin", &self.origin)
            .finish()
    }
}

/// Every key with its value, in the order of the table.
#[derive(Debug)]
pub struct Resolved {
    pub values: Vec<Value>,
    /// The file that took part, if any.
    pub file: Option<PathBuf>,
}

impl Resolved {
    /// Whether somebody said what this key's value is.
    pub fn is_set(&self, name: &str) -> bool {
        self.values.iter().any(|value| value.key.name == name && value.origin != Origin::Default)
    }

    pub(super) fn typed<T: Setting>(&self, name: &str) -> T {
        let value =
            self.values.iter().find(|value| value.key.name == name).expect("the table declares every field");
        match &value.text {
            Some(text) => T::parse(text),
            None => T::nothing(),
        }
        .expect("`resolve` parsed each value, and only an optional key lacks a default")
    }
}

/// Everything that is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.0.iter().map(|problem| problem.0.as_str()).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError(pub Vec<Problem>);

/// One sentence that names a key, where it was set, what stands there unless it is a secret, and
/// what is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(pub String);

/// Resolves a table of keys.
///
/// # Errors
/// Unknown keys and variables, values that a key does not take, files that are not TOML, and
/// secrets that are set twice or cannot be read: all of them at once.
pub fn resolve(keys: &[Key], sources: &Sources) -> Result<Resolved, ConfigError> {
    let mut problems = Vec::new();
    // Weakest first, so that a stronger source replaces what a weaker one said.
    let mut set = sources.file.as_ref().map(|file| in_file(keys, file, &mut problems)).unwrap_or_default();
    set.extend(in_environment(keys, sources, &mut problems));
    for flag in &sources.flags {
        set.insert(flag.key, (flag.text.clone(), Origin::Flag(flag.flag)));
    }

    let mut known = BTreeMap::new();
    let mut values = Vec::with_capacity(keys.len());
    for key in keys {
        let (text, origin) = match (set.remove(key.name), key.unset) {
            (Some((text, origin)), _) => (Some(text), origin),
            (None, Unset::Nothing | Unset::Otherwise(_)) => (None, Origin::Default),
            (None, Unset::Is(text)) => (Some(text.to_owned()), Origin::Default),
            (None, Unset::Computed(_, work_out)) => (Some(work_out(&Base(&known))), Origin::Default),
        };
        if let Some(text) = &text {
            if !(key.takes)(text) {
                problems.push(not_taken(key, &origin, text));
            }
            known.insert(key.name, text.clone());
        }
        values.push(Value { key: *key, text, origin });
    }
    if problems.is_empty() {
        Ok(Resolved { values, file: sources.file.as_ref().map(|file| file.path.clone()) })
    } else {
        Err(ConfigError(problems))
    }
}

type Set = BTreeMap<&'static str, (String, Origin)>;

fn not_taken(key: &Key, origin: &Origin, text: &str) -> Problem {
    let shown = if key.secret {
        "a value that is not shown".to_owned()
    } else {
        format!("`{}`", (key.shown)(text).escape_debug())
    };
    let but = (key.why_not)(text).unwrap_or_else(|| format!("it accepts {}", key.accepts));
    Problem(format!("{} is {shown} ({origin}), but {but}", key.name))
}

// -- The file -----------------------------------------------------------------------------------

fn in_file(keys: &[Key], file: &File, problems: &mut Vec<Problem>) -> Set {
    let mut set = Set::new();
    match DeTable::parse(&file.text) {
        Ok(document) => Walk { keys, file, problems, set: &mut set }.table("", document.get_ref()),
        Err(cause) => {
            let line = cause.span().map_or(1, |span| line_of(&file.text, span.start));
            problems.push(Problem(format!(
                "{}:{line} is not TOML: {}",
                file.path.display(),
                cause.message()
            )));
        }
    }
    set
}

struct Walk<'a> {
    keys: &'a [Key],
    file: &'a File,
    problems: &'a mut Vec<Problem>,
    set: &'a mut Set,
}

impl Walk<'_> {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let path = format!("{prefix}{}", name.get_ref());
            let line = line_of(&self.file.text, name.span().start);
            let origin = Origin::File { path: self.file.path.clone(), line };
            let key = self.keys.iter().find_map(|key| match key.of_file() {
                _ if key.name == path => Some((key, Holds::TheValue)),
                Some(name) if name == path => Some((key, Holds::APath)),
                _ => None,
            });
            match (key, value.get_ref()) {
                (Some((key, holds)), value) => match scalar(value).map(|text| holds.read(key, text, &origin))
                {
                    Some(Ok(text)) => put(self.set, self.problems, key, text, origin),
                    Some(Err(problem)) => self.problems.push(problem),
                    None => {
                        let accepts = holds.accepts(key);
                        let found = value.type_str();
                        self.problems
                            .push(Problem(format!("{path} is {found} ({origin}), but it accepts {accepts}")));
                    }
                },
                (None, DeValue::Table(inner)) if !inner.is_empty() => self.table(&format!("{path}."), inner),
                (None, DeValue::Table(_)) => self.empty_section(&path, &origin),
                (None, _) => {
                    let meant = nearest(&path, self.keys.iter().map(|key| key.name)).unwrap_or_default();
                    self.problems
                        .push(Problem(format!("unknown key {path} ({origin}); did you mean {meant}?")));
                }
            }
        }
    }

    /// An empty table sets nothing, but may be a section whose name was misspelt.
    fn empty_section(&mut self, path: &str, origin: &Origin) {
        let sections = || self.keys.iter().filter_map(|key| Some(key.name.rsplit_once('.')?.0));
        if !sections().any(|section| section == path) {
            let meant = nearest(path, sections()).unwrap_or_default();
            self.problems
                .push(Problem(format!("unknown section [{path}] ({origin}); did you mean [{meant}]?")));
        }
    }
}

/// A key that one source sets twice, itself and by a file, has no value that is the right one.
fn put(set: &mut Set, problems: &mut Vec<Problem>, key: &Key, text: String, origin: Origin) {
    let by = origin.to_string();
    if let Some((_, other)) = set.insert(key.name, (text, origin)) {
        problems.push(Problem(format!("{} is set twice, by {other} and by {by}; keep one", key.name)));
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number.to_string())
        }
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        DeValue::Datetime(time) => Some(time.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

// -- The environment ----------------------------------------------------------------------------

fn in_environment(keys: &[Key], sources: &Sources, problems: &mut Vec<Problem>) -> Set {
    let names: Vec<(String, &Key, Holds)> = keys
        .iter()
        .flat_map(|key| {
            let itself = (key.variable(), key, Holds::TheValue);
            let file = key.secret.then(|| (format!("{}_FILE", key.variable()), key, Holds::APath));
            std::iter::once(itself).chain(file)
        })
        .collect();
    let mut set = Set::new();
    let mut variables: Vec<_> = sources.variables.iter().collect();
    variables.sort();
    for (name, content) in variables {
        let name = name.to_string_lossy();
        let others = CLIENT_VARIABLES.contains(&name.as_ref()) || name.starts_with(TEST_VARIABLES);
        if !name.starts_with("JETON_") || others {
            continue;
        }
        let Some((_, key, holds)) = names.iter().find(|(known, ..)| *known == name) else {
            let meant = nearest(&name, names.iter().map(|(known, ..)| known.as_str())).unwrap_or_default();
            problems
                .push(Problem(format!("unknown variable {name} in the environment; did you mean {meant}?")));
            continue;
        };
        let Some(content) = content.to_str() else {
            problems
                .push(Problem(format!("{} ({name}) is not UTF-8, but it accepts {}", key.name, key.accepts)));
            continue;
        };
        let origin = Origin::Variable(name.clone().into_owned());
        match holds.read(key, content.to_owned(), &origin) {
            Ok(text) => put(&mut set, problems, key, text, origin),
            Err(problem) => problems.push(problem),
        }
    }
    set
}

/// What stands in a variable, or under a key of the file.
#[derive(Clone, Copy)]
enum Holds {
    TheValue,
    /// The path of a file that holds the value; a line break at its end does not count.
    APath,
}

impl Holds {
    fn read(self, key: &Key, content: String, origin: &Origin) -> Result<String, Problem> {
        match self {
            Self::TheValue => Ok(content),
            Self::APath => match std::fs::read_to_string(Path::new(&content)) {
                Ok(text) => {
                    let line = text.strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
                    Ok(line.unwrap_or(&text).to_owned())
                }
                Err(cause) => Err(Problem(format!(
                    "could not read {} from the file {content} ({origin}): {cause}",
                    key.name
                ))),
            },
        }
    }

    fn accepts(self, key: &Key) -> &'static str {
        match self {
            Self::TheValue => key.accepts,
            Self::APath => "a path",
        }
    }
}
