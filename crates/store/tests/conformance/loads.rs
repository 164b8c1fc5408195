//! Facts for the memory of whoever verifies.

use std::collections::BTreeSet;

use domain::change::Write;
use domain::facts::{Account, Holder, Service, Token};
use token::{Digest, Kind, TokenId};

use crate::world::*;

pub(crate) async fn a_snapshot_brings_what_belongs_to_a_digest_and_its_position<B: Backend>(world: World<B>) {
    let (account, holder) = world.family().await;
    let (_, stranger) = world.family().await;
    let token = world.token(&holder).await;
    let other = world.token(&stranger).await;
    let service = service();
    let committed = world.write([Write::InsertService(service.clone())]).await;
    let service = Service { version: 1, ..service };

    let unknown = Digest::of(b"nobody has this");
    let snapshot = world.store.snapshot(&[token.digest, unknown, service.digest]).await.unwrap();
    assert_eq!(snapshot.position, committed.position);
    assert_eq!(snapshot.tokens, std::slice::from_ref(&token));
    assert_eq!(snapshot.holders, std::slice::from_ref(&holder));
    assert_eq!(snapshot.accounts, std::slice::from_ref(&account));
    assert_eq!(snapshot.services, [service]);

    let closed = Account { inactive_since: Some(at(1)), ..account };
    let later = world.write([Write::UpdateAccount(Box::new(closed))]).await;
    let snapshot = world.store.snapshot(&[token.digest, other.digest]).await.unwrap();
    assert_eq!(snapshot.position, later.position);
    assert_eq!((snapshot.tokens.len(), snapshot.holders.len(), snapshot.accounts.len()), (2, 2, 2));
    let empty = world.store.snapshot(&[unknown]).await.unwrap();
    assert!(empty.tokens.is_empty() && empty.accounts.is_empty() && empty.services.is_empty());
}

pub(crate) async fn a_bulk_load_brings_everything_that_could_verify<B: Backend>(world: World<B>) {
    let mut expected = BTreeSet::new();
    let mut families = Vec::new();
    for _ in 0..3 {
        let (account, holder) = world.family().await;
        for n in 0..7 {
            let token = world.token(&holder).await;
            let mut next = token.clone();
            match n {
                // Revoked ones are loaded, so that they are known for what they are.
                0 => next.life.revoked_at = Some(at(1)),
                1 => next.life.deleted_at = Some(at(1)),
                _ => {
                    expected.insert(token.id);
                    continue;
                }
            }
            world.write([Write::UpdateToken(Box::new(next))]).await;
            if n == 0 {
                expected.insert(token.id);
            }
        }
        families.push((account, holder));
    }
    world.write([Write::InsertService(service())]).await;

    let mut loaded: Vec<Token> = Vec::new();
    let (first, mut resume) = world.store.residents(None, 5).await.unwrap();
    let of_first: (BTreeSet<_>, BTreeSet<_>) =
        (first.accounts.iter().map(|a| a.id.clone()).collect(), first.holders.iter().map(|h| h.id).collect());
    let families: (BTreeSet<_>, BTreeSet<_>) =
        families.iter().map(|(a, h): &(Account, Holder)| (a.id.clone(), h.id)).unzip();
    assert_eq!(of_first, families);
    assert_eq!(first.services.len(), 1);
    assert_eq!(first.permissions.len(), 28);
    assert_eq!(first.tokens.len(), 5);
    loaded.extend(first.tokens);
    while let Some(place) = resume {
        let (chunk, next) = world.store.residents(Some(place), 5).await.unwrap();
        assert!(chunk.position >= first.position && chunk.accounts.is_empty());
        loaded.extend(chunk.tokens);
        resume = next;
    }
    assert_eq!(loaded.iter().map(|token| token.id).collect::<BTreeSet<TokenId>>(), expected);
    assert_eq!(loaded.len(), expected.len(), "each once");
    let (one, _) = world.store.token(&loaded[0].account, loaded[0].id).await.unwrap().unwrap();
    assert_eq!(one, loaded[0]);
    assert!(loaded.iter().all(|token| token.id.kind == Kind::Pat));
}
