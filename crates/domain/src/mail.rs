//! Mails: rows of the outbox, written with what they tell of, and what becomes of them.
//!
//! A letter names its reader and what it is about by ids. Addresses and names are read when it is sent,
//! so that the outbox keeps nobody's, and whoever was erased or moved since is not written to. Nothing
//! here is a secret, but for the way out of further mails ([`WayOut`]) and the way in that some of them
//! bring ([`WayIn`]), which are worked out and kept nowhere. Whom a change is told to is decided in
//! [`news`](crate::news) and [`notices`](crate::notices); how a mail reads is said in the crate `mail`.

use std::fmt;
use std::str::FromStr;

use token::TokenId;

use crate::ids::{AccountId, LetterId, MemberId};
use crate::links::{INVITATION, RESET};
use crate::time::{DAY, Timestamp};

/// For how long one process has a letter to itself while it sends it, in µs: longer than a server takes
/// that answers at all.
pub const TURN: i64 = 5 * MINUTE;
/// For how long it is tried to send a letter, in µs (RFC 5321, section 4.5.4.1: four to five days).
pub const PATIENCE: i64 = 5 * DAY;
/// The same of one that the mail server said it will not take.
pub const REFUSED_PATIENCE: i64 = DAY;
/// How long a letter is kept once it is done with, in µs: for that long its way out of further mails is open.
pub const KEPT: i64 = 90 * DAY;

/// Before it is tried again the first time, in µs.
const FIRST: i64 = 10 * 1_000_000;
const MINUTE: i64 = 60 * 1_000_000;
const HOUR: i64 = 60 * MINUTE;

macro_rules! topics {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// What a mail is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Topic { $($(#[$doc])* $variant,)* }

        impl Topic {
            pub const ALL: &[Topic] = &[$(Self::$variant,)*];

            /// As the outbox has it, and an operator's templates are called.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

topics! {
    /// Tokens end soon.
    Ending = "notice",
    /// Tokens were made.
    Created = "created",
    /// Somebody else revoked or deleted tokens.
    Revoked = "revoked",
    /// Tokens are known to somebody else.
    Leaked = "leaked",
    /// A session began in a browser or program that was not seen before.
    SignIn = "sign_in",
    /// New tokens wait for somebody who manages them.
    Waiting = "waiting",
    /// A way to a login of one's own.
    Invitation = "invitation",
    /// A way to another password.
    Reset = "reset",
}

impl Topic {
    /// Whether the switches of an account and of a member turn it off. What is about somebody's safety they
    /// do not: who has broken in would turn that off first.
    pub fn can_be_left(self) -> bool {
        matches!(self, Self::Ending | Self::Waiting)
    }

    /// Whether a mail brings a way in, and for how long it opens, in µs.
    pub fn opens_for(self) -> Option<i64> {
        match self {
            Self::Invitation => Some(INVITATION),
            Self::Reset => Some(RESET),
            _ => None,
        }
    }

    /// After a letter about it, how long what else happens waits for the next to the same reader, which
    /// then tells all of it: who makes a thousand tokens gets two mails. In µs.
    pub fn pause(self) -> i64 {
        match self {
            Self::Created => HOUR,
            Self::Revoked | Self::Leaked | Self::SignIn | Self::Waiting | Self::Invitation => 10 * MINUTE,
            // Who asks for it is waiting.
            Self::Reset => 5 * MINUTE,
            // Ends are told of by the day.
            Self::Ending => 0,
        }
    }
}

impl FromStr for Topic {
    type Err = UnknownTopic;

    fn from_str(text: &str) -> Result<Self, UnknownTopic> {
        Self::ALL.iter().copied().find(|topic| topic.as_str() == text).ok_or(UnknownTopic)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no mail is about that")]
pub struct UnknownTopic;

/// A mail to one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub id: LetterId,
    pub topic: Topic,
    pub account: AccountId,
    pub to: MemberId,
    pub queued_at: Timestamp,
    /// How often somebody began to send it.
    pub tries: i64,
    pub fate: Fate,
    pub version: i64,
}

/// Where a letter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// To be sent at this time or later.
    Due(Timestamp),
    /// Somebody is sending it, and has it to themselves until then.
    Begun(Timestamp),
    /// The mail server has taken it.
    Sent(Timestamp),
    /// What it was about was so no more when it was to be sent.
    Dropped(Timestamp),
    /// The mail server would not take it for as long as it was tried.
    GivenUp(Timestamp),
}

/// What is on its way into the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// A letter with the notices that it gives. Of these the ones are kept that were not given before; a
    /// letter without any is not.
    Ends { letter: Letter, notices: Vec<Notice> },
    /// Something that happened. A letter to the same reader about the same that waits and was never begun
    /// tells it too; where there is none the store makes one.
    News(News),
}

/// What a member is told that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    pub account: AccountId,
    pub to: MemberId,
    pub topic: Topic,
    pub at: Timestamp,
    /// To which tokens, or which session began; none where it is about the reader alone.
    pub matters: Vec<Matter>,
}

/// A token to which something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matter {
    pub token: TokenId,
    pub at: Timestamp,
    /// Who did it, as the journal has it.
    pub actor: Option<String>,
}

/// That a token ends. With the member who is told it is the key under which it is told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Notice {
    pub token: TokenId,
    pub ends_at: Timestamp,
    /// Of the policy's days before the end.
    pub days: u32,
}

/// What a mail server made of a letter that it did not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It may take it later, or could not be asked.
    Passing,
    /// It said that it will not.
    Refused,
}

