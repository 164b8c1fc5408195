//! Roles of an account, strongest first: what each may do, who has it, and making, editing and deleting
//! one. Before an edit is saved its page says who would lose or gain what.

mod edit;
mod grid;

use askama::Template;
use domain::facts::Role;
use domain::ids::RoleId;
use domain::permission::{PermissionSet, ROLES_CREATE};
use domain::roles;
use domain::who::Caller;
use service::Visitor;

use super::fields::Fields;
use super::frame::{self, Frame, Section};
use super::people::{self, After, Asking};
use super::reauth;
use super::reply::Reply;
use super::session::Signed;
use super::tongue::Tongue;
use crate::api::House;
use crate::api::call::{Account, Call, NoQuery, Within};
use crate::api::table::Table;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    const NEW: &str = "/console/{account}/roles/new";
    const ONE: &str = "/console/{account}/roles/{id}";
    const DELETE: &str = "/console/{account}/roles/{id}/delete";
    table.page("/console/{account}/roles", list);
    table.page(NEW, edit::show_new);
    table.form(NEW, edit::add);
    table.page(ONE, edit::show);
    table.form(ONE, edit::edit);
    table.page(DELETE, ask);
    table.form(DELETE, delete);
}

#[derive(Template)]
#[template(path = "roles.html")]
struct Page<'a> {
    frame: Frame<'a>,
    rows: Vec<Shown>,
    /// How many have each could be counted.
    counted: bool,
    may_add: bool,
}

/// A role as the list shows it.
struct Shown {
    id: String,
    name: String,
    /// In the product, and at the desk.
    may: String,
    desk: Option<String>,
    strongest: bool,
    held: usize,
    delete: bool,
}

impl Shown {
    fn held(&self) -> usize {
        self.held
    }
}

async fn list(call: Call<Signed, Account, After>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let visitor = Visitor::Holder(Box::new(caller.clone()));
    let account = house.desk.roles(&visitor, &caller.account.id).await?;
    let held = house.desk.role_holders(caller).await?;
    let mut frame = Frame::of(house, tongue, caller, Section::Roles).await?;
    frame.said = frame::said(tongue, call.query.done.as_deref());
    let everything = everything(caller);
    let shown = |(rank, role): (usize, &Role)| Shown {
        id: role.id.to_string(),
        name: role.name.clone(),
        may: match role.permissions - PermissionSet::DESK {
            _ if role.permissions.contains(everything) => tongue.say("role-all").into_owned(),
            product if product.is_empty() => tongue.say("role-nothing").into_owned(),
            product => grid::said(tongue, caller, product),
        },
        desk: Some(role.permissions & PermissionSet::DESK)
            .filter(|desk| !desk.is_empty() && !role.permissions.contains(everything))
            .map(|desk| grid::said(tongue, caller, desk)),
        strongest: rank == 0,
        held: held.as_ref().and_then(|held| held.get(&role.id)).copied().unwrap_or_default(),
        delete: roles::actions(caller, role.id).delete,
    };
    let page = Page {
        rows: account.roles.iter().enumerate().map(shown).collect(),
        counted: held.is_some(),
        may_add: caller.needs(ROLES_CREATE).is_ok(),
        frame,
    };
    Reply::page(&house.look, &page)
}

/// All that a role of the account can allow.
fn everything(caller: &Caller) -> PermissionSet {
    let names = grid::names(caller);
    names.iter().filter_map(|name| caller.registry.find(name)).collect()
}

fn find(caller: &Caller, id: RoleId) -> Result<&Role, Problem> {
    caller.account.role(id).ok_or_else(Problem::not_found)
}

async fn ask(call: Call<Signed, Within<RoleId>>) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    caller.needs(domain::permission::ROLES_READ).map_err(service::Error::from)?;
    let role = find(caller, id)?;
    if let Err(refusal) = roles::delete(caller, id) {
        return Err(service::Error::from(refusal).into());
    }
    page(house, tongue, caller, role, None).await
}

async fn page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    role: &Role,
    wrong: Option<String>,
) -> Result<Reply, Problem> {
    let held = house.desk.role_holders(caller).await?;
    let held = held.and_then(|held| held.get(&role.id).copied()).filter(|held| *held > 0);
    let frame = Frame::of(house, tongue, caller, Section::Roles).await?;
    let one = format!("{}/{}", frame.path("roles"), role.id);
    let title = tongue.say_of("role-delete-title", &[("name", role.name.as_str().into())]);
    let mut sentences = vec![tongue.say("role-delete-sentence").into_owned()];
    if let Some(held) = held {
        sentences.push(tongue.say_of("role-held", &[("count", held.into())]).into_owned());
    }
    let page = Asking {
        id: role.id.to_string(),
        action: format!("{one}/delete"),
        back: one,
        title: title.into_owned(),
        sentences,
        button: held.is_none().then(|| tongue.say("role-delete-button").into_owned()),
        danger: true,
        look: None,
        wrong,
        frame,
    };
    Reply::page(&house.look, &page)
}

async fn delete(mut call: Call<Signed, Within<RoleId>, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let account = &caller.account.id;
    let deleted = async {
        let who = reauth::shown(house, caller, &mut call.body).await?;
        house.desk.delete_role(who, account, id).await
    };
    match deleted.await {
        Ok(_) => Ok(Reply::to(&house.look, &frame::told(&format!("/{account}/roles"), "roles-deleted"))),
        Err(error) if reauth::is_needed(&error) => {
            let place = (Section::Roles, &*format!("roles/{id}/delete"));
            reauth::ask(house, tongue, caller, place, call.body, error).await
        }
        Err(error) => {
            let wrong = people::again(tongue, "roles-delete", error)?;
            let page = page(house, tongue, caller, find(caller, id)?, Some(wrong.text)).await?;
            Ok(page.with_status(axum::http::StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}
