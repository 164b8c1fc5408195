//! The form of each preset: what it lets be chosen, what follows where nothing is, and what it
//! asks of the person.

use domain::grant::{Grant, Level};
use domain::life::State;
use domain::lifecycle::{AskedEnd, AskedGrant, Create};
use domain::permission::PermissionSet;
use domain::policy::{ConfirmMode, Reach, Removal, Visibility};
use domain::refusal::Code;
use rstest::rstest;

use crate::world::{World, at, named, node, period, refusal, refused};

type Fill = fn(&mut Create);

fn description(order: &mut Create) {
    order.description = Some("why".into());
}
fn permission(order: &mut Create) {
    order.permission = Some(AskedGrant::Inherit);
}
fn place(order: &mut Create) {
    order.node = Some(node("/"));
}
fn date(order: &mut Create) {
    order.end = Some(AskedEnd::At(at("2026-07-01T00:00:00Z")));
}
fn length(order: &mut Create) {
    order.end = Some(AskedEnd::In(period("30 days")));
}
fn never(order: &mut Create) {
    order.end = Some(AskedEnd::Never);
}
fn beginning(order: &mut Create) {
    order.not_before = Some(at("2026-07-01T00:00:00Z"));
}
fn metadata(order: &mut Create) {
    order.metadata = Some(serde_json::json!({ "team": "ops" }));
}

#[rstest]
#[case("cockpit", description, "description")]
#[case("cockpit", permission, "permission")]
#[case("cockpit", never, "expires_at")]
#[case("cockpit", length, "expires_in")]
#[case("qovery", permission, "permission")]
#[case("qovery", place, "node")]
#[case("qovery", date, "expires_at")]
#[case("tagoio", description, "description")]
#[case("tagoio", beginning, "not_before")]
#[case("tagoio", metadata, "metadata")]
#[case("arm", description, "description")]
#[case("arm", date, "expires_at")]
#[case("arm", length, "expires_in")]
#[case("gcore", place, "node")]
#[case("gcore", beginning, "not_before")]
#[case("gcore", metadata, "metadata")]
fn a_field_that_the_form_lacks_is_refused_by_its_name(
    #[case] preset: &str,
    #[case] fill: Fill,
    #[case] field: &str,
) {
    let mut world = World::of(preset);
    let by = world.session(world.owner);
    let mut order = named("x");
    fill(&mut order);
    let made = world.create(&by, &order);
    assert_eq!(refusal(made.clone()).field, Some(field));
    refused(made, Code::NotAllowedByPolicy, &format!("`{field}`"));
}

#[test]
fn a_holder_is_not_chosen_where_the_form_has_none() {
    let mut world = World::of("gcore");
    let by = world.session(world.owner);
    let order = Create { holder: Some(world.owner), ..named("x") };
    let made = world.create(&by, &order);
    assert_eq!(refusal(made).field, Some("holder"));
}

#[rstest]
#[case("gcore", length, "`expires_at`")]
fn an_end_of_a_sort_that_the_policy_lacks_is_refused(
    #[case] preset: &str,
    #[case] fill: Fill,
    #[case] word: &str,
) {
    let mut world = World::of(preset);
    let by = world.session(world.owner);
    let mut order = named("x");
    fill(&mut order);
    refused(world.create(&by, &order), Code::NotAllowedByPolicy, word);
}

/// What a token has when its form says a name and nothing else.
#[rstest]
#[case("default", "Owner", Some("90 days"))]
#[case("cockpit", "ACCOUNT_OWNER", None)]
#[case("qovery", "DevOps", None)]
#[case("tagoio", "Member", None)]
#[case("arm", "Org Administrator", Some("365 days"))]
#[case("gcore", "Engineers", None)]
fn a_name_alone_makes_the_presets_usual_token(
    #[case] preset: &str,
    #[case] role: &str,
    #[case] life: Option<&str>,
) {
    let mut world = World::of(preset);
    let member = world.join("Bob", role);
    let by = world.session(member);
    let id = world.create(&by, &named("x")).unwrap();
    let token = world.token(id);
    assert_eq!(token.life.expires_at, life.map(|life| world.now.plus(&period(life))));
    assert_eq!((token.holder, token.issued_by), (member, member));
    assert!(token.node.is_root() && !token.desk);
    assert_eq!(world.state(id), State::Active);
    let root = node("/");
    let rights = world.facts(id).rights(&root);
    let own = domain::grant::of_holder(world.holder(member), world.account(), &root);
    match preset {
        "default" => assert_eq!((&token.grant, rights), (&Grant::Inherit, own - PermissionSet::DESK)),
        "cockpit" | "arm" => assert_eq!((&token.grant, rights), (&Grant::Inherit, own)),
        "qovery" => {
            let admin = world.account().role_named("Admin").unwrap();
            assert_eq!((&token.grant, rights), (&Grant::Role(admin.id), admin.permissions));
            assert!(!own.contains(rights), "more than DevOps, as the document says");
        }
        "tagoio" => {
            assert!(matches!(&token.grant, Grant::Access { level: Level::Full, entities: None, .. }));
            assert_eq!(rights, own - PermissionSet::DESK);
        }
        "gcore" => assert_eq!((&token.grant, rights), (&Grant::Role(world.role("Engineers")), own)),
        other => panic!("no such preset: {other}"),
    }
}

