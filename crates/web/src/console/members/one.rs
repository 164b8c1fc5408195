//! One member or service account: what they are, what they may do where, and what can be done with them.

use askama::Template;
use domain::facts::{Binding, Holder};
use domain::ids::HolderId;
use domain::members::{self, Actions};
use domain::permission::MEMBERS_CREATE;
use service::stakes::Held;

use super::{Noun, find, role_name};
use crate::api::call::{Call, Within};
use crate::console::frame::{self, Frame};
use crate::console::people::{self, After};
use crate::console::reply::Reply;
use crate::console::session::Signed;
use crate::console::tongue::Tongue;
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "members/one.html")]
struct Page<'a> {
    frame: Frame<'a>,
    noun: Noun,
    holder: Holder,
    id: String,
    /// Each role and where it holds; none: everywhere.
    roles: Vec<(String, Option<String>)>,
    levels: bool,
    metadata: Option<String>,
    actions: Actions,
    is_you: bool,
    /// The reader may let somebody in.
    may_invite: bool,
    /// For those who manage tokens, where they could be counted.
    tokens: Option<Held>,
    /// A deactivation just made can be undone.
    undo: bool,
}

impl Page<'_> {
    fn say(&self, name: &str) -> std::borrow::Cow<'static, str> {
        self.noun.say(self.frame.bare.tongue, name)
    }

    fn counted(&self, name: &str, count: &u64) -> std::borrow::Cow<'static, str> {
        self.frame.say_of(name, "count", i64::try_from(*count).unwrap_or(i64::MAX))
    }
}

pub(super) async fn show(call: Call<Signed, Within<HolderId>, After>, noun: Noun) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let holder = find(house, caller, noun, id).await?;
    let tokens = match caller.manages() {
        true => house.desk.held(caller, &caller.account.id, &holder).await?,
        false => None,
    };
    let mut frame = Frame::of(house, tongue, caller, noun.section()).await?;
    frame.said = frame::said(tongue, call.query.done.as_deref());
    let account = &caller.account;
    let role = |binding: &Binding| {
        let at = (!binding.node.is_root()).then(|| binding.node.to_string());
        (role_name(account, binding.role), at)
    };
    let actions = members::actions(caller, &holder);
    let deactivated = call.query.done.as_deref().is_some_and(|done| done.ends_with("-deactivated"));
    let page = Page {
        noun,
        id: id.to_string(),
        roles: holder.bindings.iter().map(role).collect(),
        levels: people::has_levels(account),
        metadata: holder.metadata.clone().filter(|text| text != "{}"),
        is_you: caller.is(id),
        may_invite: holder.is_active() && caller.has_somewhere(MEMBERS_CREATE),
        undo: deactivated && actions.reactivate,
        actions,
        tokens,
        holder,
        frame,
    };
    Reply::page(&house.look, &page)
}
