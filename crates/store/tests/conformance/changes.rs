//! How changes are carried out: whole, in their versions, and told in order.

use std::collections::HashSet;
use std::pin::pin;
use std::task::{Context, Waker};

use domain::change::{Change, Condition, Counting, Expect, Remembered, Write};
use domain::facts::{
    Account, Binding, Holder, Installation, Link, Opens, Person, SecondFactor, Standing, Token,
};
use domain::ids::{AccountId, ExternalId, HolderId, InstallationId, RoleId};
use domain::life::Lens;
use domain::node::NodePath;
use domain::policy::Counted;
use domain::refusal::{Code, Refusal};
use store::CommitError;
use token::{Kind, SystemEntropy};

use crate::world::*;

fn refusal() -> Refusal {
    Refusal::new(Code::LimitReached, "No more.")
}

fn is_refused(result: Result<store::Committed, CommitError>) -> bool {
    match result {
        Ok(_) => false,
        Err(CommitError::Refused(why)) if why == refusal() => true,
        Err(other) => panic!("{other:?}"),
    }
}

pub(crate) async fn rows_read_back_as_they_were_written<B: Backend>(world: World<B>) {
    let (account, holder) = world.family().await;
    let store = &world.store;
    assert_eq!(*store.account(&account.id).await.unwrap().unwrap(), account);
    assert_eq!(*store.account(&account.id).await.unwrap().unwrap(), account, "and from memory");
    assert_eq!(store.holder(&account.id, holder.id).await.unwrap(), Some(holder.clone()));
    assert_eq!(store.holders_by_id(&account.id, &[holder.id]).await.unwrap(), vec![holder.clone()]);
    let (of, one) = store.household(&account.id, holder.id).await.unwrap().unwrap();
    assert_eq!((&*of, &one), (&account, &holder));

    let person = person("ada@example.com");
    let joined = Holder {
        person: Some(person.id),
        external_id: Some("u-1".into()),
        metadata: Some("{}".into()),
        ..member(&account)
    };
    let service = service();
    let sales = node(&account.id, "/sales");
    let installation = Installation {
        id: InstallationId::draw(&SystemEntropy),
        account: account.id.clone(),
        name: "eu-1".into(),
        nodes: vec![sales.path.clone()],
        created_at: at(5),
        version: 0,
    };
    world
        .write([
            Write::InsertPerson(person.clone()),
            Write::InsertHolder(joined.clone()),
            Write::InsertService(service.clone()),
            Write::InsertNode(sales.clone()),
            Write::InsertInstallation(installation.clone()),
        ])
        .await;
    let person = Person { version: 1, ..person };
    assert_eq!(store.person(person.id).await.unwrap(), Some(person.clone()));
    assert_eq!(store.person_by_email("ada@example.com").await.unwrap(), Some(person.clone()));
    // Until the last recovery code is used, and until there is no second factor.
    let spent = SecondFactor { last_step: 60_000_001, recovery: Vec::new(), ..second_factor() };
    for second_factor in [Some(spent), None] {
        let before = store.person(person.id).await.unwrap().unwrap();
        let next = Person { second_factor, ..before };
        world.write([Write::UpdatePerson(next.clone())]).await;
        let expected = Person { version: next.version + 1, ..next };
        assert_eq!(store.person(person.id).await.unwrap(), Some(expected));
    }
    let joined = Holder { version: 1, ..joined };
    assert_eq!(store.memberships(person.id).await.unwrap(), vec![joined.clone()]);
    assert_eq!(store.holder_by_external_id(&account.id, "u-1").await.unwrap(), Some(joined.clone()));
    let service = domain::facts::Service { version: 1, ..service };
    assert_eq!(store.service(service.id).await.unwrap(), Some(service.clone()));
    assert_eq!(store.services().await.unwrap(), [service]);
    let sales = domain::facts::Node { version: 1, ..sales };
    assert_eq!(store.node(&account.id, &sales.path).await.unwrap(), Some(sales.clone()));
    assert_eq!(store.nodes(&account.id, None, 9).await.unwrap(), std::slice::from_ref(&sales));
    let installation = Installation { version: 1, ..installation };
    assert_eq!(store.installations(&account.id, None, 9).await.unwrap(), vec![installation.clone()]);
    assert_eq!(store.installation(&account.id, installation.id).await.unwrap(), Some(installation.clone()));
    let renamed = domain::facts::Node { name: "West".into(), ..sales.clone() };
    let chosen = Holder { mail: Some(false), ..joined.clone() };
    world
        .write([
            Write::UpdateNode(renamed.clone()),
            Write::UpdateHolder(chosen.clone()),
            Write::DeleteInstallation(installation.clone()),
        ])
        .await;
    let renamed = domain::facts::Node { version: 2, ..renamed };
    assert_eq!(store.node(&account.id, &sales.path).await.unwrap(), Some(renamed));
    assert_eq!(store.holder(&account.id, joined.id).await.unwrap().unwrap().mail, Some(false));
    assert_eq!(store.installation(&account.id, installation.id).await.unwrap(), None);
    for stale in [Write::UpdateNode(sales.clone()), Write::DeleteInstallation(installation)] {
        assert!(matches!(store.commit(change([stale])).await, Err(CommitError::Conflict)));
    }

    let first = world.token(&holder).await;
    let second = world.token(&holder).await;
    assert_eq!((first.number, second.number), (1, 2), "numbers count the account's tokens");
    let (read, last) = store.token(&account.id, second.id).await.unwrap().unwrap();
    assert_eq!(read, second);
    assert_eq!(last, store::LastUse::default());
    assert!(!store.is_empty().await.unwrap());
    let page = store.accounts(None, 10).await.unwrap();
    assert_eq!(page.iter().map(|a| &a.id).collect::<Vec<_>>(), [&account.id]);
    assert!(store.accounts(Some(&account.id), 10).await.unwrap().is_empty());
}

