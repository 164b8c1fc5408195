//! `/v1/accounts/{account}/webhooks`: programs that are told what the account's journal says.

use api::webhooks::{
    CreateWebhook, Delivery as ShownDelivery, DeliveryStatus, EditWebhook, KeyedWebhook, Webhook as Shown,
    WebhookStatus,
};
use api::{ListQuery, Secret};
use domain::ids::{AccountId, WebhookId};
use domain::time::Timestamp;
use domain::webhooks::{Delivery, Edit, Fate, Order, Outcome, Webhook};
use service::webhooks::Keyed;

use super::call::{Account, Call, Deep, NoQuery, Within};
use super::door::Holder;
use super::limit;
use super::shape::{Created, Listed};
use super::table::Table;
use crate::json::{EmptyOrJson, Json};
use crate::map;
use crate::problem::Problem;

type At = Within<WebhookId>;
type Answer = Result<Json<Shown>, Problem>;

pub(crate) fn routes(table: &mut Table) {
    const ALL: &str = "/v1/accounts/{account}/webhooks";
    const ONE: &str = "/v1/accounts/{account}/webhooks/{id}";
    const ROTATE: &str = "/v1/accounts/{account}/webhooks/{id}/rotate-secret";
    const DELIVERIES: &str = "/v1/accounts/{account}/webhooks/{id}/deliveries";
    const AGAIN: &str = "/v1/accounts/{account}/webhooks/{id}/deliveries/{seq}/redeliver";
    table.get(ALL, "list_webhooks", "Lists the webhooks of an account.", list);
    table.post(
        ALL,
        "create_webhook",
        "Has a program told what happens; its secret is in this answer alone.",
        create,
    );
    table.get(ONE, "show_webhook", "Shows a webhook and how it fares.", show);
    table.patch(
        ONE,
        "edit_webhook",
        "Changes where a webhook goes and what it is told, or turns it off.",
        edit,
    );
    table.delete(ONE, "delete_webhook", "Ends a webhook.", delete);
    const ROTATES: &str = "Gives a webhook a new secret; for a day deliveries are signed with both.";
    table.post(ROTATE, "rotate_webhook_secret", ROTATES, rotate);
    table.get(
        DELIVERIES,
        "list_deliveries",
        "Lists what a webhook was told and is to be told, the newest first.",
        deliveries,
    );
    table.post(AGAIN, "redeliver", "Tells a webhook once more, at once.", redeliver);
}

async fn list(call: Call<Holder, Account, ListQuery>) -> Result<Listed<Shown>, Problem> {
    let limit = limit(call.query.limit)?;
    let (desk, account) = (&call.house.desk, &call.at.0);
    let webhooks = desk.webhooks(&call.who.0, account).await?;
    let place = |webhook: &Webhook| webhook.id.to_string();
    let list = format!("webhooks {account}");
    let page = desk.page(&list, webhooks, place, limit, call.query.cursor.as_deref())?;
    let mut items = Vec::with_capacity(page.items.len());
    for webhook in page.items {
        items.push(shown(&call, webhook).await?);
    }
    Ok(Listed(api::Page { items, next_cursor: page.next_cursor }))
}

async fn create(
    call: Call<Holder, Account, NoQuery, Json<CreateWebhook>>,
) -> Result<Created<KeyedWebhook>, Problem> {
    let replay = call.replay()?;
    let Json(body) = &call.body;
    let order = Order {
        name: body.name.clone(),
        url: body.url.clone(),
        actions: body.actions.clone(),
        enabled: body.enabled.unwrap_or(true),
    };
    let keyed = call.house.desk.add_webhook(call.who.0.clone(), &call.at.0, order, replay).await?;
    handed_over(&call, &call.at.0, keyed).await
}

async fn show(call: Call<Holder, At>) -> Answer {
    let Within(account, id) = &call.at;
    let found = call.house.desk.webhook(&call.who.0, account, *id).await?;
    shown(&call, found).await.map(Json)
}

async fn edit(call: Call<Holder, At, NoQuery, Json<EditWebhook>>) -> Answer {
    let EditWebhook { name, url, actions, enabled, version } = call.body.0.clone();
    let Within(account, id) = &call.at;
    let edit = Edit { name, url, actions, enabled };
    let edited = call.house.desk.edit_webhook(call.who.0.clone(), account, *id, version, edit).await?;
    shown(&call, edited).await.map(Json)
}

