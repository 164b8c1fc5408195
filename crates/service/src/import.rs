//! Taking over tokens that were made elsewhere, by whatever their table has of them, so that nobody
//! needs a new one.
//!
//! From the machine itself, while no server runs. A row is refused for itself, with its line and a
//! sentence; those that are in already are passed over, so that a run which was cut off is simply run
//! again. Rows go in by the thousand, each thousand with one entry in the journal.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use domain::change::{Action, Actor, Change, Entry, Foreign, Imported, Write};
use domain::facts::{Account, Holder};
use domain::grant::{Grant, Level};
use domain::ids::{AccountId, HolderId};
use domain::lifecycle::{self, Import};
use domain::permission::Registry;
use domain::refusal::{Code, Refusal};
use sha2::{Digest as _, Sha256};
use token::{Brand, Digest, Kind, Parser, Presented, TokenId};
use zeroize::Zeroizing;

use crate::foreign::{CROWD, PREFIX, Recipe};
use crate::{Desk, Error};

/// What a table has of a token's text.
pub enum Known {
    /// All of it.
    Text(Zeroizing<String>),
    Sha256([u8; 32]),
    Sha512([u8; 64]),
    HmacSha256([u8; 32]),
    /// `$2b$…`, and how the text begins.
    Bcrypt {
        hash: String,
        prefix: String,
    },
    /// `$argon2id$…`, and how the text begins.
    Argon2 {
        hash: String,
        prefix: String,
    },
}

/// A row of somebody's table.
pub struct Row {
    /// Where it stands in the file, from 1.
    pub line: u64,
    pub known: Known,
    /// `mem_…` or `sac_…`, or the `external_id` of either.
    pub holder: Option<String>,
    pub token: Import,
}

/// What is to be imported.
pub struct Plan {
    pub account: AccountId,
    /// Whose all rows are. One that names somebody else is refused: a table that somebody handed in does
    /// not decide for whom its tokens act.
    pub holder: Option<String>,
    /// The key of HMACs.
    pub hmac_key: Option<Zeroizing<Vec<u8>>>,
    /// Decides on every row and writes nothing.
    pub dry_run: bool,
}

/// A row that was not imported, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub line: u64,
    pub why: String,
}

/// For whom tokens act, and with what permission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Given {
    pub holder: HolderId,
    /// What the holder is called.
    pub name: String,
    /// As a table says it: `inherit`, `role:Viewer`, `access:read`, `list:devices:read`.
    pub permission: String,
}

/// What became of some rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub imported: u64,
    /// Of the imported ones, whose they are and what they may do.
    pub given: BTreeMap<Given, u64>,
    /// In this account already, from a run before.
    pub already: u64,
    /// In the order of their lines.
    pub refused: Vec<Refused>,
}

/// An import under way.
pub struct Importer<'a> {
    desk: &'a Desk,
    account: Arc<Account>,
    registry: Arc<Registry>,
    plan: Plan,
    holders: HashMap<String, Result<Arc<Holder>, String>>,
    makes: Vec<(i64, Recipe)>,
    ours: Parser,
    last_number: i64,
}

/// A row that can go in, but for what the store may have against it.
struct Ready {
    line: u64,
    holder: Arc<Holder>,
    imported: Imported,
}

impl Desk {
    /// Begins an import.
    ///
    /// # Errors
    /// Refused without the account, for a holder that it does not have, and while other processes
    /// serve from the same database: they would not know how to look these texts up.
    pub async fn import(&self, plan: Plan) -> Result<Importer<'_>, Error> {
        let others = self.store.others().await?;
        if !others.is_empty() {
            let sentence =
                format!("{} serve from this database; stop them all, then import.", others.join(", "));
            return Err(Refusal::wrong_state(sentence).into());
        }
        let account = self.store.account(&plan.account).await?.ok_or_else(|| {
            Refusal::of_field(Code::NotFound, "account", format!("There is no account {}.", plan.account))
        })?;
        let makes = self.store.makes().await?;
        let recipe =
            |make: &domain::change::Make| Recipe::of(make, self.store.keys()).map(|recipe| (make.id, recipe));
        let last_number = self.store.last_number(&plan.account).await?.ok_or(Error::Undetermined)?;
        let mut importer = Importer {
            desk: self,
            registry: self.registry(),
            account,
            holders: HashMap::new(),
            makes: makes.iter().filter_map(recipe).collect(),
            ours: Parser::new([Brand::default()], true),
            last_number,
            plan,
        };
        if let Some(holder) = importer.plan.holder.clone() {
            importer
                .holder(&holder)
                .await?
                .map_err(|why| Refusal::of_field(Code::NotFound, "holder", why))?;
        }
        Ok(importer)
    }
}