pub(crate) async fn what_a_change_begins_outlives_the_stop_that_it_brings<B: Backend>(world: World<B>) {
    let (_, holder) = world.family().await;
    let old = world.token(&holder).await;
    // Decided at a time that the journal has left behind: by then the stop counts from the journal's.
    let late = domain::change::Entry { at: at(DAY), ..entry() };
    world.store.commit(Change::default().entry(late)).await.unwrap();
    let mut stopped = holder.clone();
    stopped.standing.revoked_before = Some(at(0));
    let next = token(&stopped, Kind::Ses);
    world.write([Write::UpdateHolder(stopped), insert(&next)]).await;

    let stands = world.store.holder(&holder.account, holder.id).await.unwrap().unwrap().standing;
    assert!(stands.revoked_before >= Some(at(DAY)), "{stands:?}");
    let (next, _) = world.store.token(&holder.account, next.id).await.unwrap().unwrap();
    assert!(next.life.approved_at > stands.revoked_before, "{next:?}");
    let (old, _) = world.store.token(&holder.account, old.id).await.unwrap().unwrap();
    assert!(old.life.approved_at <= stands.revoked_before);
    let told = world.heard.lock().unwrap().last().unwrap().tokens.clone();
    assert_eq!(told, [next], "memory hears what stands");
}

pub(crate) async fn an_update_replaces_only_the_version_it_names<B: Backend>(world: World<B>) {
    let (account, holder) = world.family().await;
    let token = world.token(&holder).await;
    let renamed = Token { name: "second".into(), ..token.clone() };
    world.write([Write::UpdateToken(Box::new(renamed.clone()))]).await;
    let again = world.store.commit(change([Write::UpdateToken(Box::new(renamed))])).await;
    assert!(matches!(again, Err(CommitError::Conflict)), "{again:?}");
    let (read, _) = world.store.token(&account.id, token.id).await.unwrap().unwrap();
    assert_eq!((read.version, read.name.as_str()), (2, "second"));

    let closed = Account { inactive_since: Some(at(7)), ..account.clone() };
    world.write([Write::UpdateAccount(Box::new(closed))]).await;
    let read = world.store.account(&account.id).await.unwrap().unwrap();
    assert_eq!((read.version, read.inactive_since), (2, Some(at(7))), "memory follows the version");
    let stale = Account { name: "stale".into(), ..account };
    let stale = world.store.commit(change([Write::UpdateAccount(Box::new(stale))])).await;
    assert!(matches!(stale, Err(CommitError::Conflict)));

    // The whole change falls with the one write.
    let left = Holder { name: "left".into(), ..holder.clone() };
    let stale = Holder { version: 9, ..holder.clone() };
    let both = change([Write::UpdateHolder(left), Write::UpdateHolder(stale)]);
    assert!(matches!(world.store.commit(both).await, Err(CommitError::Conflict)));
    assert_eq!(world.store.holder(&holder.account, holder.id).await.unwrap(), Some(holder));
}

