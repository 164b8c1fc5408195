//! The server below the routes: it accepts connections, holds them to their limits, and lets them
//! finish when it stops. It knows nothing of what is asked.
//!
//! A connection costs its client patience, never ours: a head, a body and the reading of an answer
//! have a time each, and where there are too many connections the oldest idle one makes room.

mod body;
mod crowd;
mod wire;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONNECTION, FORWARDED, HOST};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tower::{Service, ServiceExt};

pub use body::BodyTimedOut;
use body::{Counted, Timed};
pub use crowd::Visitors;
use crowd::{Crowd, Place};
use wire::Protocol;

use crate::traffic::{Told, Traffic};

/// How long and how much. The defaults are those of the documentation.
#[derive(Clone, Debug)]
pub struct Limits {
    /// For a head to arrive whole. Longer: closed.
    pub head: Duration,
    /// For a connection to wait for its next request. Longer: closed. More than the minute that
    /// nginx and most clients keep theirs, so that it is they who close.
    pub idle: Duration,
    /// For a body to arrive whole. Longer: 408, and closed.
    pub body: Duration,
    /// For what is waiting to be sent to be taken. Longer: closed.
    pub write: Duration,
    /// For a handler to answer. Longer: 503 `undetermined`. Above the minute that a revoke may wait.
    pub request: Duration,
    /// For the requests in flight to finish when the server stops. Longer: cut off.
    pub drain: Duration,
    /// Bytes of a head. More: 431, and closed.
    pub head_bytes: usize,
    /// Header fields of a head. More: 431, and closed.
    pub headers: usize,
    /// Connections in all.
    pub connections: usize,
    /// Connections of one address, or of one /64 in IPv6.
    pub per_address: usize,
    /// Requests at once on one HTTP/2 connection.
    pub streams: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            body: Duration::from_secs(10),
            write: Duration::from_secs(10),
            request: Duration::from_secs(70),
            drain: Duration::from_secs(30),
            head_bytes: 16 * 1024,
            headers: 64,
            connections: 8192,
            per_address: 2048,
            streams: 100,
        }
    }
}

/// How long a connection that has not asked anything yet is listened to once the server stops.
const NEWCOMER: Duration = Duration::from_secs(1);

/// The other end of the connection that a request came by; in the request's extensions. Behind a
/// proxy it is the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Where a request came from, where a proxy on this machine says so: the last of those it names, because
/// the others are whatever its client liked. Whom a connection is of says nothing: it may be a proxy, behind
/// which everybody is; and what one elsewhere says anybody could.
pub(crate) fn from(parts: &Parts) -> Option<IpAddr> {
    forwarded(&parts.extensions, &parts.headers)
}

fn forwarded(extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
    let Peer(peer) = extensions.get()?;
    let said = headers.get_all("x-forwarded-for").iter().next_back()?;
    let here = peer.ip().to_canonical().is_loopback();
    let last = said.to_str().ok().filter(|_| here)?.rsplit(',').next()?;
    last.trim().parse().ok()
}

/// The same for somebody to recognise, and to decide nothing by: where no proxy speaks, whom the connection
/// is of. Of a request that a proxy elsewhere passed on nothing is told.
pub(crate) fn whence(extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
    let direct = || {
        let Peer(peer) = extensions.get()?;
        let passed_on = headers.contains_key("x-forwarded-for") || headers.contains_key(FORWARDED);
        (!passed_on).then(|| peer.ip().to_canonical())
    };
    forwarded(extensions, headers).or_else(direct)
}

/// What the server is doing, for readiness and metrics. Clones look at the same server.
#[derive(Clone)]
pub struct Tracker {
    stage: Arc<watch::Sender<Stage>>,
    crowd: Arc<Crowd>,
    traffic: Arc<OnceLock<Traffic>>,
    limits: Arc<RwLock<Arc<Limits>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Serving,
    /// No new connections and no new requests.
    Draining,
    /// Time is up.
    Cut,
}

impl Default for Tracker {
    fn default() -> Tracker {
        Tracker {
            stage: Arc::new(watch::Sender::new(Stage::Serving)),
            crowd: Arc::default(),
            traffic: Arc::default(),
            limits: Arc::default(),
        }
    }
}