impl Importer<'_> {
    /// Imports some rows, in one change.
    ///
    /// # Errors
    /// Nothing of these rows was imported.
    pub async fn take(&mut self, rows: Vec<Row>) -> Result<Outcome, Error> {
        let mut outcome = Outcome::default();
        let mut ready = Vec::with_capacity(rows.len());
        for row in rows {
            let line = row.line;
            match self.ready(row).await? {
                Ok(one) => ready.push(one),
                Err(why) => outcome.refused.push(Refused { line, why }),
            }
        }
        // Sorted, so that the greatest indexes are walked once; the ids likewise, for their order
        // means nothing.
        ready.sort_by(|one, other| {
            one.imported
                .token
                .digest
                .as_bytes()
                .cmp(other.imported.token.digest.as_bytes())
                .then(one.line.cmp(&other.line))
        });
        ready.dedup_by(|later, earlier| {
            let same = later.imported.token.digest == earlier.imported.token.digest;
            if same {
                let why = format!("Line {} has the same text.", earlier.line);
                outcome.refused.push(Refused { line: later.line, why });
            }
            same
        });
        if self.plan.dry_run || !self.commit(&mut ready).await? {
            self.besides_what_is_there(&mut ready, &mut outcome).await?;
            if !self.plan.dry_run && !self.commit(&mut ready).await? {
                return Err(Error::Conflict);
            }
        }
        outcome.imported = ready.len() as u64;
        outcome.given = self.given(&ready);
        outcome.refused.sort_by_key(|refused| refused.line);
        Ok(outcome)
    }

    async fn ready(&mut self, row: Row) -> Result<Result<Ready, String>, Error> {
        let own = row.holder.clone();
        let Some(name) = self.plan.holder.clone().or_else(|| own.clone()) else {
            return Ok(Err("It names no holder, and no --holder is for all.".to_owned()));
        };
        let holder = match self.holder(&name).await? {
            Ok(holder) => holder,
            Err(why) => return Ok(Err(why)),
        };
        if let Some(own) = own.filter(|own| *own != name) {
            match self.holder(&own).await? {
                Ok(its) if its.id == holder.id => {}
                Ok(_) => {
                    let why = format!("It names `{own}`, and --holder says that all are `{name}`'s.");
                    return Ok(Err(why));
                }
                Err(why) => return Ok(Err(why)),
            }
        }
        let (digest, foreign) = match self.look_up(row.known).await? {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        };
        let kind = match holder.id {
            HolderId::Member(_) => Kind::Pat,
            HolderId::ServiceAccount(_) => Kind::Sat,
        };
        let id = TokenId { kind, code: token::Code::draw(&*self.desk.entropy) };
        let now = self.desk.now();
        let made = lifecycle::import(&self.account, &self.registry, &holder, &row.token, id, digest, now);
        Ok(match made {
            Ok(token) => Ok(Ready { line: row.line, holder, imported: Imported { token, foreign } }),
            Err(Refusal { detail, .. }) => Err(detail),
        })
    }

    /// A holder by its id or its name in the product.
    async fn holder(&mut self, name: &str) -> Result<Result<Arc<Holder>, String>, Error> {
        if let Some(known) = self.holders.get(name) {
            return Ok(known.clone());
        }
        let found = match name.parse() {
            Ok(id) => self.desk.store.holder(&self.account.id, id).await?,
            Err(_) => self.desk.store.holder_by_external_id(&self.account.id, name).await?,
        };
        let found = found
            .map(Arc::new)
            .ok_or_else(|| format!("The account has no member or service account `{name}`."));
        self.holders.insert(name.to_owned(), found.clone());
        Ok(found)
    }

    /// The digest or the mark of a row's text, and how a text leads to the mark.
    async fn look_up(&mut self, known: Known) -> Result<Result<(Digest, Option<Foreign>), String>, Error> {
        let (recipe, lookup, phc) = match known {
            Known::Text(text) => {
                return Ok(match self.ours.parse(text.as_bytes()) {
                    Ok(Presented::Foreign { digest }) => Ok((digest, None)),
                    Ok(Presented::Ours { .. }) => Err("It is a token of jeton's own form.".to_owned()),
                    Err(why) => Err(format!(
                        "It can be no token: {why}; 16 to 255 printable ASCII characters are taken."
                    )),
                });
            }
            Known::Sha256(digest) => return Ok(Ok((Digest::from_bytes(digest), None))),
            Known::Sha512(digest) => (Recipe::Sha512, digest.to_vec(), None),
            Known::HmacSha256(digest) => match &self.plan.hmac_key {
                Some(key) => (Recipe::Hmac(key.clone()), digest.to_vec(), None),
                None => {
                    return Ok(Err("It is an HMAC, and --hmac-key names no file with the key.".to_owned()));
                }
            },
            Known::Bcrypt { hash, prefix } => {
                if let Err(why) = is_bearable_bcrypt(&hash).and_then(|()| is_prefix(&prefix)) {
                    return Ok(Err(why));
                }
                (Recipe::Bcrypt(prefix.len()), prefix.into_bytes(), Some(hash))
            }
            Known::Argon2 { hash, prefix } => {
                if let Err(why) = is_bearable_argon2(&hash).and_then(|()| is_prefix(&prefix)) {
                    return Ok(Err(why));
                }
                (Recipe::Argon2(prefix.len()), prefix.into_bytes(), Some(hash))
            }
        };
        let make = self.make(recipe).await?;
        let mark = mark(make, &lookup, phc.as_deref());
        Ok(Ok((mark, Some(Foreign { make, lookup, phc }))))
    }

    /// The number of a make, which is written when it is the first of its kind.
    async fn make(&mut self, recipe: Recipe) -> Result<i64, Error> {
        if let Some((id, _)) = self.makes.iter().find(|(_, known)| known.is(&recipe)) {
            return Ok(*id);
        }
        let id = self.makes.iter().map(|(id, _)| id + 1).max().unwrap_or(1);
        if !self.plan.dry_run {
            let make = recipe.make(id, self.desk.store.keys(), &*self.desk.entropy);
            let told = serde_json::json!({ "make": make.kind, "prefix": make.prefix });
            let change = Change::default().write(Write::InsertMake(make)).entry(self.entry(told));
            if !self.desk.commit_alone(change).await? {
                return Err(Error::Conflict);
            }
        }
        self.makes.push((id, recipe));
        Ok(id)
    }

    /// False: the store has something against one of them.
    async fn commit(&mut self, ready: &mut [Ready]) -> Result<bool, Error> {
        if ready.is_empty() {
            return Ok(true);
        }
        if self.too_many_of_a_prefix(ready).await?.is_some() {
            return Ok(false);
        }
        let mut codes: Vec<token::Code> = ready.iter().map(|one| one.imported.token.id.code).collect();
        codes.sort_by_key(|code| code.as_u64());
        let mut evidence = Sha256::new();
        for (one, code) in ready.iter_mut().zip(codes) {
            one.imported.token.id.code = code;
            evidence.update(one.imported.token.digest.as_bytes());
        }
        let (lines, after) = (ready.iter().map(|one| one.line), self.last_number);
        let (mut holders, mut permissions) = (BTreeMap::new(), BTreeMap::new());
        for (Given { holder, permission, .. }, count) in self.given(ready) {
            *holders.entry(holder.to_string()).or_insert(0) += count;
            *permissions.entry(permission).or_insert(0) += count;
        }
        let told = serde_json::json!({
            "count": ready.len(), "numbers": [after + 1, after + ready.len() as i64],
            "lines": [lines.clone().min(), lines.max()],
            "holders": holders, "permissions": permissions,
            "digests": hex(&evidence.finalize()),
        });
        let tokens = ready.iter().map(|one| one.imported.clone()).collect();
        let account = self.account.id.clone();
        let change =
            Change::default().write(Write::ImportTokens { account, after, tokens }).entry(self.entry(told));
        let done = self.desk.commit_alone(change).await?;
        if done {
            self.last_number += ready.len() as i64;
        }
        Ok(done)
    }

    fn given(&self, ready: &[Ready]) -> BTreeMap<Given, u64> {
        let mut given = BTreeMap::new();
        for Ready { holder, imported, .. } in ready {
            let permission = self.spelled(&imported.token.grant);
            *given.entry(Given { holder: holder.id, name: holder.name.clone(), permission }).or_default() +=
                1;
        }
        given
    }

    /// A grant as a table says it.
    fn spelled(&self, grant: &Grant) -> String {
        /// More names than people read.
        const MANY: usize = 8;
        match grant {
            Grant::Inherit => "inherit".to_owned(),
            Grant::Role(id) => {
                let role = self.account.role(*id).map_or("a role that is gone", |role| role.name.as_str());
                format!("role:{role}")
            }
            Grant::Access { level, entities, .. } => {
                let level = match level {
                    Level::Full => "full",
                    Level::Write => "write",
                    Level::Read => "read",
                };
                let of = entities.as_ref().map(|names| format!(" of {}", names.join(", ")));
                format!("access:{level}{}", of.unwrap_or_default())
            }
            Grant::List(set) => {
                let names: Vec<&str> = self.registry.spell(*set).collect();
                match names.len() {
                    ..=MANY => format!("list:{}", names.join(" ")),
                    many => format!("list of {many} permissions"),
                }
            }
        }
    }

    /// Leaves those that are not in the store yet.
    async fn besides_what_is_there(
        &self,
        ready: &mut Vec<Ready>,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let digests: Vec<Digest> = ready.iter().map(|one| one.imported.token.digest).collect();
        let there = self.desk.store.there(&digests).await?;
        ready.retain(|one| match there.get(one.imported.token.digest.as_bytes()) {
            None => true,
            Some(account) if *account == self.account.id => {
                outcome.already += 1;
                false
            }
            Some(account) => {
                let why = format!("The account {account} has a token with this text.");
                outcome.refused.push(Refused { line: one.line, why });
                false
            }
        });
        while let Some(crowded) = self.too_many_of_a_prefix(ready).await? {
            ready.retain(|one| {
                let keep = !crowded.contains(&one.line);
                if !keep {
                    let why = format!("{CROWD} others begin alike, and a text would have to be tried on each; import it by a longer prefix.");
                    outcome.refused.push(Refused { line: one.line, why });
                }
                keep
            });
        }
        Ok(())
    }

    /// The lines of those whose prefix has as many slow hashes as it may without them.
    async fn too_many_of_a_prefix(&self, ready: &[Ready]) -> Result<Option<HashSet<u64>>, Error> {
        let mut by_make: HashMap<i64, HashMap<&[u8], Vec<u64>>> = HashMap::new();
        for one in ready {
            if let Some(Foreign { make, lookup, phc: Some(_) }) = &one.imported.foreign {
                by_make.entry(*make).or_default().entry(lookup).or_default().push(one.line);
            }
        }
        let mut crowded = HashSet::new();
        for (make, prefixes) in by_make {
            let names: Vec<String> =
                prefixes.keys().map(|prefix| String::from_utf8_lossy(prefix).into_owned()).collect();
            let there = self.desk.store.crowded(make, &names).await?;
            for (prefix, mut lines) in prefixes {
                lines.sort_unstable();
                let room = CROWD - there.get(prefix).copied().unwrap_or_default();
                crowded.extend(lines.into_iter().skip(usize::try_from(room).unwrap_or_default()));
            }
        }
        Ok((!crowded.is_empty()).then_some(crowded))
    }

    fn entry(&self, told: serde_json::Value) -> Entry {
        Entry {
            at: self.desk.now(),
            actor: Actor::Operator,
            account: Some(self.account.id.clone()),
            action: Action::TokensImported,
            subject: self.account.id.to_string(),
            payload: told,
        }
    }
}

