//! A change, as a value: what it rests on, what must hold, what it writes, what it says.
//!
//! A decision returns a [`Change`]; `Store::commit` is the only way to carry one out, in one
//! transaction, all of it or nothing.

use std::fmt;
use std::sync::Arc;

use token::{Digest, TokenId, TokenText};

use crate::facts::{Account, Holder, Installation, Link, Node, Person, Service, Token};
use crate::ids::{AccountId, ExternalId, HolderId, PersonId, RoleId, ServiceId};
use crate::life::Lens;
use crate::mail::{Letter, Outgoing};
use crate::node::NodePath;
use crate::policy::Counted;
use crate::refusal::Refusal;
use crate::time::Timestamp;
use crate::webhooks;

/// What is to happen, if what it rests on still stands.
#[derive(Debug, Default)]
pub struct Change {
    /// Rows that were read but are not written, at the version that the decision saw.
    pub expects: Vec<Expect>,
    /// Counted inside the transaction; the first that fails refuses the change.
    pub guards: Vec<Guard>,
    pub writes: Vec<Write>,
    /// What the journal will say, in this order.
    pub entries: Vec<Entry>,
    /// Mails to be sent, kept with the facts that they tell of, where mails are sent at all. Of ends that
    /// somebody was told of already nothing is kept again.
    pub outbox: Vec<Outgoing>,
    /// Authority shrinks: whoever remembers more must hear of it before the answer, and a
    /// restored backup must not undo it.
    pub narrows: bool,
    /// It ends something (a token, a login, a holder, a service, an account) and does nothing else. Each of
    /// these ends once, so it is taken where there is hardly any room left; what only may narrow, as
    /// another role or policy, could go on for ever.
    pub ends: bool,
    /// It lets somebody in, or decides what others may do: whoever asks signed in a moment ago, or shows
    /// who they are with the request.
    pub recent: bool,
}

/// A row that must still be at this version, or still be missing. One that moved on is a conflict,
/// and the decision is taken again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    Account(AccountId, i64),
    Holder(AccountId, HolderId, i64),
    Token(AccountId, TokenId, i64),
    Person(PersonId, i64),
    Service(ServiceId, i64),
    /// Nobody in the account, removed holders apart, has one of these external ids.
    NobodyNamed(AccountId, Vec<ExternalId>),
    /// There is no account with one of these ids.
    NoAccount(Vec<AccountId>),
    /// There is no account with one of these external ids.
    NoAccountNamed(Vec<ExternalId>),
    /// The node must exist; nodes are never removed.
    Node(AccountId, NodePath),
}

/// A condition over many rows, and what the caller hears where it does not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    pub holds: Condition,
    pub otherwise: Refusal,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Fewer than `max` tokens (`pat` and `sat`) in one of the `counted` states. One that was
    /// rotated has handed on its place, and a token is not counted against itself (`besides`).
    Fewer {
        account: AccountId,
        holder: Option<HolderId>,
        counted: Vec<Counted>,
        max: u32,
        besides: Option<TokenId>,
        lens: Lens,
    },
    /// No other token of the account has this name, deleted and rotated ones apart.
    TokenNameFree {
        account: AccountId,
        name: String,
        besides: Option<TokenId>,
        lens: Lens,
    },
    /// Another active member of the account has the role at `/`, and is a person if so asked.
    AnotherMemberHas {
        account: AccountId,
        role: RoleId,
        besides: HolderId,
        person: bool,
    },
    /// No holder has the role anywhere, and no token that is not deleted was given it. Whoever left
    /// together with their tokens is no holder any more.
    RoleUnused {
        account: AccountId,
        role: RoleId,
    },
    /// The person is not a member of the account, removed memberships apart.
    NotAMember {
        account: AccountId,
        person: PersonId,
    },
    EmailFree {
        email: String,
    },
    ExternalIdFree {
        account: AccountId,
        external_id: String,
    },
    AccountFree {
        account: AccountId,
    },
    /// No account has this name in the product, but perhaps this one.
    AccountExternalIdFree {
        external_id: String,
        besides: Option<AccountId>,
    },
    NodeFree {
        account: AccountId,
        path: NodePath,
    },
    /// The account has fewer than `max` of these.
    Room {
        account: AccountId,
        of: Counting,
        max: u32,
    },
    /// The database is empty: it has never had an account.
    NoAccountYet,
}

/// Rows of an account that are counted before there is one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    Nodes,
    Installations,
    Webhooks,
}

