//! `/v1/accounts/{account}/journal` and `/v1/journal`: a page, all of it, or a stream of what comes.
//!
//! A stream is asked for by `follow=true` and not by `Accept`: an address says by itself what it
//! answers, to `curl` and to whoever reads a log, as with `format`.

use std::sync::Arc;
use std::time::Duration;

use api::journal::{Broken, Checkpoint, Entry, JournalFormat, JournalQuery, JournalSort, Verification};
use api::{Empty, Page};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::change::Action;
use domain::time::Timestamp;
use domain::who::Caller;
use service::journal::{Export, Follow, Look, Of, Told};

use super::call::{Account, Call, NoQuery};
use super::door::{Holder, Operator};
use super::shape::{Answer, Listed, Shape};
use super::table::Table;
use super::{House, bad_parameter, limit};
use crate::json::{EmptyOrJson, Json};
use crate::map;
use crate::problem::Problem;
use crate::stream::{Cause, Reader, Sender, Stream};

pub(crate) fn routes(table: &mut Table) {
    table.get(
        "/v1/accounts/{account}/journal",
        "read_journal",
        "Lists, exports or follows what happened in an account.",
        of_account,
    );
    table.get(
        "/v1/journal",
        "read_server_journal",
        "Lists, exports or follows what happened on the server.",
        of_server,
    );
    table.post(
        "/v1/journal/verify",
        "verify_journal",
        "Recomputes the journal's chain and names the first entry that does not fit.",
        verify,
    );
    table.get(
        "/v1/journal/checkpoint",
        "sign_journal_checkpoint",
        "Signs what the journal is now, to be kept elsewhere.",
        checkpoint,
    );
}

/// After how many looks without news a comment keeps the connection: about every 12 seconds.
const SILENT_LOOKS: u32 = 15;

/// How long a follower waits before it connects again, in milliseconds.
const RETRY: u32 = 1_000;

/// A page, or text as it is made.
pub(crate) enum Journal {
    Page(Page<Entry>),
    Text { content_type: &'static str, name: Option<String>, body: Stream },
}

impl IntoResponse for Journal {
    fn into_response(self) -> Response {
        match self {
            Self::Page(page) => Json(page).into_response(),
            Self::Text { content_type, name, body } => {
                let mut response = body.into_response();
                let headers = response.headers_mut();
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
                // nginx would hold a stream back until it has a bufferful.
                const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
                headers.insert(BUFFERING, HeaderValue::from_static("no"));
                let named = name.map(|name| format!("attachment; filename=\"{name}\""));
                if let Some(named) = named.and_then(|named| HeaderValue::try_from(named).ok()) {
                    headers.insert(header::CONTENT_DISPOSITION, named);
                }
                response
            }
        }
    }
}

impl Answer for Journal {
    const STATUS: StatusCode = StatusCode::OK;

