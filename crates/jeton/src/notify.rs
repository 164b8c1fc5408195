//! What a service manager hears from the server (sd_notify(3)): that it serves, that it reads its
//! configuration again, that it stops, that it is alive. A few lines of text to a socket, so no
//! crate does it for us. Where nobody asked to hear, nothing is said.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use service::Desk;

use crate::clock::SystemClock;

/// Somebody to tell, or nobody.
#[derive(Debug, Clone)]
pub(crate) struct Notify(Option<Arc<(UnixDatagram, SocketAddr)>>);

impl Notify {
    /// Whoever `NOTIFY_SOCKET` names.
    pub(crate) fn from_environment() -> Self {
        let named = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty());
        let found = named.and_then(|name| {
            let address = match name.as_bytes() {
                [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
                _ => SocketAddr::from_pathname(&name),
            };
            Some(Arc::new((UnixDatagram::unbound().ok()?, address.ok()?)))
        });
        Self(found)
    }

    pub(crate) fn ready(&self) {
        self.say("READY=1\nSTATUS=answering\n");
    }

    /// To be followed by [`Notify::ready`].
    pub(crate) fn reloading(&self) {
        let now = SystemClock.monotonic();
        self.say(&format!("RELOADING=1\nMONOTONIC_USEC={now}\nSTATUS=reading the configuration again\n"));
    }

    pub(crate) fn stopping(&self) {
        self.say("STOPPING=1\nSTATUS=finishing what is under way\n");
    }

    fn say(&self, text: &str) {
        let Some(heard) = &self.0 else { return };
        let (socket, address) = &**heard;
        if let Err(cause) = socket.send_to_addr(text.as_bytes(), address) {
            tracing::warn!(%cause, "could not tell the service manager: {cause}");
        }
    }
}

/// Says that the process is alive, twice as often as the service manager asks (`WATCHDOG_USEC`),
/// for as long as tasks run and memory can be looked at. A database that is away is no reason to be
/// started again, so it is not asked.
pub(crate) async fn watchdog(notify: Notify, desk: Arc<Desk>) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
    let Some(micros) = number("WATCHDOG_USEC").filter(|micros| ours && *micros > 0) else { return };
    loop {
        desk.memory();
        notify.say("WATCHDOG=1\n");
        tokio::time::sleep(Duration::from_micros(micros / 2)).await;
    }
}
