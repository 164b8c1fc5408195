//! Webhooks: programs of an account's that are told what its journal says, and what becomes of each telling.
//!
//! Nothing is queued when something happens: the journal is the queue, and each webhook has its place in it.
//! What is taken from there becomes a [`Delivery`], which names its entry and has no text of its own; so what
//! was erased is sent as erased. Of one subject (a token, say) the deliveries go in the journal's order, each
//! when the one before is done with; those of others do not wait for them. How one travels is said in the
//! crate `courier`, and when, in `service`.

mod decide;
pub mod target;

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use token::Entropy;
use zeroize::Zeroizing;

use crate::change;
use crate::ids::{AccountId, WebhookId};
use crate::time::{DAY, Timestamp};

pub use decide::{Decided, Edit, Order, create, delete, edit, may, may_be_sent_again, redeliver, rotate};
use target::Target;

/// For how long one process has a delivery to itself while it sends it, in µs: longer than one may take.
pub const TURN: i64 = MINUTE;
/// For how long it is tried to deliver something, in µs.
pub const PATIENCE: i64 = DAY;
/// How long a delivery is kept once it is done with, in µs, if it is one of the last [`SHOWN`].
pub const KEPT: i64 = 30 * DAY;
/// How long an older secret signs beside a newer one, in µs.
pub const OVERLAP: i64 = DAY;
/// Deliveries of one webhook that are under way, at most: the rest stays in the journal until there is room.
pub const OPEN: usize = 1_000;
/// Deliveries of one webhook that are done with and still shown, at most.
pub const SHOWN: usize = 1_000;
/// Webhooks of one account, at most.
pub const MOST: u32 = 20;

/// Before something is tried again the first time, in µs.
const FIRST: i64 = 5 * SECOND;
const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// The longest pause of a receiver that cannot be reached, in µs.
const LONGEST: i64 = 10 * MINUTE;

/// Where an account's journal is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    pub id: WebhookId,
    pub account: AccountId,
    pub name: String,
    pub target: Target,
    /// Which entries: `token.created`, or `token` for all that happens to tokens. All if empty.
    pub actions: Vec<String>,
    pub enabled: bool,
    pub created_at: Timestamp,
    /// Until when the secret before this one signs too; none where there is none.
    pub older_until: Option<Timestamp>,
    pub progress: Progress,
    pub version: i64,
}

/// How far a webhook is and how it fares: outside its version, which is for those who edit it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Everything up to this entry was taken up, or passed over.
    pub through: i64,
    /// Since when nothing could be delivered; none while it works.
    pub failing_since: Option<Timestamp>,
    /// It could not be reached, and is left alone until then.
    pub paused_until: Option<Timestamp>,
    /// Entries that were never tried, because too many were waiting for longer than [`PATIENCE`].
    pub missed: i64,
}

/// What one webhook is told of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub webhook: WebhookId,
    pub account: AccountId,
    /// Of the entry. With the webhook it names the delivery.
    pub seq: i64,
    pub action: String,
    pub subject: String,
    /// From when on it is tried: the entry's time, or when somebody asked for it again.
    pub since: Timestamp,
    /// How often somebody began to send it.
    pub tries: i64,
    pub fate: Fate,
    /// What came of the last try.
    pub outcome: Option<Outcome>,
    pub version: i64,
}

/// Where a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// An earlier one of the same subject is under way.
    Waiting,
    /// To be sent at this time or later.
    Due(Timestamp),
    /// Somebody is sending it, and has it to themselves until then.
    Begun(Timestamp),
    /// The receiver took it.
    Delivered(Timestamp),
    /// The receiver did not take it for as long as it was tried.
    GivenUp(Timestamp),
}

/// What came of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The status of the receiver's answer.
    Answered(u16),
    Failed(Trouble),
}

macro_rules! troubles {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $sentence:literal;)+) => {
        /// Why there was no answer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Trouble { $($(#[doc = $doc])+ $variant,)+ }

        impl Trouble {
            pub const ALL: &[Trouble] = &[$(Self::$variant,)+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// For people.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }
        }
    };
}

troubles! {
    /// The name leads to an address that is not to be called.
    NotAllowed = "not_allowed", "Its address is private, local or reserved, and the operator has not allowed it.";
    /// Nothing is known of the name.
    NoAddress = "no_address", "Its name leads to no address.";
    /// Nobody takes connections there.
    NoConnection = "no_connection", "It takes no connection.";
    /// No protected line could be had.
    Tls = "tls", "Its certificate is not trusted, or TLS failed otherwise.";
    /// No answer within the time.
    TimedOut = "timed_out", "It did not answer in time.";
    /// What came was no HTTP.
    NoAnswer = "no_answer", "It hung up, or what it answered is not HTTP.";
}

