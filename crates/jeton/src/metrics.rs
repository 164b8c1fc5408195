//! Metrics: numbers that the rooms count anyway, read when somebody scrapes, in the text format of
//! OpenMetrics 1.0. Nothing is counted here, and no id of a token, a member or an account is a label.
//!
//! [`METRICS`] is the one list of what there is; `docs/operate.md` is held to it by a test.

mod process;

use std::fmt;
use std::sync::Arc;

use ::meter::{Distribution, STEPS};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::{Registry, Unit};
use service::Desk;
use web::server::Tracker;
use web::traffic::CLASSES;

use crate::reload::Reloads;

/// One metric as it is declared and documented.
pub struct Metric {
    /// As it is scraped, but for the `_total` of counters.
    pub name: &'static str,
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
    Info,
}

impl Metric {
    /// The name of its series in a query.
    pub fn series(&self) -> String {
        match self.kind {
            Kind::Counter => format!("{}_total", self.name),
            Kind::Info => format!("{}_info", self.name),
            Kind::Gauge | Kind::Histogram => self.name.to_owned(),
        }
    }
}

macro_rules! metrics {
    ($($constant:ident: $kind:ident $name:literal [$($label:literal),*] $help:literal;)+) => {
        $(const $constant: Metric =
            Metric { name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help };)+

        /// All of them, in the order in which they are scraped.
        pub const METRICS: &[Metric] = &[$($constant),+];
    };
}

metrics! {
    BUILD: Info "jeton_build" ["version"] "The version that runs.";
    VERDICTS: Counter "jeton_verdicts" ["code"] "Answers about tokens, by the code of the verdict.";
    UNDETERMINED: Counter "jeton_undetermined" []
        "Questions about tokens that were answered 503, because the facts could not be had.";
    REQUESTS: Counter "jeton_requests" ["method", "route", "status"]
        "Requests by the route as it is documented and the class of the status; `none` where the client went away, or no route took it.";
    REQUEST_SECONDS: Histogram "jeton_request_seconds" ["method", "route"]
        "From when a route took a request until its answer was ready.";
    CONNECTIONS: Gauge "jeton_connections" [] "Connections that are open.";
    CONNECTIONS_ACCEPTED: Counter "jeton_connections_accepted" [] "Connections that were let in.";
    CONNECTIONS_REFUSED: Counter "jeton_connections_refused" []
        "Connections closed at once, because there were too many and none was idle.";
    CONNECTIONS_EVICTED: Counter "jeton_connections_evicted" []
        "Idle connections that were closed to make room for others.";
    TOKENS: Gauge "jeton_verifier_tokens" [] "Tokens in memory.";
    TABLE_BYTES: Gauge "jeton_verifier_table_bytes" []
        "Memory that the table of tokens has taken, without what few tokens have of their own.";
    MISSES: Counter "jeton_verifier_misses" []
        "Questions whose token or key was not in memory, so that the database was asked.";
    READS: Counter "jeton_verifier_reads" [] "Reads of the database that answered them, many in each.";
    MISSES_WAITING: Gauge "jeton_verifier_misses_waiting" [] "Different texts that wait to be looked up.";
    STORE_UP: Gauge "jeton_store_up" [] "1 while changes are taken.";
    CHANGES: Counter "jeton_changes" ["outcome"]
        "Changes handed to the store: committed, conflict (decided again), refused, full (no room), unavailable.";
    COMMIT_SECONDS: Histogram "jeton_commit_seconds" []
        "Until a group of up to 64 changes was durable; as many as there were groups.";
    CHANGES_WAITING: Gauge "jeton_changes_waiting" [] "Changes that wait for the writer.";
    READS_WAITING: Gauge "jeton_reads_waiting" [] "Reads that wait for a connection to the database.";
    POSITION: Gauge "jeton_journal_position" [] "The last entry of the journal that memory knows of.";
    LETTERS: Counter "jeton_letters" ["outcome"]
        "Mails that were taken up: sent, dropped (about nothing that is still so), failed (tried again later).";
    DELIVERIES: Counter "jeton_webhook_deliveries" ["outcome"]
        "Tries to tell a webhook something: delivered, failed (tried again later), given_up.";
    OLDEST_DELIVERY: Gauge "jeton_webhook_oldest_waiting_seconds" []
        "For how long the oldest delivery to a webhook that is not done with has been under way; 0 where there is none.";
    PEERS: Gauge "jeton_peers" [] "Peers on this database, this one among them. PostgreSQL only.";
    BEHIND: Gauge "jeton_peer_behind_entries" []
        "Entries of the journal that this peer had not applied at its last beat. PostgreSQL only.";
    SILENCE: Gauge "jeton_peer_silence_seconds" []
        "Since the database last answered this peer's beat. PostgreSQL only.";
    DISK_FREE: Gauge "jeton_disk_free_bytes" [] "Free on the disk of the data. SQLite only.";
    DISK_LOW: Gauge "jeton_disk_low" []
        "1 while the disk is too full for anything but taking authority away. SQLite only.";
    BALLAST: Gauge "jeton_ballast_held" [] "1 while disk space is kept aside for revocations. SQLite only.";
    RELOADS: Counter "jeton_config_reloads" ["outcome"] "Reloads of the configuration: applied or refused.";
    CPU: Counter "process_cpu_seconds" [] "Processor time of this process, user and system.";
    RESIDENT: Gauge "process_resident_memory_bytes" [] "Memory that this process has.";
    VIRTUAL: Gauge "process_virtual_memory_bytes" [] "Address space that this process has.";
    FDS: Gauge "process_open_fds" [] "Open files and connections of this process.";
    MAX_FDS: Gauge "process_max_fds" [] "How many it may have.";
    THREADS: Gauge "process_threads" [] "Threads of this process.";
    STARTED: Gauge "process_start_time_seconds" [] "When this process started, in seconds since 1970.";
}

