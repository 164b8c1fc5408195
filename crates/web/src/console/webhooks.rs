//! Webhooks of an account: where they go, how they fare, what each was told; and the secret, once.

use std::borrow::Cow;
use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use domain::ids::WebhookId;
use domain::time::Timestamp;
use domain::webhooks::{self, Delivery, Edit, Fate, Order, Outcome, SigningSecret, Webhook};
use domain::who::Caller;
use service::Error;
use service::webhooks::Keyed;

use super::fields::Fields;
use super::frame::{self, Frame, Section};
use super::people::{self, Asked, Asking, Filled, PAGE};
use super::reply::Reply;
use super::session::Signed;
use super::sign_in::encoded;
use super::tokens::form::Wrong;
use super::tokens::{Once, nonce};
use super::tongue::Tongue;
use crate::api::House;
use crate::api::call::{Account, Call, Deep, NoQuery, Within};
use crate::api::table::Table;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    const NEW: &str = "/console/{account}/webhooks/new";
    const EDIT: &str = "/console/{account}/webhooks/{id}/edit";
    const SECRET: &str = "/console/{account}/webhooks/{id}/secret";
    const DELETE: &str = "/console/{account}/webhooks/{id}/delete";
    table.page("/console/{account}/webhooks", list);
    table.page(NEW, show_new);
    table.form(NEW, add);
    table.page("/console/{account}/webhooks/{id}", show);
    table.page(EDIT, show_edit);
    table.form(EDIT, edit);
    table.page(SECRET, ask_rotation);
    table.form(SECRET, rotate);
    table.page(DELETE, ask);
    table.form(DELETE, delete);
    table.form("/console/{account}/webhooks/{id}/deliveries/{seq}/redeliver", redeliver);
}

/// A word with a shape, as states are shown everywhere.
struct Status {
    word: Cow<'static, str>,
    state: &'static str,
    shape: &'static str,
}

impl Status {
    fn of(tongue: Tongue, webhook: &Webhook) -> Status {
        let (name, state, shape) = match (webhook.enabled, webhook.progress.failing_since) {
            (false, _) => ("webhooks-off", "suspended", "‖"),
            (true, Some(_)) => ("webhooks-failing", "leaked", "!"),
            (true, None) => ("webhooks-working", "active", "●"),
        };
        Status { word: tongue.say(name), state, shape }
    }

    fn of_delivery(tongue: Tongue, fate: Fate) -> Status {
        let (name, state, shape) = match fate {
            Fate::Waiting => ("delivery-waiting", "pending", "…"),
            Fate::Due(_) | Fate::Begun(_) => ("delivery-due", "expiring", "◐"),
            Fate::Delivered(_) => ("delivery-delivered", "active", "●"),
            Fate::GivenUp(_) => ("delivery-given-up", "revoked", "✕"),
        };
        Status { word: tongue.say(name), state, shape }
    }
}

#[derive(Template)]
#[template(path = "webhooks.html")]
struct Page<'a> {
    frame: Frame<'a>,
    rows: Vec<Shown>,
}

/// A webhook as the list shows it.
struct Shown {
    id: WebhookId,
    name: String,
    origin: String,
    actions: Vec<String>,
    status: Status,
    failing_since: Option<Timestamp>,
    waiting: i64,
}

async fn list(call: Call<Signed, Account, Asked>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let mut rows = Vec::new();
    for webhook in house.desk.webhooks(caller, &caller.account.id).await? {
        rows.push(Shown {
            waiting: house.desk.deliveries_open(&webhook).await?,
            status: Status::of(tongue, &webhook),
            failing_since: webhook.progress.failing_since.filter(|_| webhook.enabled),
            id: webhook.id,
            origin: webhook.target.origin().to_owned(),
            name: webhook.name,
            actions: webhook.actions,
        });
    }
    let mut frame = Frame::of(house, tongue, caller, Section::Webhooks).await?;
    frame.said = frame::said(tongue, call.query.done.as_deref());
    Reply::page(&house.look, &Page { frame, rows })
}

#[derive(Template)]
#[template(path = "webhooks/one.html")]
struct OnePage<'a> {
    frame: Frame<'a>,
    status: Status,
    waiting: i64,
    older: Option<Timestamp>,
    rows: Vec<Told>,
    later: bool,
    next: Option<String>,
    wrong: Option<String>,
    webhook: Webhook,
}

/// A delivery as the page shows it.
struct Told {
    seq: i64,
    action: String,
    subject: String,
    status: Status,
    /// When it is tried next, or when it ended.
    at: Option<Timestamp>,
    answer: Cow<'static, str>,
    tries: i64,
    again: bool,
}

impl Told {
    fn tried(&self) -> i64 {
        self.tries
    }
}

