//! Who hears what when a transition is refused: the code for programs, and in the sentence the
//! thing to do or the reason.

use domain::grant::Level;
use domain::ids::HolderId;
use domain::lifecycle::{AskedEnd, AskedGrant, Create, Edit};
use domain::policy::{HolderChoice, Names, OnInactive, Removal, SecretKept, Visibility};
use domain::refusal::Code;
use rstest::rstest;
use token::TokenId;

use crate::world::{Failed, World, at, named, node, period, refusal, refused};

/// Bob manages, Cy and Di do not; the token is Cy's.
struct Stage {
    world: World,
    bob: HolderId,
    cy: HolderId,
    di: HolderId,
    id: TokenId,
}

fn stage() -> Stage {
    let mut world = World::of("default");
    let bob = world.join("Bob", "Admin");
    let cy = world.join("Cy", "Member");
    let di = world.join("Di", "Viewer");
    let by = world.session(cy);
    let id = world.create(&by, &named("Cy's")).unwrap();
    Stage { world, bob, cy, di, id }
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Edit,
    Rotate,
    Revoke,
    Approve,
    Leak,
    Delete,
    Reveal,
}

fn act(world: &mut World, act: Act, by: &domain::who::Caller, id: TokenId) -> Result<(), Failed> {
    let name = world.token(id).name.clone();
    let edit = Edit { name: Some("renamed".into()), ..Edit::default() };
    match act {
        Act::Edit => world.edit(by, id, &edit).map(drop),
        Act::Rotate => world.rotate(by, id, "0 days").map(drop),
        Act::Revoke => world.revoke(by, id).map(drop),
        Act::Approve => world.approve(by, id).map(drop),
        Act::Leak => world.leak(by, id).map(drop),
        Act::Delete => world.delete(by, id, Some(&name)).map(drop),
        Act::Reveal => world.reveal(by, id),
    }
}

#[rstest]
fn a_stranger_hears_that_there_is_no_such_token(
    #[values(Act::Edit, Act::Rotate, Act::Revoke, Act::Approve, Act::Leak, Act::Delete, Act::Reveal)]
    what: Act,
) {
    let Stage { mut world, di, id, .. } = stage();
    world.set_policy(|policy| policy.secret = SecretKept::Recoverable);
    let by = world.session(di);
    assert!(!by.sees(world.token(id)));
    refused(act(&mut world, what, &by, id), Code::NotFound, "no such token");
}

#[rstest]
fn where_all_is_shown_a_stranger_hears_who_may(
    #[values(Act::Edit, Act::Rotate, Act::Revoke, Act::Approve, Act::Leak, Act::Delete)] what: Act,
) {
    let Stage { mut world, di, id, .. } = stage();
    world.set_policy(|policy| policy.visibility = Visibility::All);
    let by = world.session(di);
    assert!(by.sees(world.token(id)));
    refused(act(&mut world, what, &by, id), Code::Forbidden, "holder and those who manage");
}

#[rstest]
fn a_token_without_the_desk_changes_no_other_token(
    #[values(Act::Edit, Act::Rotate, Act::Revoke, Act::Leak, Act::Delete)] what: Act,
) {
    let Stage { mut world, cy, id, .. } = stage();
    let session = world.session(cy);
    let other = world.create(&session, &named("other")).unwrap();
    let by = world.bearer(other);
    refused(act(&mut world, what, &by, id), Code::Forbidden, "`tokens:");
}

#[rstest]
#[case(Act::Rotate)]
#[case(Act::Revoke)]
#[case(Act::Leak)]
#[case(Act::Delete)]
fn a_token_needs_no_desk_for_itself(#[case] what: Act) {
    let Stage { mut world, id, .. } = stage();
    let by = world.bearer(id);
    act(&mut world, what, &by, id).unwrap();
    assert!(!world.state(id).is_good(), "{what:?}");
}

