//! Many tokens in one write, and what reads them for lists.

use std::collections::BTreeSet;

use domain::change::{Change, Write};
use domain::facts::{Holder, Token};
use domain::usage::Usage;
use store::CommitError;
use token::{Kind, TokenId};

use crate::world::*;

fn revoke(tokens: Vec<Token>) -> Change {
    change([Write::RevokeTokens { tokens, at: at(9), reason: Some("leaked".into()) }]).narrowing()
}

pub(crate) async fn many_tokens_are_revoked_together_or_none_of_them<B: Backend>(world: World<B>) {
    let (account, holder) = world.family().await;
    let mut tokens = Vec::new();
    for n in 0..30 {
        let token = world.token(&holder).await;
        // Some have a history.
        tokens.push(if n % 3 == 0 {
            world.write([Write::UpdateToken(Box::new(token.clone()))]).await;
            Token { version: token.version + 1, ..token }
        } else {
            token
        });
    }
    let spared = world.token(&holder).await;
    let mut moved_on = tokens.clone();
    moved_on[17].version += 1;
    let refused = world.store.commit(revoke(moved_on)).await;
    assert!(matches!(refused, Err(CommitError::Conflict)), "{refused:?}");
    for token in &tokens {
        let (kept, _) = world.store.token(&account.id, token.id).await.unwrap().unwrap();
        assert_eq!(kept, *token, "nothing of it was done");
    }

    world.heard.lock().unwrap().clear();
    let before = world.store.health().position;
    let committed = world.store.commit(revoke(tokens.clone())).await.unwrap();
    assert_eq!(committed.position, before + 1, "one entry");
    let told: Vec<Token> = world.heard.lock().unwrap().iter().flat_map(|rows| rows.tokens.clone()).collect();
    assert_eq!(told.len(), tokens.len());
    for (token, told) in tokens.into_iter().zip(told) {
        let (kept, _) = world.store.token(&account.id, token.id).await.unwrap().unwrap();
        let mut expected = Token { version: token.version + 1, reason: Some("leaked".into()), ..token };
        expected.life.revoked_at = Some(at(9));
        assert_eq!((&kept, &told), (&expected, &expected));
    }
    let (kept, _) = world.store.token(&account.id, spared.id).await.unwrap().unwrap();
    assert_eq!(kept, spared);
    world.store.verify_journal().await.unwrap();
}

