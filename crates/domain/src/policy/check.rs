//! The search for contradictions in a policy: each switch may be fine alone, and two of them not.

use std::str::FromStr;

use super::{
    Audience, ConfirmMode, ExpiryMode, FormField, HolderChoice, LoginMode, Logout, OnInactive, OnReturn,
    Policy, Removal, RoleNames,
};
use crate::preset::Preset;
use crate::time::Period;

/// What is wrong with one switch, in a sentence for the person who set it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {detail}")]
pub struct PolicyFault {
    /// The switch's path, such as `expiry.default`.
    pub field: String,
    pub detail: String,
}

/// A revocation's answer waits until verdicts that were given before it have run out, and callers wait
/// for an answer no longer than this.
const MAX_CACHE_MS: u64 = 60_000;
const SHORTEST_LOGIN: Period = Period::seconds(5 * 60);
const MAX_NOTICE_DAYS: u32 = 366;
const MAX_WORD: usize = 1_000;

pub(super) fn check(policy: &Policy, role_names: &[&str]) -> Result<(), Vec<PolicyFault>> {
    let mut faults = Faults { found: Vec::new(), role_names };
    people(policy, &mut faults);
    form(policy, &mut faults);
    permission(policy, &mut faults);
    expiry(policy, &mut faults);
    endings(policy, &mut faults);
    holders(policy, &mut faults);
    notices(policy, &mut faults);
    wire(policy, &mut faults);
    words(policy, &mut faults);
    if faults.found.is_empty() { Ok(()) } else { Err(faults.found) }
}

struct Faults<'a> {
    found: Vec<PolicyFault>,
    role_names: &'a [&'a str],
}

impl Faults<'_> {
    fn add(&mut self, field: &str, detail: impl Into<String>) {
        self.found.push(PolicyFault { field: field.to_owned(), detail: detail.into() });
    }

    fn when(&mut self, contradicts: bool, field: &str, detail: &str) {
        if contradicts {
            self.add(field, detail);
        }
    }

    fn has_role(&self, name: &str) -> bool {
        self.role_names.contains(&name)
    }

    fn known_roles(&mut self, field: &str, roles: &RoleNames) {
        if let RoleNames::Named(names) = roles {
            for name in names.iter().filter(|name| !self.has_role(name)).collect::<Vec<_>>() {
                self.add(field, self.unknown_role(name));
            }
            self.once_each(field, names);
        }
    }

    fn unknown_role(&self, name: &str) -> String {
        format!("the account has no role `{name}`; it has {}", self.role_names.join(", "))
    }

    fn once_each<T: PartialEq>(&mut self, field: &str, items: &[T]) {
        let repeated = items.iter().enumerate().any(|(at, item)| items[..at].contains(item));
        self.when(repeated, field, "the same value stands in it twice");
    }

    fn longer_than_zero(&mut self, field: &str, period: Option<&Period>) {
        let zero = period.is_some_and(Period::is_zero);
        self.when(zero, field, "must be longer than zero; leave it out for none");
    }
}

fn people(policy: &Policy, faults: &mut Faults<'_>) {
    let create = &policy.create;
    faults.known_roles("create.roles", &create.roles);
    faults.once_each("create.holder", &create.holder);
    faults.when(
        create.holder.is_empty(),
        "create.holder",
        "a token needs a holder; name `caller`, `member` or `service_account`",
    );
    let others = create.holder.iter().any(|choice| *choice != HolderChoice::Caller);
    faults.when(
        others && !policy.fields.contains(&FormField::Holder),
        "create.holder",
        "a holder other than `caller` is chosen in the field `holder`, which is not among `fields`",
    );
    faults.when(
        create.approval && !policy.removal.contains(&Removal::Approve),
        "create.approval",
        "new tokens would wait for ever; add `approve` to `removal`",
    );
    faults.known_roles("managers", &policy.managers);
}