impl Webhook {
    /// Whether it is told of entries with this action.
    pub fn wants(&self, action: &str) -> bool {
        let all_of = |picked: &str| action.strip_prefix(picked).is_some_and(|rest| rest.starts_with('.'));
        self.actions.is_empty() || self.actions.iter().any(|picked| picked == action || all_of(picked))
    }

    /// For how long it is left alone after it could not be reached: half as long as that has gone on, within
    /// bounds.
    pub fn pause(&self, now: Timestamp) -> Timestamp {
        let failing = self.progress.failing_since.unwrap_or(now).micros_until(now);
        now.plus_micros((failing / 2).clamp(FIRST, LONGEST))
    }
}

impl Delivery {
    /// What a webhook is told of an entry that is taken up.
    pub fn new(webhook: &Webhook, seq: i64, action: String, subject: String, since: Timestamp) -> Self {
        let (webhook, account) = (webhook.id, webhook.account.clone());
        Self {
            webhook,
            account,
            seq,
            action,
            subject,
            since,
            tries: 0,
            fate: Fate::Waiting,
            outcome: None,
            version: 0,
        }
    }

    /// The row of whoever sends it now: nobody else begins to for a while, and if nobody says how it went,
    /// it is tried again after that.
    pub fn begun(self, now: Timestamp) -> Self {
        Self { tries: self.tries + 1, fate: Fate::Begun(now.plus_micros(TURN)), ..self }
    }

    /// The row of one that was tried. Any answer of 2xx is a yes, and 410 a no for good (Standard Webhooks,
    /// "Delivery"); after anything else it is tried again, after five seconds, ten, twenty, and at last every hour.
    pub fn tried(self, outcome: Outcome, now: Timestamp) -> Self {
        let doublings = u32::try_from(self.tries.clamp(1, 12) - 1).unwrap_or(0);
        let pause = (FIRST << doublings).min(HOUR);
        let fate = match outcome {
            Outcome::Answered(200..=299) => Fate::Delivered(now),
            Outcome::Answered(410) => Fate::GivenUp(now),
            _ if now > self.since.plus_micros(PATIENCE) => Fate::GivenUp(now),
            _ => Fate::Due(now.plus_micros(pause)),
        };
        Self { fate, outcome: Some(outcome), ..self }
    }

    /// Whether nothing more becomes of it by itself.
    pub fn is_ended(&self) -> bool {
        matches!(self.fate, Fate::Delivered(_) | Fate::GivenUp(_))
    }

    /// The row of one that is to be sent at once, as if it had never been tried.
    pub fn again(self, now: Timestamp) -> Self {
        Self { since: now, tries: 0, fate: Fate::Due(now), ..self }
    }
}

impl Outcome {
    /// The receiver as a whole could not be had, so that others need not be tried now either.
    pub fn is_about_the_receiver(self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

/// What deliveries to a webhook are signed with: 32 random bytes, written `whsec_` and their base64 (Standard
/// Webhooks, "Signature scheme").
pub struct SigningSecret(Zeroizing<[u8; 32]>);

impl SigningSecret {
    pub fn draw(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(&mut *bytes);
        Self(bytes)
    }

    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes of a text that was shown; none where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(text.strip_prefix("whsec_")?).ok()?);
        bytes.as_slice().try_into().ok().map(Self::from_bytes)
    }

    /// What a signature is made with. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// As the receiver is given it. The same holds.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("whsec_{}", STANDARD.encode(*self.0)))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A row of a webhook or of a delivery to write; see [`change::Write::Webhook`]. Updates and deletions name the
/// version that they replace.
#[derive(Debug)]
pub enum Write {
    /// Its place in the journal is the end.
    Insert {
        webhook: Webhook,
        secret: Arc<SigningSecret>,
    },
    /// `afresh`: what is under way is tried at once, as if nothing had failed. `resumed`: it goes on from the
    /// journal's end.
    Update {
        webhook: Webhook,
        afresh: bool,
        resumed: bool,
        now: Timestamp,
    },
    /// Puts a secret in the place of the one before, which is kept until `older_until`.
    Rotate {
        webhook: Webhook,
        secret: Arc<SigningSecret>,
    },
    /// With all that was to be delivered.
    Delete(Webhook),
    TakeUp(TakenUp),
    /// A delivery's row, and what it says of its webhook.
    Deliver {
        delivery: Delivery,
        effect: Effect,
        now: Timestamp,
    },
}

impl Write {
    /// Whether the journal must say so.
    pub fn is_fact(&self) -> bool {
        match self {
            Self::Insert { .. } | Self::Update { .. } | Self::Rotate { .. } | Self::Delete(_) => true,
            Self::TakeUp(_) | Self::Deliver { .. } => false,
        }
    }
}

/// What was taken from the journal. Another place than `from` is a conflict: somebody else was there.
#[derive(Clone, Debug)]
pub struct TakenUp {
    pub account: AccountId,
    pub webhook: WebhookId,
    pub from: i64,
    pub through: i64,
    pub missed: i64,
    pub deliveries: Vec<Delivery>,
    pub now: Timestamp,
}

/// What a delivery's row says of its webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Nothing,
    /// It works.
    Works,
    /// It did not take something. `paused_until`: it could not be reached. `hopeless`: that has gone on for so
    /// long that what has waited as long is given up with it.
    Fails {
        paused_until: Option<Timestamp>,
        hopeless: bool,
    },
}

