//! The way to the mail server, as the configuration has it: what the service hands its mails to.

use std::sync::Arc;

use anyhow::Context;
use domain::mail::{Mail, PATIENCE};
use domain::time::DAY;
use mail::{Language, Place, Post, Style, Templates, Writer};
use service::mail::{Carrier, Carrying, Undelivered};
use store::{Finding, Verdict};
use web::console::Locale;

use crate::config::Config;
use crate::exit::Failure;

const DAYS: i64 = PATIENCE / DAY;

struct Carried(Post);

impl Carrier for Carried {
    fn carry<'a>(&'a self, mail: &'a Mail) -> Carrying<'a> {
        Box::pin(async move {
            self.0.send(mail).await.map_err(|failed| {
                let mail::Undelivered { trouble, unreachable, why } = failed;
                Undelivered { trouble, unreachable, why }
            })
        })
    }
}

/// What carries mails; none where no mail server is named. `address`: where people reach this server when
/// nobody has said.
///
/// # Errors
/// A mail server without a sender, a password without a user, templates or certificates that cannot be
/// used: said at the start, and not to the log with the first mail.
///
/// # Panics
/// Outside a Tokio runtime.
pub(crate) fn carrier(config: &Config, address: &str) -> Result<Option<Arc<dyn Carrier>>, Failure> {
    Ok(post(config, address)?.map(|post| Arc::new(Carried(post)) as Arc<dyn Carrier>))
}

fn post(config: &Config, address: &str) -> Result<Option<Post>, Failure> {
    let Some((place, writer)) = of(config, address)? else { return Ok(None) };
    Ok(Some(Post::new(&place, writer).context("mail.url cannot be used")?))
}

/// What is found of the mail server that is named, and what to do where that is not good; none where none is
/// named.
pub(crate) async fn look(config: &Config) -> Result<Option<Finding>, Failure> {
    let (Some(place), Some(post)) = (&config.mail_url, post(config, "")?) else { return Ok(None) };
    let (value, verdict, help) = match post.look().await {
        Ok(()) => (format!("{place} answers"), Verdict::Good, None),
        Err(failed) => {
            let help = format!("{failed}; until it can be asked mails wait, for {DAYS} days at most");
            (format!("{place} cannot be asked"), Verdict::Bad, Some(help))
        }
    };
    Ok(Some(Finding { name: "mail server", value, verdict, help }))
}

/// The mail server and who writes; nothing is asked of it.
pub(crate) fn of(config: &Config, address: &str) -> Result<Option<(Place, Writer)>, Failure> {
    let Some(place) = &config.mail_url else { return Ok(None) };
    let Some(from) = config.mail_from.clone() else {
        let without =
            Failure::failed("mail.url is set, but mail.from is not, so mails would come from nobody");
        return Err(without.help("set mail.from to an address that the mail server sends for"));
    };
    let password = config.mail_password.as_ref().map(store::place::Secret::expose);
    let place = place.clone().with_password(password).context("mail.url cannot be used")?;
    let origin = config.server_public_url.as_ref().map_or(address, |url| &url.0);
    let style = Style {
        language: language(config.console_locale),
        console: format!("{}{}", origin.trim_end_matches('/'), config.console_base.0),
        name: config.console_name.0.clone(),
        accent: config.console_accent.to_string(),
    };
    let templates =
        Templates::read(config.mail_templates.as_deref()).context("mail.templates cannot be used")?;
    let writer = Writer { from, style, templates };
    Ok(Some((place, writer)))
}

/// A mail is asked for no language, so without the operator's choice it is English.
fn language(locale: Option<Locale>) -> Language {
    locale.and_then(|locale| Language::of_tag(locale.tag())).unwrap_or_default()
}
