//! The switches of a policy as people read them: in groups, each with what it is called, what it means
//! and what it can be. The sentences are `switch-<path>`, `switch-<path>-means` and
//! `option-<path>-<value>` of `locales/<language>/policy.ftl`, dots and underscores being dashes.

use std::borrow::Cow;

use domain::policy::Policy;
use domain::time::Period;
use serde_json::Value;

use crate::console::tokens::{number, period_words};
use crate::console::tongue::Tongue;

/// What a switch can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::console) enum Kind {
    Flag,
    One(&'static [&'static str]),
    /// One of these, or none.
    OneOrNone(&'static [&'static str]),
    /// Any of these, in this order.
    Any(&'static [&'static str]),
    /// Everybody, or roles by name.
    Roles,
    /// A role by name, or none.
    Role,
    /// Those who hear of something: these words, and roles by name.
    Audience,
    Period,
    PeriodOrNone,
    Number,
    NumberOrNone,
    /// Numbers of days.
    Days,
    Schemes,
    Text,
    TextOrNone,
}

#[derive(Clone, Copy, Debug)]
pub(in crate::console) struct Switch {
    pub(in crate::console) path: &'static str,
    pub(in crate::console) kind: Kind,
}

pub(in crate::console) struct Group {
    /// After `policy-group-`.
    pub(in crate::console) name: &'static str,
    pub(in crate::console) switches: &'static [Switch],
}

const fn switch(path: &'static str, kind: Kind) -> Switch {
    Switch { path, kind }
}

pub(in crate::console) const AUDIENCE: [&str; 3] = ["holder", "issuer", "managers"];

pub(in crate::console) const GROUPS: [Group; 9] = [
    Group {
        name: "creating",
        switches: &[
            switch("create.roles", Kind::Roles),
            switch("create.holder", Kind::Any(&["caller", "member", "service_account"])),
            switch("create.reauth", Kind::Flag),
            switch("create.approval", Kind::Flag),
            switch(
                "fields",
                Kind::Any(&[
                    "name",
                    "description",
                    "permission",
                    "node",
                    "expiry",
                    "not_before",
                    "holder",
                    "metadata",
                    "conditions",
                    "limits",
                ]),
            ),
            switch("names", Kind::One(&["any", "unique"])),
            switch("limit.max", Kind::NumberOrNone),
            switch("limit.per", Kind::One(&["holder", "account"])),
            switch("limit.counts", Kind::Any(&["active", "pending", "suspended", "revoked", "expired"])),
        ],
    },
    Group {
        name: "managing",
        switches: &[
            switch("managers", Kind::Roles),
            switch("visibility", Kind::One(&["none", "own", "all"])),
            switch("edit", Kind::Flag),
        ],
    },
    Group {
        name: "doing",
        switches: &[
            switch("permission.modes", Kind::Any(&["inherit", "role", "access", "list"])),
            switch("permission.fixed", Kind::Role),
            switch("permission.cap", Kind::Flag),
            switch("permission.ceiling", Kind::One(&["live", "frozen"])),
            switch("reach", Kind::One(&["resources", "everything"])),
        ],
    },
    Group {
        name: "secret",
        switches: &[
            switch("secret", Kind::One(&["once", "recoverable"])),
            switch("reveal_reauth", Kind::Flag),
            switch("example", Kind::One(&["none", "curl", "header", "both"])),
            switch("schemes", Kind::Schemes),
            switch("brand", Kind::Text),
            switch("cache_ms", Kind::Number),
        ],
    },
    Group {
        name: "living",
        switches: &[
            switch("expiry.modes", Kind::Any(&["never", "date", "period"])),
            switch("expiry.default", Kind::PeriodOrNone),
            switch("expiry.fixed", Kind::PeriodOrNone),
            switch("expiry.max", Kind::PeriodOrNone),
            switch("idle", Kind::PeriodOrNone),
            switch("rotate.allowed", Kind::Flag),
            switch("rotate.grace_max", Kind::PeriodOrNone),
        ],
    },
    Group {
        name: "ending",
        switches: &[
            switch("removal", Kind::Any(&["revoke", "approve", "delete"])),
            switch("confirm.mode", Kind::One(&["none", "name", "word"])),
            switch("confirm.word", Kind::TextOrNone),
            switch("confirm.show_use", Kind::Flag),
            switch("on_expire", Kind::One(&["keep", "delete"])),
            switch("tombstones.listed", Kind::Flag),
            switch("tombstones.keep", Kind::PeriodOrNone),
        ],
    },
    Group {
        name: "leaving",
        switches: &[
            switch("on_inactive", Kind::One(&["keep", "suspend"])),
            switch("on_return", Kind::One(&["restore", "approve"])),
            switch("on_remove", Kind::One(&["keep", "delete", "refuse"])),
            switch("sso.on_revocation", Kind::OneOrNone(&["keep", "suspend"])),
        ],
    },
    Group {
        name: "notices",
        switches: &[
            switch("notices.days", Kind::Days),
            switch("notices.to", Kind::Audience),
            switch("notices.badge", Kind::PeriodOrNone),
            switch("notices.mail", Kind::Flag),
        ],
    },
    Group {
        name: "signing-in",
        switches: &[
            switch("login.mode", Kind::One(&["session", "token", "pair"])),
            switch("login.life", Kind::Period),
            switch("login.refresh", Kind::PeriodOrNone),
            switch("logout", Kind::One(&["end", "delete", "revoke"])),
        ],
    },
];