type One<Q = NoQuery> = Call<Signed, Within<WebhookId>, Q>;
type Sent = Call<Signed, Within<WebhookId>, NoQuery, Fields>;

async fn find(house: &House, caller: &Caller, id: WebhookId) -> Result<Webhook, Problem> {
    Ok(house.desk.webhook(caller, &caller.account.id, id).await?)
}

async fn show(call: One<Asked>) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    one_page(house, tongue, caller, id, &call.query, None).await
}

async fn one_page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    id: WebhookId,
    asked: &Asked,
    wrong: Option<String>,
) -> Result<Reply, Problem> {
    let (desk, account) = (&house.desk, &caller.account.id);
    let webhook = find(house, caller, id).await?;
    let page = desk.deliveries(caller, account, id, PAGE, asked.cursor.as_deref()).await?;
    let mut frame = Frame::of(house, tongue, caller, Section::Webhooks).await?;
    frame.said = frame::said(tongue, asked.done.as_deref());
    let told = |delivery: Delivery| Told {
        again: webhooks::may_be_sent_again(&webhook, &delivery).is_ok(),
        seq: delivery.seq,
        status: Status::of_delivery(tongue, delivery.fate),
        at: match delivery.fate {
            Fate::Waiting => None,
            Fate::Due(at) | Fate::Begun(at) | Fate::Delivered(at) | Fate::GivenUp(at) => Some(at),
        },
        answer: match delivery.outcome {
            None => Cow::Borrowed("–"),
            Some(Outcome::Answered(status)) => status.to_string().into(),
            Some(Outcome::Failed(why)) => tongue.say(&format!("delivery-{}", why.as_str().replace('_', "-"))),
        },
        tries: delivery.tries,
        action: delivery.action,
        subject: delivery.subject,
    };
    let rows = page.items.into_iter().map(told).collect();
    let next = page.next_cursor.map(|cursor| {
        let cursor = encoded(&cursor);
        format!("{}?cursor={cursor}", frame.path(&format!("webhooks/{id}")))
    });
    let page = OnePage {
        status: Status::of(tongue, &webhook),
        waiting: desk.deliveries_open(&webhook).await?,
        older: webhook.older_until.filter(|until| *until > caller.now),
        rows,
        later: asked.cursor.is_some(),
        next,
        wrong,
        webhook,
        frame,
    };
    Reply::page(&house.look, &page)
}

const SHOWN: &[&str] = &["name", "url", "actions"];

#[derive(Template)]
#[template(path = "webhooks/form.html")]
struct Form<'a> {
    frame: Frame<'a>,
    form: Filled,
    /// Of one that exists: its id and name.
    found: Option<(String, String)>,
}

async fn form_page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    found: Option<&Webhook>,
    form: Filled,
) -> Result<Reply, Problem> {
    webhooks::may(caller).map_err(Error::from)?;
    let frame = Frame::of(house, tongue, caller, Section::Webhooks).await?;
    let found = found.map(|found| (found.id.to_string(), found.name.clone()));
    Reply::page(&house.look, &Form { frame, form, found })
}

async fn show_new(call: Call<Signed, Account>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let mut fields = Fields::default();
    fields.put("form", nonce(&house.desk, caller.now));
    form_page(house, tongue, caller, None, Filled::new(SHOWN, fields)).await
}

/// One a line.
fn actions(fields: &Fields) -> Vec<String> {
    let lines = fields.text("actions").lines().map(str::trim);
    lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

async fn add(mut call: Call<Signed, Account, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let fields = std::mem::take(&mut call.body);
    let order = Order {
        name: fields.text("name").to_owned(),
        url: fields.text("url").to_owned(),
        actions: actions(&fields),
        enabled: true,
    };
    let wrong = match Once::read(&house.desk, caller, "webhooks/new", fields.text("form")) {
        None => Wrong::new("", tongue.say("form-old")),
        Some(sent) => {
            let (who, account) = (caller.clone(), &caller.account.id);
            match house.desk.add_webhook(who, account, order, Some(sent.replay)).await {
                Ok(keyed) => return handed_over(house, tongue, caller, keyed).await,
                Err(error) => people::again(tongue, "webhooks", error)?,
            }
        }
    };
    let mut fields = fields;
    fields.put("form", nonce(&house.desk, caller.now));
    let page = form_page(house, tongue, caller, None, Filled::new(SHOWN, fields).but(wrong)).await?;
    Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
}

/// The one page that shows a secret.
#[derive(Template)]
#[template(path = "webhooks/secret.html")]
struct Secret<'a> {
    frame: Frame<'a>,
    id: WebhookId,
    name: String,
    /// None where the form was sent before.
    secret: Option<Arc<SigningSecret>>,
}

