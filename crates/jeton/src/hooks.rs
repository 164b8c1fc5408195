//! The way to webhooks' receivers, as the configuration has it: what the service hands to whoever calls them.

use std::sync::Arc;

use anyhow::Context;
use courier::Courier;
use service::webhooks::{Bringing, Messenger, Parcel};

use crate::config::Config;
use crate::exit::Failure;

struct OnFoot(Courier);

impl Messenger for OnFoot {
    fn bring<'a>(&'a self, parcel: &'a Parcel) -> Bringing<'a> {
        Box::pin(async move {
            let Parcel { target, id, secrets, told, now } = parcel;
            let body = web::event(told.clone());
            self.0.call(courier::Parcel { target, id, now: *now, secrets, body }).await
        })
    }
}

/// What brings things to receivers.
///
/// # Errors
/// Certificates that cannot be used: said at the start, and not to the log with the first delivery.
pub(crate) fn messenger(config: &Config) -> Result<Arc<dyn Messenger>, Failure> {
    let allowed = config.webhooks_allow.clone().unwrap_or_default();
    let courier =
        Courier::new(allowed, config.webhooks_ca.as_deref()).context("webhooks.ca cannot be used")?;
    Ok(Arc::new(OnFoot(courier)))
}
