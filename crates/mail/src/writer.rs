//! Writes mails: from what one says to what its reader sees.

use std::time::{Duration, SystemTime};

use domain::mail::{Ending, Mail};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};

use crate::place::Sender;
use crate::templates::Templates;
use crate::words::Language;

/// Tokens that a mail names; how many more there are it says in a number.
const NAMED: usize = 20;

/// How mails look and where their links lead.
#[derive(Clone, Debug)]
pub struct Style {
    pub language: Language,
    /// The address of the console, from outside and without a slash at its end.
    pub console: String,
    /// What the console calls itself.
    pub name: String,
    /// Its colour, as in `#2f5bd0`.
    pub accent: String,
}

/// What makes messages of mails.
#[derive(Clone, Debug)]
pub struct Writer {
    pub from: Sender,
    pub style: Style,
    pub templates: Templates,
}

/// A mail as it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub subject: String,
    pub text: String,
    pub page: String,
}

/// A mail of which no message can be made: the reader's address is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no mail can be addressed to what its reader has as an address")]
pub struct Unaddressed;

impl Writer {
    /// The message. Each try has the same id, so that whoever gets it twice can tell.
    ///
    /// # Errors
    /// An address that mail servers do not know as one.
    pub fn message(&self, mail: &Mail) -> Result<Message, Unaddressed> {
        let address: Address = mail.address.parse().map_err(|_| Unaddressed)?;
        let Written { subject, text, page } = self.write(mail);
        let header = |name: &'static str, value: String| {
            let name = HeaderName::new_from_ascii_str(name);
            HeaderValue::new(name, value)
        };
        let date = u64::try_from(mail.now.as_micros()).unwrap_or_default();
        let parts = MultiPart::alternative()
            .boundary(format!("jeton-{}", mail.id))
            .singlepart(part(ContentType::TEXT_PLAIN, text))
            .singlepart(part(ContentType::TEXT_HTML, page));
        Message::builder()
            .from(self.from.0.clone())
            .to(Mailbox::new(Some(line(&mail.name)), address))
            .subject(subject)
            .date(SystemTime::UNIX_EPOCH + Duration::from_micros(date))
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.domain())))
            // RFC 3834, section 5: nobody's absence shall be told to us.
            .raw_header(header("Auto-Submitted", "auto-generated".to_owned()))
            // RFC 2369, section 3.2, and RFC 8058: leaving takes one click, and a mail program may do it.
            .raw_header(header("List-Unsubscribe", format!("<{}>", self.leave(mail))))
            .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()))
            .multipart(parts)
            .map_err(|_| Unaddressed)
    }

    /// What its reader sees.
    pub fn write(&self, mail: &Mail) -> Written {
        let said = Said::of(mail, &self.style, self.leave(mail));
        let Templates { subject, text, page } = &self.templates;
        Written {
            subject: line(&subject.fill(|name| said.plain(name))),
            text: narrowed(&text.fill(|name| said.plain(name))),
            page: page.fill(|name| said.marked_up(name)),
        }
    }

    fn leave(&self, mail: &Mail) -> String {
        format!("{}/_leave/{}", self.style.console, mail.way_out.expose())
    }
}

fn part(kind: ContentType, text: String) -> SinglePart {
    SinglePart::builder().header(kind).body(text)
}

/// What stands in the places.
struct Said<'a> {
    style: &'a Style,
    subject: String,
    sentence: String,
    /// Name, and what stands below it; none where the sentence has said it all.
    tokens: Vec<(&'a str, String)>,
    more: Option<String>,
    link: String,
    link_text: String,
    why: String,
    leave: String,
    leave_text: String,
}

