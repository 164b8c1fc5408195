//! The outbox: what is told is told once, and one process sends it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::change::{Change, Write};
use domain::facts::{Holder, Link, Opens, Token};
use domain::ids::{HolderId, LetterId, MemberId, PersonId, RoleId};
use domain::mail::{Fate, KEPT, Letter, Matter, News, Notice, Outgoing, TURN, Topic, Trouble};
use domain::notices::Told;
use domain::time::Timestamp;
use store::CommitError;
use token::{Kind, SystemEntropy};

use crate::world::{Backend, DAY, START, World, at, change, insert, token};

fn member(holder: &Holder) -> MemberId {
    match holder.id {
        HolderId::Member(id) => id,
        HolderId::ServiceAccount(_) => panic!("not a member"),
    }
}

fn notice(token: &Token, days: u32) -> Notice {
    Notice { token: token.id, ends_at: at(30 * DAY), days }
}

/// A letter with its notices.
#[derive(Clone)]
struct Post {
    letter: Letter,
    notices: Vec<Notice>,
}

impl From<Post> for Outgoing {
    fn from(Post { letter, notices }: Post) -> Self {
        Outgoing::Ends { letter, notices }
    }
}

fn letter(to: &Holder, notices: &[Notice]) -> Post {
    let id = LetterId::draw(&SystemEntropy);
    let letter = Letter::new(id, Topic::Ending, to.account.clone(), member(to), at(0));
    Post { letter, notices: notices.to_vec() }
}

fn outbox<T: Into<Outgoing>>(outbox: impl IntoIterator<Item = T>) -> Change {
    Change { outbox: outbox.into_iter().map(Into::into).collect(), ..Change::default() }
}

fn news(to: &Holder, topic: Topic, now: Timestamp, tokens: &[&Token]) -> Outgoing {
    let matter = |token: &&Token| Matter { token: token.id, at: now, actor: Some("operator".into()) };
    let matters = tokens.iter().map(matter).collect();
    Outgoing::News(News { account: to.account.clone(), to: member(to), topic, at: now, matters })
}

/// Who was told how many days before the end.
fn told(of: &Told) -> Vec<(MemberId, u32)> {
    let mut all: Vec<_> = of.iter().map(|(member, notice)| (*member, notice.days)).collect();
    all.sort_unstable();
    all
}

pub(crate) async fn a_notice_is_kept_once_and_a_letter_only_with_one<B: Backend>(world: World<B>) {
    let (account, holder) = world.family().await;
    let (one, other) = (world.token(&holder).await, world.token(&holder).await);
    let (store, ada) = (&world.store, member(&holder));

    let first = letter(&holder, &[notice(&one, 30), notice(&other, 30)]);
    store.commit(outbox([first.clone()])).await.unwrap();
    // The same again, and once more with something new: a key that is there is no conflict.
    let again = letter(&holder, &[notice(&one, 30)]);
    let more = letter(&holder, &[notice(&one, 30), notice(&one, 7)]);
    store.commit(outbox([again.clone(), more.clone()])).await.unwrap();

    assert_eq!(store.letter(again.letter.id).await.unwrap(), None);
    let kept = Letter { version: 1, ..more.letter.clone() };
    assert_eq!(store.letter(more.letter.id).await.unwrap(), Some(kept));
    assert_eq!(store.notices_of(more.letter.id).await.unwrap(), [notice(&one, 7)]);
    let mut both = vec![notice(&one, 30), notice(&other, 30)];
    both.sort_unstable_by_key(|notice| notice.token.to_string());
    assert_eq!(store.notices_of(first.letter.id).await.unwrap(), both);
    assert_eq!(store.letters_due(at(0), 9).await.unwrap().len(), 2);

    let of = async |token: &Token| told(&store.told(&account.id, &[token.id]).await.unwrap());
    assert_eq!(of(&one).await, [(ada, 7), (ada, 30)]);
    assert_eq!(of(&other).await, [(ada, 30)]);
    let elsewhere = store.told(&"another".parse().unwrap(), &[one.id]).await.unwrap();
    assert!(elsewhere.is_empty(), "another account reads nothing");
}

