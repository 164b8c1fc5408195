//! Decisions on webhooks: whom they are for, what they may be, and what is sent once more.

use std::sync::Arc;

use super::target::{Allowed, Target};
use super::{Delivery, Effect, Fate, MOST, OVERLAP, Progress, SigningSecret, Webhook, Write, write};
use crate::change::{Action, Change, Condition, Counting};
use crate::ids::WebhookId;
use crate::permission::{JOURNAL_READ, POLICY_UPDATE};
use crate::refusal::{Code, Refusal};
use crate::text;
use crate::who::Caller;

const NAME: usize = 100;
/// Actions that one webhook picks out, at most.
const PICKED: usize = 50;

/// What a request wants of a new webhook.
#[derive(Clone, Debug, Default)]
pub struct Order {
    pub name: String,
    pub url: String,
    pub actions: Vec<String>,
    pub enabled: bool,
}

/// What a request wants changed. Absent fields stay.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    pub name: Option<String>,
    pub url: Option<String>,
    pub actions: Option<Vec<String>>,
    pub enabled: Option<bool>,
}

/// A decision on a webhook: the row as it will stand, and the change that makes it so.
#[derive(Debug)]
pub struct Decided {
    pub webhook: Webhook,
    pub change: Change,
}

/// Whoever may change the account's policy has a say about webhooks, if they may read the journal: that is what
/// a webhook tells, to whomever they name.
pub fn may(caller: &Caller) -> Result<(), Refusal> {
    caller.needs(POLICY_UPDATE)?;
    caller.needs(JOURNAL_READ)
}

pub fn create(
    caller: &Caller,
    id: WebhookId,
    order: &Order,
    secret: Arc<SigningSecret>,
    allowed: &Allowed,
) -> Result<Decided, Refusal> {
    may(caller)?;
    let webhook = Webhook {
        id,
        account: caller.account.id.clone(),
        name: text::name("name", &order.name, NAME)?,
        target: taken(&order.url, allowed)?,
        actions: picked(&order.actions)?,
        enabled: order.enabled,
        created_at: caller.now,
        older_until: None,
        progress: Progress::default(),
        version: 0,
    };
    let room = Condition::Room { account: webhook.account.clone(), of: Counting::Webhooks, max: MOST };
    let full = format!("An account has {MOST} webhooks at most; delete one that is not needed any more.");
    let change = Change::default()
        .guard(room, Refusal::new(Code::LimitReached, full))
        .write(write(Write::Insert { webhook: webhook.clone(), secret }))
        .entry(caller.entry(Action::WebhookCreated, id, told(&webhook)));
    Ok(Decided { webhook, change })
}

/// Decides on another name, receiver or choice of entries, or that it rests or goes on. One that goes on is told
/// what happens from then on.
pub fn edit(caller: &Caller, webhook: Webhook, edit: &Edit, allowed: &Allowed) -> Result<Decided, Refusal> {
    may(caller)?;
    let mut next = webhook.clone();
    if let Some(name) = &edit.name {
        next.name = text::name("name", name, NAME)?;
    }
    if let Some(url) = &edit.url {
        next.target = taken(url, allowed)?;
    }
    if let Some(actions) = &edit.actions {
        next.actions = picked(actions)?;
    }
    next.enabled = edit.enabled.unwrap_or(webhook.enabled);
    if next == webhook {
        return Ok(Decided { webhook, change: Change::default() });
    }
    let resumed = next.enabled && !webhook.enabled;
    let afresh = resumed || next.target != webhook.target;
    if afresh {
        (next.progress.failing_since, next.progress.paused_until) = (None, None);
    }
    let said = serde_json::json!({
        "name": next.name,
        "was": told(&webhook),
        "is": told(&next),
        // The journal does not have the path, which may be what lets somebody in over there.
        "url_changed": next.target != webhook.target,
    });
    let update = Write::Update { webhook: next.clone(), afresh, resumed, now: caller.now };
    let change =
        Change::default().write(write(update)).entry(caller.entry(Action::WebhookEdited, next.id, said));
    Ok(Decided { webhook: next, change })
}