fn form(policy: &Policy, faults: &mut Faults<'_>) {
    faults.once_each("fields", &policy.fields);
    faults.when(!policy.fields.contains(&FormField::Name), "fields", "a token needs a name; add `name`");
    faults.when(
        policy.permission.fixed.is_some() && policy.fields.contains(&FormField::Permission),
        "fields",
        "`permission` cannot be chosen, because `permission.fixed` is set; remove one of them",
    );
    faults.when(
        policy.expiry.fixed.is_some() && policy.fields.contains(&FormField::Expiry),
        "fields",
        "`expiry` cannot be chosen, because `expiry.fixed` is set; remove one of them",
    );
    if let Some(limit) = &policy.limit {
        faults.when(limit.max == 0, "limit.max", "0 allows no token; leave `create.roles` empty to say that");
        faults.when(
            limit.counts.is_empty(),
            "limit.counts",
            "a limit that counts nothing is never reached; name `active`, or leave `limit` out",
        );
        faults.once_each("limit.counts", &limit.counts);
    }
}

fn permission(policy: &Policy, faults: &mut Faults<'_>) {
    let permission = &policy.permission;
    faults.once_each("permission.modes", &permission.modes);
    match &permission.fixed {
        Some(_) if !permission.modes.is_empty() => {
            faults.add("permission.fixed", "leaves no choice, so `permission.modes` must be empty");
        }
        Some(role) if !faults.has_role(role) => faults.add("permission.fixed", faults.unknown_role(role)),
        None if permission.modes.is_empty() => faults.add(
            "permission.modes",
            "no token could be given a permission; name a mode, or a role in `permission.fixed`",
        ),
        _ => {}
    }
}

fn expiry(policy: &Policy, faults: &mut Faults<'_>) {
    let expiry = &policy.expiry;
    let has_never = expiry.modes.contains(&ExpiryMode::Never);
    let has_end = expiry.modes.iter().any(|mode| *mode != ExpiryMode::Never);
    faults.once_each("expiry.modes", &expiry.modes);
    faults.longer_than_zero("expiry.default", expiry.default.as_ref());
    faults.longer_than_zero("expiry.fixed", expiry.fixed.as_ref());
    faults.longer_than_zero("expiry.max", expiry.max.as_ref());

    if expiry.fixed.is_some() {
        faults.when(
            !expiry.modes.is_empty(),
            "expiry.fixed",
            "leaves no choice, so `expiry.modes` must be empty",
        );
        faults.when(
            expiry.default.is_some(),
            "expiry.default",
            "is never used, because `expiry.fixed` is set; remove one of them",
        );
    } else if expiry.modes.is_empty() {
        faults.add(
            "expiry.modes",
            "no token could be given an end, nor none; name a mode, or a period in `expiry.fixed`",
        );
    } else {
        faults.when(
            expiry.default.is_some() && !has_end,
            "expiry.default",
            "is a period, but `expiry.modes` has `never` only",
        );
        faults.when(
            expiry.default.is_none() && !has_never && !policy.fields.contains(&FormField::Expiry),
            "expiry.default",
            "a token must end, but nothing says when; set a period, or add `expiry` to `fields`",
        );
    }

    if let Some(max) = &expiry.max {
        faults.when(
            has_never,
            "expiry.modes",
            "`never` is refused where `expiry.max` is set; remove one of them",
        );
        for (field, period) in [("expiry.default", &expiry.default), ("expiry.fixed", &expiry.fixed)] {
            if let Some(period) = period.filter(|period| period.may_exceed(max)) {
                faults.add(field, format!("{period} can be longer than `expiry.max`, which is {max}"));
            }
        }
    }
}