    fn shape() -> Shape {
        Shape { also: &["application/jsonl", "text/csv", "text/event-stream"], ..Listed::<Entry>::shape() }
    }
}

async fn of_account(call: Call<Holder, Account, JournalQuery>) -> Result<Journal, Problem> {
    if call.query.account.is_some() {
        return Err(bad_parameter("account", "the path names the account"));
    }
    let of = Of::Account(call.at.0.clone());
    let last = last_event(&call)?;
    read(call.house, call.who.0, of, call.query, last).await
}

async fn of_server(call: Call<Operator, (), JournalQuery>) -> Result<Journal, Problem> {
    let account = call.query.account.as_ref().map(|id| id.parse()).transpose();
    let of = Of::Server(account.map_err(|_| bad_parameter("account", "expected the id of an account"))?);
    let last = last_event(&call)?;
    read(call.house, call.who.0, of, call.query, last).await
}

async fn verify(
    call: Call<Operator, (), NoQuery, EmptyOrJson<Empty>>,
) -> Result<Json<Verification>, Problem> {
    Ok(Json(match call.desk().verify_journal(&call.who.0).await? {
        Ok(verified) => Verification {
            valid: true,
            entries: Some(verified.entries),
            erased: Some(verified.erased),
            hash: Some(map::hex(&verified.hash)),
            broken: None,
        },
        Err(broken) => Verification {
            valid: false,
            entries: None,
            erased: None,
            hash: None,
            broken: Some(Broken { seq: broken.seq, what: broken.what.to_owned() }),
        },
    }))
}

async fn checkpoint(call: Call<Operator>) -> Result<Json<Checkpoint>, Problem> {
    let signed = call.desk().journal_checkpoint(&call.who.0).await?;
    Ok(Json(Checkpoint {
        origin: signed.origin,
        seq: signed.seq,
        hash: signed.hash,
        at: signed.at.to_string(),
        key: signed.key,
        signature: signed.signature,
    }))
}

async fn read(
    house: Arc<House>,
    caller: Caller,
    of: Of,
    query: JournalQuery,
    last: Option<i64>,
) -> Result<Journal, Problem> {
    let look = look(of, &query)?;
    if query.follow == Some(true) {
        return follow(house, caller, Look { after: last.or(look.after), ..look }, &query).await;
    }
    let form = match query.format {
        None | Some(JournalFormat::Json) => {
            let limit = limit(query.limit)?;
            let page = house.desk.journal(&caller, &look, limit, query.cursor.as_deref()).await?;
            return Ok(Journal::Page(map::page(page, map::entry)));
        }
        Some(JournalFormat::Jsonl) => Form::Lines,
        Some(JournalFormat::Csv) => Form::Table,
    };
    whole(&query)?;
    export(house, caller, look, form).await
}

/// How all of a journal is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// JSON, an entry a line.
    Lines,
    /// RFC 4180; what a spreadsheet would take for a formula is text.
    Table,
}

/// All of it, as a file.
pub(crate) async fn export(
    house: Arc<House>,
    caller: Caller,
    look: Look,
    form: Form,
) -> Result<Journal, Problem> {
    let (content_type, ending, write): (_, _, fn(Told) -> Vec<u8>) = match form {
        Form::Lines => ("application/jsonl", "jsonl", json_line),
        Form::Table => ("text/csv; charset=utf-8", "csv", csv_line),
    };
    let name = match &look.of {
        Of::Account(account) | Of::Server(Some(account)) => format!("journal-{account}.{ending}"),
        Of::Server(None) => format!("journal.{ending}"),
    };
    let mut export = house.desk.clone().export_journal(caller, look).await?;
    let (sender, body) = Stream::new();
    let patience = house.tracker.limits().write;
    tokio::spawn(async move {
        let mut first = (ending == "csv").then(csv_head);
        loop {
            match export.next().await {
                Ok(Some(told)) => {
                    let mut text = first.take().unwrap_or_default();
                    told.into_iter().for_each(|told| text.extend(write(told)));
                    if text.is_empty() {
                        continue;
                    }
                    match sender.hand_over(text, patience, &mut export).await {
                        Ok(true) => {}
                        Ok(false) => return,
                        Err(cause) => return sender.fail(cause),
                    }
                }
                Ok(None) => return,
                // What is cut off must not look like all there is.
                Err(cause) => return sender.fail(cause),
            }
        }
    });
    Ok(Journal::Text { content_type, name: Some(name), body })
}

async fn follow(
    house: Arc<House>,
    caller: Caller,
    look: Look,
    query: &JournalQuery,
) -> Result<Journal, Problem> {
    whole(query)?;
    if look.newest_first && query.sort.is_some() {
        return Err(bad_parameter("sort", "what is followed comes in the journal's order"));
    }
    if query.format.is_some() {
        return Err(bad_parameter("format", "a stream has one form; leave it out"));
    }
    let follow = house.desk.clone().follow_journal(caller, look).await?;
    let (sender, body) = Stream::new();
    let tracker = house.tracker.clone();
    tokio::spawn(async move {
        let patience = tracker.limits().write;
        tokio::select! {
            // The stream ends where it is, and the follower comes again elsewhere.
            () = tracker.draining() => return,
            () = sender.closed() => return,
            () = events(follow, &sender, patience) => {}
        }
        // Nothing more for somebody who may not read it any more, or does not.
        sender.end();
    });
    Ok(Journal::Text { content_type: "text/event-stream", name: None, body })
}

