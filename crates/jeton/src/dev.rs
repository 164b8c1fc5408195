//! `jeton dev`: a server to develop against. It begins with accounts, people and tokens, which are the
//! same at every start, and keeps nothing. It answers on this machine alone, because everybody who has
//! jeton knows what it hands out.

mod seed;

use std::fs::{self, DirBuilder};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use domain::time::{Period, Timestamp};
use domain::webhooks::target::Allowed;
use serde_json::json;
use service::{Care, Desk, Setup, Workers};
use store::{Clock, Options, Store};
use token::SystemEntropy;
use web::GitHubKeys;
use web::console::Look;
use web::dev::MovableClock;
use web::server::{Limits, Tracker};

use crate::client::output;
use crate::clock::SystemClock;
use crate::config::key::{LogFormat, Setting};
use crate::exit::Failure;
use crate::{serve, sockets, telemetry, wiring};
use seed::{Seeded, Seeds};

/// Runs a server for development, with people and tokens in it, on this machine alone.
///
/// It prints accounts, people with their password, tokens and keys of services. They are the same at every
/// start and for everybody, so that they can stand in the .env of a development set-up; they are good
/// for nothing else. Nothing is kept: each start begins anew. Its clock can be moved on, by a POST to
/// /dev/clock. No configuration is read.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton dev
  jeton dev --preset qovery --listen 127.0.0.1:8080
  jeton dev --json")]
pub(crate) struct DevArgs {
    /// The address and port to answer on, of this machine.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7070")]
    pub(crate) listen: SocketAddr,
    /// The preset of its accounts.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) preset: String,
    /// Print what there is as one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Serves until it is told to stop, then takes everything away.
pub(crate) fn dev(args: &DevArgs) -> Result<(), Failure> {
    serve::must_know_preset(&args.preset)?;
    if !args.listen.ip().is_loopback() {
        return Err(Failure::usage(format!("{} is not an address of this machine alone", args.listen))
            .help("everybody knows the tokens of `jeton dev`; `jeton serve` is for others to reach"));
    }
    telemetry::start(&Setting::parse("info").expect("a level of the log"), LogFormat::Auto)?;
    wiring::block_on(async {
        let stopped = serve::stop_signal()?;
        let listener = sockets::listen(None, args.listen, "--listen").await?;
        let address = listener.local_addr().context("could not learn the address that was bound")?;
        let place = Place::make(address.port())?;
        let clock = Arc::new(DevClock::default());
        let seeds = Arc::new(Seeds::default());
        let desk = open(&place.0, clock.clone(), seeds.clone()).await?;
        let seeded = seed::plant(&desk, &seeds, &args.preset).await.map_err(|cause| {
            Failure::failed(format!("could not make the accounts of the preset {}: {cause}", args.preset))
        })?;
        match args.json {
            true => output::data(&as_json(address, &args.preset, &seeded).to_string())?,
            false => output::data(&as_text(address, &args.preset, &seeded))?,
        }
        let hour = Duration::from_secs(3_600);
        let care = Care { checkpoints: place.0.join("checkpoints"), every: hour, keep: None };
        let workers = Workers::start(&desk, care, None, None);
        let tracker = Tracker::new();
        let limits = Limits { drain: Duration::from_secs(2), ..Limits::default() };
        let options = web::Options {
            preset: args.preset.as_str().into(),
            patience: limits.request,
            look: Look::default(),
            github: GitHubKeys::default(),
        };
        let moved = Arc::new(Moved { clock, desk: desk.clone() });
        let app = web::development_router(desk.clone(), &options, tracker.clone(), moved);
        web::server::serve(listener, app, limits, stopped, tracker).await;
        workers.stop(&desk).await;
        desk.store().close().await;
        drop(place);
        Ok(())
    })
}

async fn open(data: &Path, clock: Arc<DevClock>, seeds: Arc<Seeds>) -> Result<Arc<Desk>, Failure> {
    let setup = Setup {
        entropy: seeds,
        verifier: verifier::Options::default(),
        foreign_tokens: false,
        mails: false,
        webhooks: Allowed::default(),
    };
    let options = Options {
        data: data.to_owned(),
        keys: data.join("keys"),
        readers: 2,
        ballast_bytes: 0,
        watermark_bytes: 0,
    };
    let opened = Desk::open(setup, async |listener| {
        Ok::<_, anyhow::Error>(Store::open_sqlite(options, clock, Arc::new(SystemEntropy), listener)?)
    });
    Ok(opened.await?)
}

/// The machine's clock, moved on.
#[derive(Default)]
struct DevClock {
    /// Microseconds.
    ahead: AtomicI64,
}

impl Clock for DevClock {
    fn wall(&self) -> i64 {
        SystemClock.wall().saturating_add(self.ahead.load(Ordering::SeqCst))
    }

