//! The journal's text and its chain; a format that cannot change later.
//!
//! An entry's text is JSON with these keys in this order and no spaces:
//! `{"at":…,"actor":…,"account":…,"action":…,"subject":…,"payload":…,"salt":…}`. `at` is RFC 3339
//! in UTC with six decimals; `account` is null for what concerns the whole server; the keys of
//! every object in `payload` are sorted by their bytes; `salt` is 16 random bytes in hexadecimal,
//! so that an erased payload cannot be guessed from its hash. `H` is SHA-256, and
//! `hash = H(prev ‖ seq as 8 bytes, big-endian ‖ H(text))`, the first `prev` being 32 zero bytes.
//!
//! So a payload can be erased, with its salt, and the chain still checks by the kept `H(text)`.

use std::fmt::Write as _;

use domain::change::{Change, Entry, Write};
use domain::facts::{Holder, Token};
use domain::ids::{AccountId, HolderId, ServiceId};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use token::{Entropy, TokenId};

use crate::checkpoints::Marks;
use crate::contract::Broken;
use crate::entries::Verified;
use crate::erasures::Erasures;
use crate::sql::query::{Query, Rows, Value, values};

/// What stands before the first entry.
pub(crate) const GENESIS: [u8; 32] = [0; 32];

/// One entry, as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalRow {
    /// 1 for the first; no number is left out.
    pub seq: i64,
    pub at: Timestamp,
    /// `mem_… via pat_…`, `mem_… via svc_…`, `svc_…`, `operator` or `nobody`.
    pub actor: String,
    /// None for what concerns the whole server.
    pub account: Option<AccountId>,
    pub action: String,
    pub subject: String,
    /// None once it was erased.
    pub payload: Option<serde_json::Value>,
    /// None once the payload was erased.
    pub salt: Option<[u8; 16]>,
    /// H of the entry's text.
    pub entry_hash: [u8; 32],
    pub hash: [u8; 32],
}

impl JournalRow {
    /// The entry as the chain sees it.
    pub(crate) fn link(&self) -> Link {
        let computed = self.payload.as_ref().zip(self.salt.as_ref()).map(|(payload, salt)| {
            let (account, payload) = (self.account.as_ref().map(AccountId::as_str), canonical(payload));
            entry_hash(&entry_text(
                self.at,
                &self.actor,
                account,
                &self.action,
                &self.subject,
                &payload,
                salt,
            ))
        });
        Link { seq: self.seq, entry_hash: self.entry_hash, computed, hash: self.hash }
    }
}

/// The end of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) seq: i64,
    /// The greatest time in the journal, and of those in rows that others are compared with;
    /// microseconds.
    pub(crate) at: i64,
    pub(crate) hash: [u8; 32],
}

impl Head {
    /// Of an empty journal.
    pub(crate) const START: Self = Self { seq: 0, at: 0, hash: GENESIS };

    /// The lines that keep all entries of a change after this one, the last with what the change
    /// touched. Moves on to the last entry.
    pub(crate) fn append<'a>(
        &mut self,
        change: &'a Change,
        touched: Touched,
        entropy: &dyn Entropy,
    ) -> Vec<Line<'a>> {
        let mut touched = touched.text();
        let last = change.entries.len().saturating_sub(1);
        let entries = change.entries.iter().enumerate();
        let lines = entries
            .map(|(n, entry)| self.line(entry, if n == last { touched.take() } else { None }, entropy))
            .collect();
        self.at = self.at.max(latest(change).map_or(0, Timestamp::as_micros));
        lines
    }

    fn line<'a>(&mut self, entry: &'a Entry, touched: Option<String>, entropy: &dyn Entropy) -> Line<'a> {
        let mut salt = [0; 16];
        entropy.fill(&mut salt);
        let actor = entry.actor.to_string();
        let account = entry.account.as_ref().map(AccountId::to_string);
        let action = entry.action.as_str();
        let payload = canonical(&entry.payload);
        let text = entry_text(entry.at, &actor, account.as_deref(), action, &entry.subject, &payload, &salt);
        let entry_hash = entry_hash(&text);
        let seq = self.seq + 1;
        let hash = chain(&self.hash, seq, &entry_hash);
        let at = entry.at.as_micros();
        *self = Self { seq, at: self.at.max(at), hash };
        let salt = salt.to_vec();
        Line(values![
            seq,
            at,
            actor,
            account,
            action,
            &entry.subject,
            payload,
            salt,
            entry_hash,
            hash,
            touched
        ])
    }

    /// The statement that makes this the end. Where it was not at `before` it fails, and with it the
    /// transaction: the column takes no NULL.
    pub(crate) fn moved_from(&self, before: i64) -> Query<'static> {
        let sql = "UPDATE head SET seq = CASE seq WHEN ?4 THEN ?1 END, at = ?2, hash = ?3";
        Query::new(sql, values![self.seq, self.at, self.hash, before])
    }
}