fn nothing(_: &mut World, _: TokenId) {}
fn leaked(world: &mut World, id: TokenId) {
    let by = world.session(world.owner);
    world.leak(&by, id).unwrap();
}
fn deleted(world: &mut World, id: TokenId) {
    let by = world.bearer(id);
    world.delete(&by, id, None).unwrap();
}
fn revoked(world: &mut World, id: TokenId) {
    let by = world.session(world.owner);
    world.revoke(&by, id).unwrap();
}
fn expired(world: &mut World, id: TokenId) {
    world.now = world.token(id).life.expires_at.unwrap();
}
fn revoked_and_expired(world: &mut World, id: TokenId) {
    revoked(world, id);
    expired(world, id);
}
fn in_grace(world: &mut World, id: TokenId) {
    let by = world.bearer(id);
    world.rotate(&by, id, "7 days").unwrap();
}
fn pending(world: &mut World, id: TokenId) {
    world.set_token(id, |token| token.life.approved_at = None);
}
fn suspended(world: &mut World, id: TokenId) {
    let by = world.session(world.owner);
    world.deactivate(&by, world.token(id).holder).unwrap();
}

#[rstest]
#[case::edit_deleted(Act::Edit, deleted, Code::NotFound, "no such token")]
#[case::edit_leaked(Act::Edit, leaked, Code::WrongState, "leaked")]
#[case::edit_expired(Act::Edit, expired, Code::WrongState, "expired")]
#[case::edit_revoked_and_expired(Act::Edit, revoked_and_expired, Code::WrongState, "expired")]
#[case::edit_replaced(Act::Edit, in_grace, Code::WrongState, "replaced by a newer one")]
#[case::rotate_deleted(Act::Rotate, deleted, Code::NotFound, "no such token")]
#[case::rotate_leaked(Act::Rotate, leaked, Code::WrongState, "leaked")]
#[case::rotate_revoked(Act::Rotate, revoked, Code::WrongState, "revoked")]
#[case::rotate_expired(Act::Rotate, expired, Code::WrongState, "expired")]
#[case::rotate_replaced(Act::Rotate, in_grace, Code::WrongState, "replaced by a newer one")]
#[case::rotate_pending(Act::Rotate, pending, Code::WrongState, "waits for approval")]
#[case::rotate_suspended(Act::Rotate, suspended, Code::WrongState, "reactivate the holder")]
#[case::revoke_deleted(Act::Revoke, deleted, Code::NotFound, "no such token")]
#[case::revoke_leaked(Act::Revoke, leaked, Code::WrongState, "final")]
#[case::approve_active(Act::Approve, nothing, Code::WrongState, "in use")]
#[case::approve_deleted(Act::Approve, deleted, Code::NotFound, "no such token")]
#[case::approve_leaked(Act::Approve, leaked, Code::WrongState, "final")]
#[case::approve_expired(Act::Approve, expired, Code::WrongState, "expired")]
#[case::approve_revoked_and_expired(Act::Approve, revoked_and_expired, Code::WrongState, "expired")]
#[case::approve_replaced(Act::Approve, in_grace, Code::WrongState, "replaced by a newer one")]
#[case::approve_suspended(Act::Approve, suspended, Code::WrongState, "reactivate the holder")]
#[case::leak_deleted(Act::Leak, deleted, Code::NotFound, "no such token")]
#[case::delete_deleted(Act::Delete, deleted, Code::NotFound, "no such token")]
#[case::reveal_deleted(Act::Reveal, deleted, Code::NotFound, "no such token")]
#[case::reveal_leaked(Act::Reveal, leaked, Code::WrongState, "leaked")]
fn a_state_that_does_not_allow_it_is_named(
    #[case] what: Act,
    #[case] before: fn(&mut World, TokenId),
    #[case] code: Code,
    #[case] word: &str,
) {
    let Stage { mut world, id, .. } = stage();
    world.set_policy(|policy| policy.secret = SecretKept::Recoverable);
    before(&mut world, id);
    let by = world.session(world.owner);
    refused(act(&mut world, what, &by, id), code, word);
}

#[test]
fn what_is_revoked_or_leaked_already_stays_so_without_a_second_entry() {
    let Stage { mut world, id, .. } = stage();
    let by = world.session(world.owner);
    for what in [Act::Revoke, Act::Leak] {
        act(&mut world, what, &by, id).unwrap();
        let entries = world.journal().len();
        act(&mut world, what, &by, id).unwrap();
        assert_eq!(world.journal().len(), entries, "{what:?}");
    }
}

