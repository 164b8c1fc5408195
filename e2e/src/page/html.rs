//! Enough of HTML to read pages that are written well: elements with their attributes, text with its
//! references, and what links, labels and forms mean. It mends nothing: a page that needs it fails its test.

use std::collections::BTreeMap;

use ureq::http::Method;

/// A page, or a part of one.
#[derive(Debug, Clone)]
pub(super) struct Html(Vec<Piece>);

#[derive(Debug, Clone)]
enum Piece {
    Begin { tag: String, attributes: BTreeMap<String, String> },
    End(String),
    Text(String),
}

/// What a form would send.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) method: Method,
    /// None: to where the page is.
    pub(super) action: Option<String>,
    /// What its fields hold by themselves.
    pub(super) values: Vec<(String, String)>,
    /// All of its fields.
    pub(super) names: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Text,
    /// A box, or one of several choices; whether it is ticked.
    Tick(bool),
    /// Values and what is read of them.
    Choice(Vec<(String, String)>),
}

/// Elements without an end.
const VOID: [&str; 6] = ["br", "hr", "img", "input", "link", "meta"];

impl Html {
    pub(super) fn read(text: &str) -> Html {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, markup)) = rest.split_once('<') {
            if !before.trim().is_empty() {
                pieces.push(Piece::Text(plain(before)));
            } else if !before.is_empty() {
                pieces.push(Piece::Text(" ".to_owned()));
            }
            let (markup, after) = markup.split_once('>').expect("a tag ends");
            rest = after;
            if let Some(tag) = markup.strip_prefix('/') {
                pieces.push(Piece::End(tag.trim().to_ascii_lowercase()));
            } else if !markup.starts_with('!') {
                pieces.push(begin(markup));
            }
        }
        Html(pieces)
    }

    /// All that is read, drawings and the head left out.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut within = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Begin { tag, .. } if is_unread(tag) => within.push(tag.as_str()),
                Piece::End(tag) if within.last() == Some(&tag.as_str()) => {
                    within.pop();
                }
                Piece::Text(said) if within.is_empty() => text.push_str(said),
                // Where one element ends and another begins, the words do not run together; within a
                // line they may.
                Piece::Begin { tag, attributes } if !is_inline(tag) || stands_alone(attributes) => {
                    text.push(' ')
                }
                Piece::End(tag) if !is_inline(tag) => text.push(' '),
                _ => {}
            }
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The text of the element with this id.
    pub(super) fn text_of(&self, id: &str) -> Option<String> {
        let at = self.0.iter().position(|piece| piece.attribute("id") == Some(id))?;
        Some(self.element(at).text())
    }

    /// Where the link that is called so leads.
    pub(super) fn link(&self, name: &str) -> Option<String> {
        let links = self.elements("a").filter(|link| link.is_called(name));
        links.filter_map(|link| link.own("href").map(str::to_owned)).next()
    }

    /// The form that is sent by the button that is called so.
    pub(super) fn form_with(&self, button: &str) -> Option<Form> {
        let sent_by = |form: &Html| form.elements("button").any(|button_| button_.is_called(button));
        self.elements("form").find(sent_by).map(|form| form.as_form())
    }

    /// What the link or the button is called in full that begins with these words.
    pub(super) fn full_name(&self, name: &str) -> Option<String> {
        let longer = format!("{name} ");
        let all = self.elements("a").chain(self.elements("button"));
        let mut names = all.filter(|one| one.is_called(name) || one.text().starts_with(&longer));
        names.next().map(|one| if one.is_called(name) { name.to_owned() } else { one.text() })
    }

    /// The rows of tables, without those of heads.
    pub(super) fn rows(&self) -> Vec<Html> {
        self.elements("tbody").flat_map(|body| body.elements("tr").collect::<Vec<_>>()).collect()
    }

    /// The words that a row begins with, where they are a name.
    pub(super) fn first_name(&self) -> Option<String> {
        self.elements("bdi").next().map(|name| name.text())
    }

    /// The fields with this label, also where more stands behind it.
    pub(super) fn fields(&self, label: &str) -> Vec<Field> {
        let labels: Vec<Html> = self.elements("label").collect();
        let exact = labels.iter().find(|html| html.text() == label);
        let longer = || labels.iter().find(|html| html.text().starts_with(&format!("{label} ")));
        let labelled = exact.or_else(longer).and_then(|html| html.own("for"));
        let is_meant = |at: &usize| {
            let piece = &self.0[*at];
            let called = piece.attribute("aria-label") == Some(label);
            let pointed_to = labelled.is_some() && piece.attribute("id") == labelled;
            piece.is_control() && (called || pointed_to)
        };
        (0..self.0.len()).filter(is_meant).filter_map(|at| self.element(at).as_field()).collect()
    }

    /// What stands between the beginning and the end of the element at this place, both included.
    fn element(&self, at: usize) -> Html {
        let Piece::Begin { tag, .. } = &self.0[at] else { panic!("an element begins there") };
        if VOID.contains(&tag.as_str()) {
            return Html(vec![self.0[at].clone()]);
        }
        let mut depth = 0;
        for (end, piece) in self.0.iter().enumerate().skip(at) {
            match piece {
                Piece::Begin { tag: other, .. } if other == tag => depth += 1,
                Piece::End(other) if other == tag => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Html(self.0[at..=end].to_vec());
            }
        }
        panic!("<{tag}> does not end")
    }

    fn elements<'h>(&'h self, wanted: &'h str) -> impl Iterator<Item = Html> + 'h {
        let begins = move |at: &usize| matches!(&self.0[*at], Piece::Begin { tag, .. } if tag == wanted);
        (0..self.0.len()).filter(begins).map(|at| self.element(at))
    }

    /// An attribute of the element that this is.
    fn own(&self, name: &str) -> Option<&str> {
        self.0.first()?.attribute(name)
    }

    fn is_called(&self, name: &str) -> bool {
        self.text() == name || self.own("aria-label") == Some(name) || self.own("title") == Some(name)
    }

    fn as_form(&self) -> Form {
        let posts = self.own("method").is_some_and(|method| method.eq_ignore_ascii_case("post"));
        let method = if posts { Method::POST } else { Method::GET };
        let mut form = Form {
            method,
            action: self.own("action").map(str::to_owned),
            values: Vec::new(),
            names: Vec::new(),
        };
        let controls = (0..self.0.len()).filter(|at| self.0[*at].is_control());
        for field in controls.filter_map(|at| self.element(at).as_field()) {
            form.names.push(field.name.clone());
            if !matches!(field.kind, Kind::Tick(false)) {
                form.values.push((field.name, field.value));
            }
        }
        form
    }

    fn as_field(&self) -> Option<Field> {
        let Piece::Begin { tag, .. } = self.0.first()? else { return None };
        let name = self.own("name")?.to_owned();
        let given = self.own("value").map(str::to_owned);
        let (kind, value) = match (tag.as_str(), self.own("type")) {
            ("input", Some("radio" | "checkbox")) => {
                (Kind::Tick(self.own("checked").is_some()), given.unwrap_or_else(|| "on".to_owned()))
            }
            ("select", _) => {
                let read = |option: &Html| {
                    let text = option.text();
                    (option.own("value").map_or_else(|| text.clone(), str::to_owned), text)
                };
                let options: Vec<Html> = self.elements("option").collect();
                let chosen = options.iter().find(|option| option.own("selected").is_some());
                let value = chosen.or(options.first()).map(|option| read(option).0).unwrap_or_default();
                (Kind::Choice(options.iter().map(read).collect()), value)
            }
            ("textarea", _) => (Kind::Text, self.text()),
            _ => (Kind::Text, given.unwrap_or_default()),
        };
        Some(Field { name, value, kind })
    }
}

