//! Whatever happens to tokens, their holders and their account, and however time goes on: a catalogue
//! answers what a look at each token by itself answers, for any filter, order and place in the list.

use domain::facts::{Account, Binding, Holder, Role, Standing};
use domain::grant::{self, Grant};
use domain::ids::{HolderId, MemberId, RoleId, ServiceAccountId};
use domain::life::{self, Life, State, Surroundings};
use domain::node::NodePath;
use domain::permission::PermissionSet;
use domain::policy::OnInactive;
use domain::preset::Preset;
use domain::time::DAY;
use store::{After, Sort};
use token::Kind;

use super::tests::Chance;
use super::*;

/// 29 February 2028, because months and days that are not in all of them matter.
const START: i64 = 1_835_395_200_000_000;

/// More than two blocks, so that there are full ones.
const TOKENS: usize = 2_300;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(START + micros)
}

/// What happened, as a catalogue hears of it, and as it can be looked at one by one.
struct World {
    catalogue: Catalogue,
    account: Account,
    holders: Vec<Holder>,
    tokens: Vec<(Roll, Option<Timestamp>)>,
    chance: Chance,
    now: Timestamp,
}

const WORDS: [&str; 8] = ["deploy of", "Deploy", "ci runner", "straße", "a_b", "100%", "pat_9", "x"];
const NODES: [&str; 4] = ["/", "/sales", "/sales/prod", "/ops"];