/// The values of one entry, as the journal's columns have them.
pub(crate) struct Line<'a>(Vec<Value<'a>>);

/// What keeps these lines.
pub(crate) fn insert(lines: Vec<Line<'_>>) -> Rows<'_> {
    let into = "journal (seq, at, actor, account, action, subject, payload, salt, entry_hash, hash, touched)";
    Rows { into, rows: lines.into_iter().map(|Line(values)| values).collect(), unless_there: false }
}

/// The latest of the times in a change by which a stop and what it stops are compared. They can be
/// a little later than its entries: what begins after a stop is put past it.
fn latest(change: &Change) -> Option<Timestamp> {
    let of_token = |token: &Token| token.life.approved_at.into_iter().chain([token.life.created_at]).max();
    let of_write = |write: &Write| match write {
        Write::InsertToken { token, .. } => of_token(token),
        Write::UpdateToken(token) => of_token(token),
        Write::InsertHolder(Holder { standing, .. }) | Write::UpdateHolder(Holder { standing, .. }) => {
            standing.revoked_before.max(standing.approve_after)
        }
        _ => None,
    };
    change.writes.iter().filter_map(of_write).max()
}

/// An entry as the chain sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) seq: i64,
    /// H of the entry's text, as it is kept.
    pub(crate) entry_hash: [u8; 32],
    /// The same computed anew; none where the payload was erased.
    pub(crate) computed: Option<[u8; 32]>,
    pub(crate) hash: [u8; 32],
}

/// A walk along the chain, from an entry whose hash is known.
///
/// [`Walk::by`] takes signed checkpoints along, which it must agree with.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    pub(crate) seq: i64,
    pub(crate) hash: [u8; 32],
    /// Entries without a payload, so far.
    pub(crate) erased: i64,
    pub(crate) broken: Option<Broken>,
    pub(crate) marks: Marks,
    /// None where only the chain is looked at.
    erasures: Option<Erasures>,
}

impl Walk {
    pub(crate) fn after(seq: i64, hash: [u8; 32]) -> Self {
        Self { seq, hash, erased: 0, broken: None, marks: Marks::default(), erasures: None }
    }

    pub(crate) fn by(self, marks: Marks) -> Self {
        Self { marks, ..self }
    }

    /// From the first entry on, one without a text must be told of by one of these, and be what they
    /// say of it.
    pub(crate) fn told(self, erasures: Erasures) -> Self {
        Self { erasures: Some(erasures), ..self }
    }

    /// The next entry, and what remains of it once it is erased.
    pub(crate) fn step_along<E>(
        &mut self,
        link: &Link,
        line: impl FnOnce() -> Result<String, E>,
    ) -> Result<(), E> {
        self.step(link);
        if self.broken.is_none()
            && let Some(erasures) = &mut self.erasures
        {
            self.broken = erasures.pass(link, line)?;
        }
        Ok(())
    }