impl<'a> Said<'a> {
    fn of(mail: &'a Mail, style: &'a Style, leave: String) -> Self {
        let language = style.language;
        let account = mail.account_name.as_str();
        let console = format!("{}/{}", style.console, mail.account);
        let why = language.say("why", &[("account", account)]);
        let leave_text = language.say("leave", &[]);
        let when = |token: &Ending| language.when(token.ends_at, mail.now);
        if let [token] = mail.ending.as_slice() {
            let (date, when) = (language.moment(token.ends_at), when(token));
            let about = [
                ("name", token.name.as_str()),
                ("holder", &token.holder),
                ("account", account),
                ("date", &date),
                ("when", &when),
            ];
            return Self {
                style,
                subject: language.say("subject-one", &about),
                sentence: language.say("sentence-one", &about),
                tokens: Vec::new(),
                more: None,
                link: format!("{console}/tokens/{}", token.token),
                link_text: language.say("link-one", &[]),
                why,
                leave,
                leave_text,
            };
        }
        let count = mail.ending.len().to_string();
        let first = mail.ending.first().map(when).unwrap_or_default();
        let about = [("count", count.as_str()), ("account", account), ("when", &first)];
        let below = |token: &'a Ending| {
            let ends = language.moment(token.ends_at);
            (token.name.as_str(), format!("{} · {ends}, {}", token.holder, when(token)))
        };
        let more = mail.ending.len().saturating_sub(NAMED);
        Self {
            style,
            subject: language.say("subject-many", &about),
            sentence: language.say("sentence-many", &about),
            tokens: mail.ending.iter().take(NAMED).map(below).collect(),
            more: (more > 0).then(|| language.say("more", &[("count", &more.to_string())])),
            link: format!("{console}/notices"),
            link_text: language.say("link-many", &[]),
            why,
            leave,
            leave_text,
        }
    }

    fn plain(&self, place: &str) -> String {
        match place {
            "tokens" => {
                let lines = self.tokens.iter().map(|(name, below)| format!("- {name}\n  {below}"));
                let more = self.more.iter().map(|more| format!("… {more}"));
                lines.chain(more).collect::<Vec<_>>().join("\n")
            }
            place => self.one(place).to_owned(),
        }
    }

    fn marked_up(&self, place: &str) -> String {
        if place != "tokens" {
            return escaped(self.one(place));
        }
        if self.tokens.is_empty() {
            return String::new();
        }
        let row = |(name, below): &(&str, String)| {
            format!("<li><bdi>{}</bdi><small>{}</small></li>\n", escaped(name), escaped(below))
        };
        let rows: String = self.tokens.iter().map(row).collect();
        let more = self.more.as_deref().map(|more| format!("<li>… {}</li>\n", escaped(more)));
        format!("<ul>\n{rows}{}</ul>", more.unwrap_or_default())
    }

    fn one(&self, place: &str) -> &str {
        match place {
            "subject" => &self.subject,
            "sentence" => &self.sentence,
            "link" => &self.link,
            "link_text" => &self.link_text,
            "leave" => &self.leave,
            "leave_text" => &self.leave_text,
            "why" => &self.why,
            "sender" => &self.style.name,
            "accent" => &self.style.accent,
            "on_accent" => ink_on(&self.style.accent),
            "language" => self.style.language.tag(),
            _ => "",
        }
    }
}

/// Black or white, whichever stands out more from a colour (WCAG 2.2, relative luminance).
fn ink_on(colour: &str) -> &'static str {
    let part = |at: usize| {
        let digits = colour.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let part = f64::from(digits.unwrap_or(0)) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
    if luminance > 0.179 { "#000000" } else { "#ffffff" }
}

/// Text that is text in HTML, also within a quoted attribute.
fn escaped(text: &str) -> String {
    let mut to = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '"' => to.push_str("&quot;"),
            '\'' => to.push_str("&#39;"),
            c => to.push(c),
        }
    }
    to
}

/// Text on one line, for a header. Names have no control characters; what an operator writes may.
fn line(text: &str) -> String {
    let one = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(one).collect::<String>().trim().to_owned()
}

/// Text without the empty lines that a place with nothing in it leaves.
fn narrowed(text: &str) -> String {
    let mut text = text.to_owned();
    while text.contains("\n\n\n") {
        text = text.replace("\n\n\n", "\n\n");
    }
    text
}