pub(crate) async fn every_token_is_read_for_lists_in_chunks<B: Backend>(world: World<B>) {
    let (account, ada) = world.family().await;
    let (other, bob) = world.family().await;
    let mut tokens = Vec::new();
    for n in 0..11 {
        let holder = if n % 4 == 0 { &bob } else { &ada };
        let mut token = token(holder, Kind::Pat);
        token.life.deleted_at = (n == 5).then(|| at(3));
        world.write([insert(&token)]).await;
        tokens.push(token);
    }
    let used = |token: &Token, n| Usage { token: token.id, last: Some((at(n), None)), counts: vec![] };
    world.store.record_usage(vec![used(&tokens[0], 5), used(&tokens[1], 6)]).await.unwrap();

    for account in [None, Some(&account.id), Some(&other.id)] {
        let mut read = Vec::new();
        let mut after = None;
        loop {
            let (some, next) = world.store.rolls(account, after, 3).await.unwrap();
            read.extend(some);
            match next {
                Some(_) => after = next,
                None => break,
            }
        }
        let ids: BTreeSet<TokenId> = read.iter().map(|roll| roll.id).collect();
        let ours = |token: &&Token| account.is_none_or(|id| *id == token.account);
        let expected: BTreeSet<TokenId> = tokens.iter().filter(ours).map(|token| token.id).collect();
        assert_eq!((read.len(), ids), (expected.len(), expected), "deleted ones too, each once");
        for roll in read {
            let token = tokens.iter().find(|token| token.id == roll.id).unwrap();
            assert_eq!((roll.life, &roll.name, &roll.grant), (token.life, &token.name, &token.grant));
            assert_eq!((roll.holder, &roll.node, roll.version), (token.holder, &token.node, 1));
        }
        let mut uses = world.store.uses(account, None).await.unwrap();
        uses.sort_unstable_by_key(|(_, at)| *at);
        let expected: Vec<_> = [(0, 5), (1, 6)]
            .into_iter()
            .filter(|(n, _)| ours(&&tokens[*n]))
            .map(|(n, micros)| (tokens[n].id, at(micros)))
            .collect();
        assert_eq!(uses, expected);
    }
    assert_eq!(world.store.uses(None, Some(at(5))).await.unwrap(), [(tokens[1].id, at(6))]);
    assert_eq!(world.store.tokens_made(&account.id).await.unwrap(), 8);

    let ids = [tokens[0].id, tokens[1].id];
    let found = |rows: Vec<(Token, _)>| rows.into_iter().map(|(token, _)| token.id).collect::<BTreeSet<_>>();
    assert_eq!(found(world.store.tokens_by_id(None, &ids).await.unwrap()), BTreeSet::from(ids));
    let rows = world.store.token_rows(&ids).await.unwrap();
    assert_eq!(rows.iter().map(|token| token.id).collect::<BTreeSet<_>>(), BTreeSet::from(ids));
    let within = world.store.tokens_by_id(Some(&account.id), &ids).await.unwrap();
    assert_eq!(found(within), BTreeSet::from([tokens[1].id]), "another account's is missing");

    let mut holders: Vec<Holder> = Vec::new();
    loop {
        let after = holders.last().map(|holder| (&holder.account, holder.id));
        let some = world.store.every_holder(after, 1).await.unwrap();
        if some.is_empty() {
            break;
        }
        holders.extend(some);
    }
    let ids: BTreeSet<_> = holders.iter().map(|holder| holder.id).collect();
    assert_eq!((holders.len(), ids), (2, BTreeSet::from([ada.id, bob.id])));
    let anywhere = world.store.holders_anywhere(&[ada.id, bob.id], std::slice::from_ref(&other.id)).await;
    assert_eq!(anywhere.unwrap(), [bob]);
}

pub(crate) async fn what_a_token_replaced_is_found_while_it_is_in_grace<B: Backend>(world: World<B>) {
    let (_, holder) = world.family().await;
    let new = world.token(&holder).await;
    let mut ids = Vec::new();
    for n in 0..4 {
        let mut old = token(&holder, Kind::Pat);
        old.life.rotated_to = Some(new.id);
        old.life.grace_until = Some(at(if n == 0 { 10 } else { 20 }));
        old.life.revoked_at = (n == 1).then(|| at(2));
        world.write([insert(&old)]).await;
        ids.push(old.id);
    }
    let found = world.store.in_grace(&[new.id, ids[0]], at(10)).await.unwrap();
    let found: BTreeSet<_> = found.iter().map(|token| token.id).collect();
    assert_eq!(found, BTreeSet::from([ids[2], ids[3]]));
}

pub(crate) async fn what_was_rotated_since_a_time_is_found_by_the_old_one<B: Backend>(world: World<B>) {
    let (_, holder) = world.family().await;
    let rotated = async |into: i64| {
        let mut new = token(&holder, Kind::Pat);
        new.life.created_at = at(into);
        let mut old = token(&holder, Kind::Pat);
        old.life.rotated_to = Some(new.id);
        old.life.revoked_at = (into == 21).then(|| at(22));
        world.write([insert(&new), insert(&old)]).await;
        old.id
    };
    let (before, then, after, other) =
        (rotated(19).await, rotated(20).await, rotated(21).await, rotated(21).await);
    let plain = world.token(&holder).await.id;
    let some = [before, then, after, plain];
    let found = world.store.rotated_since(&some, at(20)).await.unwrap();
    assert_eq!(found.iter().map(|token| token.id).collect::<Vec<_>>(), [after], "{other} was not asked for");
    assert!(
        found[0].life.rotated_to.is_some() && found[0].life.revoked_at.is_some(),
        "whatever became of it"
    );
}
