//! The commands that speak HTTP to a server. What they share stands here: which server, as whom,
//! in which account. No rule of jeton lives here; the server's answer is shown as it comes.

pub mod account;
pub mod credentials;
pub mod holder;
pub mod http;
pub mod input;
pub mod installation;
pub mod journal;
pub mod login;
pub mod member;
mod moment;
pub mod node;
pub mod notice;
pub mod noun;
pub mod output;
pub mod policy;
pub mod role;
pub mod service;
pub mod service_account;
pub mod session;
pub mod sync;
pub mod token;
pub mod webhook;

use std::path::{Path, PathBuf};

use api::Secret;
use api::sessions::{RefreshSession, StartedSession};
use api::tokens::SelfToken;
use clap::Args;

use crate::exit::{Exit, Failure};
use credentials::Credentials;
use http::{Answer, Request, Server};

/// Where a server is looked for when nothing names one: where `jeton serve` listens.
const DEFAULT_SERVER: &str = "http://127.0.0.1:7070";

/// What every command takes that speaks to a server.
#[derive(Debug, Args)]
pub struct ServerArgs {
    #[command(flatten)]
    whole: WholeServerArgs,
    /// The account [default: the token's].
    #[arg(long, value_name = "SLUG", env = "JETON_ACCOUNT", hide_env_values = true)]
    account: Option<String>,
    /// Do it in the name of this member, by id or external id: for a service with `act_as`, and with
    /// --account.
    #[arg(long = "as", value_name = "MEMBER")]
    actor: Option<String>,
}

impl ServerArgs {
    /// Whether JSON is to be printed.
    pub fn json(&self) -> bool {
        self.whole.json
    }
}

/// What a command takes that speaks to a server about more than one account, or about none.
#[derive(Debug, Args)]
pub struct WholeServerArgs {
    /// The server [default: the one of the last login, else http://127.0.0.1:7070].
    #[arg(long, value_name = "URL", env = "JETON_SERVER", hide_env_values = true)]
    server: Option<String>,
    /// Print JSON, as the server sent it.
    #[arg(long)]
    json: bool,
}

impl WholeServerArgs {
    /// Whether JSON is to be printed.
    pub fn json(&self) -> bool {
        self.json
    }

    fn server(&self) -> Option<&str> {
        filled(self.server.as_ref())
    }
}

