//! Tokens of an account: create, edit, rotate, revoke, approve, reveal, delete; and, in [`read`],
//! showing and listing them.

mod read;

use std::sync::Arc;

use domain::facts::{Account, Holder, Token};
use domain::grant::Grant;
use domain::ids::{AccountId, HolderId};
use domain::life::{State, Surroundings};
use domain::lifecycle::{self, Create, Edit};
use domain::news;
use domain::permission::Registry;
use domain::policy::{LoginMode, Removal};
use domain::refusal::Refusal;
use domain::time::{Period, Timestamp};
use domain::who::Caller;
use store::LastUse;
pub use store::Sort;
use token::{Kind, TokenId, TokenText};

pub use read::{List, Myself, Offered, Used};

use crate::answers::Kept;
use crate::auth::at_home;
use crate::rotations::Hearing;
use crate::{Desk, Error, Proof, Replay, Settled};

/// A token as it is shown: the row with what was looked up and worked out for it.
#[derive(Clone, Debug)]
pub struct Shown {
    pub token: Token,
    pub last_use: LastUse,
    pub state: State,
    /// When it ends, by itself or with the longest life that the policy allows now; none: never.
    pub ends_at: Option<Timestamp>,
    pub holder_name: String,
    pub issuer_name: String,
    /// The permission in the shape that asks for it.
    pub permission: serde_json::Value,
}

/// A token with its secret: the one answer that has it.
#[derive(Debug)]
pub struct Issued {
    pub shown: Shown,
    pub text: Arc<TokenText>,
}

/// A token with what decisions about it need.
#[derive(Clone)]
struct Rows {
    token: Token,
    last_use: LastUse,
    holder: Holder,
    issuer: Holder,
    /// What ends with it; read only for what ends it.
    line: Vec<Token>,
}

impl Rows {
    fn shown(&self, caller: &Caller) -> Shown {
        self.clone().into_shown(caller)
    }

    fn into_shown(self, caller: &Caller) -> Shown {
        let Self { token, last_use, holder, issuer, .. } = self;
        show(&caller.account, &caller.registry, token, last_use, &holder, &issuer, caller.now)
    }
}

impl Desk {
    pub async fn create_token(
        &self,
        caller: Caller,
        account: &AccountId,
        order: Create,
        proof: impl Into<Proof>,
        replay: Option<Replay>,
    ) -> Result<Issued, Error> {
        at_home(&caller, account)?;
        let caller = self.reauthenticate(caller, proof).await?;
        let mut tries = self.tries(caller);
        loop {
            let caller = &tries.caller;
            if let Some(kept) = self.issued_before(caller, replay.as_ref()).await? {
                return Ok(kept);
            }
            let holder = match order.holder {
                Some(id) if !caller.is(id) => self.recipient(caller, id).await?,
                _ => caller.holder.clone(),
            };
            let kind = match holder.id {
                HolderId::Member(_) => Kind::Pat,
                HolderId::ServiceAccount(_) => Kind::Sat,
            };
            if let Some(node) = &order.node {
                self.must_be_there(account, "node", node).await?;
            }
            let text = self.draw(&caller.account.policy.brand, kind)?;
            let mut decided = lifecycle::create(caller, &order, &holder, &text)?;
            if decided.token.life.approved_at.is_none() {
                let managers = self.managers_to_tell(&caller.account).await?;
                decided.change.outbox.extend(news::waiting(caller, &decided.token, &managers));
            }
            let change = self.keep(decided.change, replay.as_ref(), &Kept::secret(&text), caller.now);
            let shown = self.show(caller, decided.token, LastUse::default(), &holder, &caller.holder);
            if let Some(settled) = tries.commit(change).await? {
                return Ok(Issued { shown, text }.numbered(settled));
            }
        }
    }

    pub async fn rotate_token(
        &self,
        caller: Caller,
        account: &AccountId,
        id: TokenId,
        grace: Option<Period>,
        replay: Option<Replay>,
    ) -> Result<Issued, Error> {
        at_home(&caller, account)?;
        let mut tries = self.tries(caller);
        loop {
            let caller = &tries.caller;
            if let Some(kept) = self.issued_before(caller, replay.as_ref()).await? {
                self.hand_out(account, id, kept.text.id()).await?;
                return Ok(kept);
            }
            let Rows { token, holder, issuer, .. } = self.rows(caller, id).await?;
            let text = self.draw(&caller.account.policy.brand, id.kind)?;
            let decided = lifecycle::rotate(caller, token, &holder, grace.as_ref(), &text)?;
            let change = self.keep(decided.change, replay.as_ref(), &Kept::secret(&text), caller.now);
            let shown = self.show(caller, decided.token, LastUse::default(), &holder, &issuer);
            self.rotations.begin(text.id(), caller.now);
            if let Some(settled) = tries.commit(change).await? {
                self.hand_out(account, id, text.id()).await?;
                return Ok(Issued { shown, text }.numbered(settled));
            }
        }
    }

