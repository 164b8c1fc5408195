//! An installation with something in every table, and how all of it is read.
#![allow(dead_code, reason = "several test programs share this; each uses its part")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::change::{Change, Foreign, Imported, Make, Remembered, Write};
use domain::facts::{Account, Holder, Installation, Link, Opens, Token};
use domain::grant::Grant;
use domain::ids::{HolderId, InstallationId};
use domain::life::Lens;
use domain::mail::{Letter, Matter, News, Notice, Outgoing, Topic};
use domain::usage::{By, Count, Usage, day};
use domain::webhooks::target::Target;
use domain::webhooks::{self, Delivery, Progress, SigningSecret, TakenUp, Webhook};
use rusqlite::Connection;
use store::place::{Access, Place};
use store::{HolderQuery, Store, TokenQuery};
use tempfile::TempDir;
use token::{Kind, SystemEntropy};

use crate::world::{self, DAY, Driven, at, change, insert};

pub(crate) fn directory(home: &Path) -> Access {
    Access { place: Place::Sqlite(home.join("data")), password: None, keys: home.join("key") }
}

pub(crate) fn database(data: &Path) -> PathBuf {
    data.join("data/jeton.db")
}

/// The database of a directory, behind the store's back.
pub(crate) fn behind(home: &Path) -> Connection {
    Connection::open(database(home)).unwrap()
}

/// Opens what was moved, wherever it is.
pub(crate) async fn open(access: &Access) -> Store {
    let (clock, entropy) = (Arc::new(Driven::default()), Arc::new(SystemEntropy));
    match &access.place {
        Place::Sqlite(data) => {
            let options = world::options(data.parent().unwrap());
            assert_eq!((&options.data, &options.keys), (data, &access.keys));
            Store::open_sqlite(options, clock, entropy, Arc::new(|_| {})).unwrap()
        }
        Place::Postgres(there) => {
            Store::open_postgres(there, access, 4, clock, entropy, Arc::new(|_| {})).await.unwrap()
        }
    }
}

/// An installation that has something in every table.
pub(crate) struct Rich {
    pub(crate) home: TempDir,
    account: Account,
    holder: Holder,
    pub(crate) tokens: Vec<Token>,
}

impl Rich {
    /// Written and closed; its journal has seven entries.
    pub(crate) async fn new() -> Self {
        let home = TempDir::new().unwrap();
        Self::write(open(&directory(home.path())).await, home).await
    }

    pub(crate) fn access(&self) -> Access {
        directory(self.home.path())
    }

