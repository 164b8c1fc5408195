//! The places of an account's tree by their levels: looking, adding, renaming. Nothing is ever removed
//! from it, nor moved, so neither stands here.

use askama::Template;
use axum::http::StatusCode;
use domain::facts::Node;
use domain::node::NodePath;
use domain::nodes;
use domain::permission::{NODES_CREATE, NODES_READ};
use domain::time::Timestamp;
use domain::who::Caller;
use serde::Deserialize;
use service::Error;
use utoipa::IntoParams;

use super::fields::Fields;
use super::frame::{self, Frame, Section};
use super::people::{self, Asked, Filled, PAGE, Places};
use super::reply::Reply;
use super::session::Signed;
use super::sign_in::encoded;
use super::tokens::form::Wrong;
use super::tongue::Tongue;
use crate::api::House;
use crate::api::call::{Account, Call, NoQuery};
use crate::api::table::Table;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    const NEW: &str = "/console/{account}/tree/new";
    const RENAME: &str = "/console/{account}/tree/rename";
    table.page("/console/{account}/tree", list);
    table.page(NEW, show_new);
    table.form(NEW, add);
    table.page(RENAME, show_rename);
    table.form(RENAME, rename);
}

#[derive(Template)]
#[template(path = "tree.html")]
struct Page<'a> {
    frame: Frame<'a>,
    /// The levels, from the account down.
    levels: String,
    rows: Vec<Shown>,
    /// Of what one adds first, where there is a choice of one.
    only_level: Option<&'a String>,
    may_add: bool,
    later: bool,
    next: Option<String>,
}

/// A place as the list shows it.
struct Shown {
    path: String,
    encoded: String,
    name: String,
    depth: usize,
    level: String,
    created: Timestamp,
    rename: bool,
    add_below: bool,
}

fn shown(caller: &Caller, node: Node) -> Shown {
    let depth = node.path.depth();
    Shown {
        depth,
        level: people::level(&caller.account, depth).to_owned(),
        add_below: nodes::may_add_below(caller, &node.path),
        rename: nodes::rename(caller, node.clone(), &node.name).is_ok(),
        encoded: encoded(node.path.as_str()),
        path: node.path.to_string(),
        name: node.name,
        created: node.created_at,
    }
}

async fn list(call: Call<Signed, Account, Asked>) -> Result<Reply, Problem> {
    let (house, Signed(caller), asked) = (&*call.house, &call.who, &call.query);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let account = &caller.account;
    let page = house.desk.nodes(caller.clone(), &account.id, PAGE, asked.cursor.clone()).await?;
    let mut frame = Frame::of(house, tongue, caller, Section::Tree).await?;
    frame.said = frame::said(tongue, asked.done.as_deref());
    let mut found = page.items;
    found.sort_by(|a, b| people::in_tree(&a.path).cmp(people::in_tree(&b.path)));
    if asked.cursor.is_none() && caller.rights(&NodePath::root()).contains(NODES_READ) {
        found.insert(0, nodes::root(account));
    }
    let only = account.levels.get(1).filter(|_| account.levels.len() == 2);
    let page = Page {
        levels: account.levels.join(" › "),
        rows: found.into_iter().map(|node| shown(caller, node)).collect(),
        only_level: only,
        may_add: people::has_levels(account) && caller.has_somewhere(NODES_CREATE),
        later: asked.cursor.is_some(),
        next: page.next_cursor.map(|cursor| format!("{}?cursor={}", frame.path("tree"), encoded(&cursor))),
        frame,
    };
    Reply::page(&house.look, &page)
}

/// Where to add a place.
#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
struct Below {
    below: Option<String>,
}

const NEW_SHOWN: &[&str] = &["below", "slug", "name"];

#[derive(Template)]
#[template(path = "tree/new.html")]
struct New<'a> {
    frame: Frame<'a>,
    form: Filled,
    /// Those below which the caller may add one, the root aside; none: the path is typed.
    places: Option<Vec<people::Place>>,
    at_root: bool,
}

