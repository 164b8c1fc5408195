//! Connections: one each for those who write and who follow, a pool for those who read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use futures_util::future::poll_fn;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::contract::Unavailable;
use crate::place;

/// How long a read may take, the wait for a connection included, before its connection is given up.
/// Who looks for what memory lacks may have to wait for the read before as well, so this is less
/// than half of the ten seconds in which everybody hears something.
pub(super) const READ: Duration = Duration::from_secs(4);

/// How to connect.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
}

/// A connection of one's own, ended when dropped.
pub(super) struct Link {
    pub(super) client: Client,
    /// The server said that a commit is not yet where it has to be: its wait for the standby was
    /// cut short (warning 01000).
    warned: Arc<AtomicBool>,
    driver: JoinHandle<()>,
}

impl Link {
    /// `hints` is sent to for every notification, unless it carries `own` as its payload.
    pub(super) async fn open(
        address: &Address,
        hints: Option<(mpsc::Sender<()>, String)>,
    ) -> Result<Self, Unavailable> {
        let connecting = address.config.connect(address.tls.clone());
        let (client, mut connection) = match timeout(place::patience(&address.config), connecting).await {
            Ok(connected) => connected?,
            Err(_) => return Err(late()),
        };
        let warned = Arc::new(AtomicBool::new(false));
        let heard = warned.clone();
        let driver = tokio::spawn(async move {
            loop {
                match poll_fn(|cx| connection.poll_message(cx)).await {
                    Some(Ok(AsyncMessage::Notice(notice))) => {
                        if *notice.code() == SqlState::WARNING {
                            heard.store(true, Ordering::SeqCst);
                        }
                        tracing::debug!("the database says: {}", notice.message());
                    }
                    Some(Ok(AsyncMessage::Notification(said))) => {
                        if let Some((hints, own)) = &hints
                            && said.payload() != own
                        {
                            // Where one waits to be taken, another one says nothing new.
                            let _ = hints.try_send(());
                        }
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return,
                }
            }
        });
        Ok(Self { client, warned, driver })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Whether there was a warning since the last call.
    pub(super) fn was_warned(&self) -> bool {
        self.warned.swap(false, Ordering::SeqCst)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Bounds for what only reads: how long a statement may run and a transaction may idle. Said once a
/// connection, because saying it each time would cost more than most reads. Behind a pooler it reaches
/// the connection that happens to be lent; there [`READ`] is the bound.
const BOUNDS: &str = "SET statement_timeout = '4s'; SET idle_in_transaction_session_timeout = '4s'";

pub(super) fn pool(address: &Address, connections: usize) -> Result<Pool, Unavailable> {
    let patience = place::patience(&address.config);
    let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(address.config.clone(), address.tls.clone(), config);
    Pool::builder(manager)
        .max_size(connections.max(1))
        .runtime(Runtime::Tokio1)
        .post_create(Hook::async_fn(|client, _| {
            Box::pin(async move { client.batch_execute(BOUNDS).await.map_err(HookError::Backend) })
        }))
        .wait_timeout(Some(READ))
        .create_timeout(Some(patience))
        .recycle_timeout(Some(patience))
        .build()
        .map_err(Unavailable::because)
}

impl From<PoolError> for Unavailable {
    fn from(cause: PoolError) -> Self {
        match cause {
            PoolError::Backend(cause) | PoolError::PostCreateHook(HookError::Backend(cause)) => cause.into(),
            PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => late(),
            PoolError::Timeout(TimeoutType::Wait) => Self::because(
                "every connection to the database is busy; raise store.readers, or ask for less at once",
            ),
            other => Self::because(other),
        }
    }
}

pub(super) fn late() -> Unavailable {
    Unavailable::because("the database does not answer")
}