#[test]
fn a_qovery_token_stays_admin_whatever_becomes_of_whoever_made_it() {
    let mut world = World::of("qovery");
    let devops = world.join("Bob", "DevOps");
    let by = world.session(devops);
    let id = world.create(&by, &named("ci")).unwrap();
    let owner = world.session(world.owner);
    world.give_role(&owner, devops, "Viewer").unwrap();
    assert!(world.may(id, "members:delete", &node("/")));
    world.deactivate(&owner, devops).unwrap();
    assert!(world.may(id, "members:delete", &node("/")));
    // It cannot let its own holder back in.
    let itself = world.bearer(id);
    refused(world.reactivate(&itself, devops), Code::Forbidden, "another administrator");
}

#[test]
fn a_gcore_role_is_at_most_ones_own() {
    let mut world = World::of("gcore");
    let engineer = world.join("Bob", "Engineers");
    let by = world.session(engineer);
    let with = |role: &str| Create { permission: Some(AskedGrant::Role(role.into())), ..named("x") };
    refused(world.create(&by, &with("Administrators")), Code::Forbidden, "than you may");
    world.create(&by, &with("Purge and Prefetch only")).unwrap();
    let kept = world.create(&by, &with("Engineers")).unwrap();
    let owner = world.session(world.owner);
    world.give_role(&owner, engineer, "Users").unwrap();
    assert!(world.may(kept, "dns:update", &node("/")), "frozen: it remains, as the document says");
}

#[rstest]
#[case(ConfirmMode::None, None, true)]
#[case(ConfirmMode::Name, Some("deploy"), true)]
#[case(ConfirmMode::Name, None, false)]
#[case(ConfirmMode::Name, Some("Deploy"), false)]
#[case(ConfirmMode::Name, Some("delete"), false)]
#[case(ConfirmMode::Word, Some("begone"), true)]
#[case(ConfirmMode::Word, Some("deploy"), false)]
#[case(ConfirmMode::Word, None, false)]
fn a_deletion_is_confirmed_as_the_policy_asks(
    #[case] mode: ConfirmMode,
    #[case] typed: Option<&str>,
    #[case] enough: bool,
) {
    let mut world = World::of("default");
    world.set_policy(|policy| {
        policy.confirm.mode = mode;
        policy.confirm.word = Some("begone".into());
    });
    let by = world.session(world.owner);
    let id = world.create(&by, &named("deploy")).unwrap();
    let deleted = world.delete(&by, id, typed);
    if enough {
        deleted.unwrap();
        assert_eq!(world.state(id), State::Deleted);
        return;
    }
    let asked = if mode == ConfirmMode::Name { "the token's name" } else { "the word begone" };
    assert_eq!(refusal(deleted.clone()).field, Some("confirm"));
    refused(deleted, Code::ConfirmationRequired, asked);
    assert_eq!(world.state(id), State::Active);
}

/// Who sees and who changes a token: its holder, whoever issued it, a manager, somebody else.
#[rstest]
#[case(Visibility::None, [false, false, true, false], [false, false, true, false])]
#[case(Visibility::Own, [true, true, true, false], [true, false, true, false])]
#[case(Visibility::All, [true, true, true, true], [true, false, true, false])]
fn who_sees_and_who_changes_follows_the_policy(
    #[case] visibility: Visibility,
    #[case] sees: [bool; 4],
    #[case] changes: [bool; 4],
) {
    let mut world = World::of("default");
    world.set_policy(|policy| policy.create.holder.push(domain::policy::HolderChoice::Member));
    let people = ["Cy", "Iris", "Max", "Sam"]
        .map(|name| (name, if name == "Cy" || name == "Sam" { "Member" } else { "Admin" }));
    let [holder, issuer, manager, stranger] = people.map(|(name, role)| world.join(name, role));
    let by = world.session(issuer);
    let id = world.create(&by, &Create { holder: Some(holder), ..named("x") }).unwrap();
    let owner = world.session(world.owner);
    world.give_role(&owner, issuer, "Member").unwrap();
    world.set_policy(|policy| policy.visibility = visibility);
    let asked = [holder, issuer, manager, stranger].map(|who| {
        let by = world.session(who);
        (by.sees(world.token(id)), by.may_change(world.token(id)).is_ok())
    });
    assert_eq!((asked.map(|(sees, _)| sees), asked.map(|(_, changes)| changes)), (sees, changes));
}