impl Letter {
    /// A letter that is to be sent at once.
    pub fn new(id: LetterId, topic: Topic, account: AccountId, to: MemberId, now: Timestamp) -> Self {
        Self { id, topic, account, to, queued_at: now, tries: 0, fate: Fate::Due(now), version: 0 }
    }

    /// Whether somebody should begin to send it.
    pub fn is_due(&self, now: Timestamp) -> bool {
        matches!(self.fate, Fate::Due(at) | Fate::Begun(at) if at <= now)
    }

    /// The row of whoever sends it now: nobody else begins to for a while, and if nobody says how it went,
    /// it is tried again after that.
    pub fn begun(self, now: Timestamp) -> Self {
        Self { tries: self.tries + 1, fate: Fate::Begun(now.plus_micros(TURN)), ..self }
    }

    /// The row of one that was sent or needs no sending.
    pub fn ended(self, fate: Fate) -> Self {
        Self { fate, ..self }
    }

    /// The row of one that could not be sent: when it is tried again, after ten seconds, twenty, forty, and at
    /// last every hour; one that was refused every six hours.
    pub fn failed(self, trouble: Trouble, now: Timestamp) -> Self {
        let doublings = u32::try_from(self.tries.clamp(1, 10) - 1).unwrap_or(0);
        let (pause, patience) = match trouble {
            Trouble::Passing => ((FIRST << doublings).min(HOUR), PATIENCE),
            Trouble::Refused => (6 * HOUR, REFUSED_PATIENCE),
        };
        let fate = match now > self.queued_at.plus_micros(patience) {
            true => Fate::GivenUp(now),
            false => Fate::Due(now.plus_micros(pause)),
        };
        Self { fate, ..self }
    }
}

/// Everything that a mail says, in no language yet.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The same each time that it is tried.
    pub id: LetterId,
    pub topic: Topic,
    /// The address of the reader, and their name.
    pub address: String,
    pub name: String,
    pub account: AccountId,
    pub account_name: String,
    /// The tokens that it is about; of ends the nearest first, else what happened last.
    pub items: Vec<Item>,
    /// What its link opens, and until when, where it is one that lets somebody in.
    pub way_in: Option<(WayIn, Timestamp)>,
    pub now: Timestamp,
    /// None for what cannot be turned off.
    pub way_out: Option<WayOut>,
}

/// A token that a mail is about, or a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub token: TokenId,
    /// Of a session the browser or program.
    pub name: String,
    pub holder: String,
    /// When it ends, or when it happened.
    pub at: Timestamp,
    pub by: By,
    /// What was said of it: why it was revoked, where it was found, what it is for.
    pub said: Option<String>,
    /// It was deleted, and not only revoked.
    pub deleted: bool,
}

/// Who did something, to whoever reads of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// The reader.
    You,
    /// Somebody or some service by this name.
    Named(String),
    /// Who runs the server.
    Operator,
    /// Somebody who is not known, or is gone.
    Somebody,
}

macro_rules! ways {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(String);

        impl $name {
            pub fn new(text: String) -> Self {
                Self(text)
            }

            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}

ways! {
    /// The last part of an address by which a reader turns further mails off; whoever has it may.
    WayOut,
    /// The last part of an address that lets its reader in, once.
    WayIn,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(now: Timestamp) -> Letter {
        let (id, to) = ("let_0123456789ab".parse().unwrap(), "mem_0123456789ab".parse().unwrap());
        Letter::new(id, Topic::Ending, "acme".parse().unwrap(), to, now)
    }

    /// How far apart its tries are, in seconds, until it is given up.
    fn pauses(trouble: Trouble) -> Vec<i64> {
        let mut now = Timestamp::EPOCH;
        let (mut letter, mut pauses) = (letter(now), Vec::new());
        while let Fate::Due(at) = letter.fate {
            pauses.push(now.micros_until(at) / 1_000_000);
            now = at.max(now);
            assert!(letter.is_due(now));
            letter = letter.begun(now).failed(trouble, now);
        }
        assert!(matches!(letter.fate, Fate::GivenUp(_)));
        pauses
    }

    #[test]
    fn a_mail_server_that_is_down_for_days_loses_nothing() {
        let passing = pauses(Trouble::Passing);
        assert_eq!(passing[..12], [0, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600]);
        let total: i64 = passing.iter().sum();
        assert!((432_000..432_000 + 3_601).contains(&total), "five days: {total} s");
        assert_eq!(pauses(Trouble::Refused), [0, 21_600, 21_600, 21_600, 21_600, 21_600]);
    }

    #[test]
    fn a_letter_that_somebody_sends_is_nobody_else_s_until_their_turn_is_over() {
        let now = Timestamp::from_micros(DAY);
        let begun = letter(now).begun(now);
        assert!(!begun.is_due(now.plus_micros(TURN - 1)) && begun.is_due(now.plus_micros(TURN)));
    }

    #[test]
    fn ways_do_not_print() {
        let secret = || "secret".to_owned();
        let printed = format!("{:?} {:?}", WayOut::new(secret()), WayIn::new(secret()));
        assert_eq!(printed, "WayOut(…) WayIn(…)");
    }

    #[test]
    fn a_topic_reads_back_and_what_is_about_safety_cannot_be_turned_off() {
        for topic in Topic::ALL {
            assert_eq!(topic.as_str().parse(), Ok(*topic));
        }
        assert_eq!("spam".parse::<Topic>(), Err(UnknownTopic));
        let left: Vec<_> = Topic::ALL.iter().copied().filter(|topic| topic.can_be_left()).collect();
        assert_eq!(left, [Topic::Ending, Topic::Waiting]);
    }
}
