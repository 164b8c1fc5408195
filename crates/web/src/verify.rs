//! `/v1/verify`, the hot route: an ask, and the verdict written while the facts are at hand.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;

use api::Secret;
use api::verify::{Ask, Batch, Verdict as Shown, Verdicts};
use domain::admit::{Ask as Asked, Verdict};
use domain::ids::AccountId;
use domain::node::NodePath;
use domain::permission::Requirement;
use domain::time::Timestamp;
use serde::Serialize;
use service::Desk;
use service::tokens::acts_as;
use service::verify::Asker;

use crate::api::call::{Call, NoQuery};
use crate::api::door::Asking;
use crate::api::shape::Written;
use crate::api::table::Table;
use crate::json::Json;
use crate::map;
use crate::problem::Problem;

/// Asks in one batch.
const MOST: usize = 100;

/// What a verdict usually needs, so that its buffer grows once.
const USUAL: usize = 768;

pub(crate) fn routes(table: &mut Table) {
    table.post("/v1/verify", "verify", "Says whether a token is good, for this, here.", verify);
    table.post("/v1/verify/batch", "verify_batch", "Says so of up to 100 tokens, in their order.", batch);
}

async fn verify(call: Call<Asking, (), NoQuery, Json<Ask>>) -> Result<Written<Shown>, Problem> {
    let question = Question::read(call.body.0, "")?;
    let mut body = Vec::with_capacity(USUAL);
    question.answer(&call.house.desk, &call.who.asker(), &mut body).await?;
    Ok(Written { body, like: PhantomData })
}

async fn batch(call: Call<Asking, (), NoQuery, Json<Batch>>) -> Result<Written<Verdicts>, Problem> {
    let asks = call.body.0.asks;
    if asks.len() > MOST {
        return Err(Problem::invalid_field("asks", "Ask about 100 tokens at most."));
    }
    // All are read before the first is answered, so that a refused batch counts as no use.
    let read = |(index, ask)| Question::read(ask, &format!("asks[{index}]."));
    let questions = asks.into_iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
    let asker = call.who.asker();
    let mut body = Vec::with_capacity(16 + questions.len() * USUAL);
    body.extend(br#"{"verdicts":["#);
    for (index, question) in questions.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        question.answer(&call.house.desk, &asker, &mut body).await?;
    }
    body.extend(b"]}");
    Ok(Written { body, like: PhantomData })
}

/// An ask in the domain's types.
struct Question {
    token: Secret,
    requirement: Option<Requirement>,
    node: Option<NodePath>,
    account: Option<AccountId>,
    address: Option<IpAddr>,
    /// The same, however it was spelled, as it is counted.
    counted: Option<String>,
}

impl Question {
    /// `prefix` stands before the names of fields at fault.
    fn read(ask: Ask, prefix: &str) -> Result<Question, Problem> {
        let field = |name: &str| format!("{prefix}{name}");
        for (given, name) in [(ask.cost.is_some(), "cost"), (ask.limits.is_some(), "limits")] {
            if given {
                return Err(map::unknown_here(field(name)));
            }
        }
        let requirement = ask.permission.map(map::requirement);
        if requirement.as_ref().is_some_and(|needed| needed.depth() > Requirement::DEEPEST) {
            return Err(Problem::invalid_field(field("permission"), "Nest `all` and `any` at most 3 deep."));
        }
        let account = ask.account.as_deref().map(str::parse).transpose();
        let address = ask.address.as_deref().map(str::parse::<IpAddr>).transpose();
        let address = address
            .map_err(|_| Problem::invalid_field(field("address"), "Expected an IPv4 or IPv6 address."))?;
        Ok(Question {
            token: ask.token,
            requirement,
            node: ask.node.map(|node| map::node(field("node"), &node)).transpose()?,
            account: account
                .map_err(|_| Problem::invalid_field(field("account"), "Expected the id of an account."))?,
            address,
            counted: address.map(|address| address.to_canonical().to_string()),
        })
    }

    /// Appends the verdict to `body`.
    async fn answer(&self, desk: &Desk, asker: &Asker<'_>, body: &mut Vec<u8>) -> Result<(), Problem> {
        let asked = Asked {
            requirement: self.requirement.as_ref(),
            node: self.node.as_ref(),
            account: self.account.as_ref(),
            address: self.address,
            ..Asked::default()
        };
        let (text, counted) = (self.token.expose().as_bytes(), self.counted.as_deref());
        desk.verify(asker, text, asked, counted, |verdict, now| write(verdict, now, body)).await?;
        Ok(())
    }
}

/// Writes a verdict as `api::verify::Verdict` would be: every key, in its order.
fn write(verdict: &Verdict<'_>, now: Timestamp, to: &mut Vec<u8>) {
    to.extend(if verdict.is_valid() {
        br#"{"valid":true,"code":""#.as_slice()
    } else {
        br#"{"valid":false,"code":""#
    });
    to.extend(verdict.code.as_str().as_bytes());
    match &verdict.facts {
        None => to.extend(
            br#"","token":null,"account":null,"holder":null,"role":null,"permissions":null,"node":null,"expires_at":null"#,
        ),
        Some(facts) => {
            let (token, holder, account) = (&facts.token, facts.holder, facts.account);
            put(to, format_args!(r#"","token":{{"id":"{}","name":"#, token.id));
            json(to, token.name);
            put(to, format_args!(r#","kind":"{}","metadata":{}}}"#, token.id.kind, token.metadata.unwrap_or("{}")));
            put(to, format_args!(r#","account":{{"id":"{}","external_id":"#, account.id));
            json(to, &account.external_id);
            put(to, format_args!(r#"}},"holder":{{"id":"{}","external_id":"#, holder.id));
            json(to, &holder.external_id);
            put(to, format_args!(r#","kind":"{}"}},"role":"#, holder.id.kind()));
            json(to, &acts_as(token.grant, holder, account));
            to.extend(br#","permissions":"#);
            if verdict.is_valid() {
                permissions(to, facts.registry.spell(verdict.rights));
            } else {
                to.extend(b"null");
            }
            put(to, format_args!(r#","node":"{}","expires_at":"#, token.node));
            match facts.expires_at() {
                Some(end) => put(to, format_args!(r#""{end}""#)),
                None => to.extend(b"null"),
            }
        }
    }
    put(to, format_args!(r#","as_of":"{now}","cacheable_for_ms":{}}}"#, verdict.cacheable_for_ms));
}

/// The list of names.
fn permissions<'a>(to: &mut Vec<u8>, names: impl Iterator<Item = &'a str>) {
    to.push(b'[');
    for (index, name) in names.enumerate() {
        if index > 0 {
            to.push(b',');
        }
        json(to, name);
    }
    to.push(b']');
}

fn put(to: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    /// `io::Write` would look after an error for every piece.
    struct Memory<'a>(&'a mut Vec<u8>);

    impl fmt::Write for Memory<'_> {
        fn write_str(&mut self, piece: &str) -> fmt::Result {
            self.0.extend_from_slice(piece.as_bytes());
            Ok(())
        }
    }

    fmt::write(&mut Memory(to), text).expect("writing to memory does not fail");
}

fn json<T: Serialize + ?Sized>(to: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(to, value).expect("text is always JSON, and writing to memory does not fail");
}