/// A variable that is set to nothing, as a script may leave it, names nothing.
fn filled(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// For calls where the policy may ask who is there once more.
#[derive(Debug, Args)]
pub struct ReauthArgs {
    /// The file that holds your password, `-` for standard input, where the policy asks again.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// The file that holds a one-time code, for those who use them.
    #[arg(long, value_name = "FILE")]
    pub one_time_code_file: Option<PathBuf>,
}

/// What shows the server who is there once more.
#[derive(Default)]
struct Proof {
    password: Option<Secret>,
    one_time_code: Option<Secret>,
}

impl ReauthArgs {
    /// Whether the password comes from standard input, so that nothing else can.
    fn reads_standard_input(&self) -> bool {
        self.password_file.as_deref() == Some(Path::new("-"))
    }

    /// Sends a request, and where the server asks who is there and a person is, once more with
    /// what they type: the password, and after it the code where they use them.
    fn send(&self, desk: &mut Desk, request: impl Fn(&Proof) -> Request) -> Result<Answer, Failure> {
        const HELP: &str = "--password-file FILE has your password, or - for standard input; a one-time code, if \
                            you use them, is for --one-time-code-file FILE";
        let read = |file: &Option<PathBuf>, what| file.as_deref().map(|path| input::secret(path, what));
        let mut proof = Proof {
            password: read(&self.password_file, "password").transpose()?,
            one_time_code: read(&self.one_time_code_file, "one-time code").transpose()?,
        };
        // Each of the two is asked for once.
        loop {
            let mut asked = match desk.send(&request(&proof)) {
                Err(asked) if asked.is("reauthentication_required") => asked,
                other => return other,
            };
            let (wanted, what) = match asked.is_about("one_time_code") {
                true => (&mut proof.one_time_code, "one-time code"),
                false => (&mut proof.password, "password"),
            };
            if wanted.is_some() || !input::a_person_is_there() {
                if wanted.is_none() {
                    // What the server says there names the fields of a request.
                    let flag = what.replace(' ', "-");
                    asked.sentence = format!("give your {what} again (--{flag}-file)");
                }
                return Err(asked.help(HELP));
            }
            *wanted = Some(input::hidden(what)?);
        }
    }
}

/// A server, a credential for it, and an account there.
pub struct Desk {
    server: Server,
    account: Option<String>,
    /// The stored login, where it is what we speak with; a refresh renews it.
    stored: Option<Credentials>,
}

impl Desk {
    /// Finds the server and the credential: the environment's token (`JETON_TOKEN_FILE`,
    /// `JETON_TOKEN`), else the one of the last login. A stored token goes to its own server only.
    ///
    /// # Errors
    /// When there is no credential, or the server's URL is none.
    pub fn open(args: &ServerArgs) -> Result<Self, Failure> {
        let mut desk = Self::at(args.whole.server(), filled(args.account.as_ref()))?;
        if let Some(actor) = &args.actor {
            // A service has no account of its own that could be meant.
            if filled(args.account.as_ref()).is_none() {
                return Err(
                    Failure::usage("--as names a member of an account").help("name it with --account SLUG")
                );
            }
            desk.server.act_for(actor)?;
        }
        Ok(desk)
    }

    /// The same for what is in no account.
    ///
    /// # Errors
    /// As for [`Desk::open`].
    pub fn of_server(args: &WholeServerArgs) -> Result<Self, Failure> {
        Self::at(args.server(), None)
    }

    fn at(server: Option<&str>, account: Option<&str>) -> Result<Self, Failure> {
        let stored = Credentials::load()?;
        let known = stored.as_ref().map(|stored| stored.server.as_str());
        let url = server.or(known).unwrap_or(DEFAULT_SERVER);
        let mut server = Server::at(url)?;
        let stored = stored.filter(|stored| stored.server == server.url());
        if let Some(token) = credentials::from_environment()? {
            server.speak_with(&token)?;
            return Ok(Self { server, account: account.map(str::to_owned), stored: None });
        }
        let Some(stored) = stored else {
            return Err(Failure::new(Exit::Denied, format!("you are not signed in to {}", server.url()))
                .help("run `jeton login`, or set JETON_TOKEN_FILE or JETON_TOKEN"));
        };
        server.speak_with(&stored.token)?;
        let account = account.map(str::to_owned).or_else(|| stored.account.clone());
        Ok(Self { server, account, stored: Some(stored) })
    }

    /// Sends a request; a login that ran out and can be refreshed is refreshed once.
    ///
    /// # Errors
    /// The server's refusal, or why it could not be reached.
    fn send(&mut self, request: &Request) -> Result<Answer, Failure> {
        match self.server.send(request) {
            Err(refused) if refused.is("unauthenticated") && self.refresh()? => self.server.send(request),
            other => other,
        }
    }

    /// The same with an answer that is read while it comes, however long that takes.
    fn stream(&mut self, request: &Request) -> Result<impl std::io::BufRead + use<>, Failure> {
        match self.server.stream(request) {
            Err(refused) if refused.is("unauthenticated") && self.refresh()? => self.server.stream(request),
            other => other,
        }
    }

    /// Whether the stored login could be renewed. A refresh token is good once, so one command does it at a
    /// time, and the others take what it brought.
    fn refresh(&mut self) -> Result<bool, Failure> {
        let Some(stored) = &mut self.stored else { return Ok(false) };
        let Some(refresh_token) = stored.refresh_token.clone() else { return Ok(false) };
        let _alone = Credentials::lock()?;
        let now = Credentials::load()?.filter(|now| now.server == stored.server);
        if let Some(now) = now.filter(|now| now.token.expose() != stored.token.expose()) {
            *stored = now;
            self.server.speak_with(&stored.token)?;
            return Ok(true);
        }
        let request = Request::post("/v1/sessions/refresh", &RefreshSession { refresh_token }).once();
        // Without the token that ran out, which would be refused.
        let server = Server::at(self.server.url())?;
        let answer = match server.send(&request) {
            // It may have been done, and the answer lost: the same key brings the same pair.
            Err(lost) if lost.exit == Exit::Unreachable => server.send(&request),
            other => other,
        };
        let renewed: StartedSession = match answer {
            Ok(answer) => answer.read()?,
            // The pair is over; the first refusal says so better.
            Err(refused) if refused.exit == Exit::Denied => return Ok(false),
            Err(other) => return Err(other),
        };
        stored.token = renewed.token;
        stored.refresh_token = renewed.refresh_token;
        stored.save()?;
        self.server.speak_with(&stored.token)?;
        Ok(true)
    }

    /// The account that the command is about: the one named, else the credential's.
    fn account(&mut self) -> Result<String, Failure> {
        if let Some(account) = &self.account {
            return Ok(account.clone());
        }
        let own: SelfToken = self.send(&Request::get("/v1/tokens/self"))?.read()?;
        self.account = Some(own.token.account.clone());
        Ok(own.token.account)
    }
}
