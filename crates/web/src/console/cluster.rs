//! The server itself, for operators: its store, the processes that serve from it, how far each is, what is
//! in memory. What this process knows now, and no more: measures over time are at `/metrics`.

use askama::Template;
use service::cluster::Cluster;

use super::frame::{Frame, Section};
use super::reply::Reply;
use super::session::Signed;
use super::tokens::number;
use super::tongue::Tongue;
use crate::api::call::{Account, Call};
use crate::api::table::Table;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    table.page("/console/{account}/cluster", show);
}

#[derive(Template)]
#[template(path = "cluster.html")]
struct Page<'a> {
    frame: Frame<'a>,
    version: &'static str,
    /// Whether changes are taken, and in a sentence.
    well: bool,
    state: String,
    store: String,
    /// What is called how, and how much of it there is.
    facts: Vec<(String, String)>,
    peers: Vec<Peer>,
}

/// A process that serves from the same facts.
struct Peer {
    id: String,
    own: bool,
    applied: String,
    /// That there are entries of the journal which it has not applied.
    behind: Option<String>,
    heard: String,
    /// It has not been heard of for longer than a beat or two.
    silent: bool,
    schema: String,
}

/// From when on a peer is said to be silent, in microseconds: it beats four times a second.
const SILENT: i64 = 2_000_000;

async fn show(call: Call<Signed, Account>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let cluster = house.desk.cluster(caller).await?;
    let frame = Frame::of(house, tongue, caller, Section::Cluster).await?;
    let health = &cluster.figures.health;
    let well = health.writer_alive && !health.below_watermark;
    let state = match (health.writer_alive, health.below_watermark) {
        (false, _) => "cluster-stands",
        (true, true) => "cluster-full",
        (true, false) => "cluster-well",
    };
    let page = Page {
        version: env!("CARGO_PKG_VERSION"),
        well,
        state: tongue.say(state).into_owned(),
        store: tongue.say(if cluster.has_peers { "cluster-postgres" } else { "cluster-sqlite" }).into_owned(),
        facts: facts(tongue, &cluster),
        peers: peers(tongue, &cluster),
        frame,
    };
    Reply::page(&house.look, &page)
}

fn facts(tongue: Tongue, cluster: &Cluster) -> Vec<(String, String)> {
    let (figures, memory) = (&cluster.figures, &cluster.memory);
    let mut facts = Vec::new();
    let mut tell = |name: &str, text: String| facts.push((tongue.say(name).into_owned(), text));
    let count = |count: usize| number(count as u64);
    tell("cluster-position", number(figures.health.position.unsigned_abs()));
    if let Some(following) = &figures.following {
        tell("cluster-head", number(following.head.unsigned_abs()));
    }
    tell("cluster-committed", number(figures.committed));
    tell("cluster-waiting", format!("{} · {}", count(figures.waiting_changes), count(figures.waiting_reads)));
    if figures.conflicts + figures.unavailable + figures.full > 0 {
        let some = [figures.conflicts, figures.unavailable, figures.full].map(number);
        tell("cluster-failed", some.join(" · "));
    }
    if let Some(free) = figures.health.free_bytes {
        tell("cluster-room", gigabytes(free));
    }
    tell("cluster-tokens", format!("{} · {}", count(memory.tokens), gigabytes(memory.bytes as u64)));
    tell("cluster-listed", count(cluster.listed));
    tell("cluster-misses", number(memory.misses));
    facts
}

fn peers(tongue: Tongue, cluster: &Cluster) -> Vec<Peer> {
    let head = cluster.figures.following.as_ref().map_or(0, |following| following.head);
    let farthest = cluster.peers.iter().map(|peer| peer.applied).fold(head, i64::max);
    let one = |peer: &service::cluster::Peer| {
        let seconds = peer.silent / 1_000_000;
        Peer {
            id: peer.id.clone(),
            own: peer.own,
            applied: number(peer.applied.unsigned_abs()),
            behind: (farthest > peer.applied).then(|| {
                let entries = [("count", (farthest - peer.applied).into())];
                tongue.say_of("cluster-behind", &entries).into_owned()
            }),
            heard: tongue.say_of("cluster-seconds", &[("count", seconds.into())]).into_owned(),
            silent: peer.silent > SILENT,
            schema: peer.known.to_string(),
        }
    };
    cluster.peers.iter().map(one).collect()
}

/// In the largest unit of which there is one, with one digit after the point: `3.4 GiB`.
fn gigabytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut left = bytes as f64;
    let mut unit = 0;
    while left >= 1024.0 && unit + 1 < UNITS.len() {
        left /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{left:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::gigabytes;

    #[test]
    fn bytes_are_told_in_the_largest_unit_of_which_there_is_one() {
        for (bytes, told) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (3 << 30, "3.0 GiB"),
            (u64::MAX, "16777216.0 TiB"),
        ] {
            assert_eq!(gigabytes(bytes), told);
        }
    }
}