pub(crate) async fn a_change_rests_on_the_rows_it_read<B: Backend>(world: World<B>) {
    let (account, holder) = world.family().await;
    let token = world.token(&holder).await;
    let person = person("eve@example.com");
    let service = service();
    world
        .write([
            Write::InsertPerson(person.clone()),
            Write::InsertService(service.clone()),
            Write::InsertNode(node(&account.id, "/a")),
        ])
        .await;
    let expects = |version| {
        [
            Expect::Account(account.id.clone(), version),
            Expect::Holder(account.id.clone(), holder.id, version),
            Expect::Token(account.id.clone(), token.id, version),
            Expect::Person(person.id, version),
            Expect::Service(service.id, version),
        ]
    };
    for stands in expects(1).into_iter().chain([Expect::Node(account.id.clone(), "/a".parse().unwrap())]) {
        world.store.commit(change([]).expect(stands)).await.unwrap();
    }
    for gone in expects(2).into_iter().chain([Expect::Node(account.id.clone(), "/b".parse().unwrap())]) {
        let result = world.store.commit(change([]).expect(gone.clone())).await;
        assert!(matches!(result, Err(CommitError::Conflict)), "{gone:?}");
    }
}

pub(crate) async fn a_change_rests_on_names_that_nobody_has<B: Backend>(world: World<B>) {
    let (account, _) = world.family().await;
    let name = |text: &str| ExternalId::parse(text).unwrap();
    let (there, gone) = (member(&account), member(&account));
    let there = Holder { external_id: Some("u-1".into()), ..there };
    let gone = Holder {
        external_id: Some("u-2".into()),
        standing: Standing { removed_at: Some(at(9)), ..gone.standing },
        ..gone
    };
    let named = Account { id: "globex".parse().unwrap(), external_id: Some("c-1".into()), ..account.clone() };
    world
        .write([
            Write::InsertHolder(there.clone()),
            Write::InsertHolder(gone),
            Write::InsertAccount(Box::new(named.clone())),
        ])
        .await;
    let store = &world.store;
    let globex: AccountId = "globex".parse().unwrap();
    for (expect, stands) in [
        (Expect::NobodyNamed(account.id.clone(), vec![name("u-2"), name("u-3")]), true),
        (Expect::NobodyNamed(account.id.clone(), vec![name("u-3"), name("u-1")]), false),
        (Expect::NobodyNamed(globex.clone(), vec![name("u-1")]), true),
        (Expect::NoAccount(vec!["none".parse().unwrap()]), true),
        (Expect::NoAccount(vec!["none".parse().unwrap(), globex.clone()]), false),
        (Expect::NoAccountNamed(vec![name("u-1"), name("c-2")]), true),
        (Expect::NoAccountNamed(vec![name("c-1")]), false),
    ] {
        let result = store.commit(change([]).expect(expect.clone())).await;
        assert_eq!(result.is_ok(), stands, "{expect:?}: {result:?}");
        assert!(stands || matches!(result, Err(CommitError::Conflict)));
    }
    for (external_id, free) in [("c-1", false), ("c-2", true)] {
        let holds = Condition::AccountExternalIdFree { external_id: external_id.into(), besides: None };
        assert_eq!(is_refused(store.commit(change([]).guard(holds, refusal())).await), !free);
    }

    let names = [name("u-1"), name("u-2"), name("u-3")];
    let found = store.holders_by_external_id(&account.id, &names).await.unwrap();
    assert_eq!(found, [Holder { version: 1, ..there }]);
    assert!(store.holders_by_external_id(&globex, &names).await.unwrap().is_empty());
    let found = store.accounts_by_external_id(&[name("c-2"), name("c-1")]).await.unwrap();
    assert_eq!(found.iter().map(|account| &account.id).collect::<Vec<_>>(), [&globex]);
    let asked = ["none".parse().unwrap(), globex.clone(), account.id.clone()];
    assert_eq!(store.accounts_there(&asked).await.unwrap(), [globex, account.id]);
}

