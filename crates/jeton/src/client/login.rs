//! `jeton login`, `logout` and `whoami`.

use std::path::{Path, PathBuf};

use api::sessions::{CreateSession, StartedSession};
use api::tokens::{SelfToken, TokenKind};
use clap::Args;

use super::credentials::{self, Credentials};
use super::http::{Request, Server};
use super::{DEFAULT_SERVER, Desk, WholeServerArgs, filled, input, noun, output};
use crate::exit::{Exit, Failure};

/// Signs in and keeps the credential for later commands.
///
/// It is kept in $XDG_CONFIG_HOME/jeton/credentials.toml, or ~/.config/jeton/credentials.toml, readable by
/// you only. With --token-file a token that exists already is kept instead of a new login.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton login --server https://tokens.example.com --email ada@example.com
  pass show jeton | jeton login --email ada@example.com --password-file -
  jeton login --server https://tokens.example.com --token-file token")]
pub struct LoginArgs {
    /// Your e-mail address; asked for where there is a terminal.
    #[arg(long, value_name = "EMAIL", conflicts_with = "token_file")]
    email: Option<String>,
    /// The file that holds your password, `-` for standard input; asked for where there is a terminal.
    #[arg(long, value_name = "FILE", conflicts_with = "token_file")]
    password_file: Option<PathBuf>,
    /// The file that holds a one-time code, for those who use them; asked for where there is a terminal.
    #[arg(long, value_name = "FILE", conflicts_with = "token_file")]
    one_time_code_file: Option<PathBuf>,
    /// Where in the account's tree the session holds [default: /].
    #[arg(long, value_name = "PATH", conflicts_with = "token_file")]
    node: Option<String>,
    /// The file that holds a token to keep, `-` for standard input.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The account, for whoever is a member of several.
    #[arg(long, value_name = "SLUG", env = "JETON_ACCOUNT", hide_env_values = true)]
    account: Option<String>,
    #[command(flatten)]
    server: WholeServerArgs,
}

/// Ends the session and forgets it.
///
/// A token that was kept with `login --token-file` is forgotten, and stays good.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton logout
  jeton logout --local")]
