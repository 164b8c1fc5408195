//! A body that is written while it is sent. Only a few pieces wait, so whoever writes goes no faster
//! than the client reads.

use std::error::Error;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use hyper::body::{Body as HttpBody, Frame};
use tokio::sync::{mpsc, oneshot};

/// Pieces that wait to be sent.
const WAITING: usize = 2;

/// How long a piece waits before its reader is looked at again. Less than the second within which a
/// stream must end whose reader may read no more.
const LOOK: Duration = Duration::from_millis(800);

pub(crate) type Cause = Box<dyn Error + Send + Sync>;

/// Whoever reads what is sent.
pub(crate) trait Reader: Send {
    /// Whether they may still read it.
    fn look_again(&mut self) -> impl Future<Output = Result<(), Cause>> + Send;
}

/// The end at which the body is written. It ends well when this is dropped, once all of it was sent.
pub(crate) struct Sender {
    pieces: mpsc::Sender<Bytes>,
    cut: oneshot::Sender<Option<Cause>>,
}

/// The end that is sent.
pub(crate) struct Stream {
    pieces: mpsc::Receiver<Bytes>,
    /// None once nobody can cut it short any more.
    cut: Option<oneshot::Receiver<Option<Cause>>>,
    over: bool,
}

impl Stream {
    pub(crate) fn new() -> (Sender, Stream) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let (cut, is_cut) = oneshot::channel();
        (Sender { pieces: sender, cut }, Stream { pieces: receiver, cut: Some(is_cut), over: false })
    }
}

impl Sender {
    /// Waits for its turn. False: the client is gone.
    pub(crate) async fn send(&self, piece: Vec<u8>) -> bool {
        self.pieces.send(piece.into()).await.is_ok()
    }

    /// Hands a piece over to a client that may take its time, but no longer than `patience`, and all the
    /// while looks again whether it may have it. False: the client is gone.
    ///
    /// # Errors
    /// The reader may not have it any more, or takes too long.
    pub(crate) async fn hand_over(
        &self,
        piece: Vec<u8>,
        patience: Duration,
        reader: &mut impl Reader,
    ) -> Result<bool, Cause> {
        let mut sending = pin!(self.send(piece));
        let mut too_long = pin!(tokio::time::sleep(patience));
        loop {
            tokio::select! {
                biased;
                taken = &mut sending => return Ok(taken),
                () = &mut too_long => return Err("the client does not read what it asked for".into()),
                () = tokio::time::sleep(LOOK) => reader.look_again().await?,
            }
        }
    }

    /// Breaks off at once, so that the client sees that something is missing. What waits is not sent.
    pub(crate) fn fail(self, cause: impl Into<Cause>) {
        // A client that is gone misses nothing.
        let _ = self.cut.send(Some(cause.into()));
    }

    /// Ends at once. What waits is not sent.
    pub(crate) fn end(self) {
        let _ = self.cut.send(None);
    }

    /// Waits until the client is gone.
    pub(crate) async fn closed(&self) {
        self.pieces.closed().await;
    }
}

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = Cause;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cause>>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Some(cut) = &mut self.cut
            && let Poll::Ready(cut) = Pin::new(cut).poll(cx)
        {
            self.cut = None;
            if let Ok(cause) = cut {
                self.over = true;
                return Poll::Ready(cause.map(Err));
            }
        }
        let piece = ready!(self.pieces.poll_recv(cx));
        self.over = piece.is_none();
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
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
        sender.fail("the database is away");
        assert!(stream.frame().await.unwrap().is_err());
        let (sender, mut stream) = Stream::new();
        drop(sender);
        assert!(stream.frame().await.is_none());
    }

    #[tokio::test]
    async fn what_waits_is_not_sent_once_it_is_over() {
        let (sender, mut stream) = Stream::new();
        assert!(sender.send(vec![7]).await && sender.send(vec![8]).await);
        assert_eq!(stream.frame().await.unwrap().unwrap().into_data().unwrap().len(), 1);
        sender.end();
        assert!(stream.frame().await.is_none() && stream.frame().await.is_none());
        let (sender, mut stream) = Stream::new();
        assert!(sender.send(vec![7]).await);
        sender.fail("no more for you");
        assert!(stream.frame().await.unwrap().is_err());
        assert!(stream.frame().await.is_none());
    }

    #[tokio::test]
    async fn a_piece_waits_as_long_as_there_is_patience_and_its_reader_may_have_it() {
        let (sender, _stream) = Stream::new();
        let patience = 2 * LOOK + LOOK / 2;
        let mut reader = Looked { times: 0, may: true };
        for _ in 0..WAITING {
            assert!(sender.hand_over(vec![7], patience, &mut reader).await.unwrap());
        }
        let slow = sender.hand_over(vec![8], patience, &mut reader).await;
        assert!(slow.unwrap_err().to_string().contains("does not read"));
        assert_eq!(reader.times, 2);
        let mut reader = Looked { times: 0, may: false };
        let refused = sender.hand_over(vec![8], patience, &mut reader).await;
        assert_eq!((refused.unwrap_err().to_string().as_str(), reader.times), ("not any more", 1));
    }

    struct Looked {
        times: usize,
        may: bool,
    }

    impl Reader for Looked {
        async fn look_again(&mut self) -> Result<(), Cause> {
            self.times += 1;
            if self.may { Ok(()) } else { Err("not any more".into()) }
        }
    }

    fn polled<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(std::task::Waker::noop()))
    }
}
