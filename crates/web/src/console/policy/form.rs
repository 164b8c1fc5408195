//! A policy as a form: what it is becomes fields, and what was typed becomes a policy again, or what is
//! wrong with it, switch by switch.

use std::collections::{BTreeMap, BTreeSet};

use domain::facts::Account;
use domain::policy::{Audience, Policy, RoleNames, Scheme};
use domain::preset::Preset;
use serde_json::{Map, Value};

use super::switches::{self, AUDIENCE, GROUPS, Kind, Switch, at, document, texts};
use crate::console::fields::Fields;
use crate::console::look::Locale;
use crate::console::tokens::period_words;
use crate::console::tongue::Tongue;

/// Units of a period that the form offers.
const UNITS: [&str; 5] = ["minutes", "hours", "days", "months", "years"];

/// What is wrong, by the path of the switch; with the empty path, with all of it.
pub(super) type Wrongs = BTreeMap<String, String>;

/// A group of switches.
pub(super) struct Part {
    pub(super) id: &'static str,
    pub(super) title: String,
    pub(super) fields: Vec<Field>,
}

/// A switch as a field.
pub(super) struct Field {
    pub(super) path: &'static str,
    /// Its path without dots.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) means: String,
    pub(super) waits: bool,
    pub(super) shape: Shape,
    pub(super) wrong: Option<String>,
}

pub(super) enum Shape {
    Flag(bool),
    One(Vec<Choice>),
    Any(Vec<Choice>),
    /// How many, and of what.
    Period(String, Vec<Choice>),
    Number(String),
    Text(String),
}

pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

/// One of the product's own words.
pub(super) struct Word {
    pub(super) key: String,
    pub(super) text: String,
    /// Where the product has none.
    pub(super) ours: String,
    pub(super) wrong: Option<String>,
}

/// What a policy is, as a form begins with it.
pub(super) fn filled(policy: &Policy) -> Fields {
    let mut fields = Fields::default();
    let document = document(policy);
    for switch in switches::all() {
        let value = at(&document, switch.path);
        let text = value.as_str().unwrap_or_default();
        match switch.kind {
            Kind::Flag if *value == true => fields.put(switch.path, "on"),
            Kind::Flag => {}
            Kind::Roles if text == "all" => fields.put(&below(switch.path, "all"), "on"),
            Kind::Any(_) | Kind::Roles | Kind::Audience => {
                texts(value).for_each(|one| fields.put(&below(switch.path, one), "on"));
            }
            Kind::Period | Kind::PeriodOrNone => put_period(&mut fields, switch.path, text),
            Kind::Number | Kind::NumberOrNone => {
                fields.put(switch.path, value.as_u64().map(|n| n.to_string()).unwrap_or_default());
            }
            Kind::Days => {
                let days: Vec<String> =
                    value.as_array().into_iter().flatten().map(Value::to_string).collect();
                fields.put(switch.path, days.join(", "));
            }
            Kind::Schemes => fields.put(switch.path, texts(value).collect::<Vec<_>>().join(", ")),
            Kind::One(options) if value.is_null() => fields.put(switch.path, options[0]),
            Kind::One(_) | Kind::OneOrNone(_) | Kind::Role | Kind::Text | Kind::TextOrNone => {
                fields.put(switch.path, text);
            }
        }
    }
    for key in words() {
        fields.put(&below("words", key), policy.word(key));
    }
    fields
}

/// A preset's policy for an account: the names of its roles are not the account's, so where it names one
/// that is not here the account's own stays. Also the switches of which that is so.
pub(super) fn of_preset(preset: &Preset, account: &Account) -> (Policy, Vec<&'static str>) {
    let mut policy = preset.policy.clone();
    let own = &account.policy;
    let known = |name: &String| account.role_named(name).is_some();
    let strange = |names: &RoleNames| match names {
        RoleNames::All => false,
        RoleNames::Named(names) => !names.iter().all(known),
    };
    let mut kept = Vec::new();
    if strange(&policy.create.roles) {
        policy.create.roles = own.create.roles.clone();
        kept.push("create.roles");
    }
    if strange(&policy.managers) {
        policy.managers = own.managers.clone();
        kept.push("managers");
    }
    if policy.permission.fixed.as_ref().is_some_and(|name| !known(name)) {
        policy.permission.fixed = own.permission.fixed.clone();
        policy.permission.modes = own.permission.modes.clone();
        kept.push("permission.fixed");
    }
    let told = |audience: &Audience| match audience {
        Audience::Role(name) => !known(name),
        _ => false,
    };
    if policy.notices.to.iter().any(told) {
        policy.notices.to.retain(|audience| !told(audience));
        kept.push("notices.to");
    }
    (policy, kept)
}

