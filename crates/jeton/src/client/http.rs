//! HTTP as the commands need it: JSON there, JSON back, and every way to fail turned into a
//! sentence and an exit code.

use std::io::BufReader;
use std::time::Duration;

use api::Secret;
use api::problem::Problem;
use serde::Serialize;
use serde::de::DeserializeOwned;
use token::{Entropy, SystemEntropy};
use ureq::BodyReader;
use ureq::http::{self, HeaderValue, Method};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};
use crate::telemetry::one_line;

/// A revoke may wait 60 seconds for the other peers; beyond that nobody answers any more.
const PATIENCE: Duration = Duration::from_secs(90);
const PATIENCE_TO_CONNECT: Duration = Duration::from_secs(10);

/// A server that answers under a URL.
pub struct Server {
    agent: ureq::Agent,
    url: String,
    credential: Option<HeaderValue>,
    /// The member for whom a service asks.
    actor: Option<HeaderValue>,
}

impl Server {
    /// The server at `http(s)://host[:port][/path]`.
    ///
    /// # Errors
    /// When that is no such URL.
    pub fn at(url: &str) -> Result<Self, Failure> {
        let wrong = || {
            Failure::usage(format!("`{}` is not the URL of a server", one_line(url)))
                .help("a URL looks like https://tokens.example.com")
        };
        let parsed: http::Uri = url.parse().map_err(|_| wrong())?;
        let authority = parsed.authority().ok_or_else(wrong)?;
        let plain = matches!(parsed.scheme_str(), Some("http" | "https"))
            && parsed.query().is_none()
            && !authority.as_str().contains('@');
        if !plain {
            return Err(wrong());
        }
        let direct = is_this_machine(authority.host());
        let secured = parsed.scheme_str() == Some("https");
        let roots = if secured { roots()? } else { RootCerts::WebPki };
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // A redirect would carry the token to where nobody sent it.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            // A proxy of the environment is for others than this machine.
            .proxy(if direct { None } else { ureq::Proxy::try_from_env() })
            .timeout_connect(Some(PATIENCE_TO_CONNECT))
            .timeout_global(Some(PATIENCE))
            .user_agent(concat!("jeton/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Self { agent, url: url.trim_end_matches('/').to_owned(), credential: None, actor: None })
    }

    /// The URL without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether what we send can be read on the way.
    pub fn is_in_the_clear(&self) -> bool {
        let uri: Option<http::Uri> = self.url.parse().ok();
        let host = uri.as_ref().and_then(http::Uri::host).unwrap_or_default();
        self.url.starts_with("http://") && !is_this_machine(host)
    }

    /// Sends this token with every request from now on.
    ///
    /// # Errors
    /// When the text cannot stand in a header.
    pub fn speak_with(&mut self, token: &Secret) -> Result<(), Failure> {
        let line = Zeroizing::new(format!("Bearer {}", token.expose()));
        let visible =
            !token.expose().is_empty() && token.expose().bytes().all(|byte| byte.is_ascii_graphic());
        let header = HeaderValue::from_str(&line).ok().filter(|_| visible);
        let mut header = header.ok_or_else(|| Failure::usage("the credential is not a token"))?;
        header.set_sensitive(true);
        self.credential = Some(header);
        Ok(())
    }

    /// Names this member, by id or external id, as the one for whom every request from now on is.
    ///
    /// # Errors
    /// When the text cannot stand in a header.
    pub fn act_for(&mut self, member: &str) -> Result<(), Failure> {
        let header = HeaderValue::from_bytes(member.as_bytes()).ok().filter(|_| !member.is_empty());
        self.actor = Some(header.ok_or_else(|| Failure::usage("--as names no member"))?);
        Ok(())
    }

    /// Sends a request and reads the answer to its end; where the answer is lost on the way and the
    /// request is good to be done [`once`](Request::once), sends it again.
    ///
    /// # Errors
    /// A refusal as [`failure`] reads it, or why the server could not be reached.
    pub fn send(&self, request: &Request) -> Result<Answer, Failure> {
        let mut exchanged = self.exchange(request);
        if exchanged.is_err() && request.once.is_some() {
            exchanged = self.exchange(request);
        }
        let (status, text) = exchanged.map_err(|cause| self.unreached(&cause))?;
        match status {
            200..=299 => Ok(Answer { status, text }),
            _ => Err(failure(&self.url, status, &text)),
        }
    }

    /// Sends a request whose answer is read while it comes. Only the beginning of it has a time.
    ///
    /// # Errors
    /// As [`Server::send`].
    pub fn stream(&self, request: &Request) -> Result<BufReader<BodyReader<'static>>, Failure> {
        let begun = (|| {
            let asked = self.agent.configure_request(self.head(request).body(())?);
            let asked = asked.timeout_global(None).timeout_recv_response(Some(PATIENCE)).build();
            self.agent.run(asked)
        })();
        let mut response = begun.map_err(|cause| self.unreached(&cause))?;
        match response.status().as_u16() {
            200..=299 => Ok(BufReader::new(response.into_body().into_reader())),
            status => {
                let text = response.body_mut().read_to_string().map_err(|cause| self.unreached(&cause))?;
                Err(failure(&self.url, status, &text))
            }
        }
    }

    fn unreached(&self, cause: &ureq::Error) -> Failure {
        let cause = one_line(&cause.to_string());
        Failure::new(Exit::Unreachable, format!("could not reach {}: {cause}", self.url))
            .help("is a server running there? --server URL or JETON_SERVER names another")
    }

    /// A request but for its body.
    fn head(&self, request: &Request) -> http::request::Builder {
        let mut builder = http::Request::builder().method(&request.method).uri(self.uri(request));
        builder = builder.header("accept", "application/json, application/problem+json, */*;q=0.5");
        if let Some(credential) = &self.credential {
            builder = builder.header("authorization", credential);
        }
        if let Some(actor) = &self.actor {
            builder = builder.header("jeton-actor", actor);
        }
        if let Some(key) = &request.once {
            builder = builder.header("idempotency-key", key);
        }
        request.headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, value))
    }

    /// The status and the body of one attempt.
    fn exchange(&self, request: &Request) -> Result<(u16, Zeroizing<String>), ureq::Error> {
        let builder = self.head(request);
        let mut response = match &request.body {
            Some(body) => {
                self.agent.run(builder.header("content-type", "application/json").body(body.as_str())?)?
            }
            None => self.agent.run(builder.body(())?)?,
        };
        let text = Zeroizing::new(response.body_mut().read_to_string()?);
        Ok((response.status().as_u16(), text))
    }

    fn uri(&self, request: &Request) -> String {
        let mut uri = format!("{}{}", self.url, request.path);
        for (position, (name, value)) in request.query.iter().enumerate() {
            uri.push(if position == 0 { '?' } else { '&' });
            uri += &format!("{name}={}", encoded(value));
        }
        uri
    }
}