/// What is looked at for a scrape.
pub struct Sources {
    pub desk: Arc<Desk>,
    pub tracker: Tracker,
    pub reloads: Arc<Reloads>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Sources")
    }
}

/// All metrics as they are now.
pub fn page(sources: &Arc<Sources>) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(sources.clone()));
    let mut text = String::with_capacity(32 * 1024);
    encode(&mut text, &registry).expect("a string takes all that is written");
    text
}

impl Collector for Sources {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        page.info(&BUILD, &[("version", env!("CARGO_PKG_VERSION"))])?;
        self.questions(&mut page)?;
        self.store(&mut page)?;
        let outcomes = [("applied", self.reloads.applied.read()), ("refused", self.reloads.refused.read())];
        page.counters(&RELOADS, &outcomes.map(|(outcome, count)| ([("outcome", outcome)], count)))?;
        process(&mut page)
    }
}

impl Sources {
    fn questions(&self, page: &mut Page<'_>) -> fmt::Result {
        let verdicts = self.desk.verdicts();
        page.counters(&VERDICTS, &verdicts.told.map(|(code, count)| ([("code", code)], count)))?;
        page.counter(&UNDETERMINED, verdicts.undetermined)?;
        let traffic = self.tracker.traffic();
        let named = traffic.iter().map(|told| match &told.route {
            Some((method, path)) => (method.as_str(), *path, told),
            None => ("none", "none", told),
        });
        let mut requests = Vec::new();
        let mut times = Vec::new();
        for (method, route, told) in named {
            for (class, count) in CLASSES.iter().zip(told.classes) {
                requests.push(([("method", method), ("route", route), ("status", *class)], count));
            }
            if told.times.count() > 0 {
                times.push(([("method", method), ("route", route)], &told.times));
            }
        }
        page.counters(&REQUESTS, &requests)?;
        page.histograms(&REQUEST_SECONDS, &times)?;
        let visitors = self.tracker.visitors();
        page.gauge(&CONNECTIONS, self.tracker.connections())?;
        page.counter(&CONNECTIONS_ACCEPTED, visitors.accepted)?;
        page.counter(&CONNECTIONS_REFUSED, visitors.refused)?;
        page.counter(&CONNECTIONS_EVICTED, visitors.evicted)?;
        let memory = self.desk.memory();
        page.gauge(&TOKENS, memory.tokens)?;
        page.gauge(&TABLE_BYTES, memory.bytes)?;
        page.counter(&MISSES, memory.misses)?;
        page.counter(&READS, memory.reads)?;
        page.gauge(&MISSES_WAITING, memory.waiting)
    }

