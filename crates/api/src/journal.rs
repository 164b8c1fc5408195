//! The journal: `/v1/accounts/{account}/journal` and `/v1/journal`.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One entry of the journal.
///
/// `entry_hash` is SHA-256 of the entry's text, which is JSON without spaces with the keys `at`,
/// `actor`, `account`, `action`, `subject`, `payload`, `salt` in this order, those of objects in
/// `payload` sorted. `hash` is SHA-256 of the `hash` before (32 zero bytes before the first), `seq`
/// as 8 bytes, big-endian, and `entry_hash`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// 1 for the server's first; an account has some of the numbers.
    #[schema(example = 42)]
    pub seq: i64,
    pub at: String,
    /// Null for what concerns the whole server.
    pub account: Option<String>,
    /// Who did it and by what token, as in `mem_0123456789ab via pat_0123456789ab`; `operator` or `nobody`.
    #[schema(example = "mem_0123456789ab via pat_0123456789ab")]
    pub actor: String,
    /// What the member or service account is called now; null where that is not known.
    pub actor_name: Option<String>,
    #[schema(example = "token.created")]
    pub action: String,
    /// The id of what it happened to.
    #[schema(example = "pat_0123456789ab")]
    pub subject: String,
    /// What a member or service account is called now.
    pub subject_name: Option<String>,
    /// What is worth knowing besides, never a secret; null once it was erased.
    #[schema(value_type = Option<Object>)]
    pub payload: Option<serde_json::Value>,
    /// 16 random bytes in hexadecimal; null once the payload was erased.
    pub salt: Option<String>,
    pub entry_hash: String,
    pub hash: String,
}

/// The query of a journal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JournalQuery {
    /// How many items at most: 1 to 100, 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before. A page of a filtered journal may be short, or empty, and
    /// have one: the server looks at a bounded number of entries for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The server's journal only: entries of this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// `token.created`, or `token` for all that happens to tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The id of whoever did it, or of the token by which; `operator` or `nobody`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The id of what it happened to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Not before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Only entries with a greater `seq`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// `-seq`, the newest first, when absent; an export and a stream are in the journal's order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub sort: Option<JournalSort>,
    /// `json`, a page, when absent; `jsonl` and `csv` are all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub format: Option<JournalFormat>,
    /// Answers with server-sent events: what is there after `after` (nothing when absent), and then
    /// each entry as it comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum JournalSort {
    #[serde(rename = "seq")]
    Seq,
    #[serde(rename = "-seq")]
    SeqDescending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JournalFormat {
    /// A page.
    Json,
    /// One entry a line.
    Jsonl,
    /// RFC 4180, with a head. A cell that a spreadsheet would take for a formula begins with `'`.
    Csv,
}

/// `POST /v1/journal/verify`: whether the journal is what was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verification {
    /// Whether every entry has the text that was written and follows from the one before.
    pub valid: bool,
    /// How many entries there are, of a journal that is valid.
    pub entries: Option<i64>,
    /// How many of them have no payload any more.
    pub erased: Option<i64>,
    /// The `hash` of the last one.
    pub hash: Option<String>,
    /// The first entry that does not fit.
    pub broken: Option<Broken>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Broken {
    pub seq: i64,
    /// What is wrong with it, as the end of a sentence that begins with the entry.
    #[schema(example = "does not have the text that was written")]
    pub what: String,
}

/// `GET /v1/journal/checkpoint`: what the journal is now, signed with Ed25519 (RFC 8032). What is signed
/// are five lines, each with its line break: `jeton checkpoint 1`, `origin`, `seq`, `hash`, `at`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Checkpoint {
    /// Which journal: the first 16 digits of its first entry's hash.
    pub origin: String,
    pub seq: i64,
    /// Of that entry.
    pub hash: String,
    pub at: String,
    /// The public key, which is the same for all peers and stays as long as the key file does.
    pub key: String,
    pub signature: String,
}
