//! The console's pages as somebody without scripts meets them, read without a browser: what a page says,
//! which links and forms it has, and following those by the names that are read there.
//!
//! For walks through a document, in whatever place the server keeps what it knows. How a page looks, and
//! what scripts add, is [`crate::Browser`]'s.

mod html;

use html::{Field, Form, Html, Kind};
use ureq::http::Method;

use crate::{ACCOUNT, Answer, Client, PASSWORD, Server};

/// Somebody who is signed in to the console, and the page that is before them.
pub struct Pages {
    client: Client,
    cookie: String,
    /// The path of the page.
    at: String,
    page: Html,
    status: u16,
    /// What was filled in and not sent yet, by the field's name.
    filled: Vec<(String, String)>,
}

impl Server {
    /// Signs in to the console, which leads to the list of tokens where one may see it.
    #[track_caller]
    pub fn pages(&self, email: &str) -> Pages {
        let form = [("email", email), ("password", PASSWORD), ("account", ACCOUNT)];
        let fields: Vec<(String, String)> =
            form.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let client = self.anonymous();
        let answer = send(&client, "", Method::POST, "/console/sign-in", &fields);
        assert_eq!(answer.status, 303, "expected to be signed in:\n{answer:?}");
        let cookie = answer.head("set-cookie").and_then(|cookie| cookie.split(';').next());
        let cookie = cookie.unwrap_or_else(|| panic!("signing in sets a cookie:\n{answer:?}")).to_owned();
        let onward = answer.head("location").unwrap_or_default().to_owned();
        let mut pages =
            Pages { client, cookie, at: String::new(), page: Html::read(""), status: 0, filled: Vec::new() };
        pages.follow(Method::GET, &onward, &[]);
        pages
    }
}

impl Pages {
    // Where one is

    /// Opens a page of the account: `tokens` is `/console/acme/tokens`.
    pub fn open(&mut self, below: &str) -> &mut Pages {
        self.follow(Method::GET, &format!("/console/{ACCOUNT}/{below}"), &[]);
        self
    }

    /// The path and the query of the page.
    pub fn path(&self) -> &str {
        &self.at
    }

    pub fn status(&self) -> u16 {
        self.status
    }

    // What stands there

    /// Its text with single spaces, title and all.
    pub fn text(&self) -> String {
        self.page.text()
    }

    #[track_caller]
    pub fn says(&self, text: &str) -> &Pages {
        let all = self.text();
        assert!(all.contains(text), "{} does not say \"{text}\":\n{all}", self.at);
        self
    }

    #[track_caller]
    pub fn does_not_say(&self, text: &str) -> &Pages {
        let all = self.text();
        assert!(!all.contains(text), "{} says \"{text}\":\n{all}", self.at);
        self
    }

    /// Whether a link or a button is called so.
    pub fn offers(&self, name: &str) -> bool {
        self.page.link(name).is_some() || self.page.form_with(name).is_some()
    }

    /// What stands in the row of a table that is about this, its names for actions too.
    #[track_caller]
    pub fn row(&self, about: &str) -> String {
        let rows = self.page.rows();
        let found = rows.iter().find(|row| row.text().contains(about));
        found.unwrap_or_else(|| panic!("no row about \"{about}\" on {}:\n{}", self.at, self.text())).text()
    }

    /// The names of what the table lists: each row's first cell, its first words.
    pub fn listed(&self) -> Vec<String> {
        self.page.rows().iter().filter_map(Html::first_name).collect()
    }