/// Decides on another secret. The one before signs too for [`OVERLAP`], so that a receiver has the time to learn
/// the new one.
pub fn rotate(caller: &Caller, webhook: Webhook, secret: Arc<SigningSecret>) -> Result<Decided, Refusal> {
    may(caller)?;
    let next = Webhook { older_until: Some(caller.now.plus_micros(OVERLAP)), ..webhook };
    let said = serde_json::json!({ "name": next.name, "older_until": next.older_until });
    let change = Change::default()
        .write(write(Write::Rotate { webhook: next.clone(), secret }))
        .entry(caller.entry(Action::WebhookRotated, next.id, said));
    Ok(Decided { webhook: next, change })
}

/// Decides on a webhook's end. What was under way is not delivered any more.
pub fn delete(caller: &Caller, webhook: Webhook) -> Result<Decided, Refusal> {
    may(caller)?;
    let change = Change::default().write(write(Write::Delete(webhook.clone()))).entry(caller.entry(
        Action::WebhookDeleted,
        webhook.id,
        told(&webhook),
    ));
    Ok(Decided { webhook, change })
}

/// Decides that something is delivered once more, at once.
pub fn redeliver(
    caller: &Caller,
    webhook: &Webhook,
    delivery: Delivery,
) -> Result<(Delivery, Change), Refusal> {
    may(caller)?;
    may_be_sent_again(webhook, &delivery)?;
    let again = delivery.again(caller.now);
    let row = Write::Deliver { delivery: again.clone(), effect: Effect::Nothing, now: caller.now };
    Ok((again, Change::default().write(write(row))))
}

/// Whether it can be sent now.
pub fn may_be_sent_again(webhook: &Webhook, delivery: &Delivery) -> Result<(), Refusal> {
    if !webhook.enabled {
        return Err(Refusal::wrong_state("This webhook is turned off; turn it on first."));
    }
    match delivery.fate {
        Fate::Waiting => Err(Refusal::wrong_state(
            "It waits for an earlier delivery about the same thing; send that one again.",
        )),
        Fate::Begun(_) => Err(Refusal::wrong_state("It is being sent just now; look again in a minute.")),
        Fate::Due(_) | Fate::Delivered(_) | Fate::GivenUp(_) => Ok(()),
    }
}

fn taken(url: &str, allowed: &Allowed) -> Result<Target, Refusal> {
    let target = Target::parse(url)?;
    allowed.takes(&target)?;
    Ok(target)
}

/// In order, so that the same choice is the same row.
fn picked(actions: &[String]) -> Result<Vec<String>, Refusal> {
    let mut picked: Vec<String> = actions.iter().map(|action| action.trim().to_owned()).collect();
    picked.sort_unstable();
    picked.dedup();
    if picked.len() > PICKED {
        return Err(Refusal::invalid("actions", format!("Name at most {PICKED} actions, or none for all.")));
    }
    let known = |word: &str| {
        let all_of = |action: &str| action.strip_prefix(word).is_some_and(|rest| rest.starts_with('.'));
        Action::ALL.iter().any(|action| action.as_str() == word || all_of(action.as_str()))
    };
    match picked.iter().find(|word| !known(word)) {
        Some(word) => Err(Refusal::invalid(
            "actions",
            format!(
                "The journal has no action `{}`; name those such as token.created, or token for all about tokens.",
                crate::time::shortened(word)
            ),
        )),
        None => Ok(picked),
    }
}

fn told(webhook: &Webhook) -> serde_json::Value {
    serde_json::json!({
        "name": webhook.name,
        "to": webhook.target.origin(),
        "actions": webhook.actions,
        "enabled": webhook.enabled,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_those_of_the_journal() {
        let all = |words: &[&str]| picked(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        assert_eq!(all(&["token.created", " member", "token.created"]).unwrap(), ["member", "token.created"]);
        for bad in ["tok", "token.", "token.made", "", "TOKEN"] {
            assert_eq!(all(&[bad]).unwrap_err().field, Some("actions"), "{bad}");
        }
    }
}