async fn delete(call: Call<Holder, At>) -> Answer {
    let Within(account, id) = &call.at;
    let gone = call.house.desk.delete_webhook(call.who.0.clone(), account, *id).await?;
    shown(&call, gone).await.map(Json)
}

async fn rotate(
    call: Call<Holder, At, NoQuery, EmptyOrJson<api::Empty>>,
) -> Result<Created<KeyedWebhook>, Problem> {
    let replay = call.replay()?;
    let Within(account, id) = &call.at;
    let keyed = call.house.desk.rotate_webhook(call.who.0.clone(), account, *id, replay).await?;
    handed_over(&call, account, keyed).await
}

async fn deliveries(call: Call<Holder, At, ListQuery>) -> Result<Listed<ShownDelivery>, Problem> {
    let limit = limit(call.query.limit)?;
    let Within(account, id) = &call.at;
    let desk = &call.house.desk;
    let page = desk.deliveries(&call.who.0, account, *id, limit, call.query.cursor.as_deref()).await?;
    Ok(Listed(map::page(page, delivery)))
}

async fn redeliver(
    call: Call<Holder, Deep<WebhookId, i64>, NoQuery, EmptyOrJson<api::Empty>>,
) -> Result<Json<ShownDelivery>, Problem> {
    let Deep(account, id, seq) = &call.at;
    let again = call.house.desk.redeliver(call.who.0, account, *id, *seq).await?;
    Ok(Json(delivery(again)))
}

async fn handed_over<P, Q, B>(
    call: &Call<Holder, P, Q, B>,
    account: &AccountId,
    keyed: Keyed,
) -> Result<Created<KeyedWebhook>, Problem> {
    let location = format!("/v1/accounts/{account}/webhooks/{}", keyed.webhook.id);
    // Only a form is answered without, and this is none.
    let secret = keyed.secret.ok_or_else(Problem::undetermined)?;
    let secret = Secret::new(secret.text().as_str());
    Ok(Created { location, body: KeyedWebhook { webhook: shown(call, keyed.webhook).await?, secret } })
}

async fn shown<P, Q, B>(call: &Call<Holder, P, Q, B>, webhook: Webhook) -> Result<Shown, Problem> {
    let waiting = call.house.desk.deliveries_open(&webhook).await?;
    Ok(map_webhook(webhook, waiting, call.house.desk.now()))
}

fn map_webhook(webhook: Webhook, waiting: i64, now: Timestamp) -> Shown {
    let progress = webhook.progress;
    Shown {
        id: webhook.id.to_string(),
        account: webhook.account.to_string(),
        name: webhook.name,
        url: webhook.target.as_str().to_owned(),
        actions: webhook.actions,
        enabled: webhook.enabled,
        status: match (webhook.enabled, progress.failing_since) {
            (false, _) => WebhookStatus::Off,
            (true, Some(_)) => WebhookStatus::Failing,
            (true, None) => WebhookStatus::Working,
        },
        failing_since: progress.failing_since.map(|at| at.to_string()),
        waiting,
        missed: progress.missed,
        older_secret_until: webhook.older_until.filter(|until| *until > now).map(|at| at.to_string()),
        created_at: webhook.created_at.to_string(),
        version: webhook.version,
    }
}

fn delivery(delivery: Delivery) -> ShownDelivery {
    let (status, next_try_at, ended_at) = match delivery.fate {
        Fate::Waiting => (DeliveryStatus::Waiting, None, None),
        Fate::Due(at) | Fate::Begun(at) => (DeliveryStatus::Due, Some(at), None),
        Fate::Delivered(at) => (DeliveryStatus::Delivered, None, Some(at)),
        Fate::GivenUp(at) => (DeliveryStatus::GivenUp, None, Some(at)),
    };
    let (answer, error) = match delivery.outcome {
        None => (None, None),
        Some(Outcome::Answered(status)) => (Some(status), None),
        Some(Outcome::Failed(trouble)) => (None, Some(trouble.sentence().to_owned())),
    };
    ShownDelivery {
        seq: delivery.seq,
        action: delivery.action,
        subject: delivery.subject,
        status,
        tries: delivery.tries,
        answer,
        error,
        next_try_at: next_try_at.map(|at| at.to_string()),
        ended_at: ended_at.map(|at| at.to_string()),
    }
}
