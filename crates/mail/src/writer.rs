//! Writes mails: from what one says to what its reader sees.

use std::time::{Duration, SystemTime};

use domain::mail::{By, Item, Mail, Topic};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};

use crate::place::Sender;
use crate::templates::{Layout, Templates};
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
        let message = Message::builder()
            .from(self.from.0.clone())
            .to(Mailbox::new(Some(line(&mail.name)), address))
            .subject(subject)
            .date(SystemTime::UNIX_EPOCH + Duration::from_micros(date))
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.domain())))
            // RFC 3834, section 5: nobody's absence shall be told to us.
            .raw_header(header("Auto-Submitted", "auto-generated".to_owned()));
        let message = match self.leave(mail) {
            // RFC 2369, section 3.2, and RFC 8058: leaving takes one click, and a mail program may do it.
            Some(leave) => message
                .raw_header(header("List-Unsubscribe", format!("<{leave}>")))
                .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned())),
            None => message,
        };
        message.multipart(parts).map_err(|_| Unaddressed)
    }

    /// What its reader sees.
    pub fn write(&self, mail: &Mail) -> Written {
        let said = Said::of(mail, &self.style, self.leave(mail));
        let Layout { subject, text, page } = self.templates.of(mail.topic);
        Written {
            subject: line(&subject.fill(|name| said.plain(name))),
            text: narrowed(&text.fill(|name| said.plain(name))),
            page: page.fill(|name| said.marked_up(name)),
        }
    }

    /// Where its reader turns mails like it off, if that is theirs to do.
    fn leave(&self, mail: &Mail) -> Option<String> {
        let way = mail.way_out.as_ref()?;
        Some(format!("{}/_leave/{}", self.style.console, way.expose()))
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
    items: Vec<(&'a str, String)>,
    more: Option<String>,
    link: String,
    link_text: String,
    why: String,
    /// The address that turns these mails off, and what that link is called; empty where nothing does.
    leave: String,
    leave_text: String,
}

impl<'a> Said<'a> {
    fn of(mail: &'a Mail, style: &'a Style, leave: Option<String>) -> Self {
        let language = style.language;
        let about = About::of(mail, style);
        let topic = mail.topic.as_str().replace('_', "-");
        let count = if mail.items.len() > 1 { "many" } else { "one" };
        let mut sentence = format!("{topic}-sentence-{count}");
        if let [item] = mail.items.as_slice() {
            let how = match (mail.topic, item.deleted, item.said.is_some()) {
                (Topic::Revoked, true, _) => "-deleted",
                (Topic::Revoked | Topic::Leaked | Topic::Waiting, _, true) => "-said",
                _ => "",
            };
            sentence.push_str(how);
        }
        let (items, more) = if mail.items.len() > 1 {
            let more = mail.items.len().saturating_sub(NAMED);
            let more = (more > 0).then(|| language.say("more", &[("count", &more.to_string())]));
            (mail.items.iter().take(NAMED).map(|item| below(mail, style, item)).collect(), more)
        } else {
            (Vec::new(), None)
        };
        Self {
            style,
            subject: about.say(&format!("{topic}-subject-{count}")),
            sentence: about.say(&sentence),
            items,
            more,
            link: link(mail, style),
            link_text: about.say(&format!("{topic}-link-{count}")),
            why: about.say(match mail.topic {
                Topic::Ending => "why-notice",
                Topic::Waiting => "why-waiting",
                Topic::Invitation => "why-invitation",
                Topic::Reset => "why-reset",
                Topic::Created | Topic::Revoked | Topic::Leaked | Topic::SignIn => "why-safety",
            }),
            leave_text: leave.as_ref().map(|_| language.say("leave", &[])).unwrap_or_default(),
            leave: leave.unwrap_or_default(),
        }
    }

    fn plain(&self, place: &str) -> String {
        match place {
            "tokens" => {
                let lines = self.items.iter().map(|(name, below)| format!("- {name}\n  {below}"));
                let more = self.more.iter().map(|more| format!("… {more}"));
                lines.chain(more).collect::<Vec<_>>().join("\n")
            }
            "footer" if self.leave.is_empty() => self.why.clone(),
            "footer" => format!("{}\n{}:\n{}", self.why, self.leave_text, self.leave),
            place => self.one(place).to_owned(),
        }
    }

    fn marked_up(&self, place: &str) -> String {
        match place {
            "tokens" => self.list(),
            "footer" if self.leave.is_empty() => format!("<p>{}</p>", escaped(&self.why)),
            "footer" => {
                let [why, leave, text] = [&self.why, &self.leave, &self.leave_text].map(|text| escaped(text));
                format!("<p>{why} <a href=\"{leave}\">{text}</a></p>")
            }
            place => escaped(self.one(place)),
        }
    }

    fn list(&self) -> String {
        if self.items.is_empty() {
            return String::new();
        }
        let row = |(name, below): &(&str, String)| {
            format!("<li><bdi>{}</bdi><small>{}</small></li>\n", escaped(name), escaped(below))
        };
        let rows: String = self.items.iter().map(row).collect();
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

/// What the sentences of a mail are about: the one thing that happened, or the first of many.
struct About<'a> {
    mail: &'a Mail,
    style: &'a Style,
    count: String,
    date: String,
    when: String,
    by: String,
}

impl<'a> About<'a> {
    fn of(mail: &'a Mail, style: &'a Style) -> Self {
        let language = style.language;
        let first = mail.items.first();
        let at = first.map(|item| item.at).or(mail.way_in.as_ref().map(|(_, until)| *until));
        Self {
            mail,
            style,
            count: mail.items.len().to_string(),
            date: at.map(|at| language.moment(at)).unwrap_or_default(),
            when: at.map(|at| language.when(at, mail.now)).unwrap_or_default(),
            by: first.map(|item| somebody(language, &item.by)).unwrap_or_default(),
        }
    }

    fn say(&self, name: &str) -> String {
        let first = self.mail.items.first();
        let of = |part: fn(&Item) -> &str| first.map(part).unwrap_or_default();
        let said = |item: &'a Item| item.said.as_deref().unwrap_or_default();
        let about = [
            ("account", self.mail.account_name.as_str()),
            ("sender", &self.style.name),
            ("count", &self.count),
            ("date", &self.date),
            ("when", &self.when),
            ("by", &self.by),
            ("name", of(|item| &item.name)),
            ("holder", of(|item| &item.holder)),
            ("said", first.map(said).unwrap_or_default()),
        ];
        self.style.language.say(name, &about)
    }
}

fn somebody(language: Language, by: &By) -> String {
    match by {
        By::Named(name) => name.clone(),
        By::You => language.say("by-you", &[]),
        By::Operator => language.say("by-operator", &[]),
        By::Somebody => language.say("by-somebody", &[]),
    }
}

/// One of many: its name, and the line below.
fn below<'a>(mail: &Mail, style: &Style, item: &'a Item) -> (&'a str, String) {
    let language = style.language;
    let date = language.moment(item.at);
    let by = somebody(language, &item.by);
    let said = item.said.as_ref().map(|said| format!(" · {said}")).unwrap_or_default();
    let line = match mail.topic {
        Topic::Ending => format!("{} · {date}, {}", item.holder, language.when(item.at, mail.now)),
        Topic::SignIn => date,
        Topic::Leaked => format!("{} · {date}{said}", item.holder),
        _ => {
            let about = [("holder", item.holder.as_str()), ("date", &date), ("by", &by)];
            format!("{}{said}", language.say("below", &about))
        }
    };
    (&item.name, line)
}

/// Where a mail's link leads: to the thing itself in the console, where there is one.
fn link(mail: &Mail, style: &Style) -> String {
    let console = &style.console;
    let account = &mail.account;
    match (mail.topic, mail.items.as_slice(), &mail.way_in) {
        (Topic::Invitation, _, Some((way, _))) => format!("{console}/_invitation/{}", way.expose()),
        (Topic::Reset, _, Some((way, _))) => format!("{console}/_reset/{}", way.expose()),
        (Topic::SignIn, ..) => format!("{console}/{account}/me"),
        (_, [item], _) => format!("{console}/{account}/tokens/{}", item.token),
        (Topic::Ending, ..) => format!("{console}/{account}/notices"),
        _ => format!("{console}/{account}/tokens"),
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
