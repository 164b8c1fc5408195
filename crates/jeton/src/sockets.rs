//! Where the server listens: on sockets that a service manager opened and passed on
//! (sd_listen_fds(3)), otherwise on addresses of its own. A socket that somebody else keeps open
//! outlives the process, so whoever connects while it is restarted waits instead of being refused.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::{FromRawFd, OwnedFd};

use rustix::fd::AsFd;
use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::net::AddressFamily;
use rustix::net::sockopt::{socket_acceptconn, socket_domain};

use crate::exit::Failure;

/// The first descriptor that is passed on.
const FIRST: i32 = 3;

/// The name of the socket for metrics (`FileDescriptorName=` of a socket unit).
const METRICS: &str = "metrics";

/// Sockets that were passed on.
#[derive(Debug, Default)]
pub(crate) struct Given {
    pub(crate) main: Option<TcpListener>,
    pub(crate) metrics: Option<TcpListener>,
}

impl Given {
    /// Those that the environment tells of, where they are meant for this process. To be called once.
    ///
    /// # Errors
    /// When one of them cannot be served on, or nobody knows what for.
    pub(crate) fn take() -> Result<Self, Failure> {
        let variable = |name| std::env::var(name).unwrap_or_default();
        if variable("LISTEN_PID") != std::process::id().to_string() {
            return Ok(Self::default());
        }
        let count: i32 = variable("LISTEN_FDS").parse().unwrap_or(0);
        let names = variable("LISTEN_FDNAMES");
        let mut names = names.split(':');
        let mut given = Self::default();
        for number in FIRST..FIRST.saturating_add(count.max(0)) {
            let name = names.next().unwrap_or_default();
            let listener = listening(own(number), name)?;
            let place = if name == METRICS { &mut given.metrics } else { &mut given.main };
            if place.replace(listener).is_some() {
                return Err(Failure::failed("two sockets for the same were passed on").help(
                    "pass one for HTTP, and one more with FileDescriptorName=metrics if metrics are wanted",
                ));
            }
        }
        Ok(given)
    }
}

#[expect(unsafe_code, reason = "a descriptor that was passed on is known by its number alone")]
fn own(number: i32) -> OwnedFd {
    // SAFETY: `LISTEN_FDS` promises to the process that `LISTEN_PID` names that these descriptors
    // are open and its own. They are taken once, at the start, before anything else could close one.
    unsafe { OwnedFd::from_raw_fd(number) }
}

/// A socket on which connections can be accepted, not handed on to children.
fn listening(socket: OwnedFd, name: &str) -> Result<TcpListener, Failure> {
    let wrong = |what: String| {
        let shown = if name.is_empty() {
            "the socket that was passed on".to_owned()
        } else {
            format!("the socket `{name}`")
        };
        Failure::failed(format!("{shown} {what}"))
            .help("pass a listening TCP socket: ListenStream=127.0.0.1:7070")
    };
    let checked = || -> rustix::io::Result<bool> {
        let internet = matches!(socket_domain(socket.as_fd())?, AddressFamily::INET | AddressFamily::INET6);
        fcntl_setfd(&socket, fcntl_getfd(&socket)? | FdFlags::CLOEXEC)?;
        Ok(internet && socket_acceptconn(&socket)?)
    };
    match checked() {
        Ok(true) => {}
        Ok(false) => return Err(wrong("does not accept TCP connections".to_owned())),
        Err(cause) => return Err(wrong(format!("cannot be used: {cause}"))),
    }
    let listener = TcpListener::from(socket);
    listener.set_nonblocking(true).map_err(|cause| wrong(format!("cannot be used: {cause}")))?;
    Ok(listener)
}

/// A listener for this runtime: the socket that was passed on, else one on the address.
pub(crate) async fn listen(
    given: Option<TcpListener>,
    address: SocketAddr,
    flag: &str,
) -> Result<tokio::net::TcpListener, Failure> {
    match given {
        Some(listener) => tokio::net::TcpListener::from_std(listener).map_err(|cause| {
            Failure::failed(format!("could not use the socket that was passed on: {cause}"))
        }),
        None => tokio::net::TcpListener::bind(address).await.map_err(|cause| {
            Failure::failed(format!("could not listen on {address}: {cause}"))
                .help(format!("choose another address or port with {flag}, as in {flag} 127.0.0.1:8080"))
        }),
    }
}