impl Reader for Export {
    async fn look_again(&mut self) -> Result<(), Cause> {
        Ok(Export::look_again(self).await?)
    }
}

impl Reader for Follow {
    async fn look_again(&mut self) -> Result<(), Cause> {
        Ok(Follow::look_again(self).await?)
    }
}

/// Writes events until the follower is gone, does not read, or may not follow any more.
async fn events(mut follow: Follow, sender: &Sender, patience: Duration) {
    if !sender.send(format!(": after {}\nretry: {RETRY}\n\n", follow.at()).into_bytes()).await {
        return;
    }
    let mut silent = 0;
    // An error ends the stream; whoever connects again hears why.
    while let Ok(told) = follow.next().await {
        let mut text = Vec::new();
        for told in told {
            text.extend(format!("id: {}\ndata: ", told.entry.seq).into_bytes());
            text.extend(json_line(told));
            text.push(b'\n');
        }
        silent = if text.is_empty() { silent + 1 } else { 0 };
        if silent == SILENT_LOOKS {
            silent = 0;
            text = b":\n\n".to_vec();
        }
        if text.is_empty() {
            continue;
        }
        match sender.hand_over(text, patience, &mut follow).await {
            Ok(true) => {}
            Ok(false) | Err(_) => return,
        }
    }
}

/// What an export and a stream do not take: they have no pages.
fn whole(query: &JournalQuery) -> Result<(), Problem> {
    const DETAIL: &str = "this comes as a whole, without pages";
    match (query.limit, &query.cursor) {
        (Some(_), _) => Err(bad_parameter("limit", DETAIL)),
        (_, Some(_)) => Err(bad_parameter("cursor", DETAIL)),
        _ => Ok(()),
    }
}

/// The last event that a follower has had, as it says when it connects again (WHATWG HTML, 9.2.4).
fn last_event<W, P>(call: &Call<W, P, JournalQuery>) -> Result<Option<i64>, Problem> {
    let Some(said) = call.parts.headers.get("last-event-id") else { return Ok(None) };
    let seq = said.to_str().ok().and_then(|text| text.parse().ok()).filter(|seq| *seq >= 0);
    let wrong = || Problem::bad_request("`Last-Event-ID` is the `id` of an event of this stream.");
    seq.map(Some).ok_or_else(wrong)
}