async fn show_new(call: Call<Signed, Account, Below>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    caller.needs_somewhere(NODES_CREATE).map_err(Error::from)?;
    let mut fields = Fields::default();
    fields.put("below", call.query.below.as_deref().unwrap_or("/"));
    new_page(house, tongue, caller, Filled::new(NEW_SHOWN, fields)).await
}

async fn new_page(house: &House, tongue: Tongue, caller: &Caller, form: Filled) -> Result<Reply, Problem> {
    let frame = Frame::of(house, tongue, caller, Section::Tree).await?;
    let Places { mut all, whole } = Places::of(house, caller).await?;
    all.retain(|place| nodes::may_add_below(caller, &place.path));
    let at_root = nodes::may_add_below(caller, &NodePath::root());
    Reply::page(&house.look, &New { form, places: whole.then_some(all), at_root, frame })
}

async fn add(mut call: Call<Signed, Account, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let account = &caller.account.id;
    let fields = std::mem::take(&mut call.body);
    let wrong = match path(&fields, tongue) {
        Err(wrong) => wrong,
        Ok(path) => {
            let name = fields.given("name").unwrap_or_else(|| fields.text("slug").to_owned());
            match house.desk.add_node(caller.clone(), account, path, name, None).await {
                Ok(_) => {
                    return Ok(Reply::to(
                        &house.look,
                        &frame::told(&format!("/{account}/tree"), "tree-added"),
                    ));
                }
                Err(error) => {
                    let wrong = people::again(tongue, "nodes", error)?;
                    if wrong.is_of("path") { Wrong::new("slug", wrong.text) } else { wrong }
                }
            }
        }
    };
    let page = new_page(house, tongue, caller, Filled::new(NEW_SHOWN, fields).but(wrong)).await?;
    Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
}

/// The path of the place that was typed.
fn path(fields: &Fields, tongue: Tongue) -> Result<NodePath, Wrong> {
    let below: NodePath =
        fields.text("below").parse().map_err(|_| Wrong::new("below", tongue.say("wrong-below")))?;
    let (above, slug) = (below.as_str().trim_end_matches('/'), fields.text("slug"));
    let wrong = || Wrong::new("slug", tongue.say("wrong-slug"));
    if slug.contains('/') {
        return Err(wrong());
    }
    format!("{above}/{slug}").parse().map_err(|_| wrong())
}

/// Which place.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    node: String,
}

#[derive(Template)]
#[template(path = "tree/rename.html")]
struct Rename<'a> {
    frame: Frame<'a>,
    form: Filled,
    path: String,
    name: String,
}

async fn show_rename(call: Call<Signed, Account, Which>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let path = call.query.node.parse().map_err(|_| Problem::not_found())?;
    let node = house.desk.node(caller.clone(), &caller.account.id, &path).await?;
    nodes::rename(caller, node.clone(), &node.name).map_err(Error::from)?;
    let mut fields = Fields::default();
    fields.put("name", node.name.as_str());
    fields.put("version", node.version.to_string());
    rename_page(house, tongue, caller, &node, Filled::new(&["name"], fields)).await
}

async fn rename_page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    node: &Node,
    form: Filled,
) -> Result<Reply, Problem> {
    let frame = Frame::of(house, tongue, caller, Section::Tree).await?;
    let page = Rename { form, path: node.path.to_string(), name: node.name.clone(), frame };
    Reply::page(&house.look, &page)
}

async fn rename(mut call: Call<Signed, Account, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let account = &caller.account.id;
    let fields = std::mem::take(&mut call.body);
    let path: NodePath = fields.text("node").parse().map_err(|_| Problem::not_found())?;
    let (version, name) = (fields.text("version").parse().ok(), Some(fields.text("name").to_owned()));
    let wrong = match house.desk.edit_node(caller.clone(), account, &path, version, name).await {
        Ok(_) => {
            return Ok(Reply::to(&house.look, &frame::told(&format!("/{account}/tree"), "tree-renamed")));
        }
        Err(Error::Conflict) => Wrong::new("", tongue.say("tree-conflict")),
        Err(error) => people::again(tongue, "nodes", error)?,
    };
    let node = house.desk.node(caller.clone(), account, &path).await?;
    let page = rename_page(house, tongue, caller, &node, Filled::new(&["name"], fields).but(wrong)).await?;
    Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
}