    /// The next entry; nothing is looked at after the first that does not fit.
    pub(crate) fn step(&mut self, link: &Link) {
        if self.broken.is_some() {
            return;
        }
        self.seq += 1;
        self.hash = chain(&self.hash, self.seq, &link.entry_hash);
        self.erased += i64::from(link.computed.is_none());
        let what = if link.seq != self.seq {
            "is missing"
        } else if link.computed.is_some_and(|computed| computed != link.entry_hash) {
            "does not have the text that was written"
        } else if link.hash != self.hash {
            "does not follow from the one before it"
        } else {
            self.marks.pass(self.seq, &self.hash);
            return;
        };
        self.broken = Some(Broken { seq: self.seq, what });
    }

    /// The end of what there is to see: what was seen, or what does not fit.
    pub(crate) fn stop(self) -> Result<Verified, Broken> {
        let Self { seq: entries, hash, erased, broken, marks, erasures: _ } = self;
        match broken {
            Some(broken) => Err(broken),
            None => Ok(Verified { entries, erased, hash, disagreement: marks.end(entries) }),
        }
    }

    /// The end: how many entries there are, or what does not fit.
    pub(crate) fn end(self, head: &Head) -> Result<i64, Broken> {
        match self.broken {
            Some(broken) => Err(broken),
            None if self.seq < head.seq => Err(Broken { seq: self.seq + 1, what: "is missing" }),
            None if self.seq > head.seq || self.hash != head.hash => {
                Err(Broken { seq: self.seq, what: "is not the end that was written" })
            }
            None => Ok(self.seq),
        }
    }
}

/// Which rows of those that verify a change wrote, kept with its last entry: by it other peers
/// know what to read again.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Touched {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tokens: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) holders: Vec<HolderId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) accounts: Vec<AccountId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) services: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) permissions: bool,
}

impl Touched {
    pub(crate) fn by(change: &Change) -> Self {
        let mut all = Self::default();
        for write in &change.writes {
            match write {
                Write::InsertAccount(row) | Write::UpdateAccount(row) => all.accounts.push(row.id.clone()),
                Write::InsertHolder(row) | Write::UpdateHolder(row) => all.holders.push(row.id),
                Write::InsertToken { token, .. } => all.token(token.id),
                Write::UpdateToken(row) => all.token(row.id),
                Write::RevokeTokens { tokens, .. } => tokens.iter().for_each(|row| all.token(row.id)),
                Write::ReplaceMark { token, .. } => all.token(token.id),
                Write::ImportTokens { tokens, .. } => tokens.iter().for_each(|each| all.token(each.token.id)),
                Write::InsertService(row) | Write::UpdateService(row) => all.service(row.id),
                Write::InsertPermission { .. } => all.permissions = true,
                Write::InsertPerson(_)
                | Write::UpdatePerson(_)
                | Write::DeletePerson { .. }
                | Write::MarkErased { .. }
                | Write::InsertMake(_)
                | Write::ForgetSecret(_)
                | Write::InsertNode(_)
                | Write::UpdateNode(_)
                | Write::InsertInstallation(_)
                | Write::UpdateInstallation(_)
                | Write::DeleteInstallation(_)
                | Write::Remember(_)
                | Write::UseSetupLink { .. }
                | Write::InsertInvitation(_)
                | Write::UseLink { .. }
                | Write::InsertLink(_)
                | Write::ForgetResets(_)
                | Write::UpdateLetter(_)
                | Write::Webhook(_) => {}
            }
        }
        all
    }

    /// A token by its code, which is unique across kinds.
    fn token(&mut self, id: TokenId) {
        self.tokens.push(id.code.to_string());
    }

