//! Carrying a login on: a refresh token is good once, for the next pair.
//!
//! What one refreshes is kept beside the facts, under a digest of its digest; that it was used, the session that
//! came with it says, which was replaced then. So there is one row by which two requests at once exclude each
//! other, and a backup that knows the refresh token as unused knows from `narrowings.log` that it is not.
//!
//! Of many at once one wins. The others come with a token that is used up: in the same moment they are told that
//! somebody was faster, and nothing else happens; later it is a replay, and ends the login. Nothing but an attempt
//! to refresh counts as one: anywhere else a refresh token is a text that nobody knows.

use domain::facts::Token;
use domain::ids::AccountId;
use domain::sessions::{self, Again};
use token::{Digest, Kind, Presented, TokenId, TokenText};

use crate::answers::Kept;
use crate::cursors::hex;
use crate::sessions::Started;
use crate::{ATTEMPTS, Desk, Error, Replay};

impl Desk {
    /// The next pair of a login.
    ///
    /// # Errors
    /// `Unauthenticated` for what refreshes nothing (any more), whatever the cause; `Conflict` where the refresh
    /// token was used in this very moment. With an Idempotency-Key under which it was used, the same pair again.
    pub async fn refresh(&self, text: &[u8], key: Option<&str>) -> Result<Started, Error> {
        let Some(Presented::Ours { id: TokenId { kind: Kind::Rft, .. }, digest }) = self.read(text) else {
            return Err(Error::Unauthenticated);
        };
        let replay = key.map(|key| self.replay_of(&digest, key)).transpose()?;
        let asked = self.moment();
        for _ in 0..ATTEMPTS {
            let kept =
                self.store.remembered(&sessions::place(&digest)).await?.ok_or(Error::Unauthenticated)?;
            let (account, id) = sessions::refreshed_by(&kept).ok_or(Error::Undetermined)?;
            if let Some(kept) = self.recall(replay.as_ref(), self.now()).await? {
                return self.given_before(&account, &kept).await;
            }
            let (session, _) = self.store.token(&account, id).await?.ok_or(Error::Unauthenticated)?;
            if session.life.rotated_to.is_some() {
                return match sessions::again(&session, asked) {
                    Again::AtOnce => Err(Error::Conflict),
                    Again::Replayed => Err(self.end_replayed(session).await?),
                };
            }
            let household = self.store.household(&account, session.holder).await?;
            let (account, holder) = household.ok_or(Error::Unauthenticated)?;
            let brand = &account.policy.brand;
            let (text, refresh) = (self.draw(brand, Kind::Ses)?, self.draw(brand, Kind::Rft)?);
            let now = self.now();
            let decided = sessions::refresh(&account, &holder, session, &text, &refresh, now);
            let (token, change) = decided.map_err(|_| Error::Unauthenticated)?;
            let change = self.keep(change, replay.as_ref(), &Kept::pair(&text, &refresh), now);
            if self.commit_alone(change).await? {
                return Ok(Started { token, text, refresh: Some(refresh), account, holder });
            }
        }
        Err(Error::Conflict)
    }

    /// Who has the refresh token asks again; nobody else does, whatever key they know.
    fn replay_of(&self, refresh: &Digest, key: &str) -> Result<Replay, Error> {
        let who = format!("refresh {}", hex(refresh.as_bytes()));
        Ok(self.answers.replay(&who, "POST /v1/sessions/refresh", key, b"")?)
    }

    /// The pair that was given before, as long as its login goes on; it may have been refreshed since.
    async fn given_before(&self, account: &AccountId, kept: &Kept) -> Result<Started, Error> {
        let (token, _) = self.store.token(account, kept.named()?).await?.ok_or(Error::Unauthenticated)?;
        let household = self.store.household(account, token.holder).await?;
        let (account, holder) = household.ok_or(Error::Unauthenticated)?;
        if !sessions::goes_on(&account, &holder, &token, self.now()) {
            return Err(Error::Unauthenticated);
        }
        let (text, refresh) = (kept.text()?, kept.refresh()?);
        Ok(Started { token, text, refresh: Some(refresh), account, holder })
    }

    /// Ends what became of a session whose refresh token was used twice. Whoever asked hears what everybody
    /// hears who comes with nothing good.
    async fn end_replayed(&self, used: Token) -> Result<Error, Error> {
        for _ in 0..ATTEMPTS {
            let newest = self.newest(&used).await?;
            if sessions::is_closed(&newest) {
                return Ok(Error::Unauthenticated);
            }
            let account = self.store.account(&used.account).await?.ok_or(Error::Undetermined)?;
            tracing::warn!(token.id = %newest.id, "a refresh token was used twice, so the login {} ends", newest.id);
            if self.commit_alone(sessions::replayed(&account, &used, newest, self.now())).await? {
                return Ok(Error::Unauthenticated);
            }
        }
        Err(Error::Conflict)
    }

    /// What a session was refreshed to, and that again.
    pub(crate) async fn newest(&self, session: &Token) -> Result<Token, Error> {
        let mut newest = session.clone();
        while let Some(next) = newest.life.rotated_to {
            let (next, _) = self.store.token(&newest.account, next).await?.ok_or(Error::Undetermined)?;
            newest = next;
        }
        Ok(newest)
    }

    /// The refresh token of a new login, where a program is to have one.
    pub(crate) fn refresh_token(
        &self,
        account: &domain::facts::Account,
        program: bool,
    ) -> Result<Option<std::sync::Arc<TokenText>>, Error> {
        let wanted = program && sessions::makes_pairs(&account.policy);
        wanted.then(|| self.draw(&account.policy.brand, Kind::Rft)).transpose()
    }
}
