//! `jeton import`: takes over tokens that were made elsewhere, from a table of what is known of them.

mod rows;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use service::import::{Given, Importer, Outcome, Plan, Refused};
use zeroize::Zeroizing;

use crate::cli::{self, Installation};
use crate::client::output;
use crate::exit::{Exit, Failure};
use crate::wiring;
use rows::Rows;

/// Takes over tokens that were made elsewhere; their holders keep the ones they have.
///
/// A row has what is known of a text, in one of the columns token, sha256, sha512, hmac_sha256, bcrypt or
/// argon2 (the last two with prefix), a name, and whose it is: holder, an id or an external_id. It may
/// have permission (without it what the policy gives where nothing is asked), description, node,
/// created_at, expires_at and metadata. It tells how many tokens act for whom, and with what permission:
/// look at that with --dry-run first, for the table decides it. Rows that cannot be taken are told by line and do not stop the others. A run that was cut off is run again: what is in is passed
/// over. Refused while the server runs; the server must have server.foreign_tokens = true.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton import --account acme --from keys.csv --dry-run
  jeton import --account acme --from keys.csv --holder sac_0123456789ab
  jeton import --account acme --from keys.jsonl --hmac-key hmac.key --refused refused.jsonl")]
pub(crate) struct ImportArgs {
    /// The account that the tokens shall belong to.
    #[arg(long, value_name = "SLUG")]
    pub(crate) account: String,
    /// The table, `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) from: PathBuf,
    /// Its form [default: by the file's name, else jsonl].
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Whose all the rows are: an id or an external_id. A row that names somebody else is refused.
    #[arg(long, value_name = "HOLDER")]
    pub(crate) holder: Option<String>,
    /// The file with the key of hmac_sha256, its bytes as they are.
    #[arg(long, value_name = "FILE")]
    pub(crate) hmac_key: Option<PathBuf>,
    /// Check every row and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write the refused rows' lines and reasons to this file, as JSON lines.
    #[arg(long, value_name = "FILE")]
    pub(crate) refused: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) installation: Installation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Csv,
    Jsonl,
}

/// Rows in one change.
const CHUNK: usize = 20_000;
/// Refused rows that are told one by one.
const TOLD: usize = 20;

pub(crate) fn import(args: &ImportArgs) -> Result<Exit, Failure> {
    let (config, _) = args.installation.load(Vec::new())?;
    if !config.server_foreign_tokens && !args.dry_run {
        return Err(Failure::failed(
            "server.foreign_tokens is false, so the server would refuse every one of these",
        )
        .help("set it in jeton.toml, or JETON_SERVER__FOREIGN_TOKENS=true, for the server as well as here"));
    }
    let account = cli::account(&args.account)?;
    let hmac_key = args.hmac_key.as_deref().map(key).transpose()?;
    let plan = Plan { account, holder: args.holder.clone(), hmac_key, dry_run: args.dry_run };
    let (source, bytes) = source(&args.from)?;
    let read = Arc::new(AtomicU64::new(0));
    let source = Counted { source, read: read.clone() };
    let mut rows = Rows::of(source, format(args))?;
    let mut report = Report::to(args.refused.as_deref())?;
    wiring::block_on(async {
        let desk = wiring::open(&config).await?;
        let done = async {
            let mut importer = desk.import(plan).await?;
            let bar = bar(bytes);
            let done =
                all(&mut rows, &mut importer, &mut report, || bar.set_position(read.load(Ordering::Relaxed)))
                    .await;
            bar.finish_and_clear();
            done
        }
        .await;
        desk.store().close().await;
        done
    })?;
    report.finish()?;
    let exit = report.print(args)?;
    if !config.server_foreign_tokens {
        output::say(
            "server.foreign_tokens is false: without --dry-run this is refused, until it is true for the server as well \
             as here.",
        );
    }
    Ok(exit)
}

/// Imports chunk by chunk.
async fn all(
    rows: &mut Rows<impl Read>,
    importer: &mut Importer<'_>,
    report: &mut Report,
    progress: impl Fn(),
) -> Result<(), Failure> {
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        let mut unread = Vec::new();
        while chunk.len() < CHUNK {
            match rows.next()? {
                Some(Ok(row)) => chunk.push(row),
                Some(Err(refused)) => unread.push(refused),
                None => break,
            }
        }
        let last = chunk.len() < CHUNK;
        let mut outcome = importer.take(chunk).await.map_err(|error| {
            let Failure { sentence, .. } = Failure::from(error);
            let are = if report.imported + report.already == 1 { "is" } else { "are" };
            let rows = output::many(report.imported + report.already, "row");
            Failure::failed(format!("{sentence}; {rows} {are} in"))
                .help("run it again when that is mended: what is in is passed over")
        })?;
        outcome.refused.extend(unread);
        outcome.refused.sort_by_key(|refused| refused.line);
        report.add(outcome)?;
        progress();
        if last {
            return Ok(());
        }
    }
}

/// What became of all rows.
struct Report {
    imported: u64,
    given: BTreeMap<Given, u64>,
    already: u64,
    refused: u64,
    first: Vec<Refused>,
    file: Option<(PathBuf, io::BufWriter<File>)>,
}