/// Kept and shown by this version, which does nothing about them yet.
const WAITING: [&str; 5] = ["idle", "on_expire", "tombstones.keep", "sso.on_revocation", "login.refresh"];

pub(in crate::console) fn all() -> impl Iterator<Item = &'static Switch> {
    GROUPS.iter().flat_map(|group| group.switches)
}

/// A switch by its path.
pub(in crate::console) fn find(path: &str) -> Option<&'static Switch> {
    all().find(|switch| switch.path == path)
}

impl Switch {
    /// Its path as ids and names of sentences have it.
    pub(in crate::console) fn slug(&self) -> String {
        self.path.replace(['.', '_'], "-")
    }

    pub(in crate::console) fn name(&self, tongue: Tongue) -> Cow<'static, str> {
        tongue.say(&format!("switch-{}", self.slug()))
    }

    pub(in crate::console) fn means(&self, tongue: Tongue) -> Cow<'static, str> {
        tongue.say(&format!("switch-{}-means", self.slug()))
    }

    pub(in crate::console) fn waits(&self) -> bool {
        WAITING.contains(&self.path)
    }

    /// One of the things that it can be, by its name in the document.
    pub(in crate::console) fn option(&self, tongue: Tongue, value: &str) -> String {
        let name = format!("option-{}-{}", self.slug(), value.replace('_', "-"));
        if tongue.knows(&name) { tongue.say(&name).into_owned() } else { value.to_owned() }
    }

    /// What nothing means here.
    pub(in crate::console) fn none(&self, tongue: Tongue) -> String {
        let name = format!("option-{}-nothing", self.slug());
        tongue.say(if tongue.knows(&name) { &name } else { "policy-none" }).into_owned()
    }

    /// What it is set to, in words.
    pub(in crate::console) fn said(&self, tongue: Tongue, value: &Value) -> String {
        let text = value.as_str().unwrap_or_default();
        match self.kind {
            _ if value.is_null() => self.none(tongue),
            Kind::Flag => tongue.say(if *value == true { "policy-yes" } else { "policy-no" }).into_owned(),
            Kind::One(_) | Kind::OneOrNone(_) => self.option(tongue, text),
            Kind::Any(_) | Kind::Audience => match texts(value) {
                all if all.is_empty() => self.none(tongue),
                all => all.map(|one| self.option(tongue, one)).collect::<Vec<_>>().join(" · "),
            },
            Kind::Roles if text == "all" => tongue.say("policy-everybody").into_owned(),
            Kind::Roles => match texts(value).collect::<Vec<_>>() {
                all if all.is_empty() => tongue.say("policy-nobody").into_owned(),
                all => all.join(", "),
            },
            Kind::Period | Kind::PeriodOrNone => match text.parse::<Period>() {
                Ok(period) => period_words(tongue, &period),
                Err(_) => text.to_owned(),
            },
            Kind::Number | Kind::NumberOrNone => {
                let count = number(value.as_u64().unwrap_or_default());
                let name = format!("option-{}-count", self.slug());
                match tongue.knows(&name) {
                    true => tongue.say_of(&name, &[("count", count.as_str().into())]).into_owned(),
                    false => count,
                }
            }
            Kind::Days => {
                let days: Vec<String> =
                    value.as_array().into_iter().flatten().map(Value::to_string).collect();
                match days.is_empty() {
                    true => self.none(tongue),
                    false => tongue
                        .say_of("policy-days", &[("days", days.join(", ").as_str().into())])
                        .into_owned(),
                }
            }
            Kind::Schemes => texts(value).collect::<Vec<_>>().join(", "),
            Kind::Role | Kind::Text | Kind::TextOrNone => text.to_owned(),
        }
    }
}