fn look(of: Of, query: &JournalQuery) -> Result<Look, Problem> {
    let time = |name, text: &Option<String>| -> Result<Option<Timestamp>, Problem> {
        let parsed = text.as_deref().map(str::parse).transpose();
        parsed.map_err(|_| bad_parameter(name, "expected a time such as 2026-07-28T09:30:00Z"))
    };
    let word = |name, text: &Option<String>| -> Result<Option<String>, Problem> {
        match text {
            Some(text) if text.is_empty() || text.len() > 512 || text.contains('\0') => {
                Err(bad_parameter(name, "expected what stands in an entry"))
            }
            text => Ok(text.clone()),
        }
    };
    let after = query.after.map(i64::try_from).transpose();
    let actor = word("actor", &query.actor)?;
    let action = word("action", &query.action)?;
    // Or all that happens to a kind of thing.
    let happens = |action: &String| {
        let rests = Action::ALL.iter().filter_map(|known| known.as_str().strip_prefix(action.as_str()));
        rests.into_iter().any(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    if action.as_ref().is_some_and(|action| !happens(action)) {
        let expected = "expected what happened, as in `token.revoked`, or to what, as in `token`";
        return Err(bad_parameter("action", expected));
    }
    let known = |actor: &String| {
        let id = actor.split_once('_').is_some_and(|(kind, code)| kind.len() == 3 && code.len() == 12);
        id || matches!(actor.as_str(), "operator" | "nobody" | "github")
    };
    if actor.as_ref().is_some_and(|actor| !known(actor)) {
        return Err(bad_parameter("actor", "expected one id, `operator`, `nobody` or `github`"));
    }
    Ok(Look {
        of,
        action,
        actor,
        subject: word("subject", &query.subject)?,
        since: time("since", &query.since)?,
        until: time("until", &query.until)?,
        after: after.map_err(|_| bad_parameter("after", "expected the number of an entry"))?,
        newest_first: query.sort != Some(JournalSort::Seq),
    })
}

fn json_line(told: Told) -> Vec<u8> {
    let mut line = serde_json::to_vec(&map::entry(told)).expect("texts and JSON are JSON");
    line.push(b'\n');
    line
}

const COLUMNS: [&str; 12] = [
    "seq",
    "at",
    "account",
    "actor",
    "actor_name",
    "action",
    "subject",
    "subject_name",
    "payload",
    "salt",
    "entry_hash",
    "hash",
];

fn csv_head() -> Vec<u8> {
    row(&COLUMNS.map(str::to_owned))
}

fn csv_line(told: Told) -> Vec<u8> {
    let entry = map::entry(told);
    let or_empty = Option::unwrap_or_default;
    row(&[
        entry.seq.to_string(),
        entry.at,
        or_empty(entry.account),
        entry.actor,
        or_empty(entry.actor_name),
        entry.action,
        entry.subject,
        or_empty(entry.subject_name),
        entry.payload.map(|payload| payload.to_string()).unwrap_or_default(),
        or_empty(entry.salt),
        entry.entry_hash,
        entry.hash,
    ])
}

/// A record of RFC 4180.
fn row(cells: &[String]) -> Vec<u8> {
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    format!("{}\r\n", cells.join(",")).into_bytes()
}

/// How a formula begins, for one spreadsheet or another.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// A cell, in quotes where it has to be. What a spreadsheet would take for a formula gets an apostrophe
/// before it: people choose their names themselves. Also within the text, because where numbers have a
/// decimal comma a semicolon or a tab begins a cell, whatever quotes stand around it.
fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 2);
    let mut before = None;
    for letter in text.chars() {
        let begins = matches!(before, None | Some(';' | '\t' | '\r' | '\n'));
        if begins && FORMULA.contains(&letter) || before.is_none() && matches!(letter, '\t' | '\r') {
            safe.push('\'');
        }
        safe.push(letter);
        before = Some(letter);
    }
    let quoted = safe.len() > text.len() || text.contains(['"', ',', '\r', '\n']);
    if quoted { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_would_be_a_formula_is_text() {
        for (text, expected) in [
            ("plain", "plain"),
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\tx", "\"'\tx\""),
            ("\rx", "\"'\rx\""),
            ("=cmd|' /C calc'!A0,\"x\"", "\"'=cmd|' /C calc'!A0,\"\"x\"\"\""),
            ("two, three", "\"two, three\""),
            ("a \"b\"", "\"a \"\"b\"\"\""),
            ("a\nb", "\"a\nb\""),
            ("a=b", "a=b"),
            ("＝1+1", "\"'＝1+1\""),
            ("x;=cmd|'/C calc'!A0", "\"x;'=cmd|'/C calc'!A0\""),
            ("x;y\t＠SUM(A1);-1", "\"x;y\t'＠SUM(A1);'-1\""),
            ("a\n+1", "\"a\n'+1\""),
            ("x;y; z", "x;y; z"),
            ("", ""),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
        assert_eq!(row(&["1".into(), "-2".into()]), b"1,\"'-2\"\r\n");
    }
}