pub(crate) async fn a_refused_change_falls_alone_within_its_group<B: Backend>(world: World<B>) {
    let (account, holder) = world.family().await;
    let before = world.heard.lock().unwrap().len();
    let taken = Condition::AccountFree { account: account.id.clone() };
    let tokens: Vec<Token> = (0..40).map(|_| token(&holder, Kind::Pat)).collect();
    let mut asked = Vec::new();
    for (n, token) in tokens.iter().enumerate() {
        let change = change([insert(token)]);
        let change = match n % 4 {
            1 => change.guard(taken.clone(), refusal()),
            // Falls after the token was written.
            3 => change.write(Write::UpdateHolder(Holder { version: 77, ..holder.clone() })),
            _ => change,
        };
        asked.push(Box::pin(world.store.commit(change)));
    }
    {
        // The listener waits for this lock, and the writer for the listener; meanwhile all of
        // them are handed in.
        let _held = world.heard.lock().unwrap();
        for each in &mut asked {
            let waiting = each.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(waiting.is_pending(), "nobody is answered before the listener has heard");
        }
    }
    let mut numbers = HashSet::new();
    for (n, asked) in asked.into_iter().enumerate() {
        match (n % 4, asked.await) {
            (0 | 2, Ok(committed)) => assert!(numbers.insert(committed.number.unwrap())),
            (1, Err(CommitError::Refused(why))) => assert_eq!(why, refusal()),
            (3, Err(CommitError::Conflict)) => {}
            (_, other) => panic!("{n}: {other:?}"),
        }
    }
    assert_eq!(numbers, (1..=20).collect(), "refused changes use up no number");
    for (n, token) in tokens.iter().enumerate() {
        let there = world.store.token(&account.id, token.id).await.unwrap().is_some();
        assert_eq!(there, n % 2 == 0);
    }
    assert_eq!(world.store.verify_journal().await.unwrap().entries, 21);
    let heard = world.heard.lock().unwrap();
    assert_eq!(heard[before..].iter().map(|group| group.tokens.len()).sum::<usize>(), 20);
    assert!(heard.len() - before <= 2, "what waits together is committed together");
}

pub(crate) async fn facts_are_not_written_without_a_journal_entry<B: Backend>(world: World<B>) {
    let silent = Change::default().write(Write::InsertAccount(Box::new(account())));
    assert!(matches!(world.store.commit(silent).await, Err(CommitError::Unavailable(_))));
    assert!(world.store.is_empty().await.unwrap());
    assert_eq!(world.store.verify_journal().await.unwrap().entries, 0);
}

pub(crate) async fn of_20_at_once_for_the_last_place_one_gets_it<B: Backend>(world: World<B>) {
    let (account, holder) = world.family().await;
    for _ in 0..9 {
        world.token(&holder).await;
    }
    let lens = Lens::of(&account, at(0));
    let room = Condition::Fewer {
        account: account.id.clone(),
        holder: None,
        counted: vec![Counted::Active, Counted::Pending, Counted::Suspended],
        max: 10,
        besides: None,
        lens,
    };
    let asked: Vec<_> = (0..20)
        .map(|_| {
            let change = change([insert(&token(&holder, Kind::Pat))]).guard(room.clone(), refusal());
            let store = world.store.clone();
            tokio::spawn(async move { store.commit(change).await })
        })
        .collect();
    let mut made = 0;
    for each in asked {
        made += i32::from(!is_refused(each.await.unwrap()));
    }
    assert_eq!(made, 1);
}