#[test]
fn a_token_of_another_account_is_not_there_even_for_a_manager() {
    let mut world = World::of("default");
    let by = world.session(world.owner);
    let id = world.create(&by, &named("x")).unwrap();
    world.set_token(id, |token| token.account = "rival".parse().unwrap());
    assert!(!by.sees(world.token(id)));
    refused(world.revoke(&by, id), Code::NotFound, "no such token");
}

#[rstest]
#[case(0, true)]
#[case(domain::who::FRESH, true)]
#[case(domain::who::FRESH + 1, false)]
fn a_session_older_than_five_minutes_gives_its_password_to_make_a_token(
    #[case] age: i64,
    #[case] fresh: bool,
) {
    let mut world = World::of("default");
    let session = world.log_in(world.owner).unwrap();
    world.now = world.now.plus_micros(age);
    let by = world.bearer(session);
    if fresh {
        world.create(&by, &named("x")).unwrap();
        return;
    }
    refused(world.create(&by, &named("x")), Code::ReauthenticationRequired, "`password`");
    let by = domain::who::Caller { reauthenticated: true, ..by };
    world.create(&by, &named("x")).unwrap();
}

#[test]
fn a_token_is_not_asked_for_a_password() {
    let mut world = World::of("default");
    world.set_policy(|policy| policy.reach = Reach::Everything);
    let by = world.session(world.owner);
    let id = world.create(&by, &named("maker")).unwrap();
    world.wait("1 day");
    let maker = world.bearer(id);
    world.create(&maker, &named("made")).unwrap();
}

/// Who may give a list with a permission of the desk, where `reach` is resources.
#[test]
fn the_desk_is_given_by_name_only_by_somebody_who_manages_and_is_signed_in() {
    let mut world = World::of("default");
    let list = |names: &[&str]| Create {
        permission: Some(AskedGrant::List(names.iter().map(|&name| name.into()).collect())),
        ..named("x")
    };
    let with_desk = list(&["tokens:create", "tokens:update", "devices:read"]);
    let member = world.join("Cy", "Member");
    let by = world.session(member);
    refused(world.create(&by, &with_desk), Code::Forbidden, "signed in");

    let by = world.session(world.owner);
    let id = world.create(&by, &with_desk).unwrap();
    assert!(world.token(id).desk && world.may(id, "tokens:create", &node("/")));
    assert!(!world.may(id, "members:read", &node("/")), "only what was named");

    // It makes tokens, but not one with the desk.
    let through = world.bearer(id);
    refused(world.create(&through, &with_desk), Code::Forbidden, "signed in");
    refused(world.create(&through, &named("x")), Code::Forbidden, "does not inherit itself");
    let made = world.create(&through, &list(&["devices:read"])).unwrap();
    assert!(!world.token(made).desk);

    // Neither inheriting nor a role reaches the desk, whatever they hold.
    for permission in [AskedGrant::Inherit, AskedGrant::Role("Owner".into())] {
        let id = world.create(&by, &Create { permission: Some(permission), ..named("x") }).unwrap();
        assert!((world.facts(id).rights(&node("/")) & PermissionSet::DESK).is_empty());
    }

    world.set_policy(|policy| policy.reach = Reach::Everything);
    let by = world.session(member);
    let id = world.create(&by, &list(&["tokens:create"])).unwrap();
    assert!(!world.token(id).desk && world.may(id, "tokens:create", &node("/")));
}

#[rstest]
#[case("cockpit", "ACCOUNT_USER")]
#[case("qovery", "Viewer")]
#[case("arm", "General User")]
fn whoever_makes_no_tokens_is_told_to_ask(#[case] preset: &str, #[case] role: &str) {
    let mut world = World::of(preset);
    let member = world.join("Cy", role);
    let by = world.session(member);
    refused(world.create(&by, &named("x")), Code::Forbidden, "administrators");
}

#[test]
fn a_login_ends_although_tokens_are_never_revoked() {
    let mut world = World::of("gcore");
    assert!(!world.account().policy.removal.contains(&Removal::Revoke));
    let by = world.session(world.owner);
    world.revoke(&by, by.token().unwrap().id).unwrap();
    assert_eq!(world.state(by.token().unwrap().id), State::Revoked);
}

#[test]
fn whoever_comes_with_less_than_the_whole_account_changes_no_token_outside_it() {
    let mut world = World::of("default");
    world.add_node("/sales");
    let ada = world.join("Ada", "Owner");
    let whole = world.session(ada);
    let id = world.create(&whole, &named("at the root")).unwrap();
    let mut narrow = whole.clone();
    let domain::who::By::Token(by) = &mut narrow.by else { unreachable!("it came with a token") };
    by.node = node("/sales");
    assert_eq!(narrow.may_change(world.token(id)).unwrap_err().code, Code::NotFound);
    world.set_token(id, |token| token.node = node("/sales"));
    assert!(narrow.may_change(world.token(id)).is_ok());
}