    async fn write(store: Store, home: TempDir) -> Self {
        let account = Account { version: 1, ..world::account() };
        let (person, other) = (world::person("ada@example.com"), world::account());
        let holder = Holder { person: Some(person.id), ..world::member(&account) };
        let mut left = world::service_account(&account);
        left.standing.removed_at = Some(at(3));
        left.metadata = Some("null".into());
        let commit = async |writes: Vec<Write>| store.commit(change(writes)).await.unwrap().number;
        commit(vec![
            Write::InsertPerson(person),
            Write::InsertAccount(Box::new(account.clone())),
            Write::InsertAccount(Box::new(other.clone())),
            Write::InsertHolder(holder.clone()),
            Write::InsertHolder(left),
            Write::InsertHolder(Holder {
                external_id: Some("Zoë 𝄞 \\N \"x\"\t".into()),
                ..world::member(&other)
            }),
            Write::InsertNode(world::node(&account.id, "/sales")),
            Write::InsertInstallation(Installation {
                id: InstallationId::draw(&SystemEntropy),
                account: account.id.clone(),
                name: "eu-1".into(),
                nodes: vec!["/sales".parse().unwrap()],
                created_at: at(0),
                version: 0,
            }),
            Write::InsertService(world::service()),
            Write::InsertPermission { bit: 28, name: "devices:read".into() },
        ])
        .await;

        let text = world::text(Kind::Pat);
        let kept = world::token_of_text(&holder, &text);
        let mut ended = world::token(&holder, Kind::Pat);
        ended.conditions.addresses = vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        ended.grant = Grant::Role(account.roles[1].id);
        ended.desk = true;
        let mut plain = world::token(&holder, Kind::Sat);
        plain.life.expires_at = None;
        let mut tokens = Vec::new();
        for (token, keep) in [(kept, Some(text.into())), (ended, None), (plain, None)] {
            let number = commit(vec![Write::InsertToken { token: Box::new(token.clone()), keep }]).await;
            tokens.push(Token { number: number.unwrap(), version: 1, ..token });
        }
        let taken_over = world::token(&holder, Kind::Pat);
        let foreign = Foreign { make: 1, lookup: b"sk_live_".into(), phc: Some("$2b$04$…".into()) };
        let make = Make { id: 1, kind: "bcrypt".into(), prefix: Some(8), sealed: Some(vec![7; 40]) };
        let import = Write::ImportTokens {
            account: account.id.clone(),
            after: 3,
            tokens: vec![Imported { token: taken_over.clone(), foreign: Some(foreign) }],
        };
        commit(vec![Write::InsertMake(make), import]).await;
        tokens.push(Token { number: 4, version: 1, ..taken_over });

        let mut revoked = tokens[1].clone();
        revoked.life.revoked_at = Some(at(1));
        revoked.life.rotated_to = Some(tokens[0].id);
        revoked.reason = Some("lost".into());
        store.commit(change([Write::UpdateToken(Box::new(revoked))]).narrowing()).await.unwrap();
        tokens[1].version = 2;

        store.commit(Change::default().write(Write::Remember(answer()))).await.unwrap();
        store.put_setup_link([9; 32], at(3000 * DAY)).await.unwrap();
        if let HolderId::Member(member) = holder.id {
            let (account, until) = (account.id.clone(), at(3000 * DAY));
            let invitation = Link { hash: [8; 32], account, member, opens: Opens::Login, until };
            store.put_link(invitation).await.unwrap();
            let id = "let_0123456789ab".parse().unwrap();
            let letter = Letter::new(id, Topic::Ending, holder.account.clone(), member, at(0));
            let notice = Notice { token: tokens[0].id, ends_at: at(30 * DAY), days: 30 };
            let matters = vec![Matter { token: tokens[0].id, at: at(0), actor: Some("operator".into()) }];
            let (account, topic) = (holder.account.clone(), Topic::Revoked);
            let news = News { account, to: member, topic, at: at(0), matters };
            let outbox = vec![Outgoing::Ends { letter, notices: vec![notice] }, Outgoing::News(news)];
            store.commit(Change { outbox, ..Change::default() }).await.unwrap();
        }
        store
            .commit(change([webhooks::write(webhooks::Write::Insert {
                webhook: webhook(&account),
                secret: secret(),
            })]))
            .await
            .unwrap();
        let webhook = store.webhook(&account.id, webhook(&account).id).await.unwrap().unwrap();
        let from = webhook.progress.through;
        let delivery = Delivery::new(&webhook, from + 1, "token.edited".into(), "somebody".into(), at(0));
        let (id, deliveries) = (webhook.id, vec![delivery]);
        let taken = TakenUp {
            account: account.id.clone(),
            webhook: id,
            from,
            through: from + 1,
            missed: 2,
            deliveries,
            now: at(0),
        };
        store.commit(Change::default().write(webhooks::write(webhooks::Write::TakeUp(taken)))).await.unwrap();
        let count = |by| Count { day: day(at(0)), by, admitted: 3, refused: 1 };
        let counts =
            vec![count(By::All), count(By::Address("::1".into())), count(By::Service("svc_a".into()))];
        let last = Some((at(5), Some("::1".into())));
        store.record_usage(vec![Usage { token: tokens[0].id, last, counts }]).await.unwrap();
        store.close().await;
        Self { home, account, holder, tokens }
    }

