//! Which roles somebody has, and where: one in an account without levels, else one at each of several
//! places. A row without a role is no role, and a row too many is there to be filled.

use askama::Template;
use axum::http::StatusCode;
use domain::bindings::Bound;
use domain::facts::Holder;
use domain::members::{self, Edit};
use domain::node::NodePath;
use domain::who::Caller;
use service::Error;

use super::{Noun, One, Sent, closed, find, role_name};
use crate::api::House;
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::people::{self, Filled, Places};
use crate::console::reauth;
use crate::console::reply::Reply;
use crate::console::session::Signed;
use crate::console::tokens::form::Wrong;
use crate::console::tongue::Tongue;
use crate::problem::Problem;

const SHOWN: &[&str] = &["role", "bindings"];

/// Rows that are there to be filled.
const FREE: usize = 2;

/// Rows that are read at most; an account's rules allow fewer.
const MOST: usize = 128;

#[derive(Template)]
#[template(path = "members/roles.html")]
struct Page<'a> {
    frame: Frame<'a>,
    noun: Noun,
    form: Filled,
    id: String,
    name: String,
    roles: Vec<&'a str>,
    places: Option<Places>,
    /// The places beside the root.
    rows: Vec<usize>,
}

impl Page<'_> {
    fn role(&self, row: &usize) -> String {
        format!("role.{row}")
    }

    fn node(&self, row: &usize) -> String {
        format!("node.{row}")
    }

    fn label(&self, name: &str, row: &usize) -> std::borrow::Cow<'static, str> {
        self.frame.say_of(name, "count", *row)
    }

    /// Where a row's role holds, if no choice shows it: a place that the caller may not read.
    fn elsewhere(&self, row: &usize) -> Option<&str> {
        let node = self.form.typed(&self.node(row));
        let known = self.places.as_ref().is_some_and(|places| places.has(node));
        (!node.is_empty() && !known).then_some(node)
    }
}

pub(super) async fn show(call: One, noun: Noun) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let holder = find(house, caller, noun, id).await?;
    if !members::actions(caller, &holder).roles {
        return Err(closed(tongue));
    }
    let mut fields = Fields::default();
    fields.put("version", holder.version.to_string());
    // The first row is the root's.
    let mut row = 1;
    for binding in &holder.bindings {
        let place = if binding.node.is_root() { 0 } else { row };
        row += usize::from(place > 0);
        fields.put(&format!("role.{place}"), role_name(&caller.account, binding.role));
        fields.put(&format!("node.{place}"), binding.node.as_str());
    }
    page(house, tongue, caller, noun, &holder, Filled::new(SHOWN, fields)).await
}

async fn page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    noun: Noun,
    holder: &Holder,
    form: Filled,
) -> Result<Reply, Problem> {
    let places = match people::has_levels(&caller.account) {
        true => Some(Places::of(house, caller).await?),
        false => None,
    };
    let used = |row: &usize| ["role", "node"].iter().any(|f| !form.typed(&format!("{f}.{row}")).is_empty());
    let last = (1..MOST).rfind(used).unwrap_or(0);
    let page = Page {
        noun,
        id: holder.id.to_string(),
        name: holder.name.clone(),
        roles: caller.account.roles.iter().map(|role| role.name.as_str()).collect(),
        rows: (1..=last + FREE).collect(),
        places,
        form,
        frame: Frame::of(house, tongue, caller, noun.section()).await?,
    };
    Reply::page(&house.look, &page)
}

pub(super) async fn change(mut call: Sent, noun: Noun) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let holder = find(house, caller, noun, id).await?;
    let mut fields = std::mem::take(&mut call.body);
    let version = fields.text("version").parse().ok();
    let wrong = match bound(&fields, tongue) {
        Err(wrong) => wrong,
        Ok(bindings) => {
            let edit = Edit { bindings: Some(bindings), ..Edit::default() };
            let changed = async {
                let who = reauth::shown(house, caller, &mut fields).await?;
                house.desk.edit_holder(who, &caller.account.id, id, version, edit).await
            };
            match changed.await {
                Ok(_) => {
                    return Ok(Reply::to(&house.look, &noun.done(&noun.path(caller, id), "roles-changed")));
                }
                Err(error) if reauth::is_needed(&error) => {
                    let place = (noun.section(), &*format!("{}/{id}/roles", noun.slug()));
                    return reauth::ask(house, tongue, caller, place, fields, error).await;
                }
                Err(Error::Conflict) => Wrong::new("", tongue.say("holders-conflict")),
                Err(error) => people::again(tongue, "holders", error)?,
            }
        }
    };
    let form = Filled::new(SHOWN, fields).but(wrong);
    let page = page(house, tongue, caller, noun, &holder, form).await?;
    Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
}

/// The rows that have a role, and where.
fn bound(fields: &Fields, tongue: Tongue) -> Result<Vec<Bound>, Wrong> {
    let mut all = Vec::new();
    for row in 0..MOST {
        let Some(role) = fields.given(&format!("role.{row}")) else { continue };
        let node = match fields.given(&format!("node.{row}")) {
            _ if row == 0 => NodePath::root(),
            None => return Err(Wrong::new("bindings", tongue.say("wrong-row"))),
            Some(path) => path.parse().map_err(|_| Wrong::new("bindings", tongue.say("wrong-place")))?,
        };
        all.push(Bound { role, node });
    }
    if all.is_empty() {
        return Err(Wrong::new("role", tongue.say("wrong-no-role")));
    }
    Ok(all)
}