pub(crate) async fn a_condition_over_many_rows_holds_or_refuses<B: Backend>(world: World<B>) {
    let holds = async |condition: &Condition| {
        !is_refused(world.store.commit(Change::default().guard(condition.clone(), refusal())).await)
    };
    assert!(holds(&Condition::NoAccountYet).await);
    let (account, holder) = world.family().await;
    assert!(!holds(&Condition::NoAccountYet).await);
    assert!(!holds(&Condition::AccountFree { account: account.id.clone() }).await);
    let found = Account { external_id: Some("c-1".into()), ..account.clone() };
    world.write([Write::UpdateAccount(Box::new(found.clone()))]).await;
    let account = Account { version: 2, ..found };
    let named = |external_id: &str, besides: Option<&AccountId>| Condition::AccountExternalIdFree {
        external_id: external_id.into(),
        besides: besides.cloned(),
    };
    assert!(!holds(&named("c-1", None)).await);
    assert!(holds(&named("c-1", Some(&account.id))).await, "an account may keep its own");
    assert!(holds(&named("c-2", None)).await);

    let person = person("ada@example.com");
    let joined = Holder { person: Some(person.id), external_id: Some("u-1".into()), ..member(&account) };
    world.write([Write::InsertPerson(person.clone()), Write::InsertHolder(joined.clone())]).await;
    let joined = Holder { version: 1, ..joined };
    let id = || account.id.clone();
    let not_a_member = Condition::NotAMember { account: id(), person: person.id };
    let external_free = Condition::ExternalIdFree { account: id(), external_id: "u-1".into() };
    assert!(!holds(&Condition::EmailFree { email: "ada@example.com".into() }).await);
    assert!(holds(&Condition::EmailFree { email: "bob@example.com".into() }).await);
    assert!(!holds(&not_a_member).await);
    assert!(!holds(&external_free).await);

    // Both are owners; one of them leaves.
    let owner = account.roles[0].id;
    let besides =
        |besides, person| Condition::AnotherMemberHas { account: id(), role: owner, besides, person };
    let another = besides(holder.id, true);
    assert!(holds(&another).await);
    assert!(holds(&besides(joined.id, false)).await);
    assert!(!holds(&besides(joined.id, true)).await, "the other one cannot sign in");
    let mut left = joined.clone();
    left.standing.removed_at = Some(at(1));
    world.write([Write::UpdateHolder(left)]).await;
    assert!(!holds(&another).await);
    assert!(holds(&not_a_member).await, "who left may come back");
    assert!(holds(&external_free).await);
    let returned = Holder { id: member(&account).id, ..joined };
    world.write([Write::InsertHolder(returned)]).await;

    assert!(!holds(&Condition::RoleUnused { account: id(), role: owner }).await);
    let viewer = Condition::RoleUnused { account: id(), role: account.roles[1].id };
    assert!(!holds(&viewer).await, "bound below the root counts too");
    let drawn = RoleId::draw(&SystemEntropy);
    let unused = Condition::RoleUnused { account: id(), role: drawn };
    assert!(holds(&unused).await);
    let bound = vec![Binding { role: drawn, node: NodePath::root() }];
    let leaver = Holder { bindings: bound, ..member(&account) };
    world.write([Write::InsertHolder(leaver.clone())]).await;
    assert!(!holds(&unused).await);
    let mut left = Holder { version: 1, ..leaver };
    left.standing.removed_at = Some(at(1));
    world.write([Write::UpdateHolder(left.clone())]).await;
    assert!(!holds(&unused).await, "tokens of theirs may go on");
    left.version += 1;
    left.standing.tokens_deleted_at = Some(at(1));
    world.write([Write::UpdateHolder(left)]).await;
    assert!(holds(&unused).await, "who left together with their tokens holds no role");
    let given = Token { grant: domain::grant::Grant::Role(drawn), ..token(&holder, Kind::Pat) };
    world.write([insert(&given)]).await;
    assert!(!holds(&unused).await);
    let mut deleted = Token { version: 1, ..given };
    deleted.life.deleted_at = Some(at(1));
    world.write([Write::UpdateToken(Box::new(deleted))]).await;
    assert!(holds(&unused).await);

    let path: NodePath = "/sales".parse().unwrap();
    let free = Condition::NodeFree { account: id(), path: path.clone() };
    assert!(holds(&free).await);
    world.write([Write::InsertNode(node(&account.id, "/sales"))]).await;
    assert!(!holds(&free).await);

    let room = |of, max| Condition::Room { account: id(), of, max };
    assert!(holds(&room(Counting::Nodes, 2)).await);
    assert!(!holds(&room(Counting::Nodes, 1)).await);
    assert!(holds(&room(Counting::Installations, 1)).await);
    assert!(!holds(&room(Counting::Installations, 0)).await);

    let named = world.token(&holder).await;
    let lens = Lens::of(&account, world.now());
    let name = |besides| Condition::TokenNameFree { account: id(), name: named.name.clone(), besides, lens };
    assert!(!holds(&name(None)).await);
    assert!(holds(&name(Some(named.id))).await, "a token does not stand in its own way");
    let mut gone = named.clone();
    gone.life.deleted_at = Some(at(1));
    world.write([Write::UpdateToken(Box::new(gone))]).await;
    assert!(holds(&name(None)).await);
}