#[rstest]
#[case::edit(Act::Edit, "create another")]
#[case::rotate(Act::Rotate, "create another")]
#[case::revoke(Act::Revoke, "delete it instead")]
#[case::delete(Act::Delete, "revoke it instead")]
#[case::reveal(Act::Reveal, "makes a new token")]
#[case::approve(Act::Approve, "create another")]
fn what_the_policy_does_not_have_is_refused_with_what_to_do_instead(#[case] what: Act, #[case] word: &str) {
    let Stage { mut world, id, .. } = stage();
    revoked(&mut world, id);
    let by = world.session(world.owner);
    world.set_policy(|policy| {
        policy.edit = false;
        policy.rotate.allowed = false;
        policy.secret = SecretKept::Once;
        policy.removal = match what {
            Act::Revoke => vec![Removal::Delete],
            _ => vec![Removal::Revoke],
        };
    });
    let by = world.bearer(by.token().unwrap().id);
    refused(act(&mut world, what, &by, id), Code::NotAllowedByPolicy, word);
}

#[test]
fn a_manager_with_less_gets_no_secret_of_somebody_with_more() {
    let Stage { mut world, bob, .. } = stage();
    world.set_policy(|policy| policy.secret = SecretKept::Recoverable);
    let owner = world.session(world.owner);
    let id = world.create(&owner, &named("owner's")).unwrap();
    let by = world.session(bob);
    refused(act(&mut world, Act::Rotate, &by, id), Code::Forbidden, "more than you may here");
    refused(act(&mut world, Act::Reveal, &by, id), Code::Forbidden, "more than you may here");
    act(&mut world, Act::Revoke, &by, id).unwrap();
}

#[test]
fn grace_beyond_the_policys_is_refused_with_its_length() {
    let Stage { mut world, cy, id, .. } = stage();
    let by = world.session(cy);
    refused(world.rotate(&by, id, "8 days"), Code::NotAllowedByPolicy, "7 days");
    world.set_policy(|policy| policy.rotate.grace_max = None);
    let by = world.session(cy);
    refused(world.rotate(&by, id, "1 hour"), Code::NotAllowedByPolicy, "leave `grace` out");
}

#[rstest]
#[case::no_name("", Code::InvalidField, "1 to 100 characters")]
#[case::spaces("   ", Code::InvalidField, "1 to 100 characters")]
#[case::too_long(&"x".repeat(101), Code::InvalidField, "100 characters")]
#[case::a_bidi_mark("a\u{202E}b", Code::InvalidField, "U+202E")]
#[case::a_line("a\nb", Code::InvalidField, "U+000A")]
fn a_name_that_cannot_be_read_is_refused(#[case] name: &str, #[case] code: Code, #[case] word: &str) {
    let Stage { mut world, cy, id, .. } = stage();
    let by = world.session(cy);
    let made = world.create(&by, &named(name));
    assert_eq!(refusal(made.clone()).field, Some("name"));
    refused(made, code, word);
    let edit = Edit { name: Some(name.into()), ..Edit::default() };
    refused(world.edit(&by, id, &edit), code, word);
}

fn list(names: &[&str]) -> Option<AskedGrant> {
    Some(AskedGrant::List(names.iter().map(|&name| name.into()).collect()))
}

#[rstest]
#[case::unknown_role(Some(AskedGrant::Role("Boss".into())), Code::InvalidField, "Owner, Admin, Member, Viewer")]
#[case::stronger_role(Some(AskedGrant::Role("Owner".into())), Code::Forbidden, "than you may")]
#[case::unknown_name(list(&["rockets:launch"]), Code::InvalidField, "rockets:launch")]
#[case::no_names(list(&[]), Code::InvalidField, "at least one")]
#[case::more_than_oneself(list(&["billing:update"]), Code::Forbidden, "`billing:update`")]
#[case::the_desk(list(&["tokens:create"]), Code::Forbidden, "`tokens:create`")]
#[case::unknown_entity(
    Some(AskedGrant::Access { level: Level::Read, entities: Some(vec!["rockets".into()]) }),
    Code::InvalidField,
    "rockets"
)]
fn permissions_that_cannot_be_given_are_named(
    #[case] permission: Option<AskedGrant>,
    #[case] code: Code,
    #[case] word: &str,
) {
    let Stage { mut world, cy, .. } = stage();
    let by = world.session(cy);
    let made = world.create(&by, &Create { permission, ..named("x") });
    assert_eq!(refusal(made.clone()).field, Some("permission"));
    refused(made, code, word);
}