/// One row to write. An update replaces the row whose version is the given row's, and makes it
/// one higher; none matching is a conflict.
#[derive(Debug)]
pub enum Write {
    InsertAccount(Box<Account>),
    UpdateAccount(Box<Account>),
    InsertPerson(Person),
    UpdatePerson(Person),
    /// Forgets a person at this version. One that a member's row still names is a conflict.
    DeletePerson {
        id: PersonId,
        version: i64,
    },
    InsertHolder(Holder),
    UpdateHolder(Holder),
    /// The token's `number` is given out here. `keep` is the text to seal, where the policy
    /// says that it can be recovered.
    InsertToken {
        token: Box<Token>,
        keep: Option<Arc<TokenText>>,
    },
    UpdateToken(Box<Token>),
    /// Revokes all of these at that moment, each at the version it has here; one that moved on is a
    /// conflict.
    RevokeTokens {
        tokens: Vec<Token>,
        at: Timestamp,
        reason: Option<String>,
    },
    /// Tokens of an account that were made elsewhere. Their numbers are given: they follow on
    /// `after`, the last one that the account has given out; another one is a conflict.
    ImportTokens {
        account: AccountId,
        after: i64,
        tokens: Vec<Imported>,
    },
    /// How texts of another make are looked up; taken meanwhile is a conflict.
    InsertMake(Make),
    /// Puts our digest in place of the mark of an imported token, whose text was seen.
    ReplaceMark {
        token: Box<Token>,
        mark: Digest,
        at: Timestamp,
    },
    /// Forgets the sealed text of a token that will never be good again.
    ForgetSecret(TokenId),
    InsertService(Service),
    UpdateService(Service),
    InsertNode(Node),
    UpdateNode(Node),
    InsertInstallation(Installation),
    UpdateInstallation(Installation),
    /// Nothing refers to an installation but the journal, by its id.
    DeleteInstallation(Installation),
    /// Gives a bit of the registry its name; taken meanwhile is a conflict.
    InsertPermission {
        bit: u8,
        name: String,
    },
    /// Keeps the answer for whoever asks again with the same key. One that is kept already, and
    /// whose time is not over, is a conflict.
    Remember(Remembered),
    /// Payloads up to this entry have been erased; if that was said of another meanwhile it is a
    /// conflict.
    MarkErased {
        from: i64,
        through: i64,
    },
    /// Uses up the set-up link; gone already is a conflict.
    UseSetupLink {
        hash: [u8; 32],
    },
    /// Keeps an invitation, in place of any other of this member.
    InsertInvitation(Link),
    /// Keeps a link that goes out by mail, beside any others. That somebody is let in, or asked to be, the
    /// journal has said already.
    InsertLink(Link),
    /// Uses up a member's link; gone already, or past its time, is a conflict.
    UseLink {
        hash: [u8; 32],
    },
    /// Forgets every way to another password that this person was mailed.
    ForgetResets(PersonId),
    /// What became of a mail; no fact about authority, so the journal need not say it.
    UpdateLetter(Letter),
    /// Of a webhook or of what is delivered to one.
    Webhook(Box<webhooks::Write>),
}

/// A token that was made elsewhere. Where its digest is not ours, the row's is a mark that no text
/// has, and `foreign` says how it is found until its text is seen.
#[derive(Clone, Debug)]
pub struct Imported {
    pub token: Token,
    pub foreign: Option<Foreign>,
}

/// How a text of another make is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Of the [`Make`].
    pub make: i64,
    /// Its digest, or its first characters.
    pub lookup: Vec<u8>,
    /// Of a slow hash, which those characters only lead to.
    pub phc: Option<String>,
}

/// A kind of texts of another make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Make {
    pub id: i64,
    /// `sha512`, `hmac-sha256`, `bcrypt` or `argon2`.
    pub kind: String,
    /// Characters of the prefix that slow hashes are looked up by.
    pub prefix: Option<i64>,
    /// The key of an HMAC, sealed.
    pub sealed: Option<Vec<u8>>,
}

/// An answer kept under an Idempotency-Key: sealed, and found by a hash that tells nothing. Or a
/// note for a while: that an answer was given, which one peer tells the others, or what a refresh token
/// refreshes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Hash of caller, route and key.
    pub key: [u8; 32],
    /// Hash of the request, to tell a replay from another request under the same key.
    pub request: [u8; 32],
    /// Readable only with the Idempotency-Key itself; of a note, what it says.
    pub sealed: Vec<u8>,
    pub until: Timestamp,
}

/// What the journal will say.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub at: Timestamp,
    pub actor: Actor,
    /// None for what concerns the whole server.
    pub account: Option<AccountId>,
    pub action: Action,
    /// The id of what it happened to.
    pub subject: String,
    /// A JSON object without secrets.
    pub payload: serde_json::Value,
}