/// The policy that was typed.
pub(super) fn read(tongue: Tongue, account: &Account, fields: &Fields) -> Result<Policy, Wrongs> {
    let mut wrongs = Wrongs::new();
    let mut document = Value::Object(Map::new());
    for switch in switches::all() {
        match value(tongue, account, switch, fields) {
            Ok(value) => put(&mut document, switch.path, value),
            Err(wrong) => drop(wrongs.insert(switch.path.to_owned(), wrong)),
        }
    }
    if document["limit"]["max"].is_null() {
        document["limit"] = Value::Null;
    }
    let said = words().filter_map(|key| {
        let text = fields.text(&below("words", key));
        (text != Preset::default_preset().policy.word(key)).then(|| (key.clone(), Value::from(text)))
    });
    document["words"] = said.collect();
    if !wrongs.is_empty() {
        return Err(wrongs);
    }
    let policy: Policy = serde_json::from_value(document)
        .map_err(|error| Wrongs::from([(String::new(), error.to_string())]))?;
    check(tongue, account, &policy)?;
    Ok(policy)
}

/// The contradictions of a policy, each beside its switch.
pub(super) fn check(tongue: Tongue, account: &Account, policy: &Policy) -> Result<(), Wrongs> {
    let roles: Vec<&str> = account.roles.iter().map(|role| role.name.as_str()).collect();
    let Err(faults) = policy.check(&roles) else { return Ok(()) };
    let mut wrongs = Wrongs::new();
    for fault in faults {
        let mut letters = fault.detail.chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        let mut said = format!("{}{}.", first.collect::<String>(), letters.as_str());
        if tongue.locale() != Locale::English {
            said = format!("{} {said}", tongue.say("policy-contradiction"));
        }
        let before = wrongs.entry(fault.field).or_default();
        if !before.is_empty() {
            before.push(' ');
        }
        before.push_str(&said);
    }
    Err(wrongs)
}

fn value(tongue: Tongue, account: &Account, switch: &Switch, fields: &Fields) -> Result<Value, String> {
    let path = switch.path;
    let text = fields.text(path);
    let wrong = |name: &str| tongue.say(name).into_owned();
    let ticked = |options: &mut dyn Iterator<Item = &str>| -> Value {
        options.filter(|one| fields.ticked(&below(path, one))).collect()
    };
    let roles = || account.roles.iter().map(|role| role.name.as_str());
    Ok(match switch.kind {
        Kind::Flag => fields.ticked(path).into(),
        Kind::One(options) | Kind::OneOrNone(options) => match options.iter().find(|one| **one == text) {
            Some(one) => (*one).into(),
            None if text.is_empty() && matches!(switch.kind, Kind::OneOrNone(_)) => Value::Null,
            None => return Err(wrong("wrong-choice")),
        },
        Kind::Any(options) => ticked(&mut options.iter().copied()),
        Kind::Roles if fields.ticked(&below(path, "all")) => "all".into(),
        Kind::Roles => ticked(&mut roles()),
        Kind::Audience => ticked(&mut AUDIENCE.into_iter().chain(roles())),
        Kind::Role | Kind::TextOrNone if text.is_empty() => Value::Null,
        Kind::Role | Kind::Text | Kind::TextOrNone => text.into(),
        Kind::Period | Kind::PeriodOrNone => match period(path, fields) {
            Ok(Some(period)) => period.into(),
            Ok(None) if switch.kind == Kind::PeriodOrNone => Value::Null,
            _ => return Err(wrong("wrong-period")),
        },
        Kind::NumberOrNone if text.is_empty() => Value::Null,
        Kind::Number | Kind::NumberOrNone => match text.parse::<u32>() {
            Ok(number) => number.into(),
            Err(_) => return Err(wrong("wrong-number")),
        },
        Kind::Days => {
            let days = text.split([',', ';', ' ']).filter(|day| !day.is_empty());
            let days: Result<Vec<u32>, _> = days.map(str::parse).collect();
            days.map_err(|_| wrong("wrong-days"))?.into()
        }
        Kind::Schemes => {
            let schemes = text.split(',').map(str::trim).filter(|scheme| !scheme.is_empty());
            let schemes: Vec<&str> = schemes.collect();
            if schemes.iter().any(|scheme| scheme.parse::<Scheme>().is_err()) {
                return Err(wrong("wrong-scheme"));
            }
            schemes.into()
        }
    })
}

