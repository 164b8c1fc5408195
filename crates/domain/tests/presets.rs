//! The presets against what each product does: every switch of each, so that a changed preset fails
//! here and has to be meant.

use std::collections::BTreeSet;

use domain::policy::Policy;
use domain::preset::{Preset, every_permission};
use serde_json::{Value, json};

const NAMES: [&str; 6] = ["default", "cockpit", "qovery", "tagoio", "arm", "gcore"];

const TEXTS: [&str; 6] = [
    include_str!("../../../presets/default.toml"),
    include_str!("../../../presets/cockpit.toml"),
    include_str!("../../../presets/qovery.toml"),
    include_str!("../../../presets/tagoio.toml"),
    include_str!("../../../presets/arm.toml"),
    include_str!("../../../presets/gcore.toml"),
];

fn preset(name: &str) -> &'static Preset {
    Preset::named(name).unwrap_or_else(|| panic!("there is a preset {name}"))
}

fn as_json(policy: &Policy) -> Value {
    serde_json::to_value(policy).unwrap()
}

/// A switch and its values, in the order of [`NAMES`].
type Row = (&'static str, [Value; 6]);

fn same(value: Value) -> [Value; 6] {
    std::array::from_fn(|_| value.clone())
}

/// `default` does one thing, the products another.
fn ours(ours: Value, theirs: Value) -> [Value; 6] {
    std::array::from_fn(|at| if at == 0 { ours.clone() } else { theirs.clone() })
}

#[rustfmt::skip] // One switch a line reads as the table it is.
fn table() -> Vec<Row> {
    let null = || Value::Null;
    let cockpit = || json!(["ACCOUNT_PRIMARY_OWNER", "ACCOUNT_OWNER"]);
    let qovery = || json!(["Owner", "Admin", "DevOps"]);
    let arm = || json!(["Registered Admin", "Org Administrator"]);
    let all_fields = json!(["name", "description", "permission", "node", "expiry", "not_before", "holder", "metadata", "conditions", "limits"]);
    let counted = || json!(["active", "pending", "suspended"]);
    vec![
        //                      default                                cockpit          qovery                   tagoio                            arm              gcore
        ("/create/roles",       [json!("all"),                         cockpit(),       qovery(),                json!("all"),                     arm(),           json!("all")]),
        ("/create/holder",      ours(json!(["caller", "service_account"]), json!(["caller"]))),
        ("/create/reauth",      [json!(true),                          json!(false),    json!(false),            json!(true),                      json!(false),    json!(false)]),
        ("/create/approval",    same(json!(false))),
        ("/managers",           [json!(["Owner", "Admin"]),            cockpit(),       qovery(),                json!("all"),                     arm(),           json!(["Administrators"])]),
        ("/visibility",         [json!("own"),                         json!("none"),   json!("none"),           json!("all"),                     json!("none"),   json!("own")]),
        ("/fields",             [all_fields,                           json!(["name"]), json!(["name", "description"]), json!(["name", "permission", "expiry"]), json!(["name"]), json!(["name", "description", "permission", "expiry"])]),
        ("/limit/max",          [json!(20),                            json!(10),       null(),                  null(),                           json!(10),       json!(50)]),
        ("/limit/per",          [json!("holder"),                      json!("account"), null(),                 null(),                           json!("holder"), json!("account")]),
        ("/limit/counts",       [counted(),                            counted(),       null(),                  null(),                           counted(),       counted()]),
        ("/secret",             [json!("once"),                        json!("once"),   json!("once"),           json!("recoverable"),             json!("once"),   json!("once")]),
        ("/reveal_reauth",      ours(json!(true), json!(false))),
        ("/example",            [json!("both"),                        json!("curl"),   json!("none"),           json!("none"),                    json!("none"),   json!("header")]),
        ("/permission/modes",   [json!(["inherit", "role", "access", "list"]), json!(["inherit"]), json!([]),    json!(["access"]),                json!(["inherit"]), json!(["role"])]),
        ("/permission/fixed",   [null(),                               null(),          json!("Admin"),          null(),                           null(),          null()]),
        ("/permission/cap",     [json!(true),                          json!(true),     json!(false),            json!(true),                      json!(true),     json!(true)]),
        ("/permission/ceiling", [json!("live"),                        json!("live"),   json!("frozen"),         json!("live"),                    json!("live"),   json!("frozen")]),
        ("/reach",              [json!("resources"),                   json!("everything"), json!("everything"), json!("resources"),               json!("everything"), json!("everything")]),
        ("/expiry/modes",       [json!(["date", "period"]),            json!(["never"]), json!(["never"]),       json!(["never", "date", "period"]), json!([]),     json!(["never", "date"])]),
        ("/expiry/default",     ours(json!("90 days"), null())),
        ("/expiry/fixed",       [null(),                               null(),          null(),                  null(),                           json!("365 days"), null()]),
        ("/expiry/max",         ours(json!("366 days"), null())),
        ("/on_expire",          same(json!("keep"))),
        ("/removal",            [json!(["revoke", "approve", "delete"]), json!(["delete"]), json!(["delete"]),   json!(["delete"]),                json!(["revoke", "approve"]), json!(["delete"])]),
        ("/tombstones/listed",  [json!(true),                          json!(false),    json!(false),            json!(false),                     json!(false),    json!(true)]),
        ("/tombstones/keep",    [json!("90 days"),                     json!("90 days"), json!("90 days"),       json!("90 days"),                 json!("90 days"), null()]),
        ("/confirm/mode",       [json!("name"),                        json!("name"),   json!("word"),           json!("none"),                    json!("none"),   json!("none")]),
        ("/confirm/word",       [null(),                               null(),          json!("delete"),         null(),                           null(),          null()]),
        ("/confirm/show_use",   [json!(true),                          json!(true),     json!(false),            json!(false),                     json!(false),    json!(false)]),
        ("/edit",               ours(json!(true), json!(false))),
        ("/rotate/allowed",     ours(json!(true), json!(false))),
        ("/rotate/grace_max",   ours(json!("7 days"), null())),
        ("/names",              [json!("any"),                         json!("any"),    json!("unique"),         json!("any"),                     json!("any"),    json!("any")]),
        ("/on_inactive",        [json!("suspend"),                     json!("suspend"), json!("keep"),          json!("suspend"),                 json!("suspend"), json!("keep")]),
        ("/on_return",          same(json!("restore"))),
        ("/on_remove",          [json!("delete"),                      json!("delete"), json!("keep"),           json!("delete"),                  json!("delete"), json!("refuse")]),
        ("/login/mode",         [json!("session"),                     json!("session"), json!("session"),       json!("token"),                   json!("session"), json!("pair")]),
        ("/login/life",         [json!("7 days"),                      json!("7 days"), json!("7 days"),         json!("3 months"),                json!("7 days"), json!("1 hour")]),
        ("/login/refresh",      [null(),                               null(),          null(),                  null(),                           null(),          json!("24 hours")]),
        ("/logout",             [json!("end"),                         json!("end"),    json!("end"),            json!("delete"),                  json!("revoke"), json!("end")]),
        ("/idle",               same(null())),
        ("/notices/days",       [json!([30, 7, 1]),                    json!([]),       json!([]),               json!([]),                        json!([]),       json!([7, 1])]),
        ("/notices/to",         [json!(["holder", "managers"]),        json!([]),       json!([]),               json!([]),                        json!([]),       json!(["issuer", "Administrators"])]),
        ("/notices/badge",      [json!("7 days"),                      null(),          null(),                  null(),                           null(),          json!("7 days")]),
        ("/notices/mail",       [json!(true),                          json!(false),    json!(false),            json!(false),                     json!(false),    json!(true)]),
        ("/sso/on_revocation",  [json!("suspend"),                     null(),          null(),                  null(),                           null(),          json!("keep")]),
        ("/schemes",            [json!(["Bearer"]),                    json!(["Bearer"]), json!(["Token"]),      json!(["token:"]),                json!(["token:", "Basic"]), json!(["APIKey"])]),
        ("/brand",              [json!("jtn"),                         json!("jtn"),    json!("qov"),            json!("jtn"),                     json!("jtn"),    json!("jtn")]),
        ("/cache_ms",           same(json!(0))),
    ]
}

#[test]
fn every_switch_has_the_value_its_product_needs() {
    let mut wrong = Vec::new();
    for (at, name) in NAMES.iter().enumerate() {
        let policy = as_json(&preset(name).policy);
        for (switch, values) in table() {
            let found = policy.pointer(switch).unwrap_or(&Value::Null);
            if *found != values[at] {
                wrong.push(format!("{name} {switch}: expected {}, found {found}", values[at]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The paths of the switches, `/words` apart. A list is a value, and `limit` has parts though it may be null.
fn switches() -> BTreeSet<String> {
    let policy = as_json(&preset("default").policy);
    let mut paths = BTreeSet::new();
    for (key, value) in policy.as_object().unwrap() {
        match value.as_object() {
            Some(_) if key == "words" => {}
            Some(parts) => paths.extend(parts.keys().map(|part| format!("/{key}/{part}"))),
            None => drop(paths.insert(format!("/{key}"))),
        }
    }
    paths
}

#[test]
fn the_table_has_every_switch_once() {
    let rows: Vec<_> = table().iter().map(|(switch, _)| switch.to_string()).collect();
    assert_eq!(rows.iter().cloned().collect::<BTreeSet<_>>(), switches());
    assert_eq!(rows.len(), switches().len());
}

#[test]
fn no_preset_contradicts_itself() {
    assert_eq!(Preset::all().iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), NAMES);
    for preset in Preset::all() {
        if let Err(faults) = preset.policy.check(&preset.role_names()) {
            panic!(
                "{}: {}",
                preset.name,
                faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
            );
        }
    }
    assert_eq!(Preset::named("none of these"), None);
}

#[test]
fn a_policy_survives_json_and_toml() {
    for preset in Preset::all() {
        let json = serde_json::to_string(&preset.policy).unwrap();
        assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), preset.policy, "{}", preset.name);
        let toml = toml::to_string(&preset.policy).unwrap();
        assert_eq!(toml::from_str::<Policy>(&toml).unwrap(), preset.policy, "{}", preset.name);
    }
}

#[test]
fn json_has_every_key_and_null_for_none() {
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let ours = as_json(&preset("default").policy);
    for preset in Preset::all() {
        let policy = as_json(&preset.policy);
        assert_eq!(keys(&policy), keys(&ours));
        for part in
            ["create", "permission", "expiry", "tombstones", "confirm", "rotate", "login", "notices", "sso"]
        {
            assert_eq!(keys(&policy[part]), keys(&ours[part]), "{} {part}", preset.name);
        }
    }
    assert!(as_json(&preset("qovery").policy)["limit"].is_null());
}

#[test]
fn null_and_absent_both_say_none() {
    let mut policy = as_json(&preset("cockpit").policy);
    policy["notices"] = json!({ "days": null, "to": null });
    policy["sso"] = Value::Null;
    policy.as_object_mut().unwrap().remove("idle");
    policy["permission"].as_object_mut().unwrap().remove("fixed");
    assert_eq!(serde_json::from_value::<Policy>(policy).unwrap(), preset("cockpit").policy);
}

#[test]
fn a_switch_without_a_none_must_be_there() {
    let mut policy = as_json(&preset("default").policy);
    policy.as_object_mut().unwrap().remove("reach");
    let refusal = serde_json::from_value::<Policy>(policy).unwrap_err().to_string();
    assert!(refusal.contains("missing field `reach`"), "{refusal}");
}

#[test]
fn an_unknown_key_is_refused_by_its_name_at_every_depth() {
    let ours = as_json(&preset("default").policy);
    let mut places: Vec<String> = vec![String::new()];
    places.extend(
        ours.as_object().unwrap().iter().filter(|(_, v)| v.is_object()).map(|(k, _)| format!("/{k}")),
    );
    places.retain(|place| place != "/words");
    assert_eq!(places.len(), 11, "{places:?}");
    for place in places {
        let mut policy = ours.clone();
        policy.pointer_mut(&place).unwrap()["colour"] = json!("blue");
        let refusal = serde_json::from_value::<Policy>(policy).unwrap_err().to_string();
        assert!(refusal.contains("unknown field `colour`"), "{place}: {refusal}");
    }
    let text = TEXTS[0].replacen("[policy.login]", "[policy.login]\ncolour = 1 # of the door", 1);
    assert!(Preset::parse("changed", &text).unwrap_err().to_string().contains("unknown field `colour`"));
}

/// The switches written in a preset's text, as path and comment, a comment being behind the value or
/// alone on the line above.
fn written(text: &str) -> Vec<(String, String)> {
    let (mut found, mut table, mut above) = (Vec::new(), None, "");
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            table = name.strip_prefix("policy").map(|rest| rest.replace('.', "/"));
        } else if let (Some(table), Some((key, rest))) = (&table, line.split_once(" = "))
            && !line.starts_with('#')
            && table != "/words"
        {
            let comment = rest.rsplit_once(" # ").map_or(above, |(_, comment)| comment);
            found.push((format!("{table}/{key}"), comment.to_owned()));
        }
        above = line.strip_prefix("# ").unwrap_or_default();
    }
    found
}

#[test]
fn every_switch_says_why_it_is_so() {
    const REASONS: [&str; 8] = [
        "line",
        "assumption",
        "later documentation",
        "client",
        "ours",
        "document is silent",
        "the same",
        "moot",
    ];
    for (name, text) in NAMES.iter().zip(TEXTS) {
        let written = written(text);
        for (switch, comment) in &written {
            assert!(!comment.trim().is_empty(), "{name}: {switch} has no comment");
            let reason = *name == "default" || REASONS.iter().any(|reason| comment.contains(reason));
            assert!(reason, "{name}: {switch} does not say where it is from: {comment}");
        }
        // What is none cannot be written in TOML, so a comment speaks of it.
        let comments: String =
            text.lines().filter(|line| line.starts_with("# ")).collect::<Vec<_>>().join("\n");
        for switch in switches() {
            let key = switch.rsplit('/').next().unwrap();
            let table = switch.trim_start_matches('/').split('/').next().unwrap();
            let told = written.iter().any(|(path, _)| *path == switch)
                || comments
                    .lines()
                    .any(|line| line.contains("none") && (line.contains(key) || line.contains(table)));
            assert!(told, "{name}: nothing is said of {switch}");
        }
    }
}

#[test]
fn roles_name_only_what_there_is_and_the_strongest_has_it_all() {
    for preset in Preset::all() {
        let everything: Vec<_> =
            every_permission(&preset.entities).map(|(e, a)| format!("{e}:{a}")).collect();
        assert_eq!(everything.iter().collect::<BTreeSet<_>>().len(), everything.len(), "{}", preset.name);
        assert_eq!(preset.roles[0].expand(&preset.entities), everything, "{}", preset.name);
        for role in &preset.roles {
            for permission in &role.permissions {
                let alone =
                    domain::preset::RoleDef { name: String::new(), permissions: vec![permission.clone()] };
                assert!(
                    !alone.expand(&preset.entities).is_empty(),
                    "{} {}: {permission}",
                    preset.name,
                    role.name
                );
            }
        }
        let names = preset.role_names();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{}", preset.name);
    }
}

#[test]
fn roles_and_levels_are_the_products() {
    let roles = |name| preset(name).role_names().join(" > ");
    assert_eq!(roles("default"), "Owner > Admin > Member > Viewer");
    assert_eq!(
        roles("cockpit"),
        "ACCOUNT_PRIMARY_OWNER > ACCOUNT_OWNER > ACCOUNT_USER > \
         ORGANIZATION_PRIMARY_OWNER > ORGANIZATION_OWNER > ORGANIZATION_USER > \
         ENVIRONMENT_PRIMARY_OWNER > ENVIRONMENT_OWNER > ENVIRONMENT_USER"
    );
    assert_eq!(roles("qovery"), "Owner > Admin > DevOps > Billing Manager > Viewer");
    assert_eq!(roles("tagoio"), "Owner > Member");
    assert_eq!(roles("arm"), "Registered Admin > Org Administrator > General User");
    assert_eq!(roles("gcore"), "Administrators > Engineers > Purge and Prefetch only > Users");

    let levels = |name| preset(name).levels.join(" > ");
    assert_eq!(levels("default"), "account > project");
    assert_eq!(levels("cockpit"), "account > organization > environment");
    assert_eq!(levels("qovery"), "organization > project > environment");
    assert_eq!(levels("tagoio"), "account > profile");
    assert_eq!(levels("arm"), "organization > team");
    assert_eq!(levels("gcore"), "account");
}

#[test]
fn each_role_is_within_the_stronger_one_where_the_product_has_a_single_ladder() {
    for name in ["default", "tagoio", "arm", "gcore"] {
        let preset = preset(name);
        let sets: Vec<BTreeSet<_>> =
            preset.roles.iter().map(|role| role.expand(&preset.entities).into_iter().collect()).collect();
        for (pair, roles) in sets.windows(2).zip(preset.roles.windows(2)) {
            let (stronger, weaker) = (&roles[0].name, &roles[1].name);
            assert!(pair[1].is_subset(&pair[0]), "{name}: {weaker} is not within {stronger}");
            assert_ne!(pair[0], pair[1], "{name}: {weaker} is {stronger}");
        }
    }
}

#[test]
fn cockpit_nests_its_roles_within_each_level_and_level_within_level() {
    let cockpit = preset("cockpit");
    let set = |name: &str| -> BTreeSet<String> {
        cockpit.role(name).unwrap().expand(&cockpit.entities).into_iter().collect()
    };
    for level in ["ACCOUNT", "ORGANIZATION", "ENVIRONMENT"] {
        let of = |rank: &str| set(&format!("{level}_{rank}"));
        assert!(of("OWNER").is_subset(&of("PRIMARY_OWNER")) && of("USER").is_subset(&of("OWNER")), "{level}");
    }
    for rank in ["PRIMARY_OWNER", "OWNER", "USER"] {
        let of = |level: &str| set(&format!("{level}_{rank}"));
        assert!(of("ORGANIZATION").is_subset(&of("ACCOUNT")), "{rank}");
        assert!(of("ENVIRONMENT").is_subset(&of("ORGANIZATION")), "{rank}");
    }
}

#[test]
fn a_cockpit_owners_token_can_create_environments_and_link_installations() {
    let cockpit = preset("cockpit");
    for role in ["ACCOUNT_PRIMARY_OWNER", "ACCOUNT_OWNER"] {
        let permissions = cockpit.role(role).unwrap().expand(&cockpit.entities);
        assert!(permissions.iter().any(|p| p == "nodes:create"), "{role}");
        assert!(permissions.iter().any(|p| p == "installations:update"), "{role}");
    }
}

#[test]
fn tagoio_has_its_eight_entities_with_the_usual_actions() {
    let tagoio = preset("tagoio");
    let names: Vec<_> = tagoio.entities.iter().map(|entity| entity.name.as_str()).collect();
    assert_eq!(
        names,
        ["devices", "dashboards", "analysis", "actions", "files", "access", "run", "dictionaries"]
    );
    assert!(tagoio.entities.iter().all(|entity| entity.actions == ["create", "read", "update", "delete"]));
}

#[test]
fn a_server_can_hold_accounts_of_every_preset_at_once() {
    let names: BTreeSet<_> = Preset::all()
        .iter()
        .flat_map(|preset| every_permission(&preset.entities))
        .map(|(entity, action)| format!("{entity}:{action}"))
        .collect();
    assert!(names.len() <= 256, "the registry holds 256 permissions, the presets need {}", names.len());
}

#[test]
fn a_products_own_words_come_first_and_ours_fill_the_gaps() {
    let word = |name, key| preset(name).policy.word(key);
    assert_eq!(word("cockpit", "create_button"), "Generate token");
    assert_eq!(word("cockpit", "confirm_button"), "I understand the consequences, revoke this token");
    assert_eq!(word("qovery", "section"), "Token API");
    assert_eq!(word("qovery", "delete_button"), "Bin");
    assert_eq!(word("tagoio", "copy_button"), "Copy");
    assert_eq!(word("tagoio", "access_write"), "Write only");
    assert_eq!(word("arm", "name_field"), "Token Name");
    assert_eq!(word("gcore", "copied_button"), "OK, I've copied token");
    assert_eq!(word("gcore", "expiry_never"), "Never expire");
    assert_eq!(word("gcore", "rotate_button"), word("default", "rotate_button"));
    assert_eq!(word("gcore", "no such key"), "");
}

#[test]
fn words_leave_room_only_for_what_pages_can_fill_in() {
    for preset in Preset::all() {
        for (key, text) in &preset.policy.words {
            let rest = ["{name}", "{role}", "{max}"]
                .iter()
                .fold(text.clone(), |rest, known| rest.replace(known, ""));
            assert!(!rest.contains(['{', '}']), "{} {key}: {text}", preset.name);
        }
    }
}

#[test]
fn the_first_notice_is_the_earliest() {
    assert_eq!(preset("default").policy.first_notice(), Some(30));
    assert_eq!(preset("gcore").policy.first_notice(), Some(7));
    assert_eq!(preset("arm").policy.first_notice(), None);
}
