//! `jeton webhook …`: programs that are told what an account's journal says.

use api::webhooks::{CreateWebhook, Delivery, DeliveryStatus, EditWebhook, Webhook, WebhookStatus};
use clap::{Args, Subcommand, ValueEnum};

use super::http::Request;
use super::noun::verbs::{self, EndArgs, ListArgs, OneArgs};
use super::noun::{self, Facts, Noun, PageArgs, Place, named, word};
use super::{ServerArgs, output};
use crate::exit::Failure;

/// Has programs told what happens in an account, signed after Standard Webhooks.
///
/// For whoever may change the account's policy and read its journal.
#[derive(Debug, Subcommand)]
#[command(before_help = "\
Examples:
  jeton webhook create audit --url https://hooks.example/jeton --action token > secret
  jeton webhook deliveries whk_0123456789ab
  jeton webhook redeliver whk_0123456789ab 42")]
pub enum WebhookCommand {
    /// Lists the webhooks of an account.
    #[command(before_help = "\
Examples:
  jeton webhook list
  jeton webhook list --json | jq -r '.items[] | select(.status == \"failing\").url'")]
    List(ListArgs<Webhook>),
    /// Shows a webhook and how it fares.
    #[command(before_help = "\
Examples:
  jeton webhook show whk_0123456789ab
  jeton webhook show whk_0123456789ab --json")]
    Show(OneArgs<Webhook>),
    Create(CreateArgs),
    Edit(EditArgs),
    RotateSecret(RotateArgs),
    Deliveries(DeliveriesArgs),
    Redeliver(RedeliverArgs),
    /// Ends a webhook; what was under way is not delivered any more.
    #[command(alias = "remove")]
    #[command(before_help = "\
Examples:
  jeton webhook delete whk_0123456789ab
  jeton webhook delete whk_0123456789ab --yes")]
    Delete(EndArgs<Webhook>),
}

/// # Errors
/// Whatever kept it from being done.
pub fn run(command: WebhookCommand) -> Result<(), Failure> {
    match command {
        WebhookCommand::List(args) => verbs::list(&args),
        WebhookCommand::Show(args) => verbs::show(&args),
        WebhookCommand::Create(args) => create(args),
        WebhookCommand::Edit(args) => edit(args),
        WebhookCommand::RotateSecret(args) => rotate(&args),
        WebhookCommand::Deliveries(args) => deliveries(&args),
        WebhookCommand::Redeliver(args) => redeliver(&args),
        WebhookCommand::Delete(args) => verbs::remove(&args, "delete", "deleted"),
    }
}

/// Makes a webhook and prints its secret, once, alone on standard output.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton webhook create audit --url https://hooks.example/jeton > secret
  jeton webhook create leavers --url https://hooks.example/hr --action member.removed")]
pub struct CreateArgs {
    /// What it is called.
    name: String,
    /// Where it goes, `https://…`.
    #[arg(long, value_name = "URL")]
    url: String,
    /// What it is told: `token.created`, or `token` for all about tokens; repeatable [default: all].
    #[arg(long, value_name = "ACTION", value_delimiter = ',')]
    action: Vec<String>,
    #[command(flatten)]
    server: ServerArgs,
}

fn create(args: CreateArgs) -> Result<(), Failure> {
    let body = CreateWebhook { name: args.name, url: args.url, actions: args.action, enabled: None };
    let mut desk = args.server.open()?;
    let route = ServerArgs::route(&mut desk, &[Webhook::ROUTE])?;
    let answer = desk.send(&Request::post(route, &body).once())?;
    noun::hand_over::<Webhook>(&answer, args.server.json(), "created")
}

/// Changes where a webhook goes and what it is told, or turns it off and on.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton webhook edit whk_0123456789ab --url https://hooks.example/other
  jeton webhook edit whk_0123456789ab --turn off
  jeton webhook edit whk_0123456789ab --all-actions")]