impl World {
    fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let preset = Preset::default_preset();
        let mut account = Account {
            id: "acme".parse().unwrap(),
            name: "Acme".into(),
            external_id: None,
            metadata: None,
            preset: preset.name.clone(),
            created_at: at(0),
            inactive_since: None,
            policy: preset.policy.clone(),
            levels: preset.levels.clone(),
            entities: Vec::new(),
            roles: (0..3)
                .map(|n| Role {
                    id: RoleId(chance.code()),
                    name: ["Owner", "Viewer", "Nobody's"][n].into(),
                    permissions: PermissionSet::of(40 + n as u8 % 2),
                })
                .collect(),
            version: 1,
        };
        account.policy.tombstones.listed = true;
        let holders = (0..12)
            .map(|n| Holder {
                id: match n % 4 {
                    3 => HolderId::ServiceAccount(ServiceAccountId(chance.code())),
                    _ => HolderId::Member(MemberId(chance.code())),
                },
                account: account.id.clone(),
                name: format!("holder {n}"),
                person: None,
                email: None,
                mail: Default::default(),
                external_id: None,
                metadata: None,
                bindings: vec![Binding { role: account.roles[n % 2].id, node: NodePath::root() }],
                standing: Standing::default(),
                created_at: at(0),
                version: 1,
            })
            .collect();
        let catalogue = Catalogue::new(TOKENS * 2);
        catalogue.shelves.write().unwrap().add(Arc::new(account.clone()));
        let mut world = Self { catalogue, account, holders, tokens: Vec::new(), chance, now: at(0) };
        let holders = world.holders.clone();
        world.catalogue.hear(holders.into_iter().map(|holder| Late::Holder(Box::new(holder))));
        (0..TOKENS).for_each(|_| world.create());
        world
    }

    fn hear(&self, news: Late) {
        self.catalogue.hear(std::iter::once(news));
    }

    fn name(&mut self) -> String {
        format!("{} {}", WORDS[self.chance.below(8) as usize], self.chance.below(3_000))
    }

    /// A moment around now, some of them shared.
    fn moment(&mut self, days: i64) -> Timestamp {
        let coarse = self.chance.below(2 * days as u64) as i64 - days;
        let fine = if self.chance.once_in(3) { 0 } else { self.chance.below(DAY as u64) as i64 };
        self.now.plus_micros(coarse * DAY + fine)
    }

    fn create(&mut self) {
        let holder = self.holders[self.chance.below(12) as usize].id;
        let kind = match (holder, self.chance.below(9)) {
            (_, 0) => Kind::Ses,
            (HolderId::Member(_), _) => Kind::Pat,
            (HolderId::ServiceAccount(_), _) => Kind::Sat,
        };
        let created = if self.chance.once_in(2) { self.now } else { self.moment(400) };
        let expires = (!self.chance.once_in(4)).then(|| self.moment(100));
        let roll = Roll {
            account: self.account.id.clone(),
            id: TokenId { kind, code: self.chance.code() },
            holder,
            issued_by: self.holders[self.chance.below(12) as usize].id,
            name: self.name(),
            grant: match self.chance.below(4) {
                n @ 0..2 => Grant::Role(self.account.roles[n as usize].id),
                2 => Grant::Inherit,
                _ => Grant::List(PermissionSet::of(40)),
            },
            node: NODES[self.chance.below(4) as usize].parse().unwrap(),
            desk: self.chance.once_in(5),
            life: Life::from(created, expires),
            version: 1,
        };
        self.tokens.push((roll.clone(), None));
        self.hear(Late::Token(Box::new(roll)));
        if self.chance.once_in(3) {
            self.touch(self.tokens.len() - 1);
        }
    }

    /// Something that happens to a token.
    fn touch(&mut self, place: usize) {
        let (mut roll, last) = self.tokens[place].clone();
        match self.chance.below(10) {
            0 => roll.name = self.name(),
            1 => roll.life.revoked_at = Some(self.now),
            2 => roll.life.leaked_at = Some(self.now),
            3 => roll.life.deleted_at = Some(self.now),
            4 => {
                roll.life.rotated_to = Some(roll.id);
                roll.life.grace_until = self.chance.once_in(2).then(|| self.moment(3));
            }
            5 => roll.life.approved_at = self.chance.once_in(2).then_some(self.now),
            6 => roll.life.expires_at = self.chance.once_in(2).then(|| self.moment(40)),
            _ => {
                // One that comes late is no last use.
                let used = self.moment(20);
                self.tokens[place].1 = last.max(Some(used));
                self.hear(Late::Use(roll.id, used));
                return;
            }
        }
        let before = self.tokens[place].0.clone();
        roll.version += 1;
        self.tokens[place].0 = roll.clone();
        self.hear(Late::Token(Box::new(roll)));
        // An older version that is heard of later changes nothing.
        self.hear(Late::Token(Box::new(before)));
    }

    fn happen(&mut self) {
        match self.chance.below(12) {
            0 => self.now = self.now.plus_micros(self.chance.below(3 * DAY as u64) as i64),
            1 => self.now = self.now.plus_micros(self.chance.below(3) as i64),
            2 => {
                let place = self.chance.below(12) as usize;
                let (now, stop) = (Some(self.now), self.chance.below(7));
                let standing = &mut self.holders[place].standing;
                match stop {
                    0 => standing.inactive_since = now,
                    1 => standing.approve_after = now,
                    2 => standing.revoked_before = now,
                    3 => standing.removed_at = now,
                    4 => standing.tokens_deleted_at = now,
                    _ => *standing = Standing::default(),
                }
                let node = NODES[self.chance.below(4) as usize].parse().unwrap();
                self.holders[place].bindings[0].node = node;
                self.holders[place].version += 1;
                self.hear(Late::Holder(Box::new(self.holders[place].clone())));
            }
            3 => {
                let policy = &mut self.account.policy;
                match self.chance.below(5) {
                    0 => self.account.inactive_since = Some(self.now),
                    1 => policy.on_inactive = OnInactive::Keep,
                    2 => policy.on_inactive = OnInactive::Suspend,
                    3 => policy.expiry.max = Some("6 months".parse().unwrap()),
                    _ => {
                        self.account.inactive_since = None;
                        policy.expiry.max = self.chance.once_in(2).then(|| "365 days".parse().unwrap());
                    }
                }
                self.account.version += 1;
                self.hear(Late::Account(Arc::new(self.account.clone())));
            }
            4 => self.create(),
            _ => {
                let place = self.chance.below(self.tokens.len() as u64) as usize;
                self.touch(place);
            }
        }
    }

    fn want(&mut self) -> Want {
        let mut want = Want::default();
        let one = |world: &mut Self, often| world.chance.once_in(often);
        if one(self, 6) {
            want.holder = Some(self.holders[self.chance.below(12) as usize].id);
        }
        if one(self, 6) {
            want.issued_by = Some(self.holders[self.chance.below(12) as usize].id);
        }
        if one(self, 6) {
            want.role = Some(self.account.roles[self.chance.below(3) as usize].name.clone());
        }
        if one(self, 2) {
            let all = State::ALL.into_iter();
            want.states = all.filter(|_| self.chance.once_in(3)).collect();
            want.though_rotated = self.chance.once_in(3);
        }
        if one(self, 3) {
            want.kinds = Kind::ALL.iter().copied().filter(|_| self.chance.once_in(2)).collect();
        }
        if one(self, 6) {
            want.node = Some(NODES[self.chance.below(4) as usize].parse().unwrap());
        }
        if one(self, 8) {
            want.permission = Some(PermissionSet::of(40 + self.chance.below(2) as u8));
        }
        if one(self, 2) {
            want.text = Some(self.text());
        }
        let span = |world: &mut Self| {
            let moment = |world: &mut Self| world.chance.once_in(2).then(|| world.moment(60));
            Span { from: moment(world), to: moment(world) }
        };
        if one(self, 8) {
            want.created = span(self);
        }
        if one(self, 8) {
            want.expires = span(self);
            want.never_expires = self.chance.once_in(3).then(|| self.chance.once_in(2));
        }
        if one(self, 8) {
            want.used = span(self);
            want.never_used = self.chance.once_in(3).then(|| self.chance.once_in(2));
        }
        want
    }

    /// A part of a name or of an id, or of none.
    fn text(&mut self) -> String {
        let (roll, _) = &self.tokens[self.chance.below(self.tokens.len() as u64) as usize];
        let whole = match self.chance.below(5) {
            0 | 1 => roll.name.clone(),
            2 | 3 => roll.id.to_string(),
            _ => format!("{}{}", roll.name, roll.id),
        };
        let letters: Vec<char> = whole.chars().collect();
        let from = self.chance.below(letters.len() as u64) as usize;
        let length = 1 + self.chance.below(8) as usize;
        let part: String = letters[from..].iter().take(length).collect();
        if self.chance.once_in(4) { part.to_ascii_uppercase() } else { part }
    }

    fn is_wanted(&self, want: &Want, roll: &Roll, last: Option<Timestamp>, now: Timestamp) -> bool {
        let holder = self.holders.iter().find(|holder| holder.id == roll.holder).unwrap();
        let around = Surroundings::of(&self.account, holder, roll.id.kind);
        let state = life::state(&roll.life, &around, now);
        let straight = Life { rotated_to: None, grace_until: None, ..roll.life };
        let before = life::state(&straight, &around, now);
        let rotated = want.though_rotated && matches!(state, State::Rotated | State::Grace);
        let lies = |span: Span, moment: i64| {
            span.from.is_none_or(|from| from.as_micros() <= moment)
                && span.to.is_none_or(|to| moment < to.as_micros())
        };
        let role = |name: &String| self.account.role_named(name).map(|role| Grant::Role(role.id));
        let has = |wanted: PermissionSet| {
            let rights = |at| grant::of_token(&roll.grant, roll.desk, &roll.node, holder, &self.account, at);
            grant::places(holder, &roll.node).any(|at| rights(at).contains(wanted))
        };
        let text = |text: &String| {
            let text = text.to_ascii_lowercase();
            roll.name.to_ascii_lowercase().contains(&text) || roll.id.to_string().contains(&text)
        };
        let usual = [Kind::Pat, Kind::Sat];
        let kinds = if want.kinds.is_empty() { &usual[..] } else { &want.kinds };
        let is = |state: State| match want.states.is_empty() {
            true => state != State::Deleted,
            false => want.states.contains(&state),
        };
        kinds.contains(&roll.id.kind)
            && (is(state) || rotated && is(before))
            && want.holder.is_none_or(|id| id == roll.holder)
            && want.issued_by.is_none_or(|id| id == roll.issued_by)
            && want.role.as_ref().is_none_or(|name| role(name).as_ref() == Some(&roll.grant))
            && want.node.as_ref().is_none_or(|node| node.covers(&roll.node))
            && want.permission.is_none_or(has)
            && want.text.as_ref().is_none_or(text)
            && lies(want.created, roll.life.created_at.as_micros())
            && lies(want.expires, roll.life.expires_at.map_or(i64::MAX - 1, Timestamp::as_micros))
            && want.never_expires.is_none_or(|never| never == roll.life.expires_at.is_none())
            && lies(want.used, last.map_or(i64::MIN, Timestamp::as_micros))
            && want.never_used.is_none_or(|never| never == last.is_none())
    }

    /// All pages of one list, and its rows in no order.
    fn compare(&mut self) -> usize {
        let want = self.want();
        // Requests that came in before others may look after them.
        let back = if self.chance.once_in(5) { self.chance.below(DAY as u64) as i64 } else { 0 };
        let now = self.now.plus_micros(-back);
        let sorts = [Sort::Name, Sort::ExpiresAt, Sort::CreatedAt, Sort::LastUsedAt, Sort::Id];
        let sort = sorts[self.chance.below(5) as usize];
        let descending = self.chance.once_in(2);
        let place = |roll: &Roll, last: Option<Timestamp>| match sort {
            Sort::Name => store::Place::Text(roll.name.clone()),
            Sort::ExpiresAt => {
                store::Place::Time(roll.life.expires_at.map_or(i64::MAX, Timestamp::as_micros))
            }
            Sort::CreatedAt => store::Place::Time(roll.life.created_at.as_micros()),
            Sort::LastUsedAt => store::Place::Time(last.map_or(i64::MIN, Timestamp::as_micros)),
            Sort::Id => store::Place::Text(roll.id.to_string()),
        };
        let key = |value: &store::Place| match value {
            store::Place::Text(text) => (0, text.clone()),
            store::Place::Time(micros) => (*micros, String::new()),
        };
        let wanted = self.tokens.iter().filter(|(roll, last)| self.is_wanted(&want, roll, *last, now));
        let mut expected: Vec<(store::Place, TokenId)> =
            wanted.map(|(roll, last)| (place(roll, *last), roll.id)).collect();
        expected.sort_by_key(|(value, id)| (key(value), id.to_string()));
        if descending {
            expected.reverse();
        }
        let scope = Scope::Account(self.account.id.clone());
        let limit = if expected.len() > 500 { 333 } else { 1 + self.chance.below(60) as usize };
        let mut found: Vec<TokenId> = Vec::new();
        loop {
            let after = found.len().checked_sub(1).map(|last| {
                let (value, id) = expected[last].clone();
                After { value, id }
            });
            let order = Order { sort, descending, after, limit };
            let some = self.catalogue.first(&scope, &want, &order, now).unwrap();
            found.extend(&some);
            if some.len() < limit || found.len() > expected.len() {
                break;
            }
        }
        let expected: Vec<TokenId> = expected.into_iter().map(|(_, id)| id).collect();
        assert!(found == expected, "{} for {}: {want:?} by {sort:?}", found.len(), expected.len());
        let mut every: Vec<TokenId> = self.catalogue.every(&scope, &want, now).unwrap();
        let mut expected = expected;
        every.sort_unstable();
        expected.sort_unstable();
        assert_eq!(every, expected, "{want:?}");
        assert_eq!(self.catalogue.tally(&scope, &want, now).unwrap().count, expected.len() as u64);
        expected.len()
    }
}

