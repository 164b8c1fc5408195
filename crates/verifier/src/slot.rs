//! A token's row, packed: 80 bytes for what every verdict needs, its name beside, and what
//! happens to few tokens apart.

use domain::conditions::{self, Conditions};
use domain::life::Life;
use domain::time::Timestamp;
use token::{Code, Digest, Kind, TokenId};

/// No time; [`Timestamp`] begins later.
const NEVER: i64 = i64::MIN;

/// A life without [`Twists`].
pub(crate) const STRAIGHT: u32 = u32::MAX;

#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) digest: Digest,
    id: Packed,
    created_at: i64,
    expires_at: i64,
    pub(crate) version: i64,
    pub(crate) holder: u32,
    pub(crate) grant: u32,
    pub(crate) node: u32,
    /// Where its [`Twists`] are, or [`STRAIGHT`].
    pub(crate) twists: u32,
}

const _: () = assert!(size_of::<Slot>() == 80);

impl Slot {
    /// A place that nobody uses. The zeros of its digest are nobody's SHA-256.
    pub(crate) const VACANT: Self = Self {
        digest: Digest::from_bytes([0; Digest::LEN]),
        id: Packed(0),
        created_at: NEVER,
        expires_at: NEVER,
        version: 0,
        holder: 0,
        grant: 0,
        node: 0,
        twists: STRAIGHT,
    };

    /// A row whose holder, grant, node and twists are kept at these places.
    pub(crate) fn new(
        digest: Digest,
        id: TokenId,
        desk: bool,
        life: &Life,
        version: i64,
        [holder, grant, node, twists]: [u32; 4],
    ) -> Self {
        let id = Packed::new(id, desk);
        let (created_at, expires_at) = (life.created_at.as_micros(), pack(life.expires_at));
        Self { digest, id, created_at, expires_at, version, holder, grant, node, twists }
    }

    /// None where the place is vacant.
    pub(crate) fn id(&self) -> Option<TokenId> {
        self.id.id()
    }

    pub(crate) fn desk(&self) -> bool {
        self.id.desk()
    }

    pub(crate) fn life(&self, twists: Option<&Twists>) -> Life {
        let straight = Life::from(Timestamp::from_micros(self.created_at), unpack(self.expires_at));
        twists.map_or(straight, |twists| twists.bend(straight))
    }
}

/// What most tokens are spared: whatever departs from created, approved at once, expired, and good
/// from anywhere.
#[derive(Debug)]
pub(crate) struct Twists {
    not_before: i64,
    approved_at: i64,
    revoked_at: i64,
    leaked_at: i64,
    grace_until: i64,
    deleted_at: i64,
    rotated_to: Packed,
    conditions: Option<Box<Conditions>>,
}

impl Twists {
    /// None for a life that goes straight, on no conditions.
    pub(crate) fn of(life: &Life, conditions: Conditions) -> Option<Self> {
        let conditions = (!conditions.is_empty()).then(|| Box::new(conditions));
        if conditions.is_none() && *life == Life::from(life.created_at, life.expires_at) {
            return None;
        }
        Some(Self {
            not_before: pack(life.not_before),
            approved_at: pack(life.approved_at),
            revoked_at: pack(life.revoked_at),
            leaked_at: pack(life.leaked_at),
            grace_until: pack(life.grace_until),
            deleted_at: pack(life.deleted_at),
            rotated_to: life.rotated_to.map_or(Packed(0), |id| Packed::new(id, false)),
            conditions,
        })
    }

    /// What must be true of an ask about the token whose twists these are, if any.
    pub(crate) fn conditions(twists: Option<&Self>) -> &Conditions {
        twists.and_then(|twists| twists.conditions.as_deref()).unwrap_or(&conditions::NONE)
    }

    fn bend(&self, straight: Life) -> Life {
        Life {
            not_before: unpack(self.not_before),
            approved_at: unpack(self.approved_at),
            revoked_at: unpack(self.revoked_at),
            leaked_at: unpack(self.leaked_at),
            rotated_to: self.rotated_to.id(),
            grace_until: unpack(self.grace_until),
            deleted_at: unpack(self.deleted_at),
            ..straight
        }
    }
}

fn pack(at: Option<Timestamp>) -> i64 {
    at.map_or(NEVER, Timestamp::as_micros)
}

fn unpack(micros: i64) -> Option<Timestamp> {
    (micros != NEVER).then(|| Timestamp::from_micros(micros))
}