    fn store(&self, page: &mut Page<'_>) -> fmt::Result {
        let store = self.desk.store().figures();
        page.gauge(&STORE_UP, usize::from(store.health.writer_alive))?;
        let outcomes = [
            ("committed", store.committed),
            ("conflict", store.conflicts),
            ("refused", store.refused),
            ("full", store.full),
            ("unavailable", store.unavailable),
        ];
        page.counters(&CHANGES, &outcomes.map(|(outcome, count)| ([("outcome", outcome)], count)))?;
        page.histograms(&COMMIT_SECONDS, &[([], &store.groups)])?;
        page.gauge(&CHANGES_WAITING, store.waiting_changes)?;
        page.gauge(&READS_WAITING, store.waiting_reads)?;
        page.gauge(&POSITION, store.health.position)?;
        page.counters(
            &LETTERS,
            &self.desk.letters().map(|(outcome, count)| ([("outcome", outcome)], count)),
        )?;
        page.counters(
            &DELIVERIES,
            &self.desk.delivered().map(|(outcome, count)| ([("outcome", outcome)], count)),
        )?;
        page.gauge(&OLDEST_DELIVERY, seconds(self.desk.oldest_delivery().unsigned_abs()))?;
        if let Some(following) = store.following {
            page.gauge(&PEERS, following.peers)?;
            page.gauge(&BEHIND, following.head - store.health.position)?;
            return page.gauge(&SILENCE, seconds(following.silent.unsigned_abs()));
        }
        if let Some(free) = store.health.free_bytes {
            page.gauge(&DISK_FREE, free)?;
        }
        page.gauge(&DISK_LOW, usize::from(store.health.below_watermark))?;
        page.gauge(&BALLAST, usize::from(store.health.ballast))
    }
}

/// What the kernel says of this process; nothing where it says nothing.
fn process(page: &mut Page<'_>) -> fmt::Result {
    let Some(process) = process::look() else { return Ok(()) };
    page.counter(&CPU, process.cpu_seconds)?;
    page.gauge(&RESIDENT, process.resident_bytes)?;
    page.gauge(&VIRTUAL, process.virtual_bytes)?;
    page.gauge(&FDS, process.open_fds)?;
    page.gauge(&MAX_FDS, process.max_fds)?;
    page.gauge(&THREADS, process.threads)?;
    page.gauge(&STARTED, process.started)
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// A page that is being written. Each metric has its head, and its unit where its name ends in one.
struct Page<'a>(DescriptorEncoder<'a>);

type Labels<'l, const N: usize> = [(&'l str, &'l str); N];