/// Who may vouch for a server: the certificates of the file that `SSL_CERT_FILE` names, as in an
/// installation with an authority of its own, else those of Mozilla's list.
fn roots() -> Result<RootCerts, Failure> {
    let Some(path) = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()) else {
        return Ok(RootCerts::WebPki);
    };
    let wrong = |why: String| {
        Failure::failed(format!("could not read certificates from {} (SSL_CERT_FILE): {why}", path.display()))
    };
    let file = std::fs::read(&path).map_err(|cause| wrong(cause.to_string()))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&file) {
        if let PemItem::Certificate(certificate) = item.map_err(|cause| wrong(cause.to_string()))? {
            certificates.push(certificate);
        }
    }
    match certificates.is_empty() {
        true => Err(wrong("there are none in it".to_owned())),
        false => Ok(RootCerts::from(certificates)),
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse();
    host == "localhost" || address.is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

/// What is asked of a server.
#[derive(Clone)]
pub struct Request {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Option<Zeroizing<String>>,
    /// The `Idempotency-Key`: with it the server does the same thing once, however often it is asked.
    once: Option<String>,
}

impl Request {
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            once: None,
        }
    }

    pub fn delete(path: impl Into<String>) -> Self {
        Self { method: Method::DELETE, ..Self::get(path) }
    }

    pub fn post(path: impl Into<String>, body: &impl Serialize) -> Self {
        let text =
            serde_json::to_string(body).expect("the API's types have string keys and no failing parts");
        Self { method: Method::POST, body: Some(Zeroizing::new(text)), ..Self::get(path) }
    }

    pub fn put(path: impl Into<String>, body: &impl Serialize) -> Self {
        Self { method: Method::PUT, ..Self::post(path, body) }
    }

    pub fn patch(path: impl Into<String>, body: &impl Serialize) -> Self {
        Self { method: Method::PATCH, ..Self::post(path, body) }
    }

    /// Makes the request one that may be sent again when its answer was lost: done once, answered
    /// the same.
    #[must_use]
    pub fn once(mut self) -> Self {
        let mut random = [0; 16];
        SystemEntropy.fill(&mut random);
        self.once = Some(random.iter().map(|byte| format!("{byte:02x}")).collect());
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Adds a parameter where there is a value for it.
    #[must_use]
    pub fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }
}

/// `/a/b/c` of these parts, each encoded, so that what a person typed stays one part.
pub fn path(parts: &[&str]) -> String {
    parts.iter().map(|part| format!("/{}", encoded(part))).collect()
}

/// RFC 3986, section 2.3: what is not unreserved is written in percent.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// What a server answered with a status of 200 to 299.
pub struct Answer {
    pub status: u16,
    /// The body. It may hold a secret.
    pub text: Zeroizing<String>,
}