pub(crate) async fn a_code_is_taken_across_kinds<B: Backend>(world: World<B>) {
    let (_, holder) = world.family().await;
    let made = world.token(&holder).await;
    let mut namesake = token(&holder, Kind::Ses);
    namesake.id.code = made.id.code;
    assert!(matches!(world.store.commit(change([insert(&namesake)])).await, Err(CommitError::Conflict)));
    let mut key = service();
    key.id.0 = made.id.code;
    let taken = world.store.commit(change([Write::InsertService(key)])).await;
    assert!(matches!(taken, Err(CommitError::Conflict)));
}

pub(crate) async fn an_answer_is_remembered_once_until_its_time_is_over<B: Backend>(world: World<B>) {
    let now = world.now();
    let answer =
        Remembered { key: [1; 32], request: [2; 32], sealed: vec![3; 9], until: now.plus_micros(DAY) };
    let remember = |answer: &Remembered| Change::default().write(Write::Remember(answer.clone()));
    world.store.commit(remember(&answer)).await.unwrap();
    assert_eq!(world.store.remembered(&[1; 32]).await.unwrap(), Some(answer.clone()));
    assert_eq!(world.store.remembered(&[9; 32]).await.unwrap(), None);
    let again = world.store.commit(remember(&answer)).await;
    assert!(matches!(again, Err(CommitError::Conflict)), "{again:?}");

    world.clock.pass(2 * DAY);
    assert_eq!(world.store.remembered(&[1; 32]).await.unwrap(), None);
    let later = Remembered { until: now.plus_micros(3 * DAY), ..answer };
    world.store.commit(remember(&later)).await.unwrap();
    assert_eq!(world.store.remembered(&[1; 32]).await.unwrap(), Some(later));
}

pub(crate) async fn a_setup_link_opens_once<B: Backend>(world: World<B>) {
    let later = world.now().plus_micros(DAY);
    let using = |hash| change([Write::UseSetupLink { hash }]);
    world.store.put_setup_link([1; 32], later).await.unwrap();
    world.store.put_setup_link([2; 32], later).await.unwrap();
    assert!(!world.store.setup_link_open([1; 32]).await.unwrap(), "the newer one replaced it");
    assert!(world.store.setup_link_open([2; 32]).await.unwrap());
    assert!(matches!(world.store.commit(using([1; 32])).await, Err(CommitError::Conflict)));
    world.store.commit(using([2; 32])).await.unwrap();
    assert!(matches!(world.store.commit(using([2; 32])).await, Err(CommitError::Conflict)));

    world.store.put_setup_link([3; 32], later).await.unwrap();
    world.clock.pass(2 * DAY);
    assert!(!world.store.setup_link_open([3; 32]).await.unwrap());
    assert!(matches!(world.store.commit(using([3; 32])).await, Err(CommitError::Conflict)));
}

