//! The editor of a role: its name and its permissions in a grid; and, between filling it in and saving,
//! the page that says who would lose or gain what.

use askama::Template;
use axum::http::StatusCode;
use domain::facts::Role;
use domain::ids::RoleId;
use domain::permission::{ROLES_CREATE, ROLES_READ};
use domain::roles::{self, Actions};
use domain::who::Caller;
use service::stakes::{Affected, RoleStakes};

use super::grid::{self, Grid};
use crate::api::House;
use crate::api::call::{Account, Call, NoQuery, Within};
use crate::console::fields::Fields;
use crate::console::frame::{self, Frame, Section};
use crate::console::people::{self, After, Filled};
use crate::console::reauth;
use crate::console::reply::Reply;
use crate::console::session::Signed;
use crate::console::tokens::form::Wrong;
use crate::console::tongue::Tongue;
use crate::problem::Problem;

const SHOWN: &[&str] = &["name", "permissions"];

#[derive(Template)]
#[template(path = "roles/one.html")]
struct Page<'a> {
    frame: Frame<'a>,
    form: Filled,
    /// Of a role that exists: its id and its name.
    role: Option<(String, &'a str)>,
    product: Grid,
    desk: Grid,
    actions: Actions,
    strongest: bool,
    held: Option<usize>,
}

impl Page<'_> {
    fn held(&self) -> usize {
        self.held.unwrap_or_default()
    }
}

/// What a role has, as a form has it.
fn as_it_is(caller: &Caller, role: &Role) -> Fields {
    let mut fields = Fields::default();
    fields.put("name", role.name.as_str());
    for name in caller.registry.spell(role.permissions) {
        fields.put(&format!("may.{name}"), "on");
    }
    fields
}

pub(super) async fn show_new(call: Call<Signed, Account>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    caller.needs(ROLES_CREATE).map_err(service::Error::from)?;
    page(house, tongue, caller, None, Filled::new(SHOWN, Fields::default()), None).await
}

pub(super) async fn show(call: Call<Signed, Within<RoleId>, After>) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    caller.needs(ROLES_READ).map_err(service::Error::from)?;
    let role = super::find(caller, id)?;
    let form = Filled::new(SHOWN, as_it_is(caller, role));
    page(house, tongue, caller, Some(role), form, call.query.done.as_deref()).await
}

async fn page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    role: Option<&Role>,
    form: Filled,
    done: Option<&str>,
) -> Result<Reply, Problem> {
    let held = match role {
        Some(role) => {
            let held = house.desk.role_holders(caller).await?;
            held.map(|held| held.get(&role.id).copied().unwrap_or_default())
        }
        None => None,
    };
    let mut frame = Frame::of(house, tongue, caller, Section::Roles).await?;
    frame.said = frame::said(tongue, done);
    let [product, desk] = grid::grids(caller, &form);
    let page = Page {
        product,
        desk,
        form,
        actions: match role {
            Some(role) => roles::actions(caller, role.id),
            None => Actions { rename: true, permit: true, delete: false },
        },
        strongest: role.is_some_and(|role| caller.account.roles.first().is_some_and(|s| s.id == role.id)),
        role: role.map(|role| (role.id.to_string(), role.name.as_str())),
        held,
        frame,
    };
    Reply::page(&house.look, &page)
}

/// The permissions that were ticked.
fn ticked(fields: &Fields) -> Vec<String> {
    fields.under("may.").map(|(name, _)| name.to_owned()).collect()
}

pub(super) async fn add(mut call: Call<Signed, Account, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let account = &caller.account.id;
    let mut fields = std::mem::take(&mut call.body);
    let (name, permissions) = (fields.text("name").to_owned(), ticked(&fields));
    let made = async {
        let who = reauth::shown(house, caller, &mut fields).await?;
        house.desk.create_role(who, account, name, permissions, None).await
    };
    match made.await {
        Ok(made) => {
            let path = format!("/{account}/roles/{}", made.role.id);
            Ok(Reply::to(&house.look, &frame::told(&path, "roles-added")))
        }
        Err(error) if reauth::is_needed(&error) => {
            reauth::ask(house, tongue, caller, (Section::Roles, "roles/new"), fields, error).await
        }
        Err(error) => {
            let form = Filled::new(SHOWN, fields).but(people::again(tongue, "roles", error)?);
            let page = page(house, tongue, caller, None, form, None).await?;
            Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

/// What an edit would change for whom, before it is saved.
#[derive(Template)]
#[template(path = "roles/review.html")]
struct Review<'a> {
    frame: Frame<'a>,
    id: String,
    name: String,
    permissions: Vec<String>,
    /// The account as it was looked at: an edit of another is looked at again.
    seen: String,
    stakes: RoleStakes,
    rows: Vec<Row>,
    /// This was looked at before, and has changed since.
    moved_on: bool,
}

struct Row {
    path: String,
    name: String,
    lost: String,
    gained: String,
    less: Option<String>,
    more: Option<String>,
}

impl Review<'_> {
    fn unnamed(&self) -> usize {
        self.stakes.count - self.rows.len()
    }

    fn count(&self) -> usize {
        self.stakes.count
    }

    fn of_tokens(&self, name: &str, count: &u64) -> std::borrow::Cow<'static, str> {
        self.frame.say_of(name, "count", i64::try_from(*count).unwrap_or(i64::MAX))
    }
}