/// The texts of a list.
pub(in crate::console) fn texts(value: &Value) -> Texts<'_> {
    Texts(value.as_array().map(Vec::as_slice).unwrap_or_default())
}

pub(in crate::console) struct Texts<'v>(&'v [Value]);

impl Texts<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'v> Iterator for Texts<'v> {
    type Item = &'v str;

    fn next(&mut self) -> Option<&'v str> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first.as_str().unwrap_or_default())
    }
}

/// A policy as its document.
pub(in crate::console) fn document(policy: &Policy) -> Value {
    serde_json::to_value(policy).unwrap_or_default()
}

/// What a document has at a path; null where it has nothing.
pub(in crate::console) fn at<'v>(document: &'v Value, path: &str) -> &'v Value {
    const NOTHING: &Value = &Value::Null;
    path.split('.').try_fold(document, |value, key| value.get(key)).unwrap_or(NOTHING)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::preset::Preset;
    use serde_json::Value;

    use super::{Kind, all, at, document};
    use crate::console::look::{Locale, Look};
    use crate::console::tongue::Tongue;

    fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(key, value)| {
                paths(value, &if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, found);
            }),
            _ => drop(found.insert(path.to_owned())),
        }
    }

    #[test]
    fn every_switch_of_the_document_is_said_and_no_other() {
        let mut document = document(&Preset::default_preset().policy);
        document["words"] = Value::Null;
        let mut found = BTreeSet::new();
        paths(&document, "", &mut found);
        found.remove("words");
        let said: BTreeSet<String> = all().map(|switch| switch.path.to_owned()).collect();
        assert_eq!(said, found);
    }

    #[test]
    fn every_preset_is_said_in_words_in_every_language() {
        for locale in Locale::ALL {
            let look = Look { locale: Some(locale), ..Look::default() };
            let tongue = Tongue::of(&look, &axum::http::HeaderMap::new());
            for switch in all() {
                assert!(!switch.name(tongue).is_empty() && !switch.means(tongue).is_empty());
                if let Kind::One(values) | Kind::OneOrNone(values) | Kind::Any(values) = switch.kind {
                    for value in values {
                        let name = format!("option-{}-{}", switch.slug(), value.replace('_', "-"));
                        assert!(tongue.knows(&name), "{name}");
                    }
                }
                for preset in Preset::all() {
                    let document = document(&preset.policy);
                    let said = switch.said(tongue, at(&document, switch.path));
                    assert!(!said.is_empty(), "{} of {}", switch.path, preset.name);
                }
            }
        }
    }
}
