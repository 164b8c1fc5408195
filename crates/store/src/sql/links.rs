//! Links that let somebody in: what is asked about them, and how one is kept.

use domain::facts::{Link, Opens};
use domain::time::Timestamp;

use super::query::{Query, Read, values};
use super::rows;

pub(crate) fn setup_link_open(hash: [u8; 32], now: Timestamp) -> Read<bool> {
    let sql = "SELECT until FROM setup_link WHERE hash = ?1 AND until > ?2";
    Read {
        queries: vec![Query::new(sql, values![hash, now])],
        state: false,
        row: |open, _, _| {
            *open = true;
            Ok(())
        },
    }
}

pub(crate) fn link(hash: [u8; 32], now: Timestamp) -> Read<Option<Link>> {
    let sql = "SELECT hash, account, member, service, place, until, person FROM link WHERE hash = ?1 AND until > ?2";
    Read::first(Query::new(sql, values![hash, now]), |found, _, row| {
        let opens = match (rows::text_or_none(row, 3)?, rows::text_or_none(row, 6)?) {
            (Some(service), _) => Opens::Console { service, place: rows::string(row, 4)? },
            (None, Some(person)) => Opens::Password { person },
            (None, None) => Opens::Login,
        };
        *found = Some(Link {
            hash: rows::bytes(row, 0)?,
            account: rows::text(row, 1)?,
            member: rows::text(row, 2)?,
            opens,
            until: rows::time(row, 5)?,
        });
        Ok(())
    })
}

pub(crate) fn insert(row: &Link) -> Query<'_> {
    let sql = "
        INSERT INTO link (hash, account, member, service, place, until, person)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let (service, place, person) = match &row.opens {
        Opens::Console { service, place } => (Some(service.to_string()), Some(place.clone()), None),
        Opens::Login => (None, None, None),
        Opens::Password { person } => (None, None, Some(person.to_string())),
    };
    let member = row.member.to_string();
    Query::new(sql, values![&row.hash, row.account.as_str(), member, service, place, row.until, person])
}