    fn boot(&self) -> i64 {
        SystemClock.boot()
    }
}

/// The clock as the route moves it.
struct Moved {
    clock: Arc<DevClock>,
    desk: Arc<Desk>,
}

impl MovableClock for Moved {
    fn now(&self) -> Timestamp {
        self.desk.now()
    }

    fn advance(&self, by: &Period) -> Timestamp {
        let now = self.desk.now();
        let micros = now.micros_until(now.plus(by));
        self.clock.ahead.fetch_add(micros, Ordering::SeqCst);
        self.desk.now()
    }
}

/// The directory of everything, gone when this is dropped. One that a killed process left is named like
/// the one that comes after it on the same port, which takes it away.
struct Place(PathBuf);

impl Place {
    fn make(port: u16) -> Result<Place, Failure> {
        // In memory where the system has a place for that.
        let base = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_dir());
        let base = base.unwrap_or_else(std::env::temp_dir);
        let owner = rustix::process::geteuid().as_raw();
        let path = base.join(format!("jeton-dev-{owner}-{port}"));
        if fs::symlink_metadata(&path).is_ok_and(|there| there.is_dir()) {
            fs::remove_dir_all(&path).with_context(|| format!("could not clear {}", path.display()))?;
        }
        // Fails where somebody else's file or link has the name.
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.with_context(|| format!("could not make the directory {}", path.display()))?;
        Ok(Place(path))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What stays is taken away by the next start.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn as_json(address: SocketAddr, preset: &str, seeded: &Seeded) -> serde_json::Value {
    let people = seeded.people.iter().map(|person| {
        json!({
            "account": person.account,
            "email": person.email,
            "role": person.role,
            "member": person.member,
            "token": person.token.as_deref().ok(),
        })
    });
    json!({
        "url": format!("http://{address}"),
        "preset": preset,
        "password": seed::PASSWORD,
        "people": people.collect::<Vec<_>>(),
        "service_key": seeded.verify_key,
        "backend_key": seeded.backend_key,
    })
}

fn as_text(address: SocketAddr, preset: &str, seeded: &Seeded) -> String {
    let url = format!("http://{address}");
    let rows = seeded.people.iter().map(|person| {
        let token = match &person.token {
            Ok(token) => token.clone(),
            Err(why) => format!("none: {why}"),
        };
        vec![person.account.clone(), person.email.clone(), person.role.clone(), token]
    });
    let people = output::table(&["ACCOUNT", "E-MAIL", "ROLE", "TOKEN"], rows);
    let token = seeded.people.iter().find_map(|person| person.token.as_deref().ok()).unwrap_or_default();
    let (verify, backend, password) = (&seeded.verify_key, &seeded.backend_key, seed::PASSWORD);
    format!(
        "jeton dev listens on {url}, with the preset {preset}.
For development only: everybody who has jeton knows these secrets. Nothing is kept when it ends.

{people}

Everybody's password: {password}

# for a .env
JETON_SERVER={url}
JETON_TOKEN={token}
SERVICE_KEY={verify}
BACKEND_KEY={backend}

SERVICE_KEY may verify; BACKEND_KEY may also provision and act for members.

# is a token good?
curl {url}/v1/verify -H 'Authorization: Bearer {verify}' -H 'Content-Type: application/json' -d '{{\"token\": \"{token}\"}}'
# who am I?
curl {url}/v1/tokens/self -H 'Authorization: Bearer {token}'
# three days later
curl {url}/dev/clock -H 'Content-Type: application/json' -d '{{\"advance\": \"3 days\"}}'"
    )
}
