//! `jeton serve`: answers HTTP until the process is told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use domain::preset::Preset;
use rustix::process::{Resource, Rlimit, setrlimit};
use service::{Care, Desk, Workers};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::{info, warn};
use web::Changing;
use web::server::{Drained, Limits, Tracker};

use crate::client::output;
use crate::config::Config;
use crate::exit::Failure;
use crate::metrics::{self, Sources};
use crate::notify::{self, Notify};
use crate::reload::{Live, Reloader, Reloads};
use crate::sockets::{self, Given};
use crate::telemetry::Volume;
use crate::{access, hooks, look, post, scanner, wiring};

/// Opens the data, serves, reads the configuration again on SIGHUP, and on SIGTERM or SIGINT lets
/// what is under way finish.
pub(crate) fn serve(config: Config, reloader: Reloader, volume: Volume) -> Result<(), Failure> {
    must_know(&config)?;
    let look = look::of(&config)?;
    let github = scanner::keys(&config)?;
    let secure = look.public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
    if !secure && look.framed_by.iter().any(|origin| origin.starts_with("https://")) {
        warn!(
            "console.framed_by needs an https address in server.public_url, or browsers sign nobody in there"
        );
    }
    // Memory holds passwords and tokens for moments; a dump of it would hold them for ever.
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).context("could not turn off dumps of memory")?;
    let given = Given::take()?;
    wiring::block_on(async {
        // Taken first, so that a signal during the start is not lost.
        let stopped = stop_signal()?;
        let hangup = signal(SignalKind::hangup()).context("could not listen for SIGHUP")?;
        let notify = Notify::from_environment();
        let desk = wiring::open(&config).await?;
        let passed_on = given.main.is_some();
        let listener = sockets::listen(given.main, config.server_listen, "--listen").await?;
        let address = listener.local_addr().context("could not learn the address that was bound")?;
        if passed_on {
            info!(%address, "answering on a socket that was passed on; server.listen is not used");
        }
        let tracker = Tracker::new();
        let preset = Changing::from(config.server_preset.0.as_str());
        let reloads = Arc::<Reloads>::default();
        let scraped = Sources { desk: desk.clone(), tracker: tracker.clone(), reloads: reloads.clone() };
        let metrics = Metrics::start(&config, given.metrics, scraped).await?;
        announce(&desk, &config, address).await?;
        let place = wiring::shown(&access::place(&config));
        let version = env!("CARGO_PKG_VERSION");
        info!(version, %address, %place, "jeton {version} answers on {address}; the data is in {place}");

        let carrier = post::carrier(&config, &format!("http://{address}"))?;
        if carrier.is_some() && config.server_public_url.is_none() {
            warn!("mails link to http://{address}; set server.public_url to where people reach this server");
        }
        let messenger = hooks::messenger(&config)?;
        let workers = Workers::start(&desk, care(&config), carrier, Some(messenger));
        let patience = Limits::default().request;
        let options = web::Options { preset: preset.clone(), patience, look, github: github.clone() };
        let app = web::router(desk.clone(), &options, tracker.clone());
        let live = Live { volume, tracker: tracker.clone(), preset, github };
        let beside = [
            tokio::spawn(reload_on(hangup, reloader, live, reloads, notify.clone())),
            tokio::spawn(notify::watchdog(notify.clone(), desk.clone())),
        ];
        notify.ready();
        let told = async {
            stopped.await;
            notify.stopping();
        };
        let drained = web::server::serve(listener, app, limits(&config), told, tracker).await;
        if drained.cut > 0 {
            info!(cut = drained.cut, "{} connections had to be cut off", drained.cut);
        }
        beside.iter().for_each(JoinHandle::abort);
        metrics.stop().await;
        workers.stop(&desk).await;
        desk.store().close().await;
        info!("stopped");
        Ok(())
    })
}

async fn reload_on(
    mut hangup: Signal,
    mut reloader: Reloader,
    live: Live,
    reloads: Arc<Reloads>,
    notify: Notify,
) {
    while hangup.recv().await.is_some() {
        notify.reloading();
        reloader.reload(&live, &reloads);
        notify.ready();
    }
}