impl Page<'_> {
    fn counter(&mut self, metric: &Metric, value: impl CounterValue) -> fmt::Result {
        let (name, unit) = parted(metric.name);
        let mut encoder = self.0.encode_descriptor(name, metric.help, unit.as_ref(), MetricType::Counter)?;
        encoder.encode_counter(&value.told(), None::<&Exemplar<NoLabelSet, f64>>)
    }

    fn counters<const N: usize>(
        &mut self,
        metric: &Metric,
        values: &[(Labels<'_, N>, impl CounterValue)],
    ) -> fmt::Result {
        let (name, unit) = parted(metric.name);
        let mut encoder = self.0.encode_descriptor(name, metric.help, unit.as_ref(), MetricType::Counter)?;
        for (labels, value) in values {
            let exemplar = None::<&Exemplar<NoLabelSet, f64>>;
            encoder.encode_family(labels)?.encode_counter(&value.told(), exemplar)?;
        }
        Ok(())
    }

    fn gauge(&mut self, metric: &Metric, value: impl GaugeValue) -> fmt::Result {
        let (name, unit) = parted(metric.name);
        let mut encoder = self.0.encode_descriptor(name, metric.help, unit.as_ref(), MetricType::Gauge)?;
        encoder.encode_gauge(&value.told())
    }

    fn histograms<const N: usize>(
        &mut self,
        metric: &Metric,
        values: &[(Labels<'_, N>, &Distribution)],
    ) -> fmt::Result {
        let (name, unit) = parted(metric.name);
        let mut encoder =
            self.0.encode_descriptor(name, metric.help, unit.as_ref(), MetricType::Histogram)?;
        for (labels, told) in values {
            let ends = STEPS.iter().map(|end| seconds(*end)).chain([f64::INFINITY]);
            let steps: Vec<(f64, u64)> = ends.zip(told.counts).collect();
            let (sum, count) = (seconds(told.micros), told.count());
            // Without labels there would be empty braces.
            if labels.is_empty() {
                encoder.encode_histogram::<NoLabelSet>(sum, count, &steps, None)?;
            } else {
                encoder.encode_family(labels)?.encode_histogram::<NoLabelSet>(sum, count, &steps, None)?;
            }
        }
        Ok(())
    }

    fn info<const N: usize>(&mut self, metric: &Metric, labels: &Labels<'_, N>) -> fmt::Result {
        let mut encoder = self.0.encode_descriptor(metric.name, metric.help, None, MetricType::Info)?;
        encoder.encode_info(labels)
    }
}

/// A name without the unit at its end, and the unit.
fn parted(name: &str) -> (&str, Option<Unit>) {
    if let Some(rest) = name.strip_suffix("_seconds") {
        return (rest, Some(Unit::Seconds));
    }
    if let Some(rest) = name.strip_suffix("_bytes") {
        return (rest, Some(Unit::Bytes));
    }
    (name, None)
}

/// Numbers as the encoder takes them; it knows but few types.
trait GaugeValue {
    fn told(&self) -> Number;
}

enum Number {
    Whole(i64),
    Real(f64),
}

impl EncodeGaugeValue for Number {
    fn encode(
        &self,
        encoder: &mut prometheus_client::encoding::GaugeValueEncoder<'_>,
    ) -> Result<(), fmt::Error> {
        match self {
            Number::Whole(number) => number.encode(encoder),
            Number::Real(number) => number.encode(encoder),
        }
    }
}

impl GaugeValue for i64 {
    fn told(&self) -> Number {
        Number::Whole(*self)
    }
}

impl GaugeValue for u64 {
    fn told(&self) -> Number {
        Number::Whole(i64::try_from(*self).unwrap_or(i64::MAX))
    }
}

impl GaugeValue for usize {
    fn told(&self) -> Number {
        Number::Whole(i64::try_from(*self).unwrap_or(i64::MAX))
    }
}

impl GaugeValue for f64 {
    fn told(&self) -> Number {
        Number::Real(*self)
    }
}

trait CounterValue {
    type As: prometheus_client::encoding::EncodeCounterValue;
    fn told(&self) -> Self::As;
}

impl CounterValue for u64 {
    type As = u64;
    fn told(&self) -> u64 {
        *self
    }
}

impl CounterValue for f64 {
    type As = f64;
    fn told(&self) -> f64 {
        *self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table in `docs/operate.md`. After a change: UPDATE_DOCS=1 cargo test -p jeton metrics_page
    #[test]
    fn the_metrics_page_names_every_metric() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operate.md");
        let (begin, end) = ("<!-- metrics: written by a test -->\n", "<!-- end of metrics -->\n");
        let text = std::fs::read_to_string(path).unwrap();
        let (before, rest) = text.split_once(begin).expect("the page has a place for the metrics");
        let (_, after) = rest.split_once(end).expect("and its end");
        let mut table = String::from("| series | kind | labels | what |\n|---|---|---|---|\n");
        for metric in METRICS {
            let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            let kind = format!("{:?}", metric.kind).to_lowercase();
            table +=
                &format!("| `{}` | {kind} | {} | {} |\n", metric.series(), labels.join(", "), metric.help);
        }
        let wanted = format!("{before}{begin}{table}{end}{after}");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &wanted).unwrap();
        } else {
            assert!(text == wanted, "docs/operate.md is not up to date; UPDATE_DOCS=1 writes it");
        }
    }

    #[test]
    fn names_are_in_base_units_and_no_label_is_an_id() {
        for metric in METRICS {
            let ours = metric.name.starts_with("jeton_") || metric.name.starts_with("process_");
            assert!(ours && !metric.name.ends_with("_total"), "{}", metric.name);
            for scaled in ["_ms", "_milliseconds", "_micros", "_kilobytes", "_mb", "_minutes"] {
                assert!(!metric.name.ends_with(scaled), "{}", metric.name);
            }
            assert!(metric.help.ends_with('.') && !metric.help.contains(['\n', '\\', '"', '|']));
            for label in metric.labels {
                assert!(
                    ["version", "code", "method", "route", "status", "outcome"].contains(label),
                    "{label}"
                );
            }
        }
    }
}
