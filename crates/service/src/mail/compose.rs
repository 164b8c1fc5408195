//! What a letter says when it is sent: names and addresses as they are by then, and of all that it was to
//! tell what is still so. In which words is not said here.

use std::collections::HashMap;

use domain::facts::{Account, Holder, Link, Opens, Token};
use domain::ids::{HolderId, ServiceId};
use domain::mail::{By, Item, Letter, Mail, Matter, Topic, WayIn};
use domain::news;
use domain::notices::{self, Audience};
use domain::sessions;
use domain::time::Timestamp;
use token::{Kind, TokenId};

use super::CHUNK;
use crate::links::link_hash;
use crate::{Desk, Error};

impl Desk {
    /// What a letter says, of that which is still so; none where nothing is.
    pub(super) async fn compose(&self, letter: &Letter) -> Result<Option<Mail>, Error> {
        let Some(account) = self.store.account(&letter.account).await? else { return Ok(None) };
        let to = HolderId::Member(letter.to);
        let Some(reader) = self.store.holder(&account.id, to).await? else { return Ok(None) };
        let Some(address) = self.address_of(&reader).await? else { return Ok(None) };
        let (items, way_in) = match letter.topic {
            Topic::Ending => (self.endings(letter, &account, &reader).await?, None),
            // A closed account lets nobody in and is nobody's any more.
            _ if account.inactive_since.is_some() || !news::is_for(letter.topic, &account, &reader) => {
                return Ok(None);
            }
            Topic::Invitation | Topic::Reset => (Vec::new(), self.open_way_in(letter).await?),
            _ => (self.happened(letter, &account, &reader).await?, None),
        };
        if items.is_empty() && way_in.is_none() {
            return Ok(None);
        }
        Ok(Some(Mail {
            id: letter.id,
            topic: letter.topic,
            address,
            name: reader.name,
            account: account.id.clone(),
            account_name: account.name.clone(),
            items,
            way_in,
            now: self.now(),
            way_out: letter.topic.can_be_left().then(|| self.ways.way_out(letter.id)),
        }))
    }

    /// The link that a letter brings, as it is kept when the letter is begun for the first time. What is tried
    /// again brings the same one, as long as it opens anything.
    pub(super) async fn way_in(&self, begun: &Letter) -> Result<Option<Link>, Error> {
        let Some(life) = begun.topic.opens_for().filter(|_| begun.tries == 1) else { return Ok(None) };
        let reader = self.store.holder(&begun.account, HolderId::Member(begun.to)).await?;
        let opens = match (begun.topic, reader.and_then(|reader| reader.person)) {
            (Topic::Reset, Some(person)) => Opens::Password { person },
            (Topic::Invitation, None) => Opens::Login,
            _ => return Ok(None),
        };
        Ok(Some(Link {
            hash: link_hash(self.ways.way_in(begun.id).expose()),
            account: begun.account.clone(),
            member: begun.to,
            opens,
            until: self.now().plus_micros(life),
        }))
    }

    async fn open_way_in(&self, letter: &Letter) -> Result<Option<(WayIn, Timestamp)>, Error> {
        let way_in = self.ways.way_in(letter.id);
        let link = self.store.link(link_hash(way_in.expose())).await?;
        Ok(link.map(|link| (way_in, link.until)))
    }

    async fn endings(&self, letter: &Letter, account: &Account, reader: &Holder) -> Result<Vec<Item>, Error> {
        let notices = self.store.notices_of(letter.id).await?;
        let tokens = self.tokens_of(account, notices.iter().map(|notice| notice.token)).await?;
        let holders = self.holders_of_all(account, &tokens).await?;
        let (audience, now) = (Audience::of(account, [reader]), self.now());
        let ending = notices.iter().filter_map(|notice| {
            let token = tokens.get(&notice.token)?;
            let holder = holders.get(&token.holder)?;
            notices::still_so(&audience, letter.to, holder, token, notice, now).then(|| Item {
                token: token.id,
                name: token.name.clone(),
                holder: holder.name.clone(),
                at: notice.ends_at,
                by: By::Somebody,
                said: None,
                deleted: false,
            })
        });
        Ok(ending.collect())
    }