async fn handed_over(house: &House, tongue: Tongue, caller: &Caller, keyed: Keyed) -> Result<Reply, Problem> {
    let frame = Frame::of(house, tongue, caller, Section::Webhooks).await?;
    let page = Secret { frame, id: keyed.webhook.id, name: keyed.webhook.name, secret: keyed.secret };
    Reply::page(&house.look, &page)
}

async fn show_edit(call: One) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let found = find(house, caller, id).await?;
    let mut fields = Fields::default();
    fields.put("name", found.name.as_str());
    fields.put("url", found.target.as_str());
    fields.put("actions", found.actions.join("\n"));
    fields.put("version", found.version.to_string());
    if found.enabled {
        fields.put("enabled", "on");
    }
    form_page(house, tongue, caller, Some(&found), Filled::new(SHOWN, fields)).await
}

async fn edit(mut call: Sent) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let found = find(house, caller, id).await?;
    let fields = std::mem::take(&mut call.body);
    let edit = Edit {
        name: Some(fields.text("name").to_owned()),
        url: Some(fields.text("url").to_owned()),
        actions: Some(actions(&fields)),
        enabled: Some(fields.ticked("enabled")),
    };
    let (who, account, version) = (caller.clone(), &caller.account.id, fields.text("version").parse().ok());
    let wrong = match house.desk.edit_webhook(who, account, id, version, edit).await {
        Ok(_) => return Ok(Reply::to(&house.look, &told(caller, Some(id), "webhooks-edited"))),
        Err(Error::Conflict) => Wrong::new("", tongue.say("webhooks-conflict")),
        Err(error) => people::again(tongue, "webhooks", error)?,
    };
    let page = form_page(house, tongue, caller, Some(&found), Filled::new(SHOWN, fields).but(wrong)).await?;
    Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
}

fn told(caller: &Caller, id: Option<WebhookId>, done: &str) -> String {
    let below = id.map(|id| format!("/{id}")).unwrap_or_default();
    frame::told(&format!("/{}/webhooks{below}", caller.account.id), done)
}

#[derive(Template)]
#[template(path = "webhooks/rotate.html")]
struct Rotation<'a> {
    frame: Frame<'a>,
    id: WebhookId,
    name: String,
    form: String,
    wrong: Option<String>,
}

async fn ask_rotation(call: One) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    rotation(house, tongue, caller, id, None).await
}

async fn rotation(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    id: WebhookId,
    wrong: Option<String>,
) -> Result<Reply, Problem> {
    let found = find(house, caller, id).await?;
    let frame = Frame::of(house, tongue, caller, Section::Webhooks).await?;
    let form = nonce(&house.desk, caller.now);
    Reply::page(&house.look, &Rotation { frame, id, name: found.name, form, wrong })
}

async fn rotate(call: Sent) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let route = format!("webhooks/{id}/secret");
    let Some(sent) = Once::read(&house.desk, caller, &route, call.body.text("form")) else {
        let old = tongue.say("form-old").into_owned();
        let page = rotation(house, tongue, caller, id, Some(old)).await?;
        return Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY));
    };
    let (who, account) = (caller.clone(), &caller.account.id);
    let keyed = house.desk.rotate_webhook(who, account, id, Some(sent.replay)).await?;
    handed_over(house, tongue, caller, keyed).await
}

async fn ask(call: One) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let found = find(house, caller, id).await?;
    let frame = Frame::of(house, tongue, caller, Section::Webhooks).await?;
    let title = tongue.say_of("webhooks-delete-title", &[("name", found.name.as_str().into())]);
    let one = frame.path(&format!("webhooks/{id}"));
    let page = Asking {
        id: id.to_string(),
        action: format!("{one}/delete"),
        back: one,
        title: title.into_owned(),
        sentences: vec![tongue.say("webhooks-delete-sentence").into_owned()],
        button: Some(tongue.say("webhooks-delete-button").into_owned()),
        danger: true,
        look: None,
        wrong: None,
        frame,
    };
    Reply::page(&house.look, &page)
}

async fn delete(call: Sent) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    house.desk.delete_webhook(caller.clone(), &caller.account.id, id).await?;
    Ok(Reply::to(&house.look, &told(caller, None, "webhooks-deleted")))
}

async fn redeliver(call: Call<Signed, Deep<WebhookId, i64>, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller), Deep(account, id, seq)) = (&*call.house, &call.who, &call.at);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    match house.desk.redeliver(caller.clone(), account, *id, *seq).await {
        Ok(_) => Ok(Reply::to(&house.look, &told(caller, Some(*id), "webhooks-again"))),
        Err(error) => {
            let wrong = people::again(tongue, "webhooks", error)?;
            let page = one_page(house, tongue, caller, *id, &Asked::default(), Some(wrong.text)).await?;
            Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}
