//! The values of the mail's keys: where mails go, and whom they come from.

use mail::place::redacted;
use mail::{Place, Sender};

use super::key::Setting;

/// The place may carry a password, which is not shown.
impl Setting for Place {
    const ACCEPTS: &'static str =
        "the URL of a mail server, as in `smtp://relay.example.com:587` or `smtps://relay.example.com`";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn why_not(text: &str) -> Option<String> {
        text.parse::<Self>().err().map(|why| why.to_string())
    }

    fn shown(text: &str) -> String {
        redacted(text)
    }
}

impl Setting for Sender {
    const ACCEPTS: &'static str =
        "an address, as in `jeton@example.com` or `Acme tokens <tokens@example.com>`";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}