fn put(document: &mut Value, path: &str, value: Value) {
    let place = path.split('.').fold(document, |place, key| &mut place[key]);
    *place = value;
}

/// The name of a box that belongs to a switch.
fn below(path: &str, value: &str) -> String {
    format!("{path}/{value}")
}

fn words() -> impl Iterator<Item = &'static String> {
    Preset::default_preset().policy.words.keys()
}

/// A number and a unit; a period of several units, which no form here makes, stays as it is.
fn put_period(fields: &mut Fields, path: &str, text: &str) {
    let parts: Vec<&str> = text.split(' ').collect();
    let (count, unit) = match parts[..] {
        [count, unit] => (count, if unit.ends_with('s') { unit.to_owned() } else { format!("{unit}s") }),
        _ => ("", text.to_owned()),
    };
    let known = UNITS.contains(&unit.as_str());
    fields.put(&below(path, "count"), if known { count } else { "" });
    fields.put(&below(path, "unit"), if known || text.is_empty() { unit } else { text.to_owned() });
}

fn period(path: &str, fields: &Fields) -> Result<Option<String>, ()> {
    let (count, unit) = (fields.text(&below(path, "count")), fields.text(&below(path, "unit")));
    match count {
        // The unit that is none of ours is a whole period.
        "" if unit.contains(' ') => Ok(Some(unit.to_owned())),
        "" => Ok(None),
        count => {
            let number: u32 = count.parse().map_err(drop)?;
            let unit = UNITS.into_iter().find(|known| *known == unit).ok_or(())?;
            Ok(Some(format!("{number} {unit}")))
        }
    }
}

/// The fields of all switches, as they were typed.
pub(super) fn parts(tongue: Tongue, account: &Account, fields: &Fields, wrongs: &Wrongs) -> Vec<Part> {
    let field = |switch: &'static Switch| Field {
        path: switch.path,
        id: switch.slug(),
        name: switch.name(tongue).into_owned(),
        means: switch.means(tongue).into_owned(),
        waits: switch.waits(),
        shape: shape(tongue, account, switch, fields),
        wrong: wrongs.get(switch.path).cloned(),
    };
    let part = |group: &'static switches::Group| Part {
        id: group.name,
        title: tongue.say(&format!("policy-group-{}", group.name)).into_owned(),
        fields: group.switches.iter().map(field).collect(),
    };
    GROUPS.iter().map(part).collect()
}

fn shape(tongue: Tongue, account: &Account, switch: &Switch, fields: &Fields) -> Shape {
    let path = switch.path;
    let one = |value: &str, label: String| Choice {
        chosen: fields.is(path, value),
        value: value.to_owned(),
        label,
    };
    let any = |value: &str, label: String| Choice {
        chosen: fields.ticked(&below(path, value)),
        value: value.to_owned(),
        label,
    };
    let roles = || account.roles.iter().map(|role| role.name.as_str());
    let text = || fields.text(path).to_owned();
    match switch.kind {
        Kind::Flag => Shape::Flag(fields.ticked(path)),
        Kind::One(options) => {
            Shape::One(options.iter().map(|value| one(value, switch.option(tongue, value))).collect())
        }
        Kind::OneOrNone(options) => {
            let none = one("", switch.none(tongue));
            let options = options.iter().map(|value| one(value, switch.option(tongue, value)));
            Shape::One(std::iter::once(none).chain(options).collect())
        }
        Kind::Role => {
            let none = one("", switch.none(tongue));
            Shape::One(std::iter::once(none).chain(roles().map(|role| one(role, role.to_owned()))).collect())
        }
        Kind::Any(options) => {
            Shape::Any(options.iter().map(|value| any(value, switch.option(tongue, value))).collect())
        }
        Kind::Roles => {
            let all = any("all", tongue.say("policy-everybody").into_owned());
            Shape::Any(std::iter::once(all).chain(roles().map(|role| any(role, role.to_owned()))).collect())
        }
        Kind::Audience => {
            let words = AUDIENCE.into_iter().map(|value| any(value, switch.option(tongue, value)));
            Shape::Any(words.chain(roles().map(|role| any(role, role.to_owned()))).collect())
        }
        Kind::Period | Kind::PeriodOrNone => {
            let chosen = fields.text(&below(path, "unit"));
            let unit = |unit: &str, label: String| Choice {
                chosen: chosen == unit || (unit == "days" && chosen.is_empty()),
                value: unit.to_owned(),
                label,
            };
            let mut units: Vec<Choice> = UNITS
                .iter()
                .map(|name| unit(name, tongue.say(&format!("unit-{name}")).into_owned()))
                .collect();
            if let (true, Ok(whole)) = (chosen.contains(' '), chosen.parse()) {
                units.push(unit(chosen, period_words(tongue, &whole)));
            }
            Shape::Period(fields.text(&below(path, "count")).to_owned(), units)
        }
        Kind::Number | Kind::NumberOrNone => Shape::Number(text()),
        Kind::Days | Kind::Schemes | Kind::Text | Kind::TextOrNone => Shape::Text(text()),
    }
}