/// Who did it, and by what token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    Holder {
        id: HolderId,
        via: TokenId,
    },
    /// A member, through a service that acts for them.
    Acted {
        holder: HolderId,
        by: ServiceId,
    },
    Service(ServiceId),
    /// Somebody with access to the installation itself.
    Operator,
    /// Somebody who was not known: the bearer of a set-up link, a failed login, whoever found a token.
    Nobody,
    /// GitHub's scanner, which signs what it says.
    GitHub,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holder { id, via } => write!(f, "{id} via {via}"),
            Self::Acted { holder, by } => write!(f, "{holder} via {by}"),
            Self::Service(id) => id.fmt(f),
            Self::Operator => f.write_str("operator"),
            Self::Nobody => f.write_str("nobody"),
            Self::GitHub => f.write_str("github"),
        }
    }
}

macro_rules! actions {
    ($($variant:ident = $text:literal,)*) => {
        /// What happened, as the journal calls it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action { $($variant,)* }

        impl Action {
            pub const ALL: &[Action] = &[$(Self::$variant,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

actions! {
    AccountCreated = "account.created",
    AccountEdited = "account.edited",
    AccountDeactivated = "account.deactivated",
    AccountReactivated = "account.reactivated",
    PolicyChanged = "policy.changed",
    RoleCreated = "role.created",
    RoleEdited = "role.edited",
    RoleDeleted = "role.deleted",
    PersonCreated = "person.created",
    MemberCreated = "member.created",
    MemberEdited = "member.edited",
    MemberDeactivated = "member.deactivated",
    MemberReactivated = "member.reactivated",
    MemberRemoved = "member.removed",
    MemberErased = "member.erased",
    MemberInvited = "member.invited",
    MemberAccepted = "member.accepted",
    ServiceAccountCreated = "service_account.created",
    NodeCreated = "node.created",
    NodeEdited = "node.edited",
    InstallationCreated = "installation.created",
    InstallationEdited = "installation.edited",
    InstallationDeleted = "installation.deleted",
    NoticesChosen = "notices.chosen",
    WebhookCreated = "webhook.created",
    WebhookEdited = "webhook.edited",
    WebhookRotated = "webhook.rotated",
    WebhookDeleted = "webhook.deleted",
    TokenCreated = "token.created",
    TokenEdited = "token.edited",
    TokenRotated = "token.rotated",
    TokenRevoked = "token.revoked",
    TokensRevoked = "tokens.revoked",
    TokenApproved = "token.approved",
    TokenLeaked = "token.leaked",
    TokenRevealed = "token.revealed",
    TokenDeleted = "token.deleted",
    TokenExpired = "token.expired",
    SessionStarted = "session.started",
    SessionRefreshed = "session.refreshed",
    SessionReplayed = "session.replayed",
    SessionEnded = "session.ended",
    PasswordChanged = "password.changed",
    SecondFactorEnabled = "second_factor.enabled",
    SecondFactorDisabled = "second_factor.disabled",
    SecondFactorUsed = "second_factor.used",
    SecondFactorRefused = "second_factor.refused",
    PasswordRefused = "password.refused",
    PasswordForgotten = "password.forgotten",
    PasswordReset = "password.reset",
    ServiceCreated = "service.created",
    ServiceRevoked = "service.revoked",
    PersonReset = "person.reset",
    PersonRetired = "person.retired",
    ServerRestored = "server.restored",
    TokensImported = "tokens.imported",
    JournalErased = "journal.erased",
    TokenReplaced = "token.replaced",
}

impl Change {
    pub fn expect(mut self, expect: Expect) -> Self {
        self.expects.push(expect);
        self
    }

    pub fn guard(mut self, holds: Condition, otherwise: Refusal) -> Self {
        self.guards.push(Guard { holds, otherwise });
        self
    }

    pub fn write(mut self, write: Write) -> Self {
        self.writes.push(write);
        self
    }

    pub fn entry(mut self, entry: Entry) -> Self {
        self.entries.push(entry);
        self
    }

    /// Both changes in one.
    pub fn and(mut self, other: Change) -> Self {
        let only = |change: &Change| change.ends || (change.writes.is_empty() && change.outbox.is_empty());
        self.ends = (self.ends || other.ends) && only(&self) && only(&other);
        self.expects.extend(other.expects);
        self.guards.extend(other.guards);
        self.writes.extend(other.writes);
        self.entries.extend(other.entries);
        self.outbox.extend(other.outbox);
        self.narrows |= other.narrows;
        self.recent |= other.recent;
        self
    }

    /// Authority may shrink.
    pub fn narrowing(mut self) -> Self {
        self.narrows = true;
        self
    }

    /// It takes somebody who signed in a moment ago.
    pub fn of_recent_login(mut self) -> Self {
        self.recent = true;
        self
    }

    /// Something ends, which is all that happens.
    pub fn ending(mut self) -> Self {
        self.ends = true;
        self.narrowing()
    }
}
