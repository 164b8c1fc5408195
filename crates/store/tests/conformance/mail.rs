//! The outbox: what is told is told once, and one process sends it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::change::{Change, Write};
use domain::facts::{Holder, Token};
use domain::ids::{HolderId, LetterId, MemberId};
use domain::mail::{Fate, KEPT, Letter, Notice, Outgoing, TURN, Trouble};
use domain::notices::Told;
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

fn letter(to: &Holder, notices: &[Notice]) -> Outgoing {
    let letter = Letter::new(LetterId::draw(&SystemEntropy), to.account.clone(), member(to), at(0));
    Outgoing { letter, notices: notices.to_vec() }
}

fn outbox(outbox: impl IntoIterator<Item = Outgoing>) -> Change {
    Change { outbox: outbox.into_iter().collect(), ..Change::default() }
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
    let refused = Change { outbox: vec![post.clone()], ..change([Write::UpdateHolder(stale)]) };
    assert!(matches!(world.store.commit(refused).await, Err(CommitError::Conflict)));
    assert!(world.store.letters_due(at(DAY), 9).await.unwrap().is_empty());
    let together = Change { outbox: vec![post], ..change([insert(&made)]) };
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
