//! The commands that hand over a secret: `create`, `rotate`, `reveal`.

use api::permission::{Access, Permission};
use api::tokens::{CreateToken, RevealToken, RevealedToken, RotateToken, Token};
use api::{Maybe, Metadata};
use clap::{Args, ValueEnum};

use super::super::http::Request;
use super::super::noun::{self, Place, metadata};
use super::super::{Desk, ReauthArgs, ServerArgs, output};
use super::{not_self, route};
use crate::exit::Failure;

/// What a token is granted.
#[derive(Debug, Args)]
pub(super) struct GrantArgs {
    /// Grant what the role of this name may do.
    #[arg(long, value_name = "ROLE", conflicts_with_all = ["access", "permission", "inherit"])]
    role: Option<String>,
    /// Grant an access level.
    #[arg(long, value_enum, conflicts_with_all = ["permission", "inherit"])]
    access: Option<AccessLevel>,
    /// What the access level is for, as in `devices`; repeatable [default: everything].
    #[arg(long, value_name = "ENTITY", requires = "access")]
    entity: Vec<String>,
    /// Grant a permission, as in `devices:read`; repeatable.
    #[arg(long, value_name = "PERMISSION", conflicts_with = "inherit")]
    permission: Vec<String>,
    /// May do whatever the holder may.
    #[arg(long)]
    inherit: bool,
}

/// full: all actions. write: create and update, no read. read: read.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum AccessLevel {
    Full,
    Write,
    Read,
}

impl GrantArgs {
    /// The grant that the flags name; none is the policy's to choose.
    pub(super) fn permission(&self) -> Option<Permission> {
        let access = |level| match level {
            AccessLevel::Full => Access::Full,
            AccessLevel::Write => Access::Write,
            AccessLevel::Read => Access::Read,
        };
        if let Some(role) = &self.role {
            Some(Permission::Role(role.clone()))
        } else if let Some(level) = self.access {
            let entities = (!self.entity.is_empty()).then(|| self.entity.clone());
            Some(Permission::Access { access: access(level), entities })
        } else if !self.permission.is_empty() {
            Some(Permission::List(self.permission.clone()))
        } else {
            self.inherit.then_some(Permission::Inherit)
        }
    }
}

/// When a token ends.
#[derive(Debug, Args)]
pub(super) struct ExpiryArgs {
    /// End after this period, as in `90d` or `3 months`.
    #[arg(long, value_name = "PERIOD", conflicts_with_all = ["expires_at", "never"])]
    pub(super) expires_in: Option<String>,
    /// End at this time, as in `2030-01-01T00:00:00Z`.
    #[arg(long, value_name = "TIME", conflicts_with = "never")]
    expires_at: Option<String>,
    /// Never end.
    #[arg(long)]
    never: bool,
}

impl ExpiryArgs {
    /// The field `expires_at`: null is never, absent is the policy's to choose.
    pub(super) fn expires_at(&self) -> Maybe<String> {
        match &self.expires_at {
            Some(time) => Maybe::Value(time.clone()),
            None if self.never => Maybe::Null,
            None => Maybe::Absent,
        }
    }
}

/// Makes a token and prints its secret, once, alone on standard output.
///
/// Without a grant or an end the account's policy chooses; what it does not allow is refused with the
/// reason.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton token create ci --role Viewer --expires-in 90d > token
  jeton token create sensors --access write --entity devices --node /sales
  jeton token create deploy --permission devices:read --permission devices:update --json
  jeton token create bot --inherit --never --holder sac_0123456789ab --metadata '{\"team\":\"a\"}'")]
pub struct CreateArgs {
    /// What the token is called.
    name: String,
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    grant: GrantArgs,
    /// Where in the account's tree the grant holds, and below [default: /].
    #[arg(long, value_name = "PATH")]
    node: Option<String>,
    #[command(flatten)]
    expiry: ExpiryArgs,
    /// The time before which it is not good, as in `2030-01-01T00:00:00Z`.
    #[arg(long, value_name = "TIME")]
    not_before: Option<String>,
    /// The member or service account that it acts for [default: you].
    #[arg(long, value_name = "ID")]
    holder: Option<String>,
    /// What to keep with it, as a JSON object.
    #[arg(long, value_name = "JSON", value_parser = metadata)]
    metadata: Option<Metadata>,
    #[command(flatten)]
    reauth: ReauthArgs,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) fn create(args: CreateArgs) -> Result<(), Failure> {
    let mut desk = Desk::open(&args.server)?;
    let route = ServerArgs::route(&mut desk, &["tokens"])?;
    let answer = args.reauth.send(&mut desk, |proof| {
        let body = CreateToken {
            name: args.name.clone(),
            description: args.description.clone(),
            permission: args.grant.permission(),
            node: args.node.clone(),
            expires_at: args.expiry.expires_at(),
            expires_in: args.expiry.expires_in.clone(),
            not_before: args.not_before.clone(),
            holder: args.holder.clone(),
            metadata: args.metadata.clone(),
            conditions: None,
            limits: None,
            password: proof.password.clone(),
            one_time_code: proof.one_time_code.clone(),
        };
        Request::post(route.as_str(), &body).once()
    })?;
    noun::hand_over::<Token>(&answer, args.server.json(), "created")
}

/// Replaces a token's secret and id, and prints the new secret, once, alone on standard output.
///
/// The new token has the same grant and the same length of life. The old one stays good for the
/// grace period.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton token rotate pat_0123456789ab > token
  jeton token rotate pat_0123456789ab --grace '2 hours' > token
  jeton token rotate pat_0123456789ab --password-file password > token
  jeton token rotate self --json")]
pub struct RotateArgs {
    /// The token, as in `pat_0123456789ab`; `self` is the one that asks.
    id: String,
    /// How long the old one stays good, as in `2 hours` [default: not at all].
    #[arg(long, value_name = "PERIOD")]
    grace: Option<String>,
    #[command(flatten)]
    reauth: ReauthArgs,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) fn rotate(args: RotateArgs) -> Result<(), Failure> {
    let mut desk = Desk::open(&args.server)?;
    let route = route(&mut desk, &args.id, &["rotate"])?;
    let answer = args.reauth.send(&mut desk, |proof| {
        let body = RotateToken {
            grace: args.grace.clone(),
            password: proof.password.clone(),
            one_time_code: proof.one_time_code.clone(),
        };
        Request::post(route.as_str(), &body).once()
    })?;
    noun::hand_over::<Token>(&answer, args.server.json(), "rotated; now it is")
}

/// Prints the secret of a token once more, where the account's policy keeps it.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton token reveal pat_0123456789ab > token
  jeton token reveal pat_0123456789ab --password-file password")]
pub struct RevealArgs {
    /// The token, as in `pat_0123456789ab`.
    id: String,
    #[command(flatten)]
    reauth: ReauthArgs,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) fn reveal(args: RevealArgs) -> Result<(), Failure> {
    not_self(&args.id)?;
    let mut desk = Desk::open(&args.server)?;
    let route = ServerArgs::route(&mut desk, &["tokens", &args.id, "reveal"])?;
    let answer = args.reauth.send(&mut desk, |proof| {
        let body =
            RevealToken { password: proof.password.clone(), one_time_code: proof.one_time_code.clone() };
        Request::post(route.as_str(), &body)
    })?;
    if args.server.json() {
        return output::data(&answer.text);
    }
    output::data(answer.read::<RevealedToken>()?.secret.expose())
}
