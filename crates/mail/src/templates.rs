//! How mails are laid out: a text and a page with places in double braces, `{{ sentence }}`. Ours are
//! built in; an operator puts theirs into a directory, under the same names. All of them are read and
//! checked at the start.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What stands in the places, by name, with what it is.
pub const PLACES: [(&str, &str); 12] = [
    ("subject", "the subject"),
    ("sentence", "what has to be known, in one sentence"),
    ("tokens", "the tokens as a list, where there are several"),
    ("link", "the address in the console"),
    ("link_text", "what that link is called"),
    ("leave", "the address by which the reader gets no more of these"),
    ("leave_text", "what that link is called"),
    ("why", "why the reader gets this"),
    ("sender", "the console's name"),
    ("accent", "the console's colour"),
    ("on_accent", "what can be read on it"),
    ("language", "the language's tag"),
];

/// Without these a mail would be no use, or could not be left.
const NEEDED: [&str; 2] = ["link", "leave"];
const TEXT: &str = "notice.txt";
const PAGE: &str = "notice.html";
/// What the first line of a text begins with.
const SUBJECT: &str = "Subject: ";
const MOST_BYTES: u64 = 64 * 1024;

/// The layouts in force.
#[derive(Clone, Debug)]
pub struct Templates {
    pub(crate) subject: Template,
    pub(crate) text: Template,
    pub(crate) page: Template,
}

/// Why an operator's template cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("could not read {}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} is no template; {TEXT} and {PAGE} are", path.display())]
    Unknown { path: PathBuf },
    #[error("{} has more than {MOST_BYTES} bytes", path.display())]
    Large { path: PathBuf },
    #[error("{}, line {line}: {what}", path.display())]
    Wrong { path: PathBuf, line: usize, what: String },
}

impl Templates {
    /// Ours, and in their place those that stand in the directory.
    ///
    /// # Errors
    /// Names the file, the line and what is wrong there; a file with another name is wrong too, since
    /// whoever put it there expects something of it.
    pub fn read(directory: Option<&Path>) -> Result<Self, TemplateError> {
        let (mut text, mut page) = (None, None);
        if let Some(directory) = directory {
            let io = |source| TemplateError::Io { path: directory.to_owned(), source };
            for entry in std::fs::read_dir(directory).map_err(io)? {
                let path = entry.map_err(io)?.path();
                match path.file_name().and_then(|name| name.to_str()) {
                    Some(TEXT) => text = Some(file(&path)?),
                    Some(PAGE) => page = Some(file(&path)?),
                    Some(hidden) if hidden.starts_with('.') => {}
                    _ => return Err(TemplateError::Unknown { path }),
                }
            }
        }
        let at = |name: &str| directory.map_or_else(|| name.into(), |directory| directory.join(name));
        let text = text.as_deref().unwrap_or(include_str!("../templates/notice.txt"));
        let page = page.as_deref().unwrap_or(include_str!("../templates/notice.html"));
        let (subject, text) = parted(text).map_err(|fault| fault.of(at(TEXT)))?;
        let page = Template::parse(page, 1, &NEEDED).map_err(|fault| fault.of(at(PAGE)))?;
        Ok(Self { subject, text, page })
    }
}

fn file(path: &Path) -> Result<String, TemplateError> {
    let io = |source| TemplateError::Io { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(io)?.len() > MOST_BYTES {
        return Err(TemplateError::Large { path: path.to_owned() });
    }
    std::fs::read_to_string(path).map_err(io)
}

/// A text's subject, which is its first line, and what comes after the empty line below.
fn parted(text: &str) -> Result<(Template, Template), Fault> {
    let text = text.replace("\r\n", "\n");
    let wrong = || Fault {
        line: 1,
        what: format!("the first line must begin with `{SUBJECT}`, and the second be empty"),
    };
    let (first, rest) = text.split_once("\n\n").ok_or_else(wrong)?;
    let subject = first.strip_prefix(SUBJECT).filter(|subject| !subject.contains('\n')).ok_or_else(wrong)?;
    Ok((Template::parse(subject, 1, &[])?, Template::parse(rest, 3, &NEEDED)?))
}

/// What is wrong with a template, and where.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    line: usize,
    what: String,
}

