//! How mails are laid out: a text and a page with places in double braces, `{{ sentence }}`. Ours are
//! built in; an operator puts theirs into a directory: `mail.txt` and `mail.html` for all mails, and
//! `notice.txt`, `created.html` and so on for those about one topic. All of them are read and checked at the
//! start.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use domain::mail::Topic;

/// What stands in the places, by name, with what it is.
pub const PLACES: [(&str, &str); 13] = [
    ("subject", "the subject"),
    ("sentence", "what has to be known, in one sentence"),
    ("tokens", "the tokens as a list, where there are several"),
    ("link", "the address in the console"),
    ("link_text", "what that link is called"),
    ("leave", "the address by which the reader gets no more of these; empty where they cannot be turned off"),
    ("leave_text", "what that link is called"),
    ("why", "why the reader gets this"),
    ("footer", "`why`, and the way to get no more of these where there is one"),
    ("sender", "the console's name"),
    ("accent", "the console's colour"),
    ("on_accent", "what can be read on it"),
    ("language", "the language's tag"),
];

/// Without one of each of these a mail would be no use, or could not be left.
const LINK: &[&str] = &["link"];
const LEAVE: &[&str] = &["leave", "footer"];
/// For every topic that has no layout of its own.
const ALL: &str = "mail";
/// What the first line of a text begins with.
const SUBJECT: &str = "Subject: ";
const MOST_BYTES: u64 = 64 * 1024;

/// The layouts in force.
#[derive(Clone, Debug)]
pub struct Templates(Vec<(Topic, Layout)>);

/// How mails about one topic look.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) subject: Template,
    pub(crate) text: Template,
    pub(crate) page: Template,
}

/// Why an operator's template cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("could not read {}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} is no template; those are called {} and end in `.txt` or `.html`", path.display(), Called)]
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
        let mut theirs: HashMap<String, String> = HashMap::new();
        if let Some(directory) = directory {
            let io = |source| TemplateError::Io { path: directory.to_owned(), source };
            for entry in std::fs::read_dir(directory).map_err(io)? {
                let path = entry.map_err(io)?.path();
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let known = name.strip_suffix(".txt").or_else(|| name.strip_suffix(".html"));
                match known {
                    _ if name.starts_with('.') => {}
                    Some(known) if names().any(|name| name == known) => {
                        theirs.insert(name.to_owned(), file(&path)?);
                    }
                    _ => return Err(TemplateError::Unknown { path }),
                }
            }
        }
        let ours = [include_str!("../templates/mail.txt"), include_str!("../templates/mail.html")];
        // The one for this topic, or for all, or else ours, with its name.
        let found = |topic: Topic, end: &str, ours: &'static str| {
            let names = [topic.as_str(), ALL].map(|name| format!("{name}.{end}"));
            let theirs = names.iter().find_map(|name| Some((name.clone(), theirs.get(name)?.as_str())));
            let (name, text) = theirs.unwrap_or((format!("{ALL}.{end}"), ours));
            (directory.map_or_else(|| name.clone().into(), |directory| directory.join(&name)), text)
        };
        let layout = |topic: Topic| {
            let needed: &[_] = if topic.can_be_left() { &[LINK, LEAVE] } else { &[LINK] };
            let (path, text) = found(topic, "txt", ours[0]);
            let (subject, text) = parted(text, needed).map_err(|fault| fault.of(path))?;
            let (path, page) = found(topic, "html", ours[1]);
            let page = Template::parse(page, 1, needed).map_err(|fault| fault.of(path))?;
            Ok((topic, Layout { subject, text, page }))
        };
        Topic::ALL.iter().map(|topic| layout(*topic)).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn of(&self, topic: Topic) -> &Layout {
        let found = self.0.iter().find(|(of, _)| *of == topic);
        &found.expect("there is one for each topic").1
    }
}

/// What templates may be called, without their ends.
fn names() -> impl Iterator<Item = &'static str> {
    std::iter::once(ALL).chain(Topic::ALL.iter().map(|topic| topic.as_str()))
}

struct Called;

impl fmt::Display for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
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
fn parted(text: &str, needed: &[&[&str]]) -> Result<(Template, Template), Fault> {
    let text = text.replace("\r\n", "\n");
    let wrong = || Fault {
        line: 1,
        what: format!("the first line must begin with `{SUBJECT}`, and the second be empty"),
    };
    let (first, rest) = text.split_once("\n\n").ok_or_else(wrong)?;
    let subject = first.strip_prefix(SUBJECT).filter(|subject| !subject.contains('\n')).ok_or_else(wrong)?;
    Ok((Template::parse(subject, 1, &[])?, Template::parse(rest, 3, needed)?))
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
    fn parse(text: &str, first_line: usize, needed: &[&[&str]]) -> Result<Self, Fault> {
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
        if let Some(missing) = needed.iter().find(|any| !any.iter().any(|name| has(name))) {
            let missing: Vec<String> = missing.iter().map(|name| format!("`{{{{ {name} }}}}`")).collect();
            let what = format!("{} stands nowhere in it", missing.join(" or "));
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
        let own = "Subject: New\n\n{{ link }}";
        let templates = read(&[("mail.txt", text), ("created.txt", own), (".keep", "")]).unwrap();
        let name = |name: &str| format!("<{name}>");
        for topic in Topic::ALL {
            let layout = templates.of(*topic);
            let (subject, text) = match topic {
                Topic::Created => ("New", "<link>"),
                _ => ("[Acme] <subject>", "<link> <leave>\n"),
            };
            assert_eq!((layout.subject.fill(name), layout.text.fill(name)), (subject.into(), text.into()));
            assert!(layout.page.fill(name).contains("<p class=\"sentence\"><sentence></p>"), "ours");
        }
    }

    #[test]
    fn what_is_wrong_with_a_template_is_said_with_its_file_and_line() {
        let good = "Subject: x\n\n{{ link }} {{ leave }}";
        for (name, text, why) in [
            (
                "notice.txt",
                "Hello",
                "notice.txt, line 1: the first line must begin with `Subject: `, and the second be empty",
            ),
            ("notice.txt", "Subject: x\ny\n\nz", "notice.txt, line 1: the first line must begin"),
            (
                "notice.txt",
                "Subject: x\n\n{{ link }}",
                "notice.txt, line 3: `{{ leave }}` or `{{ footer }}` stands nowhere in it",
            ),
            (
                "notice.txt",
                &good.replace("link", "\nlnik"),
                "notice.txt, line 3: there is no place called `lnik`; there are `subject`,",
            ),
            ("notice.html", "a\nb {{ link ", "notice.html, line 2: `{{` without its `}}`"),
            ("notice.htm", "", "notice.htm is no template; those are called `mail`, `notice`, `created`,"),
            ("notice.txt", &"x".repeat(70_000), "notice.txt has more than 65536 bytes"),
        ] {
            let said = read(&[(name, text)]).unwrap_err();
            assert!(said.starts_with(why), "{said}");
        }
        assert!(
            Templates::read(Some("/nowhere/at/all".as_ref())).unwrap_err().to_string().contains("/nowhere")
        );
    }
}