impl Tracker {
    pub fn new() -> Tracker {
        Tracker::default()
    }

    /// Connections that are open.
    pub fn connections(&self) -> usize {
        self.crowd.len()
    }

    /// From now on these hold for connections that come; how many may stay holds for all.
    pub fn set_limits(&self, limits: Limits) {
        // It is replaced whole, so it is right even after a panic.
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(limits);
    }

    pub(crate) fn limits(&self) -> Arc<Limits> {
        self.limits.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many connections came, and how many of them were turned away or asked to make room.
    pub fn visitors(&self) -> Visitors {
        self.crowd.visitors()
    }

    /// What was asked, route by route; nothing before there is a router.
    pub fn traffic(&self) -> Vec<Told> {
        self.traffic.get().map(Traffic::told).unwrap_or_default()
    }

    /// The requests of this server are counted there.
    pub(crate) fn watch(&self, traffic: &Traffic) {
        // A second router over one tracker counts for itself.
        let _ = self.traffic.set(traffic.clone());
    }

    /// Waits until the server has been told to stop.
    pub(crate) async fn draining(&self) {
        reached(&mut self.stage.subscribe(), Stage::Draining).await;
    }

    /// Whether the server has been told to stop.
    pub fn is_draining(&self) -> bool {
        *self.stage.borrow() != Stage::Serving
    }
}

/// How the server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that had to be cut off, because they did not finish in `Limits::drain`.
    pub cut: usize,
}

/// Serves until `shutdown`, then stops accepting, lets the requests in flight finish, and returns.
///
/// What was said on connections until then is answered, also on those that were accepted a moment
/// before: nobody whose connection was taken is left without an answer.
///
/// `service` is a dressed router ([`crate::layers::dress`]) or anything that takes what axum takes.
pub async fn serve<S>(
    listener: TcpListener,
    service: S,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
    tracker: Tracker,
) -> Drained
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    tracker.set_limits(limits);
    // Nothing is sent: the channel closes when the last connection has gone.
    let (alive, mut all_gone) = mpsc::channel::<Infallible>(1);
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                recover(&error, &tracker.crowd).await;
                continue;
            }
        };
        let limits = tracker.limits();
        let Some(place) = tracker.crowd.admit(peer.ip(), &limits) else {
            tracing::debug!(%peer, "refused a connection: there are too many, and none is idle");
            continue;
        };
        let connection =
            Connection { service: service.clone(), limits, stage: tracker.stage.subscribe(), peer, place };
        let alive = alive.clone();
        tokio::spawn(async move {
            connection.run(stream).await;
            drop(alive);
        });
    }
    drop(listener);
    drop(alive);
    tracker.stage.send_replace(Stage::Draining);
    if tokio::time::timeout(tracker.limits().drain, all_gone.recv()).await.is_ok() {
        return Drained { cut: 0 };
    }
    let cut = tracker.connections();
    tracker.stage.send_replace(Stage::Cut);
    all_gone.recv().await;
    Drained { cut }
}

/// After an `accept` that failed. Without a descriptor to spare it would fail again at once, so an
/// idle connection makes room first; the rest are connections that died in the queue.
async fn recover(error: &std::io::Error, crowd: &Crowd) {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        return;
    }
    tracing::error!(%error, "could not accept a connection");
    crowd.make_room();
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// One connection and all that it needs.
struct Connection<S> {
    service: S,
    limits: Arc<Limits>,
    stage: watch::Receiver<Stage>,
    peer: SocketAddr,
    place: Place,
}

