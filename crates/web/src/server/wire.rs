//! The bytes of a connection, with patience: how long we wait for a head, for the next request, and
//! for an answer to be taken.
//!
//! hyper's own `header_read_timeout` covers idleness and heads with one time, HTTP/1 only, and
//! nothing covers a client that does not read. So the times are kept here, where the bytes pass.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::Limits;
use super::crowd::Meter;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// RFC 9113 section 3.4.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Reads until it is known which protocol the client speaks, which takes as long as a head may.
pub(super) async fn sniff(mut stream: TcpStream, meter: Arc<Meter>, limits: Arc<Limits>) -> io::Result<Wire> {
    let mut first = Vec::with_capacity(PREFACE.len());
    let since = Instant::now();
    let protocol = timeout(limits.head, async {
        loop {
            let mut rest = [0; PREFACE.len()];
            let wanted = PREFACE.len() - first.len();
            let read = stream.read(&mut rest[..wanted]).await?;
            first.extend_from_slice(&rest[..read]);
            if read == 0 && first.is_empty() {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            if !PREFACE.starts_with(&first) || read == 0 {
                return Ok(Protocol::Http1);
            }
            if first.len() == PREFACE.len() {
                return Ok(Protocol::Http2);
            }
        }
    })
    .await??;
    Ok(Wire {
        stream,
        protocol,
        ahead: io::Cursor::new(first),
        meter,
        limits,
        phase: Phase::Head,
        since,
        begun: 0,
        alarm: None,
        unsent: None,
        linger: None,
    })
}

pub(super) struct Wire {
    stream: TcpStream,
    protocol: Protocol,
    /// What [`sniff`] has read.
    ahead: io::Cursor<Vec<u8>>,
    meter: Arc<Meter>,
    limits: Arc<Limits>,
    phase: Phase,
    /// When the phase began.
    since: Instant,
    /// How many requests had begun when the phase did.
    begun: u64,
    /// Wakes us when a phase may have lasted too long. It is set early rather than anew for each
    /// request, and looks at the phase when it rings.
    alarm: Option<Pin<Box<Sleep>>>,
    /// Runs from the first byte that could not be sent until nothing waits.
    unsent: Option<Pin<Box<Sleep>>>,
    /// Runs from our end of the connection to theirs.
    linger: Option<Pin<Box<Sleep>>>,
}

/// What the client is doing, as far as reading goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Waiting for the next request.
    Idle,
    /// Sending a head.
    Head,
    /// Waiting for us, or sending a body, whose time its reader keeps.
    Busy,
}

impl Wire {
    pub(super) fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn enter(&mut self, phase: Phase) {
        if self.phase != phase {
            self.phase = phase;
            self.since = Instant::now();
        }
    }

    /// Before the phase is looked at: a request may have begun since, or all have ended.
    fn catch_up(&mut self) {
        let begun = self.meter.begun();
        if begun != self.begun {
            self.begun = begun;
            self.enter(Phase::Busy);
        }
        if self.phase == Phase::Busy && self.meter.is_idle() {
            self.enter(Phase::Idle);
        }
    }

    /// After bytes have come.
    fn received(&mut self) {
        self.catch_up();
        // An idle HTTP/2 connection has pings and settings to send; only HTTP/1 says nothing but heads.
        if self.phase == Phase::Idle && self.protocol == Protocol::Http1 {
            self.enter(Phase::Head);
        }
    }

    /// When nothing has come: ready with the phase that has lasted too long.
    fn poll_impatience(&mut self, cx: &mut Context<'_>) -> Poll<Phase> {
        loop {
            self.catch_up();
            let (since, patience) = match self.phase {
                Phase::Idle => (self.since, self.limits.idle),
                Phase::Head => (self.since, self.limits.head),
                // Not a time limit: to look again whether it is idle by then, should nobody ask.
                Phase::Busy => (Instant::now(), self.limits.idle),
            };
            let until = since + patience;
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(until)));
            if alarm.deadline() > until {
                alarm.as_mut().reset(until);
            }
            ready!(alarm.as_mut().poll(cx));
            if self.phase != Phase::Busy && Instant::now() >= until {
                return Poll::Ready(self.phase);
            }
            alarm.as_mut().reset(until);
        }
    }

    /// Holds a writing result to its time.
    fn sent<T>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            return result;
        }
        let patience = self.limits.write;
        let unsent = self.unsent.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + patience)));
        unsent.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        if this.ahead.position() < this.ahead.get_ref().len() as u64 {
            return Pin::new(&mut this.ahead).poll_read(cx, buffer);
        }
        match Pin::new(&mut this.stream).poll_read(cx, buffer) {
            Poll::Ready(Ok(())) => {
                if buffer.filled().len() > before {
                    this.received();
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => match ready!(this.poll_impatience(cx)) {
                // As if the client had closed: hyper ends the connection in good order.
                Phase::Idle => Poll::Ready(Ok(())),
                Phase::Head | Phase::Busy => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            },
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.sent(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.sent(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes when it has written all it had, so this ends the time of what waited.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.unsent = None;
        Poll::Ready(Ok(()))
    }

    /// Ends our direction and waits a moment for theirs. Closing with their bytes unread would reset
    /// the connection, and a client that is still sending would lose the answer that says why.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        const LINGER: Duration = Duration::from_secs(1);
        let this = &mut *self;
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        let linger = this.linger.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + LINGER)));
        if linger.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut space = [0; 4096];
        // Bounded by what one turn may take; the rest waits for the next.
        for _ in 0..16 {
            let mut discarded = ReadBuf::new(&mut space);
            match ready!(Pin::new(&mut this.stream).poll_read(cx, &mut discarded)) {
                Ok(()) if !discarded.filled().is_empty() => {}
                _ => return Poll::Ready(Ok(())),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