#[test]
fn a_catalogue_answers_as_a_look_at_each_token_does_whatever_happens() {
    for seed in [1, 2] {
        let mut world = World::new(seed);
        let mut answered = 0;
        for _ in 0..120 {
            let happens = 1 + world.chance.below(12);
            (0..happens).for_each(|_| world.happen());
            answered += usize::from(world.compare() > 0);
        }
        assert!(answered > 40, "most lists should show something: {answered}");
    }
}

#[test]
fn names_that_change_again_and_again_are_found_by_what_they_are() {
    let mut world = World::new(9);
    for round in 0..3_000 {
        let place = round % 700;
        let name = world.name();
        let (roll, _) = &mut world.tokens[place];
        roll.name = format!("{name} round {round}");
        roll.version += 1;
        world.hear(Late::Token(Box::new(world.tokens[place].0.clone())));
    }
    let scope = Scope::Account(world.account.id.clone());
    for text in ["round 2", "ROUND 2999", "nd 23", "round 1 ", "9 r"] {
        let want = Want { text: Some(text.into()), ..Want::default() };
        let is = |(roll, last): &&(Roll, Option<Timestamp>)| world.is_wanted(&want, roll, *last, world.now);
        let expected = world.tokens.iter().filter(is).count();
        assert_eq!(world.catalogue.every(&scope, &want, world.now).unwrap().len(), expected, "{text}");
    }
}