pub(super) async fn edit(mut call: Call<Signed, Within<RoleId>, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    caller.needs(ROLES_READ).map_err(service::Error::from)?;
    let account = &caller.account.id;
    let role = super::find(caller, id)?;
    let mut fields = std::mem::take(&mut call.body);
    if fields.ticked("back") {
        return page(house, tongue, caller, Some(role), Filled::new(SHOWN, fields), None).await;
    }
    let name = Some(fields.text("name").to_owned()).filter(|name| *name != role.name);
    let permissions = roles::actions(caller, id).permit.then(|| ticked(&fields));
    let seen = fields.text("seen").to_owned();
    let now = caller.account.version.to_string();
    let looked = match seen == now {
        // They saw what follows from it.
        true => Ok(None),
        false => {
            let (name, permissions) = (name.as_deref(), permissions.as_deref());
            let stakes = house.desk.role_stakes(caller, account, id, name, permissions).await;
            stakes.map(|stakes| (!stakes.are_none()).then_some(stakes))
        }
    };
    let wrong: Wrong = match looked {
        Ok(Some(stakes)) => {
            return review(house, tongue, caller, role, &fields, stakes, !seen.is_empty()).await;
        }
        Ok(None) => {
            let edited = async {
                let who = reauth::shown(house, caller, &mut fields).await?;
                house.desk.edit_role(who, account, id, name, permissions).await
            };
            match edited.await {
                Ok(_) => {
                    let path = format!("/{account}/roles/{id}");
                    return Ok(Reply::to(&house.look, &frame::told(&path, "roles-edited")));
                }
                Err(error) if reauth::is_needed(&error) => {
                    let place = (Section::Roles, &*format!("roles/{id}"));
                    return reauth::ask(house, tongue, caller, place, fields, error).await;
                }
                Err(error) => people::again(tongue, "roles", error)?,
            }
        }
        Err(error) => people::again(tongue, "roles", error)?,
    };
    // With the strongest role's boxes, which its form does not send.
    let mut shown = fields;
    if !roles::actions(caller, id).permit {
        let typed = shown.text("name").to_owned();
        shown = as_it_is(caller, role);
        shown.put("name", typed);
    }
    let page = page(house, tongue, caller, Some(role), Filled::new(SHOWN, shown).but(wrong), None).await?;
    Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
}

async fn review(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    role: &Role,
    fields: &Fields,
    stakes: RoleStakes,
    moved_on: bool,
) -> Result<Reply, Problem> {
    let frame = Frame::of(house, tongue, caller, Section::Roles).await?;
    let said = |set: domain::permission::PermissionSet| match set.is_empty() {
        true => tongue.say("nothing").into_owned(),
        false => grid::said(tongue, caller, set),
    };
    let number = |name: &str, count: u64| {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        (count > 0).then(|| tongue.say_of(name, &[("count", count.into())]).into_owned())
    };
    let row = |affected: &Affected| Row {
        path: match affected.id {
            domain::ids::HolderId::Member(id) => format!("{}/{id}", frame.path("members")),
            domain::ids::HolderId::ServiceAccount(id) => format!("{}/{id}", frame.path("service-accounts")),
        },
        name: affected.name.clone(),
        lost: said(affected.shift.lost),
        gained: said(affected.shift.gained),
        less: number("tokens-less", affected.tokens.losing),
        more: number("tokens-more", affected.tokens.gaining),
    };
    let page = Review {
        id: role.id.to_string(),
        name: fields.text("name").to_owned(),
        permissions: ticked(fields),
        seen: caller.account.version.to_string(),
        rows: stakes.holders.iter().map(row).collect(),
        stakes,
        moved_on,
        frame,
    };
    Reply::page(&house.look, &page)
}