/// The listener of the metrics, where there is one.
struct Metrics(Option<(oneshot::Sender<()>, JoinHandle<Drained>)>);

impl Metrics {
    async fn start(
        config: &Config,
        given: Option<std::net::TcpListener>,
        scraped: Sources,
    ) -> Result<Metrics, Failure> {
        let address = match (&given, config.metrics_listen) {
            (None, None) => return Ok(Metrics(None)),
            (_, Some(address)) => address,
            (Some(given), None) => given.local_addr().context("could not learn where metrics are served")?,
        };
        let listener = sockets::listen(given, address, "metrics.listen").await?;
        let address = listener.local_addr().context("could not learn where metrics are served")?;
        // Scrapers are few, and must not take descriptors from those who ask for verdicts.
        let limits = Limits { connections: 32, per_address: 32, drain: Duration::ZERO, ..Limits::default() };
        let scraped = Arc::new(scraped);
        let entropy = scraped.desk.entropy().clone();
        let page = move || metrics::page(&scraped);
        let app = web::metrics(page, &*entropy, limits.request);
        let (stop, stopped) = oneshot::channel();
        // Both a word and the sender's end mean that it is over.
        let stopped = async { drop(stopped.await) };
        info!(%address, "metrics are on http://{address}/metrics");
        let serving = tokio::spawn(web::server::serve(listener, app, limits, stopped, Tracker::new()));
        Ok(Metrics(Some((stop, serving))))
    }

    async fn stop(self) {
        let Some((stop, serving)) = self.0 else { return };
        let _ = stop.send(());
        if let Err(error) = serving.await {
            tracing::error!(%error, "what served the metrics failed");
        }
    }
}

/// One line with the address, and on an empty database one with the set-up link. Both are for
/// whoever started the server, on standard output; the log never has the link.
async fn announce(desk: &Arc<Desk>, config: &Config, address: SocketAddr) -> Result<(), Failure> {
    output::data(&format!("jeton listens on http://{address}"))?;
    if let Some(secret) = desk.setup_link().await.map_err(anyhow::Error::from)? {
        output::data(&format!(
            "set up the first account, within 30 minutes: {}",
            link(config, address, &secret)
        ))?;
    }
    Ok(())
}

/// The address of the set-up page: under the public URL, or where the server listens.
pub(crate) fn link(config: &Config, address: SocketAddr, secret: &str) -> String {
    match &config.server_public_url {
        Some(url) => format!("{}/setup/{secret}", url.0.trim_end_matches('/')),
        None => format!("http://{address}/setup/{secret}"),
    }
}

fn care(config: &Config) -> Care {
    Care {
        checkpoints: config.journal_checkpoints.clone(),
        every: config.journal_checkpoint_interval.0,
        keep: config.journal_keep.map(|keep| keep.0),
    }
}

/// The limits of connections that a configuration asks for.
pub(crate) fn limits(config: &Config) -> Limits {
    let count = |number: std::num::NonZeroU32| usize::try_from(number.get()).unwrap_or(usize::MAX);
    Limits {
        connections: count(config.server_max_connections),
        per_address: count(config.server_max_connections_per_ip),
        drain: config.server_drain.0,
        ..Limits::default()
    }
}

/// A preset that does not exist, a logo that is none, and mail that cannot be sent so are said at the start, not to the first person
/// who needs them.
pub(crate) fn must_know(config: &Config) -> Result<(), Failure> {
    must_know_preset(&config.server_preset.0)?;
    post::of(config, "")?;
    hooks::messenger(config)?;
    look::of(config).map(drop)
}

pub(crate) fn must_know_preset(name: &str) -> Result<(), Failure> {
    if Preset::named(name).is_none() {
        let known: Vec<&str> = Preset::all().iter().map(|preset| preset.name.as_str()).collect();
        return Err(Failure::failed(format!("there is no preset `{name}`; there are {}", known.join(", "))));
    }
    Ok(())
}

/// Ends on SIGTERM and on SIGINT.
pub(crate) fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut term = signal(SignalKind::terminate()).context("could not listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("could not listen for SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => info!("told to stop; finishing what is under way"),
            _ = interrupt.recv() => info!("interrupted; finishing what is under way"),
        }
    })
}