impl Fault {
    fn of(self, path: PathBuf) -> TemplateError {
        let Fault { line, what } = self;
        TemplateError::Wrong { path, line, what }
    }
}

/// A text with places.
#[derive(Clone, Debug)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Place(&'static str),
}

impl Template {
    fn parse(text: &str, first_line: usize, needed: &[&str]) -> Result<Self, Fault> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once("{{") {
            let line = first_line + text[..text.len() - after.len()].matches('\n').count();
            let wrong = |what: String| Fault { line, what };
            let (name, after) =
                after.split_once("}}").ok_or_else(|| wrong("`{{` without its `}}`".to_owned()))?;
            let name = name.trim();
            let place = PLACES.iter().find(|(known, _)| *known == name);
            let (place, _) = place.ok_or_else(|| {
                wrong(format!("there is no place called `{name}`; there are {}", Names(&PLACES)))
            })?;
            parts.extend([Part::Text(before.to_owned()), Part::Place(place)]);
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        let has = |name: &str| parts.iter().any(|part| matches!(part, Part::Place(place) if *place == name));
        if let Some(missing) = needed.iter().find(|name| !has(name)) {
            let what = format!("`{{{{ {missing} }}}}` stands nowhere in it");
            return Err(Fault { line: first_line, what });
        }
        Ok(Self(parts))
    }

    /// The text with what stands in each place.
    pub(crate) fn fill(&self, of: impl Fn(&str) -> String) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Place(name) => of(name),
        };
        self.0.iter().map(part).collect()
    }
}

struct Names<'a>(&'a [(&'static str, &'static str)]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (name, _)) in self.0.iter().enumerate() {
            write!(f, "{}`{name}`", if n == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Result<Templates, String> {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        let read = Templates::read(Some(directory.path()));
        let path = format!("{}/", directory.path().display());
        read.map_err(|why| why.to_string().replace(&path, ""))
    }

    #[test]
    fn an_operator_s_templates_stand_in_for_ours_one_by_one() {
        let text = "Subject: [Acme] {{subject}}\r\n\r\n{{ link }} {{ leave }}\r\n";
        let templates = read(&[(TEXT, text), (".keep", "")]).unwrap();
        let name = |name: &str| format!("<{name}>");
        assert_eq!(templates.subject.fill(name), "[Acme] <subject>");
        assert_eq!(templates.text.fill(name), "<link> <leave>\n");
        assert!(templates.page.fill(name).contains("<p class=\"sentence\"><sentence></p>"), "ours");
    }

    #[test]
    fn what_is_wrong_with_a_template_is_said_with_its_file_and_line() {
        let good = "Subject: x\n\n{{ link }} {{ leave }}";
        for (name, text, why) in [
            (
                TEXT,
                "Hello",
                "notice.txt, line 1: the first line must begin with `Subject: `, and the second be empty",
            ),
            (TEXT, "Subject: x\ny\n\nz", "notice.txt, line 1: the first line must begin"),
            (TEXT, "Subject: x\n\n{{ link }}", "notice.txt, line 3: `{{ leave }}` stands nowhere in it"),
            (
                TEXT,
                &good.replace("link", "\nlnik"),
                "notice.txt, line 3: there is no place called `lnik`; there are `subject`,",
            ),
            (PAGE, "a\nb {{ link ", "notice.html, line 2: `{{` without its `}}`"),
            ("notice.htm", "", "notice.htm is no template; notice.txt and notice.html are"),
            (TEXT, &"x".repeat(70_000), "notice.txt has more than 65536 bytes"),
        ] {
            let said = read(&[(name, text)]).unwrap_err();
            assert!(said.starts_with(why), "{said}");
        }
        assert!(
            Templates::read(Some("/nowhere/at/all".as_ref())).unwrap_err().to_string().contains("/nowhere")
        );
    }
}
