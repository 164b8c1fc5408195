//! `jeton doctor`: looks at the store and says what is found.

use clap::Args;
use serde_json::json;
use store::place::Place;
use store::{Finding, Verdict};

use crate::cli::Installation;
use crate::client::output;
use crate::exit::{Exit, Failure};
use crate::{access, wiring};

/// Examines the store, changes nothing, and ends with 1 if anything is bad.
///
/// Versions, what makes a commit durable, the schema, the key file, the journal's chain from its
/// beginning to its end, and the peers. It may run beside the server.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton doctor
  jeton doctor --store postgres://jeton@db.example.com/jeton
  jeton doctor --json")]
pub(crate) struct DoctorArgs {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) installation: Installation,
}

pub(crate) fn doctor(args: &DoctorArgs) -> Result<Exit, Failure> {
    let (config, _) = args.installation.load(Vec::new())?;
    let access = access::of(&config)?;
    let findings = wiring::block_on(async { Ok(store::examine(&access, &wiring::clock()).await) })?;
    let healthy = findings.iter().all(|finding| finding.verdict != Verdict::Bad);
    match args.json {
        true => output::data(&diagnosis(&access.place, healthy, &findings).to_string())?,
        false => output::data(&report(&findings))?,
    }
    Ok(if healthy { Exit::Done } else { Exit::Failed })
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