    pub async fn edit_token(
        &self,
        caller: Caller,
        account: &AccountId,
        id: TokenId,
        version: Option<i64>,
        edit: Edit,
    ) -> Result<Shown, Error> {
        self.change_token(caller, account, id, |caller, rows| {
            if version.is_some_and(|version| version != rows.token.version) {
                return Err(Error::Conflict);
            }
            Ok(lifecycle::edit(caller, rows.token.clone(), &rows.holder, &edit)?)
        })
        .await
    }

    /// Revokes, and with it every older token in grace and every newer one whose rotation was not
    /// answered before this was asked.
    pub async fn revoke_token(
        &self,
        caller: Caller,
        account: &AccountId,
        id: TokenId,
        reason: Option<String>,
    ) -> Result<Shown, Error> {
        self.end_token(caller, account, id, |caller, rows| {
            let Rows { token, holder, line, .. } = rows.clone();
            Ok(lifecycle::revoke(caller, token, &holder, line, reason.as_deref())?)
        })
        .await
    }

    pub async fn approve_token(
        &self,
        caller: Caller,
        account: &AccountId,
        id: TokenId,
    ) -> Result<Shown, Error> {
        self.change_token(caller, account, id, |caller, rows| {
            Ok(lifecycle::approve(caller, rows.token.clone(), &rows.holder, &rows.issuer)?)
        })
        .await
    }

    pub async fn report_leak(
        &self,
        caller: Caller,
        account: &AccountId,
        id: TokenId,
        reason: Option<String>,
    ) -> Result<Shown, Error> {
        let managers = self.managers_to_tell(&caller.account).await?;
        self.end_token(caller, account, id, |caller, rows| {
            let (token, line) = (rows.token.clone(), rows.line.clone());
            Ok(lifecycle::report_leak(caller, token, line, reason.as_deref(), &managers)?)
        })
        .await
    }

    pub async fn delete_token(
        &self,
        caller: Caller,
        account: &AccountId,
        id: TokenId,
        confirm: Option<String>,
    ) -> Result<Shown, Error> {
        self.end_token(caller, account, id, |caller, rows| {
            Ok(lifecycle::delete(caller, rows.token.clone(), rows.line.clone(), confirm.as_deref())?)
        })
        .await
    }

    /// Ends the token that asks: revoked, or deleted where tokens are not revoked. A session signs out, with all
    /// that the policy has a logout end.
    pub async fn end_self(&self, caller: Caller) -> Result<Shown, Error> {
        let account = caller.account.id.clone();
        let id = caller.own_token()?.id;
        if caller.is_session() {
            self.log_out(caller.clone()).await?;
            return Ok(self.rows(&caller, id).await?.into_shown(&caller));
        }
        if caller.account.policy.removal.contains(&Removal::Revoke) {
            self.revoke_token(caller, &account, id, None).await
        } else {
            self.delete_token(caller, &account, id, None).await
        }
    }

    /// Gives out a secret that the policy keeps, after the journal has it.
    pub async fn reveal_token(
        &self,
        caller: Caller,
        account: &AccountId,
        id: TokenId,
        proof: impl Into<Proof>,
    ) -> Result<TokenText, Error> {
        at_home(&caller, account)?;
        let caller = self.reauthenticate(caller, proof).await?;
        let mut tries = self.tries(caller);
        loop {
            let rows = self.rows(&tries.caller, id).await?;
            let change = lifecycle::reveal(&tries.caller, &rows.token, &rows.holder)?;
            if tries.commit(change).await?.is_some() {
                break;
            }
        }
        let text = self.store.reveal(account, id).await?;
        text.ok_or_else(|| {
            Refusal::wrong_state("This token was made before secrets were kept; its secret is gone.").into()
        })
    }

    /// Loads, decides, commits, and shows what became of a token.
    async fn change_token(
        &self,
        caller: Caller,
        account: &AccountId,
        id: TokenId,
        decide: impl Fn(&Caller, &Rows) -> Result<lifecycle::Decided, Error>,
    ) -> Result<Shown, Error> {
        self.change_line(caller, account, id, false, decide).await
    }

    /// The same for a change that ends a token, and with it its line.
    async fn end_token(
        &self,
        caller: Caller,
        account: &AccountId,
        id: TokenId,
        decide: impl Fn(&Caller, &Rows) -> Result<lifecycle::Decided, Error>,
    ) -> Result<Shown, Error> {
        self.change_line(caller, account, id, true, decide).await
    }

    async fn change_line(
        &self,
        caller: Caller,
        account: &AccountId,
        id: TokenId,
        ends: bool,
        decide: impl Fn(&Caller, &Rows) -> Result<lifecycle::Decided, Error>,
    ) -> Result<Shown, Error> {
        at_home(&caller, account)?;
        let asked_at = caller.now;
        let mut hearing = Hearing::at(asked_at);
        let mut tries = self.tries(caller);
        loop {
            let caller = &tries.caller;
            let mut rows = self.rows(caller, id).await?;
            if ends {
                rows.line = self.line(&rows.token, asked_at, &mut hearing).await?;
            }
            let decided = decide(caller, &rows)?;
            let written = !decided.change.writes.is_empty();
            rows.token = Token { version: rows.token.version + i64::from(written), ..decided.token };
            let shown = rows.shown(caller);
            if tries.commit(decided.change).await?.is_some() {
                return Ok(shown);
            }
        }
    }