/// An id and whether it may use the desk: 60 bits of code, 3 of kind, 1. A code is never zero.
#[derive(Clone, Copy, Debug)]
struct Packed(u64);

const CODE_BITS: u32 = 60;

impl Packed {
    fn new(id: TokenId, desk: bool) -> Self {
        Self(id.code.as_u64() | (id.kind as u64) << CODE_BITS | u64::from(desk) << 63)
    }

    fn id(self) -> Option<TokenId> {
        let code = Code::from_u64(self.0 & ((1 << CODE_BITS) - 1))?;
        let kind = *Kind::ALL.get((self.0 >> CODE_BITS & 7) as usize)?;
        Some(TokenId { kind, code })
    }

    fn desk(self) -> bool {
        self.0 >> 63 == 1
    }
}

/// A token's name and metadata: a name of up to 22 bytes alone costs nothing beside.
#[derive(Debug)]
pub(crate) enum Text {
    Short { len: u8, bytes: [u8; Text::SHORT] },
    Long(Box<(Box<str>, Option<Box<str>>)>),
}

const _: () = assert!(size_of::<Text>() == 24);

impl Text {
    const SHORT: usize = 22;

    pub(crate) const EMPTY: Self = Self::Short { len: 0, bytes: [0; Text::SHORT] };

    pub(crate) fn new(name: String, metadata: Option<String>) -> Self {
        if metadata.is_none() && name.len() <= Self::SHORT {
            let mut bytes = [0; Self::SHORT];
            bytes[..name.len()].copy_from_slice(name.as_bytes());
            return Self::Short { len: name.len() as u8, bytes };
        }
        Self::Long(Box::new((name.into(), metadata.map(Into::into))))
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Short { len, bytes } => {
                std::str::from_utf8(&bytes[..usize::from(*len)]).expect("copied whole from a string")
            }
            Self::Long(long) => &long.0,
        }
    }

    pub(crate) fn metadata(&self) -> Option<&str> {
        match self {
            Self::Short { .. } => None,
            Self::Long(long) => long.1.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time() -> impl Strategy<Value = Option<Timestamp>> {
        prop::option::of(
            (Timestamp::MIN.as_micros()..=Timestamp::MAX.as_micros()).prop_map(Timestamp::from_micros),
        )
    }

    fn id() -> impl Strategy<Value = TokenId> {
        (prop::sample::select(Kind::ALL.to_vec()), 1..1u64 << 60)
            .prop_map(|(kind, code)| TokenId { kind, code: Code::from_u64(code).unwrap() })
    }

    proptest! {
        #[test]
        fn a_row_is_unpacked_as_it_was_packed(
            id in id(),
            desk: bool,
            created_at in time().prop_map(|at| at.unwrap_or(Timestamp::EPOCH)),
            times in prop::array::uniform7(time()),
            rotated_to in prop::option::of(id()),
            straight: bool,
            ranges in prop::collection::vec(any::<u32>(), 0..3),
        ) {
            let [not_before, expires_at, approved_at, revoked_at, leaked_at, grace_until, deleted_at] = times;
            let life = if straight { Life::from(created_at, expires_at) } else {
                Life { created_at, not_before, expires_at, approved_at, revoked_at, leaked_at, rotated_to, grace_until, deleted_at }
            };
            let addresses = ranges.iter().map(|bits| std::net::Ipv4Addr::from_bits(*bits).to_string().parse().unwrap());
            let conditions = Conditions { addresses: addresses.collect(), until: times[0] };
            let twists = Twists::of(&life, conditions.clone());
            prop_assert!(!straight || !conditions.is_empty() || twists.is_none());
            let slot = Slot::new(Digest::of(b"x"), id, desk, &life, 1, [0; 4]);
            prop_assert_eq!((slot.id(), slot.desk()), (Some(id), desk));
            prop_assert_eq!(slot.life(twists.as_ref()), life);
            prop_assert_eq!(Twists::conditions(twists.as_ref()), &conditions);
        }

        #[test]
        fn a_name_reads_back_however_long(name in ".{0,30}", metadata in prop::option::of(".{0,9}")) {
            let text = Text::new(name.clone(), metadata.clone());
            prop_assert_eq!(text.name(), name);
            prop_assert_eq!(text.metadata(), metadata.as_deref());
        }
    }
}