    /// What can be chosen from a list of choices, by what is read there.
    #[track_caller]
    pub fn choices(&self, label: &str) -> Vec<String> {
        match self.field(label, |kind| matches!(kind, Kind::Choice(_))).kind {
            Kind::Choice(options) => options.into_iter().map(|(_, text)| text).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether there is a field with this label.
    pub fn asks_for(&self, label: &str) -> bool {
        !self.page.fields(label).is_empty()
    }

    /// The secret that the page shows once.
    #[track_caller]
    pub fn secret(&self) -> String {
        let secret = self.page.text_of("secret");
        secret.unwrap_or_else(|| panic!("no secret on {}:\n{}", self.at, self.text()))
    }

    /// The first line that the page shows with the secret, to be pasted.
    #[track_caller]
    pub fn example(&self) -> String {
        let example = self.page.text_of("example-1");
        example.unwrap_or_else(|| panic!("no example on {}:\n{}", self.at, self.text()))
    }

    // What one does

    /// Follows what is called so: a link, or the form that a button sends, with what was filled in.
    #[track_caller]
    pub fn press(&mut self, name: &str) -> &mut Pages {
        let page = std::mem::replace(&mut self.page, Html::read(""));
        self.press_in(&page, name);
        self
    }

    /// The same in the row of a table that is about this.
    #[track_caller]
    pub fn press_at(&mut self, about: &str, name: &str) -> &mut Pages {
        let row = self.page.rows().into_iter().find(|row| row.text().contains(about));
        let row = row.unwrap_or_else(|| panic!("no row about \"{about}\" on {}:\n{}", self.at, self.text()));
        // To those who do not see the row its buttons say of what they are: "Bin" is "Bin pulumi".
        let whole = row.full_name(name).unwrap_or_else(|| name.to_owned());
        self.press_in(&row, &whole);
        self
    }

    #[track_caller]
    fn press_in(&mut self, part: &Html, name: &str) {
        if let Some(form) = part.form_with(name) {
            let sent = self.sent(&form);
            match form.method {
                Method::GET => {
                    self.follow(Method::GET, &format!("{}?{}", self.action(&form), query(&sent)), &[])
                }
                _ => self.follow(Method::POST, &self.action(&form), &sent),
            }
        } else if let Some(address) = part.link(name) {
            self.follow(Method::GET, &address, &[]);
        } else {
            panic!("no \"{name}\" on {}:\n{}", self.at, part.text());
        }
    }

    /// Puts text into the field with this label.
    #[track_caller]
    pub fn fill(&mut self, label: &str, text: &str) -> &mut Pages {
        let name = self.field(label, |kind| matches!(kind, Kind::Text)).name;
        self.put(name, text.to_owned());
        self
    }

    /// Makes a choice from a list, by what is read there.
    #[track_caller]
    pub fn choose(&mut self, label: &str, option: &str) -> &mut Pages {
        let field = self.field(label, |kind| matches!(kind, Kind::Choice(_)));
        let Kind::Choice(options) = &field.kind else { return self };
        let chosen = options.iter().find(|(_, text)| text == option);
        let value = chosen.unwrap_or_else(|| panic!("no \"{option}\" among {options:?}")).0.clone();
        self.put(field.name, value);
        self
    }

    /// Makes one of several choices that stand beside each other, or ticks a box.
    #[track_caller]
    pub fn tick(&mut self, label: &str) -> &mut Pages {
        let field = self.field(label, |kind| matches!(kind, Kind::Tick(_)));
        self.put(field.name, field.value);
        self
    }

    fn put(&mut self, name: String, value: String) {
        self.filled.retain(|(known, _)| *known != name);
        self.filled.push((name, value));
    }

    #[track_caller]
    fn field(&self, label: &str, wanted: impl Fn(&Kind) -> bool) -> Field {
        let found = self.page.fields(label).into_iter().find(|field| wanted(&field.kind));
        found.unwrap_or_else(|| panic!("no field \"{label}\" on {}:\n{}", self.at, self.text()))
    }

    /// What a browser would send: what the form holds by itself, and over it what was filled in.
    fn sent(&self, form: &Form) -> Vec<(String, String)> {
        let mut sent: Vec<(String, String)> = Vec::new();
        for (name, value) in form.values.iter().chain(&self.filled) {
            if form.names.contains(name) {
                sent.retain(|(known, _)| known != name);
                sent.push((name.clone(), value.clone()));
            }
        }
        sent
    }

    fn action(&self, form: &Form) -> String {
        let here = self.at.split('?').next().unwrap_or_default();
        form.action.clone().unwrap_or_else(|| here.to_owned())
    }

    /// Goes there, and on where that leads.
    #[track_caller]
    fn follow(&mut self, method: Method, path: &str, fields: &[(String, String)]) {
        let mut answer = send(&self.client, &self.cookie, method, path, fields);
        let mut at = path.to_owned();
        while answer.status == 303 {
            at = answer.head("location").unwrap_or_default().to_owned();
            answer = send(&self.client, &self.cookie, Method::GET, &at, &[]);
        }
        let kind = answer.head("content-type").unwrap_or_default();
        assert!(kind.starts_with("text/html"), "a page of the console is a page:\n{answer:?}");
        (self.at, self.status, self.page) = (at, answer.status, Html::read(&answer.text));
        self.filled.clear();
    }
}

fn send(client: &Client, cookie: &str, method: Method, path: &str, fields: &[(String, String)]) -> Answer {
    let mut headers = vec![("Sec-Fetch-Site", "same-origin"), ("Accept-Language", "en")];
    if !cookie.is_empty() {
        headers.push(("Cookie", cookie));
    }
    if method == Method::POST {
        headers.push(("Content-Type", "application/x-www-form-urlencoded"));
    }
    client.raw(method, path, &headers, &query(fields))
}

/// The fields as a form sends them (WHATWG URL, application/x-www-form-urlencoded).
fn query(fields: &[(String, String)]) -> String {
    let encoded = |text: &str| -> String {
        let byte = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    let pairs = fields.iter().map(|(name, text)| format!("{}={}", encoded(name), encoded(text)));
    pairs.collect::<Vec<_>>().join("&")
}