impl Report {
    fn to(path: Option<&Path>) -> Result<Self, Failure> {
        let make = |path: &Path| match File::create(path) {
            Ok(file) => Ok((path.to_owned(), io::BufWriter::new(file))),
            Err(cause) => Err(Failure::failed(format!("could not write {}: {cause}", path.display()))),
        };
        let file = path.map(make).transpose()?;
        Ok(Self { imported: 0, given: BTreeMap::new(), already: 0, refused: 0, first: Vec::new(), file })
    }

    fn add(&mut self, outcome: Outcome) -> Result<(), Failure> {
        self.imported += outcome.imported;
        for (given, count) in outcome.given {
            *self.given.entry(given).or_default() += count;
        }
        self.already += outcome.already;
        self.refused += outcome.refused.len() as u64;
        for refused in outcome.refused {
            if let Some((path, file)) = &mut self.file {
                let line = json!({"line": refused.line, "why": refused.why});
                writeln!(file, "{line}").map_err(|cause| {
                    Failure::failed(format!("could not write {}: {cause}", path.display()))
                })?;
            }
            if self.first.len() < TOLD {
                self.first.push(refused);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Failure> {
        match &mut self.file {
            Some((path, file)) => file
                .flush()
                .map_err(|cause| Failure::failed(format!("could not write {}: {cause}", path.display()))),
            None => Ok(()),
        }
    }

    fn print(&self, args: &ImportArgs) -> Result<Exit, Failure> {
        if args.json {
            let first: Vec<_> =
                self.first.iter().map(|refused| json!({"line": refused.line, "why": refused.why})).collect();
            let given = self.given.iter().map(|(Given { holder, name, permission }, count)| {
                json!({"holder": holder, "name": name, "permission": permission, "count": count})
            });
            let given = given.collect::<Vec<_>>();
            let printed = json!({
                "account": args.account, "dry_run": args.dry_run, "imported": self.imported, "given": given,
                "already": self.already, "refused": self.refused, "first_refused": first,
            });
            output::data(&printed.to_string())?;
        } else {
            for refused in &self.first {
                output::say(&format!("line {}: {}", refused.line, refused.why));
            }
            if self.refused > self.first.len() as u64 {
                let where_else = if args.refused.is_some() { "" } else { "; --refused FILE names them all" };
                output::say(&format!("and {} more{where_else}", self.refused - self.first.len() as u64));
            }
            let would = if args.dry_run { "to import" } else { "imported" };
            output::data(&format!(
                "{} {would} into {}, {} in already, {} refused.",
                output::many(self.imported, "token"),
                args.account,
                self.already,
                output::many(self.refused, "row")
            ))?;
            self.print_given()?;
        }
        Ok(if self.refused == 0 { Exit::Done } else { Exit::Failed })
    }
}

impl Report {
    /// For whom they act, and with what: most of them first.
    fn print_given(&self) -> Result<(), Failure> {
        let mut given: Vec<_> = self.given.iter().collect();
        given.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (Given { holder, name, permission }, count) in given.iter().take(TOLD) {
            output::data(&format!("{count} of {name} ({holder}): {permission}"))?;
        }
        if given.len() > TOLD {
            let more = given.len() - TOLD;
            output::data(&format!("and of {more} more holders and permissions; --json tells all"))?;
        }
        Ok(())
    }
}

fn format(args: &ImportArgs) -> Format {
    let csv = args.from.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    args.format.unwrap_or(if csv { Format::Csv } else { Format::Jsonl })
}

/// The table, and its length where that is known.
fn source(path: &Path) -> Result<(Box<dyn Read + Send>, Option<u64>), Failure> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin()), None));
    }
    let file = File::open(path)
        .map_err(|cause| Failure::failed(format!("could not read {}: {cause}", path.display())))?;
    let bytes = file.metadata().ok().map(|file| file.len());
    Ok((Box::new(BufReader::with_capacity(1 << 20, file)), bytes))
}

/// A source that says how far it was read.
struct Counted<R> {
    source: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(to)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

fn key(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let wrong = |why: &str| Failure::failed(format!("could not use the key in {}: {why}", path.display()));
    let mut bytes = Zeroizing::new(Vec::with_capacity(4097));
    let file = File::open(path).map_err(|cause| wrong(&cause.to_string()))?;
    file.take(4097).read_to_end(&mut bytes).map_err(|cause| wrong(&cause.to_string()))?;
    match bytes.len() {
        0 => Err(wrong("it is empty")),
        4097.. => Err(wrong("it is longer than 4096 bytes")),
        _ => Ok(bytes),
    }
}

/// On a terminal how far it is; elsewhere nothing.
fn bar(bytes: Option<u64>) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let target = ProgressDrawTarget::stderr();
    match bytes {
        Some(bytes) => {
            let style = ProgressStyle::with_template("{wide_bar} {percent}% {bytes_per_sec}, {eta} left");
            ProgressBar::with_draw_target(Some(bytes), target)
                .with_style(style.expect("the template is a constant"))
        }
        None => ProgressBar::with_draw_target(None, target),
    }
}