impl Answer {
    /// The body as one of the API's types.
    ///
    /// # Errors
    /// When it is something else, as when another program answers under the URL.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.text).map_err(|cause| {
            // The cause could quote the body, and the body a secret.
            let place = format!("line {}, column {}", cause.line(), cause.column());
            Failure::failed(format!(
                "the server's answer is not what this version of jeton expects ({place})"
            ))
        })
    }
}

/// A refusal as the person at the keyboard should hear it.
fn failure(url: &str, status: u16, body: &str) -> Failure {
    let exit = match status {
        401 | 403 => Exit::Denied,
        404 => Exit::NotFound,
        502..=504 => Exit::Unreachable,
        _ => Exit::Failed,
    };
    let Ok(problem) = serde_json::from_str::<Problem>(body) else {
        let said = format!("{url} answered {status}, and not as jeton does");
        return Failure::new(exit, said).help("is this the URL of a jeton server?");
    };
    let mut sentence = match problem.code.as_str() {
        // What the server says there is for programs: how a request carries a token.
        "unauthenticated" => format!("{url} does not take this token"),
        _ => said(&problem),
    };
    if status >= 500 {
        sentence += &format!(" (request {})", one_line(&problem.request_id));
    }
    let help = match problem.code.as_str() {
        "unauthenticated" => {
            Some("the token is wrong, expired or revoked; `jeton login` makes a new one".to_owned())
        }
        "not_found" => Some("look at the id, and at the account (`jeton whoami` names yours)".to_owned()),
        "undetermined" => Some("nothing was decided; try again".to_owned()),
        _ => None,
    };
    Failure { exit, sentence, help, problem: Some(Box::new(problem)) }
}

/// The problem in a sentence, and a line for each field of which the sentence says too little.
fn said(problem: &Problem) -> String {
    let sentence = one_line(if problem.detail.is_empty() { &problem.title } else { &problem.detail });
    match problem.errors.as_slice() {
        [only] if only.detail == problem.detail => format!("{}: {sentence}", one_line(&only.field)),
        errors => errors
            .iter()
            .filter(|error| {
                !(problem.detail.contains(&error.field) && problem.detail.contains(&error.detail))
            })
            .fold(sentence, |said, error| {
                format!("{said}\n  {}: {}", one_line(&error.field), one_line(&error.detail))
            }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_named_and_nothing_is_said_twice() {
        let error = |field: &str, detail: &str| api::problem::FieldError {
            field: field.to_owned(),
            code: "invalid_field".to_owned(),
            detail: detail.to_owned(),
        };
        let problem = |detail: &str, errors| Problem {
            type_: String::new(),
            title: "A value cannot be used".to_owned(),
            status: 422,
            detail: detail.to_owned(),
            code: "invalid_field".to_owned(),
            errors,
            request_id: String::new(),
        };
        let said = |detail: &str, errors| said(&problem(detail, errors));
        assert_eq!(said("Give a name.", vec![error("name", "Give a name.")]), "name: Give a name.");
        assert_eq!(
            said("The parameter `limit`: expected a number.", vec![error("limit", "expected a number")]),
            "The parameter `limit`: expected a number."
        );
        assert_eq!(
            said("Two things are wrong.", vec![error("name", "too long"), error("role", "unknown")]),
            "Two things are wrong.\n  name: too long\n  role: unknown"
        );
        assert_eq!(said("", Vec::new()), "A value cannot be used");
    }

    #[test]
    fn what_a_person_types_stays_one_part_of_the_path() {
        assert_eq!(
            path(&["v1", "tokens", "../self?x=1#", "é %"]),
            "/v1/tokens/..%2Fself%3Fx%3D1%23/%C3%A9%20%25"
        );
    }

    #[test]
    fn only_a_plain_http_url_names_a_server() {
        for url in
            ["", "tokens.example.com", "ftp://x", "https://u:p@x", "https://x?token=1", "/x", "http://"]
        {
            assert_eq!(Server::at(url).err().map(|failure| failure.exit), Some(Exit::Usage), "{url}");
        }
        assert_eq!(Server::at("https://x/prefix/").ok().unwrap().url(), "https://x/prefix");
    }

    #[test]
    fn a_token_travels_in_the_clear_only_beyond_this_machine_without_tls() {
        for (url, clear) in [
            ("http://tokens.example.com", true),
            ("http://10.0.0.1:7070", true),
            ("https://tokens.example.com", false),
            ("http://127.0.0.1:7070", false),
            ("http://[::1]:7070", false),
            ("http://localhost", false),
        ] {
            assert_eq!(Server::at(url).ok().unwrap().is_in_the_clear(), clear, "{url}");
        }
    }

    #[test]
    fn text_that_cannot_be_a_token_is_never_sent_or_shown() {
        let mut server = Server::at("http://127.0.0.1:1").ok().unwrap();
        for text in ["", "two words", "a\r\nX: y", "naïve", "\0"] {
            let refused = server.speak_with(&Secret::new(text)).unwrap_err();
            assert_eq!(refused.to_string(), "the credential is not a token");
        }
    }
}