impl Piece {
    fn attribute(&self, name: &str) -> Option<&str> {
        match self {
            Piece::Begin { attributes, .. } => attributes.get(name).map(String::as_str),
            _ => None,
        }
    }

    fn is_control(&self) -> bool {
        matches!(self, Piece::Begin { tag, .. } if matches!(tag.as_str(), "input" | "select" | "textarea"))
    }
}

fn begin(markup: &str) -> Piece {
    let markup = markup.trim_end_matches('/');
    let (tag, mut rest) = markup.split_once(char::is_whitespace).unwrap_or((markup, ""));
    let mut attributes = BTreeMap::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        let end = rest.find(['=', ' ', '\n']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let value;
        (value, rest) = match after.strip_prefix("=\"") {
            Some(after) => after.split_once('"').expect("a value ends"),
            None => ("", after),
        };
        attributes.insert(name.to_owned(), plain(value));
    }
    Piece::Begin { tag: tag.to_ascii_lowercase(), attributes }
}

/// Text without its references.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, reference)) = rest.split_once('&') {
        plain.push_str(before);
        let (name, after) = reference.split_once(';').unwrap_or((reference, ""));
        let number = name.strip_prefix('#').and_then(|digits| digits.parse().ok()).and_then(char::from_u32);
        let character = number.or(match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            _ => None,
        });
        plain.push(character.unwrap_or_else(|| panic!("no reference of ours: &{name};")));
        rest = after;
    }
    plain.push_str(rest);
    plain
}