#[rstest]
#[case::never(AskedEnd::Never, Code::NotAllowedByPolicy, "for ever")]
#[case::too_long(AskedEnd::In(period("367 days")), Code::NotAllowedByPolicy, "366 days at most")]
#[case::too_far(AskedEnd::At(at("9999-12-31T00:00:00Z")), Code::NotAllowedByPolicy, "366 days at most")]
#[case::past(AskedEnd::At(at("2020-01-01T00:00:00Z")), Code::InvalidField, "future")]
fn an_end_that_the_policy_does_not_have_is_refused(
    #[case] end: AskedEnd,
    #[case] code: Code,
    #[case] word: &str,
) {
    let Stage { mut world, cy, id, .. } = stage();
    let by = world.session(cy);
    refused(world.create(&by, &Create { end: Some(end.clone()), ..named("x") }), code, word);
    refused(world.edit(&by, id, &Edit { end: Some(end), ..Edit::default() }), code, word);
}

#[test]
fn a_token_begins_before_it_ends() {
    let Stage { mut world, cy, id, .. } = stage();
    let by = world.session(cy);
    let start = world.now.plus(&period("2 days"));
    let end = Some(AskedEnd::In(period("2 days")));
    let made = world.create(&by, &Create { not_before: Some(start), end: end.clone(), ..named("x") });
    refused(made, Code::InvalidField, "begin before it ends");
    world.set_token(id, |token| token.life.not_before = Some(start));
    let edit = Edit { end, ..Edit::default() };
    refused(world.edit(&by, id, &edit), Code::InvalidField, "begin before it ends");
}

#[test]
fn a_node_that_does_not_exist_gets_no_token() {
    let Stage { mut world, cy, .. } = stage();
    let by = world.session(cy);
    let made = world.create(&by, &Create { node: Some(node("/nowhere")), ..named("x") });
    assert_eq!(made, Err(Failed::Conflict), "the service looks the node up first");
}

#[test]
fn a_full_limit_and_a_taken_name_say_what_frees_them() {
    let Stage { mut world, cy, .. } = stage();
    world.set_policy(|policy| {
        policy.limit.as_mut().unwrap().max = 2;
        policy.names = Names::Unique;
    });
    let by = world.session(cy);
    refused(world.create(&by, &named("Cy's")), Code::NameTaken, "another name");
    let second = world.create(&by, &named("second")).unwrap();
    let rename = Edit { name: Some("Cy's".into()), ..Edit::default() };
    refused(world.edit(&by, second, &rename), Code::NameTaken, "another name");
    refused(world.create(&by, &named("third")), Code::LimitReached, "2 tokens for its holder");
    world.delete(&by, second, Some("second")).unwrap();
    world.create(&by, &named("second")).unwrap();
}

#[test]
fn whom_a_token_may_be_made_for_is_the_policys_and_the_managers() {
    let Stage { mut world, bob, cy, .. } = stage();
    let robot = world.service_account("Deployer", "Viewer");
    let for_ = |holder| Create { holder: Some(holder), ..named("x") };
    let by = world.session(cy);
    refused(world.create(&by, &for_(robot)), Code::Forbidden, "leave `holder` out");
    let by = world.session(bob);
    refused(world.create(&by, &for_(cy)), Code::NotAllowedByPolicy, "other members");
    world.create(&by, &for_(robot)).unwrap();
    world.set_policy(|policy| policy.create.holder = vec![HolderChoice::ServiceAccount]);
    let by = world.session(bob);
    refused(world.create(&by, &named("x")), Code::NotAllowedByPolicy, "name another holder");
    world.create(&by, &for_(robot)).unwrap();
}

#[test]
fn whoever_was_deactivated_renews_nothing_with_a_token_that_works_on() {
    let Stage { mut world, cy, id, .. } = stage();
    world.set_policy(|policy| {
        policy.on_inactive = OnInactive::Keep;
        policy.reach = domain::policy::Reach::Everything;
        policy.secret = SecretKept::Recoverable;
    });
    let owner = world.session(world.owner);
    world.deactivate(&owner, cy).unwrap();
    let by = world.bearer(id);
    assert_eq!(world.verify(id), domain::admit::Code::Valid);
    refused(world.create(&by, &named("x")), Code::WrongState, "reactivate");
    for what in [Act::Edit, Act::Rotate, Act::Reveal] {
        refused(act(&mut world, what, &by, id), Code::WrongState, "reactivate");
    }
}
