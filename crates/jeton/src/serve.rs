//! `jeton serve`: answers HTTP until the process is told to stop.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use domain::preset::Preset;
use service::{Desk, Workers};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;
use web::server::{Limits, Tracker};

use crate::client::output;
use crate::config::Config;
use crate::exit::Failure;
use crate::{access, wiring};

/// Opens the data, serves, and on SIGTERM or SIGINT lets what is under way finish.
pub(crate) fn serve(config: Config) -> Result<(), Failure> {
    must_know(&config)?;
    wiring::block_on(async {
        // Taken first, so that a signal during the start is not lost.
        let stopped = stop_signal()?;
        let desk = wiring::open(&config).await?;
        let listener = TcpListener::bind(config.server_listen).await.map_err(|cause| {
            Failure::failed(format!("could not listen on {}: {cause}", config.server_listen))
                .help("choose another address or port with --listen, as in --listen 127.0.0.1:8080")
        })?;
        let address = listener.local_addr().context("could not learn the address that was bound")?;
        announce(&desk, &config, address).await?;
        let place = wiring::shown(&access::place(&config));
        info!(%place, "the data is in {place}");

        let workers = Workers::start(&desk);
        let tracker = Tracker::new();
        let limits = limits(&config);
        let app = web::router(desk.clone(), &options(&config), tracker.clone());
        let drained = web::server::serve(listener, app, limits, stopped, tracker).await;
        if drained.cut > 0 {
            info!(cut = drained.cut, "{} connections had to be cut off", drained.cut);
        }
        workers.stop(&desk).await;
        desk.store().close().await;
        info!("stopped");
        Ok(())
    })
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

fn limits(config: &Config) -> Limits {
    let count = |number: std::num::NonZeroU32| usize::try_from(number.get()).unwrap_or(usize::MAX);
    Limits {
        connections: count(config.server_max_connections),
        per_address: count(config.server_max_connections_per_ip),
        drain: config.server_drain.0,
        ..Limits::default()
    }
}

fn options(config: &Config) -> web::Options {
    web::Options { preset: config.server_preset.0.clone(), patience: Limits::default().request }
}

/// A preset that does not exist is said at the start, not to the first person who needs it.
pub(crate) fn must_know(config: &Config) -> Result<(), Failure> {
    let name = &config.server_preset.0;
    if Preset::named(name).is_none() {
        let known: Vec<&str> = Preset::all().iter().map(|preset| preset.name.as_str()).collect();
        return Err(Failure::failed(format!("there is no preset `{name}`; there are {}", known.join(", "))));
    }
    Ok(())
}

fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut term = signal(SignalKind::terminate()).context("could not listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("could not listen for SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => info!("told to stop; finishing what is under way"),
            _ = interrupt.recv() => info!("interrupted; finishing what is under way"),
        }
    })
}
