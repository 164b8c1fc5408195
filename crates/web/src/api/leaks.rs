//! Tokens whose texts turned up: `/v1/credentials/revoke` for whoever has one, `/v1/leaks/github` for
//! GitHub's secret scanner.

use std::fmt::Write;
use std::time::Duration;

use api::leaks::{GitHubLabel, GitHubLabels, GitHubMatches, Label, Received, RevokeCredentials};
use domain::change::Actor;
use service::Error;
use token::Digest;
use tokio::time::Instant;

use super::call::{Call, NoQuery, Unread};
use super::door::{Anyone, GitHub};
use super::shape::Accepted;
use super::table::Table;
use crate::json::{self, Json};
use crate::problem::Problem;
use crate::server;

pub(crate) fn routes(table: &mut Table) {
    table.post(
        "/v1/credentials/revoke",
        "revoke_credentials",
        "Ends tokens for good, for whoever has their texts.",
        revoke,
    );
    table.post(
        "/v1/leaks/github",
        "report_github_leaks",
        "Ends the tokens that GitHub's secret scanner found, and says which were ours.",
        github,
    );
}

/// Texts in a request.
const MOST: usize = 100;

/// An answer takes this long at least, so that nobody learns from it whether there was something to end: much
/// longer than that takes.
const SLOW: Duration = Duration::from_millis(250);

/// Answers alike whatever the texts were worth.
async fn revoke(
    call: Call<Anyone, (), NoQuery, Json<RevokeCredentials>>,
) -> Result<Accepted<Received>, Problem> {
    let begun = Instant::now();
    let texts = &call.body.0.credentials;
    if texts.is_empty() || texts.len() > MOST {
        return Err(Problem::invalid_field("credentials", "Send 1 to 100 texts."));
    }
    call.desk().take_report(server::from(&call.parts)).map_err(|error| match error {
        Error::Slowed(wait) => Problem::too_many(
            wait,
            format!("Too many reports; the next is taken in {} s.", wait.as_secs_f64().ceil()),
        ),
        error => error.into(),
    })?;
    let ended = async {
        for text in texts {
            call.desk().found(text.expose().as_bytes(), Actor::Nobody, None).await?;
        }
        Ok::<_, Error>(())
    };
    let ended = ended.await;
    tokio::time::sleep_until(begun + SLOW).await;
    ended?;
    Ok(Accepted(Received { received: texts.len() }))
}

async fn github(
    call: Call<GitHub, (), NoQuery, Unread<GitHubMatches>>,
) -> Result<Json<GitHubLabels>, Problem> {
    // Before a word of it is read.
    if !call.who.0.are(&call.raw) {
        return Err(Problem::unauthenticated());
    }
    let GitHubMatches(matches) = json::from_slice(&call.raw)?;
    let mut labels = Vec::with_capacity(matches.len());
    for found in matches {
        let text = found.token.expose().as_bytes();
        let place = Some(found.url).filter(|url| !url.is_empty());
        let ours = call.desk().found(text, Actor::GitHub, place).await?;
        let mut token_hash = String::with_capacity(2 * Digest::LEN);
        for byte in Digest::of(text).as_bytes() {
            write!(token_hash, "{byte:02x}").expect("a string takes what is written");
        }
        let label = if ours { Label::TruePositive } else { Label::FalsePositive };
        labels.push(GitHubLabel { token_hash, token_type: found.token_type, label });
    }
    Ok(Json(GitHubLabels(labels)))
}