pub(crate) async fn a_members_link_opens_once_and_an_invitation_replaces_the_one_before<B: Backend>(
    world: World<B>,
) {
    let (account, service) = (account(), service().id);
    let HolderId::Member(member) = member(&account).id else { unreachable!("a member has a member's id") };
    let until = world.now().plus_micros(DAY);
    let link = |hash, opens| Link { hash, account: account.id.clone(), member, opens, until };
    let using = |hash| change([Write::UseLink { hash }]);

    let shown = || Opens::Console { service, place: "/tokens".into() };
    let (first, second) = (link([1; 32], shown()), link([2; 32], shown()));
    for handed in [&first, &second] {
        world.store.put_link(handed.clone()).await.unwrap();
        assert_eq!(world.store.link(handed.hash).await.unwrap().as_ref(), Some(handed));
    }
    world.store.commit(using([1; 32])).await.unwrap();
    assert_eq!(world.store.link([1; 32]).await.unwrap(), None);
    assert!(matches!(world.store.commit(using([1; 32])).await, Err(CommitError::Conflict)));

    for (hash, before) in [([3; 32], None), ([4; 32], Some([3; 32]))] {
        let invitation = link(hash, Opens::Login);
        world.store.commit(change([Write::InsertInvitation(invitation.clone())])).await.unwrap();
        assert_eq!(world.store.link(hash).await.unwrap(), Some(invitation));
        if let Some(before) = before {
            assert_eq!(world.store.link(before).await.unwrap(), None, "the newer one replaced it");
        }
    }
    assert!(world.store.link([2; 32]).await.unwrap().is_some(), "a hand-off is none of its business");

    // Both at once: one of them is let in.
    let (one, other) = tokio::join!(world.store.commit(using([4; 32])), world.store.commit(using([4; 32])));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");

    world.clock.pass(2 * DAY);
    assert_eq!(world.store.link([2; 32]).await.unwrap(), None);
    assert!(matches!(world.store.commit(using([2; 32])).await, Err(CommitError::Conflict)));
    world.store.purge(world.now()).await.unwrap();
    assert_eq!(world.store.link([2; 32]).await.unwrap(), None);
}

pub(crate) async fn the_listener_hears_rows_as_they_stand_before_anyone_is_answered<B: Backend>(
    world: World<B>,
) {
    let (account, holder) = world.family().await;
    let token = world.token(&holder).await;
    let mut revoked = token.clone();
    revoked.life.revoked_at = Some(at(1));
    let committed = world.write([Write::UpdateToken(Box::new(revoked.clone()))]).await;

    let heard = world.heard.lock().unwrap();
    let [first, second, third] = &heard[..] else { panic!("{}", heard.len()) };
    assert_eq!((&first.accounts, &first.holders), (&vec![account], &vec![holder]));
    assert_eq!(second.tokens, [token], "with the number that was given out");
    assert_eq!(third.tokens, [Token { version: 2, ..revoked }]);
    assert_eq!(third.position, committed.position);
    assert!(first.position < second.position && second.position < third.position);
}

pub(crate) async fn a_caller_who_goes_away_leaves_nothing_undone<B: Backend>(world: World<B>) {
    let (account, holder) = world.family().await;
    let lost = token(&holder, Kind::Pat);
    {
        let mut commit = pin!(world.store.commit(change([insert(&lost)])));
        // Asked once, which hands the change in, and never again.
        let _ = commit.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    // The writer takes changes in order, so whoever is answered now knows the lost one is done.
    world.token(&holder).await;
    assert!(world.store.token(&account.id, lost.id).await.unwrap().is_some());
    let heard = world.heard.lock().unwrap();
    assert!(heard.iter().flat_map(|group| &group.tokens).any(|heard| heard.id == lost.id));
}

pub(crate) async fn bits_of_the_registry_are_given_out_in_order<B: Backend>(world: World<B>) {
    let store = &world.store;
    let before = store.registry().await.unwrap();
    assert_eq!(*before, domain::permission::Registry::default());
    let give = |bit, name: &str| change([Write::InsertPermission { bit, name: name.into() }]);
    store.commit(give(28, "devices:read")).await.unwrap();
    for taken in [give(28, "other:read"), give(30, "other:read"), give(29, "devices:read")] {
        assert!(matches!(store.commit(taken).await, Err(CommitError::Conflict)));
    }
    let registry = store.registry().await.unwrap();
    assert_eq!(registry.names().last().map(String::as_str), Some("devices:read"));
    assert_eq!(registry.names().len(), 29);
    assert_eq!(world.heard.lock().unwrap().last().unwrap().permissions, [(28, "devices:read".to_owned())]);
}