impl<S> Connection<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    async fn run(mut self, stream: TcpStream) {
        // An answer is written at once and whole; waiting for more would only delay it.
        let _ = stream.set_nodelay(true);
        let meter = self.place.meter().clone();
        let sniffed = tokio::select! {
            sniffed = wire::sniff(stream, meter.clone(), self.limits.clone()) => sniffed,
            () = meter.evicted() => return,
            // Whoever connected a moment before is about to ask, and had no other server to ask.
            () = patience_over(&mut self.stage) => return,
        };
        let Ok(wire) = sniffed else { return };
        match wire.protocol() {
            Protocol::Http1 => {
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    // The wire's own times are finer: hyper has one for idleness and heads together.
                    .header_read_timeout(None)
                    .max_headers(self.limits.headers)
                    .max_header_size(self.limits.head_bytes)
                    // Below it hyper panics; it bounds what is read ahead of a slow handler too.
                    .max_buf_size(self.limits.head_bytes.max(8 * 1024) + 1)
                    .serve_connection(TokioIo::new(wire), self.answering());
                self.drive(connection).await;
            }
            Protocol::Http2 => {
                let connection = http2::Builder::new(TokioExecutor::new())
                    .timer(TokioTimer::new())
                    .max_concurrent_streams(self.limits.streams)
                    .max_header_list_size(u32::try_from(self.limits.head_bytes).unwrap_or(u32::MAX))
                    // Rapid reset (CVE-2023-44487) and its kin end in GOAWAY.
                    .max_pending_accept_reset_streams(20)
                    .max_local_error_reset_streams(64)
                    .max_send_buf_size(256 * 1024)
                    .keep_alive_interval(Duration::from_secs(20))
                    .keep_alive_timeout(self.limits.write)
                    .serve_connection(TokioIo::new(wire), self.answering());
                self.drive(connection).await;
            }
        }
    }

    /// Each request of this connection, with its peer, its body's time, and counted until the last
    /// byte of its answer has been handed over.
    fn answering(
        &self,
    ) -> impl hyper::service::Service<
        Request<Incoming>,
        Response = Response<Counted>,
        Error = Infallible,
        Future: Send,
    > + use<S> {
        let (service, meter, peer) = (self.service.clone(), self.place.meter().clone(), Peer(self.peer));
        let limits = self.limits.clone();
        hyper::service::service_fn(move |request: Request<Incoming>| {
            let busy = meter.begin();
            let mut request = request.map(|body| Timed::wrap(body, limits.body));
            request.extensions_mut().insert(peer);
            let badly_headed = refuse_head(&request, &limits);
            let service = service.clone();
            async move {
                let response = match badly_headed {
                    Some(status) => bare(status),
                    None => service.oneshot(request).await?,
                };
                Ok(response.map(|body| Counted::new(body, busy)))
            }
        })
    }

    async fn drive<C: GracefulConnection<Error = hyper::Error>>(mut self, connection: C) {
        let meter = self.place.meter().clone();
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            () = meter.evicted() => return,
            // hyper would close one that has not asked anything yet, also where the question is there
            // and nobody has looked.
            () = async {
                reached(&mut self.stage, Stage::Draining).await;
                tokio::select! {
                    () = meter.asked() => {}
                    () = patience_over(&mut self.stage) => {}
                }
            } => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection => ended,
                    () = reached(&mut self.stage, Stage::Cut) => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(peer = %self.peer, %error, "a connection ended badly");
        }
    }
}

/// What hyper lets pass in a head.
fn refuse_head(request: &Request<Body>, limits: &Limits) -> Option<StatusCode> {
    // It bounds the bytes of an HTTP/2 head, not its fields.
    if request.headers().len() > limits.headers {
        return Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
    // RFC 9112 section 3.2: none and two are both 400, or a proxy may have meant another host.
    let hosts = request.headers().get_all(HOST).iter().count();
    (request.version() == Version::HTTP_11 && hosts != 1).then_some(StatusCode::BAD_REQUEST)
}

/// As hyper answers a head that it cannot read.
fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if status == StatusCode::BAD_REQUEST {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Once the server stops, and whoever has not asked yet has had the time to.
async fn patience_over(stage: &mut watch::Receiver<Stage>) {
    reached(stage, Stage::Draining).await;
    tokio::select! {
        () = tokio::time::sleep(NEWCOMER) => {}
        () = reached(stage, Stage::Cut) => {}
    }
}

async fn reached(stage: &mut watch::Receiver<Stage>, wanted: Stage) {
    // An error means that the server's own end is gone, which is as late as can be.
    let _ = stage.wait_for(|stage| *stage >= wanted).await;
}

#[cfg(test)]
#[path = "server/tests.rs"]
mod tests;