/// What stands in a row where our digest is not known. No text has it: what is hashed here begins
/// with a character that none may have. The same row has the same mark whenever it is imported.
fn mark(make: i64, lookup: &[u8], phc: Option<&str>) -> Digest {
    let mut hash = Sha256::new_with_prefix(b"\0jeton foreign 1\0");
    hash.update(make.to_be_bytes());
    hash.update((lookup.len() as u64).to_be_bytes());
    hash.update(lookup);
    hash.update(phc.unwrap_or_default());
    Digest::from_bytes(hash.finalize().into())
}

fn is_prefix(prefix: &str) -> Result<(), String> {
    if PREFIX.contains(&prefix.len()) && prefix.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(());
    }
    Err(format!(
        "A slow hash needs a `prefix` of {} to {} printable ASCII characters: how the text begins.",
        PREFIX.start(),
        PREFIX.end()
    ))
}

/// Whoever sends texts with that prefix has the server compute it, so it must not cost too much.
fn is_bearable_bcrypt(hash: &str) -> Result<(), String> {
    let parts: bcrypt::HashParts =
        hash.parse().map_err(|_| "It is no bcrypt hash, as `$2b$10$…`.".to_owned())?;
    match parts.get_cost() {
        4..=14 => Ok(()),
        cost => Err(format!("A bcrypt hash of cost {cost} takes too long to check; up to 14 is taken.")),
    }
}

/// As with bcrypt; in memory as well.
fn is_bearable_argon2(hash: &str) -> Result<(), String> {
    use argon2::Params;
    use argon2::password_hash::phc::PasswordHash;
    let read = || "It is no Argon2 hash, as `$argon2id$v=19$m=19456,t=2,p=1$…`.".to_owned();
    let phc = PasswordHash::new(hash).map_err(|_| read())?;
    let params = Params::try_from(&phc).map_err(|_| read())?;
    if !hash.starts_with("$argon2") || phc.hash.is_none() {
        return Err(read());
    }
    if params.m_cost() > 256 << 10 || params.t_cost() > 10 || params.p_cost() > 16 {
        return Err("It takes too much to check; up to 256 MiB, 10 passes and 16 lanes are taken.".to_owned());
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    crate::cursors::hex(bytes)
}