/// Of a delivery that was tried.
pub fn effect(webhook: &Webhook, delivery: &Delivery, outcome: Outcome, now: Timestamp) -> Effect {
    let gone = matches!(delivery.fate, Fate::GivenUp(_));
    match (delivery.fate, outcome.is_about_the_receiver()) {
        (Fate::Delivered(_), _) => Effect::Works,
        (_, true) => Effect::Fails { paused_until: Some(webhook.pause(now)), hopeless: gone },
        (_, false) => Effect::Fails { paused_until: None, hopeless: false },
    }
}

/// Whether an entry that is that old is passed over, when it is taken up: whoever has not answered for a day is
/// not told of what happened the day before.
pub fn is_missed(webhook: &Webhook, at: Timestamp, now: Timestamp) -> bool {
    webhook.progress.failing_since.is_some() && now > at.plus_micros(PATIENCE)
}

pub fn write(write: Write) -> change::Write {
    change::Write::Webhook(Box::new(write))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(actions: &[&str]) -> Webhook {
        Webhook {
            id: "whk_0123456789ab".parse().unwrap(),
            account: "acme".parse().unwrap(),
            name: "ops".into(),
            target: Target::parse("https://example.com/").unwrap(),
            actions: actions.iter().map(|&action| action.to_owned()).collect(),
            enabled: true,
            created_at: Timestamp::EPOCH,
            older_until: None,
            progress: Progress::default(),
            version: 1,
        }
    }

    #[test]
    fn a_webhook_is_told_what_it_picked_or_all() {
        assert!(webhook(&[]).wants("member.invited"));
        let some = webhook(&["token", "member.removed"]);
        assert!(some.wants("token.created") && some.wants("member.removed"));
        assert!(!some.wants("member.invited") && !some.wants("tokens.revoked"));
    }

    #[test]
    fn what_is_not_taken_is_tried_for_a_day_and_given_up_and_410_at_once() {
        let mut now = Timestamp::EPOCH;
        let mut row = Delivery::new(&webhook(&[]), 1, "token.created".into(), "pat_x".into(), now).again(now);
        let mut pauses = Vec::new();
        while let Fate::Due(at) = row.fate {
            pauses.push(now.micros_until(at) / SECOND);
            now = at.max(now);
            row = row.begun(now).tried(Outcome::Answered(500), now);
        }
        assert_eq!(pauses[..6], [0, 5, 10, 20, 40, 80]);
        assert!(matches!(row.fate, Fate::GivenUp(_)) && (DAY..DAY + HOUR + 1).contains(&now.as_micros()));
        assert!(matches!(row.clone().again(now).tried(Outcome::Answered(410), now).fate, Fate::GivenUp(_)));
        assert!(matches!(row.again(now).tried(Outcome::Answered(204), now).fate, Fate::Delivered(_)));
    }

    #[test]
    fn a_receiver_that_cannot_be_reached_is_asked_less_and_less() {
        let mut it = webhook(&[]);
        let pause = |it: &Webhook, at: i64| {
            let now = Timestamp::from_micros(at);
            now.micros_until(it.pause(now)) / SECOND
        };
        assert_eq!(pause(&it, 0), 5);
        it.progress.failing_since = Some(Timestamp::EPOCH);
        assert_eq!([60, 600, 86_400].map(|s| pause(&it, s * SECOND)), [30, 300, 600]);
        let row = Delivery::new(&it, 1, "a.b".into(), "x".into(), Timestamp::EPOCH);
        let (early, late) = (Timestamp::from_micros(HOUR), Timestamp::from_micros(2 * DAY));
        let hopeless = |now| {
            let outcome = Outcome::Failed(Trouble::TimedOut);
            let Effect::Fails { paused_until, hopeless } =
                effect(&it, &row.clone().tried(outcome, now), outcome, now)
            else {
                panic!("it failed")
            };
            assert!(paused_until.is_some());
            hopeless
        };
        assert!(!hopeless(early) && hopeless(late));
    }

    #[test]
    fn a_secret_reads_back_and_does_not_print() {
        let secret = SigningSecret::from_bytes([7; 32]);
        let text = secret.text();
        assert!(text.starts_with("whsec_BwcHBw") && text.len() == 50);
        assert_eq!(SigningSecret::parse(&text).unwrap().expose(), &[7; 32]);
        assert!(SigningSecret::parse("whsec_BwcH").is_none() && SigningSecret::parse("x").is_none());
        assert_eq!(format!("{secret:?}"), "…");
    }
}