fn endings(policy: &Policy, faults: &mut Faults<'_>) {
    let can = |removal| policy.removal.contains(&removal);
    faults.once_each("removal", &policy.removal);
    faults.when(
        !can(Removal::Revoke) && !can(Removal::Delete),
        "removal",
        "a token that got into wrong hands could not be stopped; name `revoke` or `delete`",
    );
    let awaited = policy.create.approval || policy.on_return == OnReturn::Approve;
    faults.when(
        can(Removal::Approve) && !can(Removal::Revoke) && !awaited,
        "removal",
        "there is nothing to approve, because tokens are neither revoked nor pending; remove `approve`",
    );
    faults.longer_than_zero("tombstones.keep", policy.tombstones.keep.as_ref());

    let confirm = &policy.confirm;
    let has_word = confirm.word.as_ref().is_some_and(|word| !word.trim().is_empty());
    faults.when(
        confirm.mode == ConfirmMode::Word && !has_word,
        "confirm.word",
        "is missing; `confirm.mode` is `word` and must know which",
    );
    faults.when(
        confirm.mode != ConfirmMode::Word && confirm.word.is_some(),
        "confirm.word",
        "is never asked for, because `confirm.mode` is not `word`; remove it, or change the mode",
    );

    faults.longer_than_zero("rotate.grace_max", policy.rotate.grace_max.as_ref());
    faults.when(
        policy.rotate.grace_max.is_some() && !policy.rotate.allowed,
        "rotate.grace_max",
        "is never used, because `rotate.allowed` is false",
    );
}

fn holders(policy: &Policy, faults: &mut Faults<'_>) {
    if policy.on_return == OnReturn::Approve {
        faults.when(
            policy.on_inactive == OnInactive::Keep,
            "on_return",
            "nothing waits for an approval, because `on_inactive` is `keep`; make it `restore`",
        );
        faults.when(
            !policy.removal.contains(&Removal::Approve),
            "on_return",
            "tokens would wait for ever; add `approve` to `removal`",
        );
    }

    let login = &policy.login;
    faults.longer_than_zero("login.life", Some(&login.life));
    faults.when(
        !login.life.is_zero() && SHORTEST_LOGIN.may_exceed(&login.life),
        "login.life",
        "must be 5 minutes or more, or nobody stays signed in long enough to change it back",
    );
    faults.longer_than_zero("login.refresh", login.refresh.as_ref());
    match (login.mode, &login.refresh) {
        (LoginMode::Pair, None) => {
            faults.add("login.refresh", "is missing; `login.mode` is `pair` and needs a life for the second");
        }
        (LoginMode::Pair, Some(refresh)) => faults.when(
            login.life.may_exceed(refresh),
            "login.refresh",
            "must be at least as long as `login.life`, or it never refreshes anything",
        ),
        (_, Some(_)) => faults.add("login.refresh", "is never used, because `login.mode` is not `pair`"),
        (_, None) => {}
    }
    faults.when(
        policy.logout == Logout::Delete && login.mode != LoginMode::Token,
        "logout",
        "`delete` is for a login's token, and `login.mode` is not `token`; make it `end`",
    );
    faults.longer_than_zero("idle", policy.idle.as_ref());
}

fn notices(policy: &Policy, faults: &mut Faults<'_>) {
    let notices = &policy.notices;
    faults.once_each("notices.days", &notices.days);
    faults.when(
        notices.days.iter().any(|days| !(1..=MAX_NOTICE_DAYS).contains(days)),
        "notices.days",
        "a notice is given 1 to 366 days before the end",
    );
    faults.when(
        notices.mail && notices.days.is_empty(),
        "notices.days",
        "there is nothing to mail; name days, or set `notices.mail` to false",
    );
    faults.when(
        !notices.days.is_empty() && notices.to.is_empty(),
        "notices.to",
        "nobody is told; name `holder`, `issuer`, `managers` or a role",
    );
    faults.when(
        notices.days.is_empty() && !notices.to.is_empty(),
        "notices.to",
        "is never used, because `notices.days` is empty",
    );
    faults.once_each("notices.to", &notices.to);
    for audience in &notices.to {
        if let Audience::Role(name) = audience
            && !faults.has_role(name)
        {
            let detail = format!(
                "`{name}` is not `holder`, `issuer` or `managers`, and {}",
                faults.unknown_role(name)
            );
            faults.add("notices.to", detail);
        }
    }
    faults.longer_than_zero("notices.badge", notices.badge.as_ref());
}