    /// A token with what decisions about it need, if the caller may know of it.
    async fn rows(&self, caller: &Caller, id: TokenId) -> Result<Rows, Error> {
        let missing = || Refusal::not_found("token");
        let found = self.store.token(&caller.account.id, id).await?;
        let (token, last_use) = found.ok_or_else(missing)?;
        let hidden = id.kind == Kind::Ses && caller.account.policy.login.mode != LoginMode::Token;
        let itself = caller.comes_with(id);
        if !itself && (hidden || !caller.sees(&token)) {
            return Err(missing().into());
        }
        let holder = self.holder_or(caller, token.holder).await?;
        let issuer = self.holder_or(caller, token.issued_by).await?;
        Ok(Rows { token, last_use, holder, issuer, line: Vec::new() })
    }

    async fn holder_or(&self, caller: &Caller, id: HolderId) -> Result<Holder, Error> {
        if caller.is(id) {
            return Ok(caller.holder.clone());
        }
        // Holders are never deleted while a token names them.
        self.store.holder(&caller.account.id, id).await?.ok_or(Error::Undetermined)
    }

    async fn recipient(&self, caller: &Caller, id: HolderId) -> Result<Holder, Error> {
        let holder = self.store.holder(&caller.account.id, id).await?;
        let there = holder.filter(|holder| holder.standing.removed_at.is_none());
        there.ok_or_else(|| Refusal::invalid("holder", "There is no such member or service account.").into())
    }

    /// What ends with a token: those that it replaced and that are in grace, and those that
    /// replaced it by rotations of which nobody could have heard by `asked_at`.
    pub(crate) async fn line(
        &self,
        token: &Token,
        asked_at: Timestamp,
        hearing: &mut Hearing,
    ) -> Result<Vec<Token>, Error> {
        // First of all: what is answered from now on was not answered when this was asked.
        let mut line = self.unheard(token, hearing).await?;
        let mut id = token.id;
        while let Some(older) = self.store.rotated_into(&token.account, id).await? {
            id = older.id;
            // Without grace, or past it, it ended when it was replaced.
            if older.life.grace_until.is_some_and(|until| until > asked_at) {
                line.push(older);
            }
        }
        line.retain(|token| token.life.revoked_at.is_none() && token.life.deleted_at.is_none());
        Ok(line)
    }

    /// The answer given before, shown again to a caller who may still know of it.
    async fn issued_before(&self, caller: &Caller, replay: Option<&Replay>) -> Result<Option<Issued>, Error> {
        let Some(kept) = self.recall(replay, caller.now).await? else { return Ok(None) };
        if kept.secret.is_none() {
            // The same form, sent twice at once: the other one made it.
            return Err(Error::Conflict);
        }
        let shown = self.rows(caller, kept.named()?).await?.shown(caller);
        Ok(Some(Issued { shown, text: kept.text()? }))
    }

    fn show(
        &self,
        caller: &Caller,
        token: Token,
        last_use: LastUse,
        holder: &Holder,
        issuer: &Holder,
    ) -> Shown {
        show(&caller.account, &caller.registry, token, last_use, holder, issuer, caller.now)
    }
}

/// The name of the role that a token acts with: the one it was given, or its holder's where it
/// inherits. One with a level or a list has none: whoever decides by the holder's role would
/// give it more than it has.
pub fn acts_as<'a>(grant: &Grant, holder: &Holder, account: &'a Account) -> Option<&'a str> {
    let role = match grant {
        Grant::Role(role) => Some(*role),
        Grant::Inherit => holder.role(),
        Grant::Access { .. } | Grant::List(_) => None,
    };
    role.and_then(|role| account.role(role)).map(|role| role.name.as_str())
}

impl Issued {
    /// As the store wrote it.
    fn numbered(mut self, settled: Settled) -> Self {
        self.shown.token.number = settled.number.unwrap_or_default();
        self.shown.token.version = 1;
        self
    }
}

pub(crate) fn show(
    account: &Account,
    registry: &Registry,
    token: Token,
    last_use: LastUse,
    holder: &Holder,
    issuer: &Holder,
    now: Timestamp,
) -> Shown {
    let ends_at = token.life.ends_at(Surroundings::of(account, holder, token.id.kind).longest);
    Shown {
        state: lifecycle::state(account, holder, &token, now),
        ends_at: ends_at.into_iter().chain(token.conditions.until).min(),
        holder_name: holder.name.clone(),
        issuer_name: issuer.name.clone(),
        permission: lifecycle::grant_as_asked(&token.grant, account, registry),
        last_use,
        token,
    }
}
