//! A body that is written while it is sent. Only a few pieces wait, so whoever writes goes no faster
//! than the client reads.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use hyper::body::{Body as HttpBody, Frame};
use tokio::sync::mpsc;

/// Pieces that wait to be sent.
const WAITING: usize = 2;

type Cause = Box<dyn Error + Send + Sync>;

/// The end at which the body is written. It ends well when this is dropped.
pub(crate) struct Sender(mpsc::Sender<Result<Bytes, Cause>>);

/// The end that is sent.
pub(crate) struct Stream(mpsc::Receiver<Result<Bytes, Cause>>);

impl Stream {
    pub(crate) fn new() -> (Sender, Stream) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Sender(sender), Stream(receiver))
    }
}

impl Sender {
    /// Waits for its turn. False: the client is gone.
    pub(crate) async fn send(&self, piece: Vec<u8>) -> bool {
        self.0.send(Ok(piece.into())).await.is_ok()
    }

    /// Breaks off, so that the client sees that something is missing.
    pub(crate) async fn fail(self, cause: impl Into<Cause>) {
        // A client that is gone misses nothing.
        let _ = self.0.send(Err(cause.into())).await;
    }

    /// Waits until the client is gone.
    pub(crate) async fn closed(&self) {
        self.0.closed().await;
    }
}

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = Cause;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cause>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

impl IntoResponse for Stream {
    fn into_response(self) -> Response {
        Body::new(self).into_response()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn whoever_writes_goes_no_faster_than_the_client_reads_and_hears_that_it_is_gone() {
        let (sender, mut stream) = Stream::new();
        for _ in 0..WAITING {
            assert!(sender.send(vec![7; 10]).await);
        }
        let mut one_more = Box::pin(sender.send(vec![8]));
        assert!(polled(&mut one_more).is_pending(), "two pieces wait already");
        assert_eq!(stream.frame().await.unwrap().unwrap().into_data().unwrap().len(), 10);
        assert!(one_more.await);
        drop(stream);
        sender.closed().await;
        assert!(!sender.send(vec![9]).await);
    }

    #[tokio::test]
    async fn what_breaks_off_is_no_end() {
        let (sender, mut stream) = Stream::new();
        sender.fail("the database is away").await;
        assert!(stream.frame().await.unwrap().is_err());
        let (sender, mut stream) = Stream::new();
        drop(sender);
        assert!(stream.frame().await.is_none());
    }

    fn polled<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(std::task::Waker::noop()))
    }
}