pub struct EditArgs {
    #[arg(value_name = Webhook::VALUE, help = Webhook::ID)]
    id: String,
    /// What it is called from now on.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Where it goes from now on.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// What it is told from now on, instead of what it is told now; repeatable.
    #[arg(long, value_name = "ACTION", value_delimiter = ',')]
    action: Vec<String>,
    /// Tell it everything.
    #[arg(long, conflicts_with = "action")]
    all_actions: bool,
    /// Whether it is told anything. Turned on again, it is told what happens from then on.
    #[arg(long, value_enum, value_name = "HOW")]
    turn: Option<Turn>,
    /// Refuse if it changed since it had this version.
    #[arg(long, value_name = "NUMBER")]
    version_is: Option<i64>,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Turn {
    On,
    Off,
}

fn edit(args: EditArgs) -> Result<(), Failure> {
    let body = EditWebhook {
        name: args.name,
        url: args.url,
        actions: (args.all_actions || !args.action.is_empty()).then_some(args.action),
        enabled: args.turn.map(|turn| turn == Turn::On),
        version: args.version_is,
    };
    verbs::edit::<Webhook, _>(&args.server, &args.id, &body)
}

/// Gives a webhook a new secret and prints it, once; for a day deliveries are signed with both.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton webhook rotate-secret whk_0123456789ab > secret
  jeton webhook rotate-secret whk_0123456789ab --json")]
pub struct RotateArgs {
    #[arg(value_name = Webhook::VALUE, help = Webhook::ID)]
    id: String,
    #[command(flatten)]
    server: ServerArgs,
}

fn rotate(args: &RotateArgs) -> Result<(), Failure> {
    let mut desk = args.server.open()?;
    let route = ServerArgs::route(&mut desk, &[Webhook::ROUTE, &args.id, "rotate-secret"])?;
    let answer = desk.send(&Request::post(route, &api::Empty {}).once())?;
    noun::hand_over::<Webhook>(&answer, args.server.json(), "rotated the secret of")
}

/// Lists what a webhook was told and is to be told, the newest first.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton webhook deliveries whk_0123456789ab
  jeton webhook deliveries whk_0123456789ab --all --json | jq '.items[].seq'")]
pub struct DeliveriesArgs {
    #[arg(value_name = Webhook::VALUE, help = Webhook::ID)]
    id: String,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    server: ServerArgs,
}

fn deliveries(args: &DeliveriesArgs) -> Result<(), Failure> {
    let mut desk = args.server.open()?;
    let route = ServerArgs::route(&mut desk, &[Webhook::ROUTE, &args.id, "deliveries"])?;
    noun::list::<Delivery>(&mut desk, &Request::get(route), &args.page, args.server.json())
}

/// Tells a webhook once more, at once.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton webhook redeliver whk_0123456789ab 42
  jeton webhook redeliver whk_0123456789ab 42 --json")]
pub struct RedeliverArgs {
    #[arg(value_name = Webhook::VALUE, help = Webhook::ID)]
    id: String,
    /// The number of the journal's entry, as `deliveries` shows it.
    #[arg(value_name = "SEQ")]
    delivery: i64,
    #[command(flatten)]
    server: ServerArgs,
}

fn redeliver(args: &RedeliverArgs) -> Result<(), Failure> {
    let mut desk = args.server.open()?;
    let seq = args.delivery.to_string();
    let route = ServerArgs::route(&mut desk, &[Webhook::ROUTE, &args.id, "deliveries", &seq, "redeliver"])?;
    let answer = desk.send(&Request::post(route, &api::Empty {}))?;
    noun::report::<Delivery>(&answer, args.server.json(), "to be sent again:", &seq)
}

impl Noun for Webhook {
    const ONE: &'static str = "webhook";
    const MANY: &'static str = "webhooks";
    const ID: &'static str = "The webhook, as in `whk_0123456789ab`";
    const ROUTE: &'static str = "webhooks";
    const HEAD: &'static [&'static str] = &["ID", "NAME", "STATUS", "URL", "ACTIONS", "WAITING"];
    const DISPENSABLE: &'static [&'static str] = &["ACTIONS", "WAITING"];
    type Place = ServerArgs;

    fn row(&self, time: fn(&str) -> String) -> Vec<String> {
        let status = match (&self.failing_since, self.status) {
            (Some(since), WebhookStatus::Failing) => format!("failing since {}", time(since)),
            (_, status) => word(&status),
        };
        vec![
            self.id.clone(),
            self.name.clone(),
            status,
            self.url.clone(),
            actions(self),
            self.waiting.to_string(),
        ]
    }

    fn facts(&self) -> Facts {
        Facts::default()
            .with("id", &self.id)
            .with("name", &self.name)
            .with("account", &self.account)
            .with("url", &self.url)
            .with("actions", actions(self))
            .with("status", word(&self.status))
            .at("failing since", self.failing_since.as_deref())
            .with("waiting", self.waiting.to_string())
            .with_any("missed", (self.missed > 0).then(|| self.missed.to_string()))
            .at("older secret until", self.older_secret_until.as_deref())
            .with("created", output::time(&self.created_at))
            .with("version", self.version.to_string())
    }

    fn called(&self) -> String {
        named(&self.id, &self.name)
    }
}

fn actions(webhook: &Webhook) -> String {
    if webhook.actions.is_empty() { "all".to_owned() } else { webhook.actions.join(" ") }
}

impl Noun for Delivery {
    const ONE: &'static str = "delivery";
    const MANY: &'static str = "deliveries";
    const ID: &'static str = "The number of the journal's entry";
    const ROUTE: &'static str = "deliveries";
    const HEAD: &'static [&'static str] =
        &["SEQ", "ACTION", "SUBJECT", "STATUS", "TRIES", "LAST ANSWER", "NEXT TRY"];
    const DISPENSABLE: &'static [&'static str] = &["TRIES", "SUBJECT"];
    type Place = ServerArgs;

    fn row(&self, time: fn(&str) -> String) -> Vec<String> {
        let answer = match (self.answer, &self.error) {
            (Some(status), _) => status.to_string(),
            (None, Some(error)) => error.clone(),
            (None, None) => String::new(),
        };
        let status = match self.status {
            DeliveryStatus::GivenUp => "given up".to_owned(),
            status => word(&status),
        };
        vec![
            self.seq.to_string(),
            self.action.clone(),
            self.subject.clone(),
            status,
            self.tries.to_string(),
            answer,
            self.next_try_at.as_deref().map(time).unwrap_or_default(),
        ]
    }

    fn facts(&self) -> Facts {
        let names = ["seq", "action", "subject", "status", "tries", "last answer", "next try"];
        names.into_iter().zip(self.row(output::time)).fold(Facts::default(), |facts, (n, v)| facts.with(n, v))
    }

    fn called(&self) -> String {
        format!("{} {}", self.seq, self.action)
    }
}