    async fn happened(
        &self,
        letter: &Letter,
        account: &Account,
        reader: &Holder,
    ) -> Result<Vec<Item>, Error> {
        let matters = self.store.matters_of(letter.id).await?;
        let tokens = self.tokens_of(account, matters.iter().map(|matter| matter.token)).await?;
        let holders = self.holders_of_all(account, &tokens).await?;
        let (mut items, mut known) = (Vec::new(), HashMap::new());
        for matter in &matters {
            let Some(token) = tokens.get(&matter.token) else { continue };
            let Some(holder) = holders.get(&token.holder) else { continue };
            if !news::still_so(letter, account, reader, holder, token, self.now()) {
                continue;
            }
            let by = match known.get(&matter.actor) {
                Some(by) => By::clone(by),
                None => {
                    let by = self.by(account, reader, matter).await?;
                    known.insert(matter.actor.clone(), by.clone());
                    by
                }
            };
            let (name, said) = match (letter.topic, token.id.kind) {
                (Topic::SignIn, _) | (_, Kind::Ses) => (sessions::agent(token).to_owned(), None),
                (Topic::Waiting, _) => (token.name.clone(), token.description.clone()),
                (Topic::Created, _) => (token.name.clone(), None),
                _ => (token.name.clone(), token.reason.clone()),
            };
            items.push(Item {
                token: token.id,
                name,
                holder: holder.name.clone(),
                at: matter.at,
                by,
                said,
                deleted: token.life.deleted_at.is_some(),
            });
        }
        Ok(items)
    }

    /// Who did something, by what the journal calls them: `mem_… via pat_…`, `svc_…`, `operator`.
    async fn by(&self, account: &Account, reader: &Holder, matter: &Matter) -> Result<By, Error> {
        let actor = matter.actor.as_deref().unwrap_or_default();
        if actor == "operator" {
            return Ok(By::Operator);
        }
        let first = actor.split(' ').next().unwrap_or_default();
        if let Ok(id) = first.parse::<HolderId>() {
            if id == reader.id {
                return Ok(By::You);
            }
            // An operator acts in accounts where they are nobody.
            let found = self.store.holder(&account.id, id).await?;
            return Ok(found.map_or(By::Operator, |holder| By::Named(holder.name)));
        }
        if let Ok(id) = first.parse::<ServiceId>() {
            let found = self.store.service(id).await?;
            return Ok(found.map_or(By::Somebody, |service| By::Named(service.name)));
        }
        Ok(By::Somebody)
    }

    /// Those of an account's tokens that are still there.
    async fn tokens_of(
        &self,
        account: &Account,
        ids: impl Iterator<Item = TokenId>,
    ) -> Result<HashMap<TokenId, Token>, Error> {
        let ids: Vec<TokenId> = ids.collect();
        let mut tokens = HashMap::with_capacity(ids.len());
        for some in ids.chunks(CHUNK) {
            let found = self.store.token_rows(some).await?.into_iter();
            let ours = found.filter(|token| token.account == account.id);
            tokens.extend(ours.map(|token| (token.id, token)));
        }
        Ok(tokens)
    }

    async fn holders_of_all(
        &self,
        account: &Account,
        tokens: &HashMap<TokenId, Token>,
    ) -> Result<HashMap<HolderId, Holder>, Error> {
        self.holders_of(account, tokens.values()).await
    }

    /// Where somebody is written to: what they sign in with, or else what the product gave us.
    async fn address_of(&self, reader: &Holder) -> Result<Option<String>, Error> {
        match reader.person {
            Some(person) => Ok(self.store.person(person).await?.map(|person| person.email)),
            None => Ok(reader.email.clone()),
        }
    }
}
