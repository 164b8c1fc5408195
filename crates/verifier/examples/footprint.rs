//! Prints what a token costs in memory, and what a verify costs in time: among few tokens that
//! stay in the processor's cache, and among all.
//!
//! `cargo run --release -p verifier --example footprint [tokens] [holders] [accounts]`

use std::error::Error;
use std::hint::black_box;
use std::str::FromStr;

use domain::admit::Ask;
use domain::conditions::Conditions;
use domain::facts::{Account, Binding, Holder, Role, Snapshot, Standing, Token};
use domain::grant::Grant;
use domain::ids::{HolderId, MemberId, RoleId, ServiceId};
use domain::life::Life;
use domain::node::NodePath;
use domain::permission::{PermissionSet, Registry, Requirement};
use domain::preset::Preset;
use domain::time::Timestamp;
use token::{Code, Digest, Kind, Presented, TokenId};
use verifier::{Fetch, Options, Origin, Undetermined, Verifier};

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const HOT: usize = 10_000;
const VERIFIES: usize = 2_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let tokens: u64 = next(&mut args, 1_000_000)?;
    let holders: u64 = next(&mut args, 10_000)?;
    let accounts: u64 = next(&mut args, 1_000)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;

    let fetch: Fetch = Box::new(|_| Box::pin(async { Err(Undetermined) }));
    let options = Options { max_tokens: tokens as usize, ..Options::default() };
    let verifier = Verifier::new(options, Registry::default(), fetch);

    let empty = resident_bytes()?;
    let accounts: Vec<Account> = (0..accounts).map(account).collect();
    let holders: Vec<Holder> =
        (0..holders).map(|n| holder(n, &accounts[n as usize % accounts.len()])).collect();
    verifier.load(Snapshot { accounts, ..Snapshot::default() }, verifier.generation());
    verifier.load(Snapshot { holders: holders.clone(), ..Snapshot::default() }, verifier.generation());
    let surroundings = resident_bytes()?;

    let started = spent()?;
    for first in (0..tokens).step_by(4096) {
        let last = tokens.min(first + 4096);
        let tokens = (first..last).map(|n| token(n, &holders[n as usize % holders.len()])).collect();
        verifier.load(Snapshot { tokens, ..Snapshot::default() }, verifier.generation());
    }
    let loaded = spent()? - started;
    let full = resident_bytes()?;
    let each = |bytes: usize| bytes as f64 / tokens as f64;
    println!("{} tokens made and loaded in {:.2} s", verifier.resident(), loaded / 1e9);
    println!(
        "{:.1} bytes a token; with holders and accounts {:.1}",
        each(full - surroundings),
        each(full - empty)
    );

    let all = shuffled(tokens);
    let hot: Vec<Presented> = all.iter().take(HOT).copied().collect();
    let text = "jtn_pat_0123456789ab_0123456789abcdefghijklmnopabcdef".as_bytes();
    let sha = measure(|| Digest::of(black_box(text)))?;
    println!("SHA-256 of one block: {sha:.0} ns");
    for (name, set) in [("10k", &hot), ("all", &all)] {
        for counted in [false, true] {
            let ns = runtime.block_on(verifies(&verifier, set, counted))?;
            verifier.take_usage();
            println!("verify among {name}{}: {ns:.0} ns", if counted { ", counted" } else { "" });
        }
    }
    Ok(())
}

fn next<T: FromStr>(args: &mut impl Iterator<Item = String>, otherwise: T) -> Result<T, T::Err> {
    args.next().map_or(Ok(otherwise), |arg| arg.parse())
}

async fn verifies(verifier: &Verifier, set: &[Presented], counted: bool) -> Result<f64, Box<dyn Error>> {
    let needed = Requirement::One("tokens:read".into());
    let ask = Ask { requirement: Some(&needed), ..Ask::default() };
    let origin = Origin { service: Some(ServiceId(code(0))), address: Some("192.0.2.1"), counted };
    let mut good = 0;
    let started = spent()?;
    for presented in set.iter().cycle().take(VERIFIES) {
        let render = |verdict: &domain::admit::Verdict<'_>, _| verdict.is_valid();
        good += usize::from(verifier.verify(presented, &ask, origin, || NOW.into(), render).await?);
    }
    assert_eq!(good, VERIFIES);
    Ok((spent()? - started) / VERIFIES as f64)
}

fn measure<R>(run: impl Fn() -> R) -> Result<f64, Box<dyn Error>> {
    let started = spent()?;
    (0..VERIFIES).for_each(|_| {
        black_box(run());
    });
    Ok((spent()? - started) / VERIFIES as f64)
}

/// Nanoseconds that this process has spent on a processor, from `/proc/self/schedstat`: what
/// neighbours take is not counted.
fn spent() -> Result<f64, Box<dyn Error>> {
    let schedstat = std::fs::read_to_string("/proc/self/schedstat")?;
    Ok(schedstat.split(' ').next().ok_or("an empty schedstat")?.parse()?)
}

/// Resident memory of this process, from `/proc/self/status`.
fn resident_bytes() -> Result<usize, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<usize>()? * 1024)
}

/// Every token in an order that no prefetcher guesses.
fn shuffled(tokens: u64) -> Vec<Presented> {
    let mut all: Vec<Presented> =
        (0..tokens).map(|n| Presented::Ours { id: token_id(n), digest: digest(n) }).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    for place in (1..all.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        all.swap(place, (state % (place as u64 + 1)) as usize);
    }
    all
}

fn code(n: u64) -> Code {
    // Spread like the random codes that they stand for.
    let spread = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 4;
    Code::from_u64(spread).expect("60 bits, and an odd factor makes none of them zero")
}

fn token_id(n: u64) -> TokenId {
    TokenId { kind: Kind::Pat, code: code(n) }
}

fn digest(n: u64) -> Digest {
    Digest::of(&n.to_le_bytes())
}

fn account(n: u64) -> Account {
    let preset = Preset::named("default").expect("it is built in");
    let role = Role { id: RoleId(code(0)), name: "Member".into(), permissions: PermissionSet::DESK };
    Account {
        id: format!("account-{n}").parse().expect("a slug"),
        name: format!("Account {n}"),
        external_id: None,
        metadata: None,
        preset: preset.name.clone(),
        created_at: NOW,
        inactive_since: None,
        policy: preset.policy.clone(),
        levels: preset.levels.clone(),
        entities: vec![],
        roles: vec![role],
        version: 1,
    }
}

fn holder(n: u64, account: &Account) -> Holder {
    Holder {
        id: HolderId::Member(MemberId(code(n))),
        account: account.id.clone(),
        name: format!("Member number {n}"),
        person: None,
        email: Some(format!("member-{n}@example.com")),
        external_id: None,
        metadata: None,
        bindings: vec![Binding { role: RoleId(code(0)), node: NodePath::root() }],
        standing: Standing::default(),
        mail: None,
        created_at: NOW,
        version: 1,
    }
}

fn token(n: u64, holder: &Holder) -> Token {
    Token {
        id: token_id(n),
        number: n as i64,
        account: holder.account.clone(),
        holder: holder.id,
        issued_by: holder.id,
        name: format!("deploy key {n:>9}"),
        description: None,
        metadata: None,
        grant: Grant::Inherit,
        node: NodePath::root(),
        desk: true,
        life: Life::from(NOW, Some(NOW.plus_micros(90 * 24 * 3_600_000_000))),
        conditions: Conditions::default(),
        reason: None,
        digest: digest(n),
        version: 1,
    }
}