    /// Everything that can be read of it.
    pub(crate) async fn picture(&self, store: &Store) -> Vec<String> {
        let mut seen = vec![format!("{:?}", store.registry().await.unwrap().names())];
        for account in store.accounts(None, 100).await.unwrap() {
            let id = &account.id;
            let everyone = HolderQuery { kind: None, after: None, limit: 100, include_removed: true };
            for holder in store.holders(id, everyone).await.unwrap() {
                if let Some(person) = holder.person {
                    seen.push(format!("{:?}", store.person(person).await.unwrap()));
                    seen.push(format!("{:?}", store.memberships(person).await.unwrap()));
                }
                seen.push(format!("{holder:?}"));
            }
            seen.push(format!(
                "{:?} {:?}",
                store.nodes(id, None, 10_000).await.unwrap(),
                store.installations(id, None, 10_000).await.unwrap()
            ));
            let all = TokenQuery::all(Lens::of(&account, at(0)), 100);
            for (token, used) in store.tokens(id, all).await.unwrap() {
                let text = store.reveal(id, token.id).await.unwrap();
                seen.push(format!("{token:?} {used:?} {:?}", text.as_ref().map(token::TokenText::expose)));
                seen.push(format!("{:?}", store.usage(id, token.id, 0).await.unwrap()));
                seen.push(format!("{:?}", store.rotated_into(id, token.id).await.unwrap()));
            }
            seen.push(format!("{account:?}"));
        }
        seen.push(format!("{:?}", store.services().await.unwrap()));
        seen.push(format!("{:?}", store.makes().await.unwrap()));
        seen.push(format!("{:?}", store.foreign(vec![(1, b"sk_live_".to_vec())]).await.unwrap()));
        seen.push(format!("{:?}", store.remembered(&answer().key).await.unwrap()));
        seen.push(format!("{:?}", store.setup_link_open([9; 32]).await.unwrap()));
        seen.push(format!("{:?}", store.link([8; 32]).await.unwrap()));
        for letter in store.letters_due(at(DAY), 9).await.unwrap() {
            seen.push(format!("{letter:?} {:?}", store.notices_of(letter.id).await.unwrap()));
        }
        for account in store.accounts(None, 100).await.unwrap() {
            for webhook in store.webhooks(&account.id).await.unwrap() {
                let secrets = store.signing_secrets(&account.id, webhook.id, at(0)).await.unwrap();
                let secrets: Vec<_> = secrets.iter().map(SigningSecret::text).collect();
                let deliveries = store.deliveries(webhook.id, i64::MAX, 9).await.unwrap();
                seen.push(format!("{webhook:?} {secrets:?} {deliveries:?}"));
            }
        }
        seen.push(format!("{} entries are whole", store.verify_journal().await.unwrap().entries));
        seen.extend(store.journal(0, 1000).await.unwrap().iter().map(|entry| format!("{entry:?}")));
        seen
    }

    /// What can be read of it in one of its places, and a token made there then.
    pub(crate) async fn looked_at_and_added_to(&mut self, access: &Access) -> Vec<String> {
        let store = open(access).await;
        let seen = self.picture(&store).await;
        let one = world::token(&self.holder, Kind::Pat);
        let number = store.commit(change([insert(&one)])).await.unwrap().number;
        let last = self.tokens.last().unwrap().number;
        assert_eq!(number, Some(last + 1), "numbers go on where they were");
        self.tokens.push(Token { number: last + 1, version: 1, ..one });
        // And what was there can be changed by the version that it has.
        let name = format!("renamed {number:?}");
        let renamed = Account { name, ..self.account.clone() };
        store.commit(change([Write::UpdateAccount(Box::new(renamed))])).await.unwrap();
        self.account.version += 1;
        store.close().await;
        seen
    }
}

pub(crate) fn answer() -> Remembered {
    Remembered { key: [1; 32], request: [2; 32], sealed: vec![0, 159, 255], until: at(3000 * DAY) }
}

fn webhook(account: &Account) -> Webhook {
    Webhook {
        id: "whk_0123456789ab".parse().unwrap(),
        account: account.id.clone(),
        name: "ops".into(),
        target: Target::parse("https://example.com/hook").unwrap(),
        actions: vec!["token".into()],
        enabled: true,
        created_at: at(0),
        older_until: None,
        progress: Progress::default(),
        version: 0,
    }
}

fn secret() -> Arc<SigningSecret> {
    Arc::new(SigningSecret::from_bytes([5; 32]))
}
