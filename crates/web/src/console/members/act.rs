//! What is done with somebody in one step: a small page that says what follows and asks, and the form
//! that does it.

use axum::http::StatusCode;
use domain::facts::Holder;
use domain::members::{self, Actions};
use domain::policy::{OnInactive, OnRemove, OnReturn};
use domain::who::Caller;
use service::stakes::Held;

use super::{Noun, One, Sent, closed, find};
use crate::api::House;
use crate::console::frame::Frame;
use crate::console::people::{self, Asking};
use crate::console::reply::Reply;
use crate::console::session::Signed;
use crate::console::tongue::Tongue;
use crate::problem::Problem;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Deactivate,
    Reactivate,
    Remove,
}

impl Act {
    /// The last part of its path, and of the names of its sentences.
    fn slug(self) -> &'static str {
        match self {
            Act::Deactivate => "deactivate",
            Act::Reactivate => "reactivate",
            Act::Remove => "remove",
        }
    }

    fn is_open(self, actions: Actions) -> bool {
        match self {
            Act::Deactivate => actions.deactivate,
            Act::Reactivate => actions.reactivate,
            Act::Remove => actions.remove,
        }
    }
}

pub(super) async fn ask(call: One, noun: Noun, act: Act) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let holder = find(house, caller, noun, id).await?;
    if !act.is_open(members::actions(caller, &holder)) {
        return Err(closed(tongue));
    }
    page(house, tongue, caller, noun, act, &holder, None).await
}

async fn page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    noun: Noun,
    act: Act,
    holder: &Holder,
    wrong: Option<String>,
) -> Result<Reply, Problem> {
    let frame = Frame::of(house, tongue, caller, noun.section()).await?;
    let held = match act {
        // Whoever returns brings back what stands still.
        _ if act.is_open(members::actions(caller, holder)) => {
            house.desk.held(caller, &caller.account.id, holder).await?
        }
        _ => None,
    };
    let policy = &caller.account.policy;
    let blocked =
        act == Act::Remove && policy.on_remove == OnRemove::Refuse && held.is_some_and(|h| h.alive() > 0);
    let sees = blocked && noun == Noun::Member && caller.manages();
    let sentences = match held.filter(|_| blocked) {
        Some(held) => vec![count(tongue, "remove-refused", held.alive())],
        None => consequences(tongue, caller, noun, act, holder, held),
    };
    let one = format!("{}/{}", frame.path(noun.slug()), holder.id);
    let page = Asking {
        id: holder.id.to_string(),
        action: format!("{one}/{}", act.slug()),
        back: one,
        title: noun.say_of(tongue, &format!("{}-title", act.slug()), &holder.name),
        sentences,
        button: (!blocked).then(|| noun.say(tongue, &format!("{}-button", act.slug())).into_owned()),
        // What can be undone is no danger.
        danger: act == Act::Remove,
        look: sees.then(|| {
            let tokens = format!("{}?issued_by={}", frame.path("tokens"), holder.id);
            (tokens, tongue.say("see-tokens").into_owned())
        }),
        wrong,
        frame,
    };
    Reply::page(&house.look, &page)
}

/// Whom it is about stands in the title alone.
fn count(tongue: Tongue, name: &str, count: u64) -> String {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    tongue.say_of(name, &[("count", count.into())]).into_owned()
}

/// What follows from it, as far as the policy and the tokens there are say.
fn consequences(
    tongue: Tongue,
    caller: &Caller,
    noun: Noun,
    act: Act,
    holder: &Holder,
    held: Option<Held>,
) -> Vec<String> {
    let policy = &caller.account.policy;
    let say = |name: &str| tongue.say(name).into_owned();
    // Without a number, where there are too many to be counted.
    let of = |name: &str, number: Option<u64>| match number {
        Some(number) => count(tongue, name, number),
        None => say(&format!("{name}-uncounted")),
    };
    let mut said = Vec::new();
    if caller.is(holder.id) {
        said.push(say("act-on-yourself"));
    }
    match act {
        Act::Deactivate => {
            said.push(match policy.on_inactive {
                OnInactive::Suspend => of("deactivate-stops", held.map(|held| held.working)),
                OnInactive::Keep => of("deactivate-keeps", held.map(|held| held.working)),
            });
            if noun.signs_in() {
                said.push(say("deactivate-sessions"));
            }
            if policy.on_inactive == OnInactive::Suspend && held.is_none_or(|held| held.alive() > 0) {
                said.push(match policy.on_return {
                    OnReturn::Restore => say("deactivate-restores"),
                    OnReturn::Approve => say("deactivate-approves"),
                });
            }
        }
        Act::Reactivate => {
            if noun.signs_in() {
                said.push(say("reactivate-sessions"));
            }
            let suspended = held.map(|held| held.suspended);
            said.push(match (policy.on_inactive, policy.on_return) {
                (OnInactive::Keep, _) => say("reactivate-keeps"),
                (OnInactive::Suspend, OnReturn::Restore) => of("reactivate-restores", suspended),
                (OnInactive::Suspend, OnReturn::Approve) => of("reactivate-approves", suspended),
            });
        }
        Act::Remove => {
            said.push(match policy.on_remove {
                OnRemove::Delete => of("remove-deletes", held.map(Held::alive)),
                OnRemove::Keep => of("remove-keeps", held.map(|held| held.working)),
                OnRemove::Refuse => say("remove-none"),
            });
            said.push(noun.say(tongue, "remove-for-good").into_owned());
        }
    }
    said
}

pub(super) async fn carry_out(call: Sent, noun: Noun, act: Act) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let holder = find(house, caller, noun, id).await?;
    let (desk, who, account) = (&house.desk, caller.clone(), &caller.account.id);
    let path = noun.path(caller, id);
    let (result, path, done) = match act {
        Act::Deactivate => (desk.deactivate_holder(who, account, id).await, path, "deactivated"),
        Act::Reactivate => (desk.reactivate_holder(who, account, id).await, path, "reactivated"),
        Act::Remove => {
            let list = format!("/{account}/{}", noun.slug());
            (desk.remove_holder(who, account, id).await, list, "removed")
        }
    };
    let wrong = match result {
        // Whoever stopped themselves signs in elsewhere, if at all.
        Ok(_) if caller.is(id) && act != Act::Reactivate => return Ok(Reply::to(&house.look, "/sign-in")),
        Ok(_) => return Ok(Reply::to(&house.look, &noun.done(&path, done))),
        Err(error) => people::again(tongue, &format!("holders-{}", act.slug()), error)?,
    };
    let page = page(house, tongue, caller, noun, act, &holder, Some(wrong.text)).await?;
    Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
}