pub(crate) async fn letters_are_kept_with_their_change_or_not_at_all<B: Backend>(world: World<B>) {
    let (_, holder) = world.family().await;
    let stale = Holder { version: 7, ..holder.clone() };
    let made = token(&holder, Kind::Pat);
    let post = letter(&holder, &[notice(&made, 1)]);
    let refused = Change { outbox: vec![post.clone().into()], ..change([Write::UpdateHolder(stale)]) };
    assert!(matches!(world.store.commit(refused).await, Err(CommitError::Conflict)));
    assert!(world.store.letters_due(at(DAY), 9).await.unwrap().is_empty());
    let together = Change { outbox: vec![post.into()], ..change([insert(&made)]) };
    assert!(world.store.commit(together).await.unwrap().number.is_some());
    assert_eq!(world.store.letters_due(at(0), 9).await.unwrap().len(), 1);
}

pub(crate) async fn of_many_who_would_send_a_letter_one_does<B: Backend>(world: World<B>) {
    let (_, holder) = world.family().await;
    let token = world.token(&holder).await;
    world.store.commit(outbox([letter(&holder, &[notice(&token, 7)])])).await.unwrap();
    let waiting = world.store.letters_due(at(0), 9).await.unwrap().pop().unwrap();
    let store = Arc::new(world.store.clone());
    let tries: Vec<_> = (0..20)
        .map(|_| {
            let (store, mine) = (store.clone(), waiting.clone().begun(at(0)));
            tokio::spawn(
                async move { store.commit(Change::default().write(Write::UpdateLetter(mine))).await },
            )
        })
        .collect();
    let mut begun = 0;
    for each in tries {
        match each.await.unwrap() {
            Ok(_) => begun += 1,
            Err(CommitError::Conflict) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(begun, 1);
    assert!(store.letters_due(at(TURN - 1), 9).await.unwrap().is_empty(), "somebody has it");
    assert_eq!(store.letters_due(at(TURN), 9).await.unwrap().len(), 1, "and said nothing for too long");
}

pub(crate) async fn a_letter_reads_back_wherever_it_is<B: Backend>(world: World<B>) {
    let (_, holder) = world.family().await;
    let token = world.token(&holder).await;
    let mut days = 0;
    let fates = [Fate::Sent(at(5)), Fate::Dropped(at(6)), Fate::GivenUp(at(7))];
    for fate in fates {
        days += 1;
        let post = letter(&holder, &[notice(&token, days)]);
        world.store.commit(outbox([post.clone()])).await.unwrap();
        let mut row = Letter { version: 1, ..post.letter };
        for next in
            [row.clone().begun(at(1)), row.clone().failed(Trouble::Passing, at(2)), row.clone().ended(fate)]
        {
            let next = Letter { version: row.version, ..next };
            world.store.commit(Change::default().write(Write::UpdateLetter(next.clone()))).await.unwrap();
            row = Letter { version: row.version + 1, ..next };
            assert_eq!(world.store.letter(row.id).await.unwrap(), Some(row.clone()));
        }
    }
    assert_eq!(world.store.letters_due(at(i64::MAX / 2), 9).await.unwrap(), []);
}

pub(crate) async fn what_was_told_outlives_a_clock_that_ran_ahead<B: Backend>(world: World<B>) {
    let (account, holder) = world.family().await;
    let token = world.token(&holder).await;
    let post = letter(&holder, &[notice(&token, 7)]);
    world.store.commit(outbox([post.clone()])).await.unwrap();
    let sent = Letter { version: 1, ..post.letter }.ended(Fate::Sent(at(1)));
    world.store.commit(Change::default().write(Write::UpdateLetter(sent.clone()))).await.unwrap();
    let is_there = async || {
        let told = world.store.told(&account.id, &[token.id]).await.unwrap().len();
        (told, world.store.letter(sent.id).await.unwrap().is_some())
    };
    let later = at(30 * DAY + KEPT);
    // The clock says that all is long past, the journal does not.
    world.store.purge(later).await.unwrap();
    assert_eq!(is_there().await, (1, true));
    world.clock.pass(later.as_micros() - START);
    world.clock.wall.fetch_max(later.as_micros(), Ordering::SeqCst);
    let mut entry = crate::world::entry();
    entry.at = later;
    world.store.commit(Change { entries: vec![entry], ..Change::default() }).await.unwrap();
    world.store.purge(later).await.unwrap();
    assert_eq!(is_there().await, (0, false));
}

pub(crate) async fn what_was_mailed_to_a_member_is_erased_with_them<B: Backend>(world: World<B>) {
    let (account, holder) = world.family().await;
    let other = crate::world::member(&account);
    world.write([Write::InsertHolder(other.clone())]).await;
    let token = world.token(&holder).await;
    let posts = [letter(&holder, &[notice(&token, 7)]), letter(&other, &[notice(&token, 7)])];
    world.store.commit(outbox(posts.clone())).await.unwrap();
    let position = world.store.health().position;
    world.store.erase_holder(&account.id, holder.id, position).await.unwrap();
    assert_eq!(world.store.letter(posts[0].letter.id).await.unwrap(), None);
    let left = world.store.told(&account.id, &[token.id]).await.unwrap();
    assert_eq!(told(&left), [(member(&other), 7)]);
}

pub(crate) async fn what_happens_before_a_letter_is_begun_is_told_by_it_and_what_comes_after_waits<
    B: Backend,
>(
    world: World<B>,
) {
    let (account, holder) = world.family().await;
    let other = crate::world::member(&account);
    world.write([Write::InsertHolder(other.clone())]).await;
    let (one, two, three) =
        (world.token(&holder).await, world.token(&holder).await, world.token(&holder).await);
    let store = &world.store;
    let waiting = async || store.letters_due(at(100 * DAY), 9).await.unwrap();
    let keep = async |row: Letter| {
        store.commit(Change::default().write(Write::UpdateLetter(row))).await.unwrap();
    };
    for (now, tokens) in [(at(0), vec![&one]), (at(1), vec![&two, &one])] {
        store.commit(outbox([news(&holder, Topic::Created, now, &tokens)])).await.unwrap();
    }
    // Another topic and another reader are letters of their own.
    store.commit(outbox([news(&holder, Topic::Leaked, at(2), &[&one])])).await.unwrap();
    store.commit(outbox([news(&other, Topic::Created, at(3), &[&one])])).await.unwrap();
    let all = waiting().await;
    assert_eq!(all.len(), 3);
    let first = all[0].clone();
    assert_eq!((first.topic, first.to, first.fate), (Topic::Created, member(&holder), Fate::Due(at(0))));
    assert_eq!(store.matters_of(first.id).await.unwrap(), [], "nobody has begun it");

    keep(first.clone().begun(at(4))).await;
    let mut told: Vec<_> = store.matters_of(first.id).await.unwrap();
    told.sort_by_key(|matter| matter.at);
    let told: Vec<_> = told.iter().map(|matter| (matter.token, matter.at)).collect();
    let mut second = [(one.id, at(1)), (two.id, at(1))];
    second.sort_by_key(|(token, _)| token.to_string());
    assert_eq!(told, [[(one.id, at(0))].as_slice(), &second].concat());

    // From now on there is another letter, which waits until the pause is over.
    store.commit(outbox([news(&holder, Topic::Created, at(5), &[&three])])).await.unwrap();
    store.commit(outbox([news(&holder, Topic::Created, at(6), &[&two])])).await.unwrap();
    let later: Vec<Letter> = waiting().await.into_iter().filter(|letter| letter.tries == 0).collect();
    let later: Vec<&Letter> = later.iter().filter(|letter| letter.to == first.to).collect();
    let next = later.iter().find(|letter| letter.topic == Topic::Created).unwrap();
    assert_eq!(next.fate, Fate::Due(at(5).plus_micros(Topic::Created.pause())));

    // Who tries again tells the same; the end forgets it.
    let again = Letter { version: first.version + 1, ..first.clone().begun(at(4)) };
    keep(again.clone().failed(Trouble::Passing, at(7))).await;
    let again = Letter { version: again.version + 1, ..again };
    keep(again.clone().begun(at(8))).await;
    assert_eq!(store.matters_of(first.id).await.unwrap().len(), 3);
    keep(Letter { version: again.version + 1, ..again }.ended(Fate::Sent(at(9)))).await;
    assert_eq!(store.matters_of(first.id).await.unwrap(), []);

    keep((*next).clone().begun(at(10))).await;
    assert_eq!(store.matters_of(next.id).await.unwrap().len(), 2);
    // Long after the last one it need not wait.
    let now = at(20 * DAY);
    keep(Letter { version: next.version + 1, ..(*next).clone() }.ended(Fate::Sent(at(11)))).await;
    store.commit(outbox([news(&holder, Topic::Created, now, &[&one])])).await.unwrap();
    let due = waiting().await.into_iter().find(|letter| letter.to == first.to && letter.queued_at == now);
    assert_eq!(due.unwrap().fate, Fate::Due(now));

    let position = store.health().position;
    store.erase_holder(&account.id, holder.id, position).await.unwrap();
    assert!(waiting().await.iter().all(|letter| letter.to == member(&other)));
}

pub(crate) async fn a_letter_is_kept_for_its_reader_alone_and_a_link_of_its_beside_others<B: Backend>(
    world: World<B>,
) {
    let (account, holder) = world.family().await;
    let store = &world.store;
    for topic in [Topic::Invitation, Topic::Reset] {
        store.commit(outbox([news(&holder, topic, at(0), &[])])).await.unwrap();
        store.commit(outbox([news(&holder, topic, at(1), &[])])).await.unwrap();
    }
    assert_eq!(store.letters_due(at(DAY), 9).await.unwrap().len(), 2, "one that waits is enough");

    let person: PersonId = "per_0123456789ab".parse().unwrap();
    let until = world.now().plus_micros(DAY);
    let link = |n: u8, opens| Link {
        hash: [n; 32],
        account: account.id.clone(),
        member: member(&holder),
        opens,
        until,
    };
    let mailed = [link(1, Opens::Login), link(2, Opens::Password { person }), link(3, Opens::Login)];
    for link in &mailed {
        store.commit(Change::default().write(Write::InsertLink(link.clone()))).await.unwrap();
    }
    for link in &mailed {
        assert_eq!(store.link(link.hash).await.unwrap().as_ref(), Some(link));
    }
    let there = async |n: u8| store.link([n; 32]).await.unwrap().is_some();
    store.commit(change([Write::InsertInvitation(link(4, Opens::Login))])).await.unwrap();
    let open = [there(1).await, there(2).await, there(3).await, there(4).await];
    assert_eq!(open, [false, true, false, true], "another invitation ends those before it");
    store.commit(change([Write::ForgetResets(person)])).await.unwrap();
    assert_eq!([there(2).await, there(4).await], [false, true]);
}

pub(crate) async fn those_are_found_who_have_a_role_for_all_of_an_account<B: Backend>(world: World<B>) {
    let (account, holder) = world.family().await;
    let role = holder.role().expect("they have one");
    let found = async |roles: &[RoleId]| -> Vec<HolderId> {
        let found = world.store.holders_by_role(&account.id, roles).await.unwrap();
        found.iter().map(|holder| holder.id).collect()
    };
    assert!(found(&[role]).await.contains(&holder.id));
    let others: Vec<RoleId> =
        account.roles.iter().map(|other| other.id).filter(|other| *other != role).collect();
    assert!(!found(&others).await.contains(&holder.id));
    assert_eq!(found(&[]).await, []);
}