fn wire(policy: &Policy, faults: &mut Faults<'_>) {
    faults.when(policy.schemes.is_empty(), "schemes", "no token could be sent; name `Bearer`");
    faults.once_each("schemes", &policy.schemes);
    faults.when(
        token::Brand::from_str(&policy.brand).is_err(),
        "brand",
        "must be 2 to 5 characters, a lower-case letter and then lower-case letters or digits",
    );
    faults.when(
        policy.cache_ms > MAX_CACHE_MS,
        "cache_ms",
        "must be at most 60000, because every revocation waits for it",
    );
}

fn words(policy: &Policy, faults: &mut Faults<'_>) {
    let known = &Preset::default_preset().policy.words;
    for (key, text) in &policy.words {
        let field = format!("words.{key}");
        if !known.contains_key(key) {
            faults.add(&field, "no page has this word; the preset `default` lists those there are");
        }
        // A sentence may be left out, a thing to press or to fill in may not be nameless.
        let needed = !key.ends_with("_sentence");
        faults.when(needed && text.trim().is_empty(), &field, "must not be empty");
        faults.when(text.chars().count() > MAX_WORD, &field, "must be at most 1000 characters");
        faults.when(text.chars().any(char::is_control), &field, "must not have control characters");
    }
    let place = policy.words.get("delete_place").map(String::as_str);
    faults.when(
        place.is_some_and(|place| !["button", "trash", "menu"].contains(&place)),
        "words.delete_place",
        "must be `button`, `trash` or `menu`",
    );
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    /// The faults of jeton's own policy with some switches set otherwise, as `field: detail`.
    fn faults(changes: &[(&str, Value)]) -> Vec<String> {
        let preset = Preset::default_preset();
        let mut policy = serde_json::to_value(&preset.policy).unwrap();
        for (switch, value) in changes {
            *policy.pointer_mut(&format!("/{}", switch.replace('.', "/"))).unwrap() = value.clone();
        }
        let policy: Policy = serde_json::from_value(policy).unwrap();
        let found = policy.check(&preset.role_names()).err().unwrap_or_default();
        found.iter().map(ToString::to_string).collect()
    }

    #[rstest]
    #[case("create.roles", json!(["Onwer"]), "create.roles: the account has no role `Onwer`; it has Owner, Admin")]
    #[case("create.roles", json!(["Owner", "Owner"]), "create.roles: the same value stands in it twice")]
    #[case("create.holder", json!([]), "create.holder: a token needs a holder")]
    #[case("managers", json!(["Boss"]), "managers: the account has no role `Boss`")]
    #[case("fields", json!(["permission", "holder", "expiry"]), "fields: a token needs a name")]
    #[case("fields", json!(["name", "expiry"]), "create.holder: a holder other than `caller` is chosen in the field")]
    #[case("limit.max", json!(0), "limit.max: 0 allows no token")]
    #[case("limit.counts", json!([]), "limit.counts: a limit that counts nothing is never reached")]
    #[case("permission.fixed", json!("Admin"), "permission.fixed: leaves no choice")]
    #[case("permission.modes", json!([]), "permission.modes: no token could be given a permission")]
    #[case("expiry.fixed", json!("30 days"), "expiry.fixed: leaves no choice")]
    #[case("expiry.modes", json!([]), "expiry.modes: no token could be given an end")]
    #[case("expiry.modes", json!(["never", "date"]), "expiry.modes: `never` is refused where `expiry.max` is set")]
    #[case("expiry.default", json!("0 days"), "expiry.default: must be longer than zero")]
    #[case("expiry.default", json!("2 years"), "expiry.default: 2 years can be longer than `expiry.max`, which is 366")]
    #[case("expiry.max", json!("2 months"), "expiry.default: 90 days can be longer than `expiry.max`")]
    #[case("removal", json!(["approve"]), "removal: a token that got into wrong hands could not be stopped")]
    #[case("removal", json!(["approve", "delete"]), "removal: there is nothing to approve")]
    #[case("create.approval", json!(true), "")]
    #[case("tombstones.keep", json!("0 days"), "tombstones.keep: must be longer than zero")]
    #[case("confirm.mode", json!("word"), "confirm.word: is missing")]
    #[case("confirm.word", json!("delete"), "confirm.word: is never asked for")]
    #[case("rotate.allowed", json!(false), "rotate.grace_max: is never used")]
    #[case("on_inactive", json!("keep"), "")]
    #[case("login.mode", json!("pair"), "login.refresh: is missing")]
    #[case("login.refresh", json!("1 day"), "login.refresh: is never used")]
    #[case("login.life", json!("0 hours"), "login.life: must be longer than zero")]
    #[case("login.life", json!("1 second"), "login.life: must be 5 minutes or more")]
    #[case("logout", json!("delete"), "logout: `delete` is for a login's token")]
    #[case("idle", json!("0 days"), "idle: must be longer than zero")]
    #[case("notices.days", json!([7, 7]), "notices.days: the same value stands in it twice")]
    #[case("notices.days", json!([0]), "notices.days: a notice is given 1 to 366 days before")]
    #[case("notices.days", json!([]), "notices.days: there is nothing to mail")]
    #[case("notices.to", json!([]), "notices.to: nobody is told")]
    #[case("notices.to", json!(["boss"]), "notices.to: `boss` is not `holder`, `issuer` or `managers`, and the account")]
    #[case("notices.to", json!(["issuer", "Viewer"]), "")]
    #[case("schemes", json!([]), "schemes: no token could be sent")]
    #[case("brand", json!("Jeton!"), "brand: must be 2 to 5 characters")]
    #[case("cache_ms", json!(60_001), "cache_ms: must be at most 60000")]
    #[case("words", json!({"greeting": "Hello"}), "words.greeting: no page has this word")]
    #[case("words", json!({"create_button": " "}), "words.create_button: must not be empty")]
    #[case("words", json!({"once_sentence": ""}), "")]
    #[case("words", json!({"delete_place": "moon"}), "words.delete_place: must be")]
    fn a_contradiction_is_told_in_a_sentence(
        #[case] switch: &str,
        #[case] value: Value,
        #[case] sentence: &str,
    ) {
        let found = faults(&[(switch, value)]);
        match sentence {
            "" => assert_eq!(found, Vec::<String>::new()),
            _ => assert!(found.iter().any(|fault| fault.starts_with(sentence)), "{found:?}"),
        }
    }

    #[test]
    fn what_is_fixed_leaves_nothing_to_choose_in_the_form() {
        let found = faults(&[("permission.fixed", json!("Admin")), ("permission.modes", json!([]))]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("fields: `permission` cannot be chosen"), "{found:?}");

        let fixed = [
            ("expiry.fixed", json!("30 days")),
            ("expiry.modes", json!([])),
            ("expiry.default", json!(null)),
        ];
        let found = faults(&fixed);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("fields: `expiry` cannot be chosen"), "{found:?}");
    }

    #[test]
    fn an_end_must_come_from_somewhere() {
        let without = [("expiry.default", json!(null)), ("fields", json!(["name", "holder"]))];
        let found = faults(&without);
        assert!(found[0].starts_with("expiry.default: a token must end, but nothing says when"), "{found:?}");
        let never =
            [&without[..], &[("expiry.max", json!(null)), ("expiry.modes", json!(["never"]))]].concat();
        assert_eq!(faults(&never), Vec::<String>::new());
    }

    #[test]
    fn what_waits_for_approval_can_be_approved() {
        let found = faults(&[("create.approval", json!(true)), ("removal", json!(["delete"]))]);
        assert!(found[0].starts_with("create.approval: new tokens would wait for ever"), "{found:?}");
        let found = faults(&[("on_return", json!("approve")), ("on_inactive", json!("keep"))]);
        assert!(found[0].starts_with("on_return: nothing waits for an approval"), "{found:?}");
    }

    #[test]
    fn all_faults_are_told_at_once_in_the_documents_order() {
        let found = faults(&[("brand", json!("")), ("managers", json!(["Boss"])), ("limit.max", json!(0))]);
        let fields: Vec<_> = found.iter().filter_map(|fault| fault.split(':').next()).collect();
        assert_eq!(fields, ["managers", "limit.max", "brand"]);
    }
}
