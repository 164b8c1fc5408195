//! `jeton doctor`: looks at the store and says what is found.

use std::net::{Ipv4Addr, Ipv6Addr};

use clap::Args;
use serde_json::json;
use store::place::Place;
use store::{Configured, Finding, Verdict};

use crate::cli::Installation;
use crate::client::http::{Request, Server};
use crate::client::output;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::{access, post, wiring};

/// Examines the store, changes nothing, and ends with 1 if anything is bad.
///
/// Versions, what makes a commit durable, the schema, the key file, each line of `narrowings.log`,
/// the journal's chain from its beginning to its end, whether it agrees with the signed
/// checkpoints, the peers, and whether the mail server answers. It may run beside the server.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton doctor
  jeton doctor --store postgres://jeton@db.example.com/jeton
  jeton doctor --ready
  jeton doctor --json")]
pub(crate) struct DoctorArgs {
    /// Only ask the server that runs here whether it takes changes: 0 if so, 5 if not.
    #[arg(long)]
    pub(crate) ready: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) installation: Installation,
}

pub(crate) fn doctor(args: &DoctorArgs) -> Result<Exit, Failure> {
    let (config, resolved) = args.installation.load(Vec::new())?;
    if args.ready {
        return ready(&config, args.json);
    }
    let access = access::of(&config)?;
    let by = Configured {
        checkpoints: Some(&config.journal_checkpoints),
        watermark_bytes: config.store_free_space_watermark_bytes,
        named: resolved.is_set("data") || resolved.is_set("store.url"),
    };
    let findings = wiring::block_on(async {
        let mut findings = store::examine(&access, &wiring::clock(), by).await;
        findings.extend(post::look(&config).await?);
        Ok(findings)
    })?;
    let healthy = findings.iter().all(|finding| finding.verdict != Verdict::Bad);
    match args.json {
        true => output::data(&diagnosis(&access.place, healthy, &findings).to_string())?,
        false => output::data(&report(&findings))?,
    }
    Ok(if healthy { Exit::Done } else { Exit::Failed })
}

/// What a container's health check asks.
fn ready(config: &Config, json: bool) -> Result<Exit, Failure> {
    let mut address = config.server_listen;
    if address.ip().is_unspecified() {
        // It listens everywhere, so here too.
        address.set_ip(if address.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        });
    }
    let server = Server::at(&format!("http://{address}"))?;
    let asked = server.send(&Request::get("/readyz")).map_err(|failure| {
        failure.help("it asks `server.listen`; JETON_SERVER__LISTEN or --config names another")
    });
    if json {
        let said = asked.as_ref().err().map(|failure| failure.sentence.clone());
        output::data(&json!({"server": server.url(), "ready": asked.is_ok(), "problem": said}).to_string())?;
        return Ok(asked.map_or_else(|failure| failure.exit, |_| Exit::Done));
    }
    asked?;
    output::data(&format!("{} takes changes", server.url()))?;
    Ok(Exit::Done)
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Note => "note",
        Verdict::Bad => "bad",
    }
}

fn diagnosis(place: &Place, healthy: bool, findings: &[Finding]) -> serde_json::Value {
    let findings: Vec<_> = findings
        .iter()
        .map(|finding| {
            json!({
                "name": finding.name,
                "value": finding.value,
                "verdict": word(finding.verdict),
                "help": finding.help,
            })
        })
        .collect();
    json!({"store": place.to_string(), "healthy": healthy, "findings": findings})
}

/// A line a finding, and below what to do about those that are not good.
fn report(findings: &[Finding]) -> String {
    let rows = findings.iter().map(|finding| {
        vec![word(finding.verdict).to_owned(), finding.name.to_owned(), finding.value.clone()]
    });
    let mut report = output::table(&["VERDICT", "WHAT", "FOUND"], rows);
    for finding in findings {
        if let Some(help) = &finding.help {
            report += &format!("\n\n{} ({}): {help}", finding.name, word(finding.verdict));
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATABASE: &str = "postgres://jeton@db/tokens";

    #[test]
    fn a_report_ends_with_what_to_do() {
        let finding = |name, value: &str, verdict, help: Option<&str>| Finding {
            name,
            value: value.to_owned(),
            verdict,
            help: help.map(str::to_owned),
        };
        let findings = [
            finding("schema", "1", Verdict::Good, None),
            finding("fsync", "off", Verdict::Bad, Some("set fsync = on")),
        ];
        assert_eq!(
            report(&findings),
            "VERDICT  WHAT    FOUND\ngood     schema  1\nbad      fsync   off\n\nfsync (bad): set fsync = on"
        );
        let place: Place = DATABASE.parse().unwrap();
        assert_eq!(
            diagnosis(&place, false, &findings).to_string(),
            r#"{"findings":[{"help":null,"name":"schema","value":"1","verdict":"good"},{"help":"set fsync = on","name":"fsync","value":"off","verdict":"bad"}],"healthy":false,"store":"postgres://jeton@db/tokens"}"#
        );
    }
}