pub struct LogoutArgs {
    /// Only forget it here, as when the server is gone.
    #[arg(long)]
    local: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Shows what the credential is and what it may do.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton whoami
  JETON_TOKEN_FILE=token jeton whoami --json")]
pub struct WhoamiArgs {
    #[command(flatten)]
    server: WholeServerArgs,
}

pub fn login(args: LoginArgs) -> Result<(), Failure> {
    let stored = Credentials::load().unwrap_or_default();
    let known = stored.as_ref().map(|stored| stored.server.as_str());
    let mut server = Server::at(args.server.server().or(known).unwrap_or(DEFAULT_SERVER))?;
    if server.is_in_the_clear() {
        output::say(&format!(
            "warning: {} is not encrypted; others on the way can read your token",
            server.url()
        ));
    }
    match &args.token_file {
        Some(file) => keep(&mut server, file, &args),
        None => log_in(&server, &args),
    }
}

/// Asks who the token is before it is kept, so that a wrong one is refused now and not later.
fn keep(server: &mut Server, file: &Path, args: &LoginArgs) -> Result<(), Failure> {
    let token = input::secret(file, "token")?;
    server.speak_with(&token)?;
    let answer = server.send(&Request::get("/v1/tokens/self"))?;
    let own: SelfToken = answer.read()?;
    if filled(args.account.as_ref()).is_some_and(|account| account != own.token.account) {
        return Err(Failure::usage(format!("the token belongs to the account {}", own.token.account)));
    }
    let account = Some(own.token.account.clone());
    Credentials { server: server.url().to_owned(), account, token, refresh_token: None }.save()?;
    output::say(&format!("kept {} of {} for {}", own.token.id, own.token.holder.name, server.url()));
    if args.server.json() { output::data(&answer.text) } else { Ok(()) }
}

fn log_in(server: &Server, args: &LoginArgs) -> Result<(), Failure> {
    let person = input::a_person_is_there();
    let email = match &args.email {
        Some(email) => email.clone(),
        None if person => input::line("e-mail address")?,
        None => return Err(Failure::usage("who signs in?").help("give --email EMAIL, or --token-file FILE")),
    };
    let password = match &args.password_file {
        Some(file) => input::secret(file, "password")?,
        None if person => input::hidden("password")?,
        None => {
            let help = "give --password-file FILE, or - for standard input";
            return Err(Failure::usage("there is no terminal to ask for the password").help(help));
        }
    };
    let file = args.one_time_code_file.as_deref();
    let mut body = CreateSession {
        email,
        password,
        one_time_code: file.map(|file| input::secret(file, "one-time code")).transpose()?,
        account: filled(args.account.as_ref()).map(str::to_owned),
        node: args.node.clone(),
    };
    let mut answer = server.send(&Request::post("/v1/sessions", &body));
    if let Err(asked) = &answer
        && asked.is_about("one_time_code")
        && body.one_time_code.is_none()
    {
        if !person {
            let help = "give a code that your app shows now with --one-time-code-file FILE";
            return Err(Failure::new(Exit::Denied, "you use one-time codes, and none was given").help(help));
        }
        body.one_time_code = Some(input::hidden("one-time code")?);
        answer = server.send(&Request::post("/v1/sessions", &body));
    }
    let answer = answer.map_err(|mut refused| {
        if refused.is("unauthenticated") {
            // The server does not say which of them it is; nobody shall learn who has a login.
            refused.sentence = format!("{} does not let you in", server.url());
            let which = match body.one_time_code {
                Some(_) => "the e-mail address, the password, the one-time code or the account is wrong",
                None => "the e-mail address, the password or the account is wrong",
            };
            refused.help = Some(which.to_owned());
        }
        refused
    })?;
    let started: StartedSession = answer.read()?;
    let member = started.member;
    let refreshed = started.refresh_token.is_some();
    Credentials {
        server: server.url().to_owned(),
        account: Some(member.account.clone()),
        token: started.token,
        refresh_token: started.refresh_token,
    }
    .save()?;
    // What can be refreshed is, whenever a command needs it.
    let end = started.expires_at.filter(|_| !refreshed);
    let until = end.map_or_else(String::new, |time| format!(" until {}", output::time(&time)));
    output::say(&format!("signed in to {} as {} ({}){until}", member.account, member.name, member.role));
    // The token is kept, not shown.
    if args.server.json() { output::data(&serde_json::json!({"member": member}).to_string()) } else { Ok(()) }
}

pub fn logout(args: LogoutArgs) -> Result<(), Failure> {
    let stored = match Credentials::load() {
        // What cannot be read can still be forgotten.
        Err(_) if args.local => {
            Credentials::forget()?;
            output::say("forgotten here");
            return done(args.json, false);
        }
        Err(broken) => {
            return Err(broken.help("`jeton logout --local` forgets it; `jeton login` replaces it"));
        }
        Ok(None) => {
            output::say("there was no login");
            return done(args.json, false);
        }
        Ok(Some(stored)) => stored,
    };
    let login = stored.token.expose().contains("_ses_");
    if login && !args.local {
        let mut server = Server::at(&stored.server)?;
        server.speak_with(&stored.token)?;
        // A login whose token ran out lives on in its refresh token, so it is refreshed to be ended.
        let mut desk = Desk { server, account: None, stored: Some(stored) };
        match desk.send(&Request::delete("/v1/sessions/self")) {
            // It ended before; what is left is to forget it.
            Err(refused) if refused.is("unauthenticated") => {}
            Err(refused) => {
                return Err(refused.help("`jeton logout --local` forgets the login without ending it"));
            }
            Ok(_) => {}
        }
    }
    Credentials::forget()?;
    let ended = login && !args.local;
    output::say(if ended { "signed out" } else { "forgotten here; the token itself stays good" });
    done(args.json, ended)
}

fn done(json: bool, ended: bool) -> Result<(), Failure> {
    if json { output::data(&serde_json::json!({"ended": ended}).to_string()) } else { Ok(()) }
}

pub fn whoami(args: WhoamiArgs) -> Result<(), Failure> {
    let mut desk = Desk::of_server(&args.server)?;
    let answer = desk.send(&Request::get("/v1/tokens/self"))?;
    if args.server.json() {
        return output::data(&answer.text);
    }
    let own: SelfToken = answer.read()?;
    let from = if credentials::from_environment()?.is_some() { "the environment" } else { "the login" };
    let token = &own.token;
    let mut facts = vec![
        ("server", desk.server.url().to_owned()),
        ("account", token.account.clone()),
        ("holder", format!("{} ({})", token.holder.name, token.holder.id)),
        ("token", format!("{} ({}, from {from})", token.id, kind(token.kind))),
        ("grant", noun::grant(&token.permission)),
        ("node", token.node.clone()),
        ("expires", token.expires_at.as_deref().map_or_else(|| "never".to_owned(), output::time)),
    ];
    facts.extend(own.role.map(|role| ("role", role)));
    // The longest one last.
    facts.push(("permissions", own.permissions.join(" ")));
    output::data(&output::facts(&facts))
}

fn kind(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Pat => "a member's token",
        TokenKind::Sat => "a service account's token",
        TokenKind::Ses => "a session",
        TokenKind::Rft => "refreshes a session",
        TokenKind::Svc => "a service's key",
    }
}