    fn service(&mut self, id: ServiceId) {
        self.services.push(id.to_string());
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What both touched.
    pub(crate) fn add(&mut self, other: Self) {
        self.tokens.extend(other.tokens);
        self.holders.extend(other.holders);
        self.accounts.extend(other.accounts);
        self.services.extend(other.services);
        self.permissions |= other.permissions;
    }

    /// None where nobody has to know.
    pub(crate) fn text(&self) -> Option<String> {
        (!self.is_empty()).then(|| serde_json::to_string(self).expect("lists of short texts are JSON"))
    }
}

/// The text of an entry. `payload` is canonical JSON already; see [`canonical`].
pub fn entry_text(
    at: Timestamp,
    actor: &str,
    account: Option<&str>,
    action: &str,
    subject: &str,
    payload: &str,
    salt: &[u8; 16],
) -> String {
    let mut text = String::with_capacity(256 + payload.len());
    // Writing to a String cannot fail.
    let _ = write!(text, "{{\"at\":\"{at}\",\"actor\":");
    string(actor, &mut text);
    text.push_str(",\"account\":");
    match account {
        Some(account) => string(account, &mut text),
        None => text.push_str("null"),
    }
    text.push_str(",\"action\":");
    string(action, &mut text);
    text.push_str(",\"subject\":");
    string(subject, &mut text);
    text.push_str(",\"payload\":");
    text.push_str(payload);
    text.push_str(",\"salt\":\"");
    hex(salt, &mut text);
    text.push_str("\"}");
    text
}

/// JSON without spaces, the keys of every object sorted by their bytes.
pub fn canonical(value: &serde_json::Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text
}

pub(crate) fn write_canonical(value: &serde_json::Value, to: &mut String) {
    match value {
        serde_json::Value::Object(map) => {
            // Sorted here, because another crate may switch serde_json to insertion order.
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(key, _)| key.as_bytes());
            to.push('{');
            for (n, (key, value)) in members.into_iter().enumerate() {
                if n > 0 {
                    to.push(',');
                }
                string(key, to);
                to.push(':');
                write_canonical(value, to);
            }
            to.push('}');
        }
        serde_json::Value::Array(items) => {
            to.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    to.push(',');
                }
                write_canonical(item, to);
            }
            to.push(']');
        }
        serde_json::Value::String(text) => string(text, to),
        scalar => {
            let _ = write!(to, "{scalar}");
        }
    }
}

/// `H(text)`.
pub fn entry_hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// The hash of entry `seq` after an entry with hash `prev`.
pub fn chain(prev: &[u8; 32], seq: i64, entry: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(prev).chain_update(seq.to_be_bytes()).chain_update(entry).finalize().into()
}

fn string(text: &str, to: &mut String) {
    let _ = write!(to, "{}", serde_json::Value::from(text));
}

pub(crate) fn hex(bytes: &[u8], to: &mut String) {
    for byte in bytes {
        let _ = write!(to, "{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(hash: &[u8; 32]) -> String {
        let mut text = String::new();
        hex(hash, &mut text);
        text
    }

    /// The hashes were made with another implementation of SHA-256 (Python's hashlib): whoever
    /// checks a journal with other tools must come to the same.
    #[test]
    fn the_documented_entry_hashes_as_documented() {
        let text = entry_text(
            Timestamp::from_micros(1_767_225_600_000_001),
            "mem_0123456789ab via pat_0123456789ab",
            Some("acme"),
            "token.created",
            "pat_zyxwvtsrqpnm",
            &canonical(&json!({"name": "CI \"deploy\"", "expires_at": null, "b": {"z": 1, "a": [true]}})),
            &[0xab; 16],
        );
        assert_eq!(
            text,
            r#"{"at":"2026-01-01T00:00:00.000001Z","actor":"mem_0123456789ab via pat_0123456789ab","account":"acme","action":"token.created","subject":"pat_zyxwvtsrqpnm","payload":{"b":{"a":[true],"z":1},"expires_at":null,"name":"CI \"deploy\""},"salt":"abababababababababababababababab"}"#
        );
        let first = chain(&GENESIS, 1, &entry_hash(&text));
        let second = chain(&first, 2, &entry_hash(&text));
        assert_eq!(shown(&entry_hash(&text)), ENTRY);
        assert_eq!(shown(&first), FIRST);
        assert_eq!(shown(&second), SECOND);
    }

    const ENTRY: &str = "f99b334abd2c8cb921d83e7ef32dc24161a5502d7425e9f44e2aaa4819e9ac3f";
    const FIRST: &str = "c95bb1c96ed15683d051e50d213ac6768d59de1c4ab24bb0a0327199792867c4";
    const SECOND: &str = "47825efad117141af1dd57cee7361e5cf903538797a88cc25fa290e54664f1e7";
}