fn is_unread(tag: &str) -> bool {
    matches!(tag, "svg" | "head" | "script" | "style")
}

fn is_inline(tag: &str) -> bool {
    matches!(tag, "bdi" | "span" | "strong" | "small" | "code" | "a" | "time" | "del")
}

/// What the style sheet puts on a line of its own, or apart.
fn stands_alone(attributes: &BTreeMap<String, String>) -> bool {
    let class = attributes.get("class").map(String::as_str).unwrap_or_default();
    class.split(' ').any(|name| matches!(name, "under" | "hint" | "mark"))
}

#[cfg(test)]
mod tests {
    use super::{Html, Kind};

    const PAGE: &str = r#"<!DOCTYPE html><html><head><title>T</title></head><body>
        <p>One &#38; <bdi>two</bdi>.</p><a class="x" href="/a?b&#38;c">Go <svg><path d="M0"/></svg>on</a>
        <form method="post" action="/send"><input type="hidden" name="form" value="1">
        <label for="n">Name <small>optional</small></label><input id="n" name="name" value="&#60;b&#62;" required>
        <input type="radio" id="r1" name="r" value="a" checked><label for="r1">First</label>
        <input type="radio" id="r2" name="r" value="b"><label for="r2">Second</label>
        <select name="unit" aria-label="Unit"><option value="d" selected>days</option><option>hours</option></select>
        <button>Send</button></form>
        <table><tbody><tr><td><bdi>one</bdi></td></tr><tr><td><bdi>two</bdi></td></tr></tbody></table></body></html>"#;

    #[test]
    fn a_page_is_read() {
        let page = Html::read(PAGE);
        assert!(page.text().starts_with("One & two. Go on Name optional"), "{}", page.text());
        assert_eq!(page.link("Go on").as_deref(), Some("/a?b&c"));
        let form = page.form_with("Send").unwrap();
        let sent: Vec<_> = form.values.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(sent, [("form", "1"), ("name", "<b>"), ("r", "a"), ("unit", "d")]);
        assert_eq!(page.fields("Second")[0].value, "b");
        assert_eq!(page.fields("Name")[0].name, "name");
        let Kind::Choice(options) = &page.fields("Unit")[0].kind else { panic!("a list of choices") };
        assert_eq!(options[1], ("hours".to_owned(), "hours".to_owned()));
        let names: Vec<_> = page.rows().iter().filter_map(Html::first_name).collect();
        assert_eq!(names, ["one", "two"]);
    }
}