/// The product's own words, as they were typed.
pub(super) fn own_words(fields: &Fields, wrongs: &Wrongs) -> Vec<Word> {
    let word = |key: &String| Word {
        text: fields.text(&below("words", key)).to_owned(),
        ours: Preset::default_preset().policy.word(key).to_owned(),
        wrong: wrongs.get(&format!("words.{key}")).cloned(),
        key: key.clone(),
    };
    words().map(word).collect()
}

/// What is wrong and stands beside no field.
pub(super) fn others(wrongs: &Wrongs) -> Vec<String> {
    let fields: BTreeSet<&str> = switches::all().map(|switch| switch.path).collect();
    let beside = |path: &str| {
        fields.contains(path) || path.strip_prefix("words.").is_some_and(|key| words().any(|had| had == key))
    };
    let others = wrongs.iter().filter(|(path, _)| !beside(path));
    let said = |(path, text): (&String, &String)| match path.as_str() {
        "" => text.clone(),
        path => format!("{path}: {text}"),
    };
    others.map(said).collect()
}

#[cfg(test)]
mod tests {
    use domain::facts::{Account, Role};
    use domain::ids::RoleId;
    use domain::permission::PermissionSet;
    use domain::preset::Preset;
    use domain::time::Timestamp;
    use token::SystemEntropy;

    use super::{filled, of_preset, read};
    use crate::console::look::Look;
    use crate::console::tongue::Tongue;

    fn account(preset: &Preset) -> Account {
        let role = |def: &domain::preset::RoleDef| Role {
            id: RoleId::draw(&SystemEntropy),
            name: def.name.clone(),
            permissions: PermissionSet::EMPTY,
        };
        Account {
            id: "acme".parse().unwrap(),
            name: "Acme".into(),
            external_id: None,
            metadata: None,
            preset: preset.name.clone(),
            created_at: Timestamp::EPOCH,
            inactive_since: None,
            policy: preset.policy.clone(),
            levels: Vec::new(),
            entities: Vec::new(),
            roles: preset.roles.iter().map(role).collect(),
            version: 1,
        }
    }

    fn tongue() -> Tongue {
        Tongue::of(&Look::default(), &axum::http::HeaderMap::new())
    }

    #[test]
    fn a_form_that_is_sent_as_it_was_shown_changes_nothing_under_any_preset() {
        for preset in Preset::all() {
            let account = account(preset);
            let read = read(tongue(), &account, &filled(&preset.policy)).unwrap();
            assert_eq!(preset.policy.changed_to(&read), [], "{}", preset.name);
        }
    }

    #[test]
    fn a_period_of_several_units_stays_what_it_is() {
        let mut account = account(Preset::default_preset());
        account.policy.login.life = "1 hour 30 minutes".parse().unwrap();
        let read = read(tongue(), &account, &filled(&account.policy)).unwrap();
        assert_eq!(read.login.life, account.policy.login.life);
    }

    #[test]
    fn a_preset_s_roles_that_are_not_here_leave_the_account_s_own() {
        let account = account(Preset::default_preset());
        for preset in Preset::all() {
            let (policy, kept) = of_preset(preset, &account);
            assert!(super::check(tongue(), &account, &policy).is_ok(), "{}: {kept:?}", preset.name);
        }
        let (policy, kept) = of_preset(Preset::named("gcore").unwrap(), &account);
        assert_eq!(policy.managers, account.policy.managers);
        assert!(kept.contains(&"managers"), "{kept:?}");
    }

    #[test]
    fn what_contradicts_itself_is_told_beside_its_switch() {
        let account = account(Preset::default_preset());
        let mut fields = filled(&account.policy);
        fields.put("expiry.modes/never", "on");
        fields.put("cache_ms", "soon");
        let wrongs = read(tongue(), &account, &fields).unwrap_err();
        assert_eq!(wrongs.keys().collect::<Vec<_>>(), ["cache_ms"]);
        fields.put("cache_ms", "0");
        let wrongs = read(tongue(), &account, &fields).unwrap_err();
        assert!(wrongs["expiry.modes"].starts_with("`never` is refused where"), "{wrongs:?}");
    }
}
