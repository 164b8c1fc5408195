//! Installations of an account: the running copies of the product, and the places that each is linked to.

use askama::Template;
use axum::http::StatusCode;
use domain::facts::Installation;
use domain::ids::InstallationId;
use domain::installations::{self, Actions, Edit};
use domain::node::NodePath;
use domain::permission::INSTALLATIONS_CREATE;
use domain::refusal::Refusal;
use domain::time::Timestamp;
use domain::who::Caller;
use service::Error;

use super::fields::Fields;
use super::frame::{self, Frame, Section};
use super::people::{self, Asked, Asking, Filled, PAGE, Places};
use super::reply::Reply;
use super::session::Signed;
use super::sign_in::encoded;
use super::tokens::form::Wrong;
use super::tongue::Tongue;
use crate::api::House;
use crate::api::call::{Account, Call, NoQuery, Within};
use crate::api::table::Table;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    const NEW: &str = "/console/{account}/installations/new";
    const EDIT: &str = "/console/{account}/installations/{id}/edit";
    const DELETE: &str = "/console/{account}/installations/{id}/delete";
    table.page("/console/{account}/installations", list);
    table.page(NEW, show_new);
    table.form(NEW, add);
    table.page(EDIT, show_edit);
    table.form(EDIT, edit);
    table.page(DELETE, ask);
    table.form(DELETE, delete);
}

/// Places that a row names.
const NAMED: usize = 3;

#[derive(Template)]
#[template(path = "installations.html")]
struct Page<'a> {
    frame: Frame<'a>,
    rows: Vec<Shown>,
    levels: bool,
    may_add: bool,
    later: bool,
    next: Option<String>,
}

/// An installation as the list shows it.
struct Shown {
    id: String,
    name: String,
    /// The first of its places.
    linked: Vec<String>,
    others: usize,
    created: Timestamp,
    actions: Actions,
}

impl Shown {
    fn more(&self) -> usize {
        self.others
    }
}

async fn list(call: Call<Signed, Account, Asked>) -> Result<Reply, Problem> {
    let (house, Signed(caller), asked) = (&*call.house, &call.who, &call.query);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let (account, cursor) = (&caller.account, asked.cursor.clone());
    let page = house.desk.installations(caller.clone(), &account.id, PAGE, cursor).await?;
    let mut frame = Frame::of(house, tongue, caller, Section::Installations).await?;
    frame.said = frame::said(tongue, asked.done.as_deref());
    let shown = |installation: Installation| Shown {
        id: installation.id.to_string(),
        actions: installations::actions(caller, &installation),
        linked: installation.nodes.iter().take(NAMED).map(ToString::to_string).collect(),
        others: installation.nodes.len().saturating_sub(NAMED),
        created: installation.created_at,
        name: installation.name,
    };
    let next = page.next_cursor.map(|cursor| {
        let cursor = encoded(&cursor);
        format!("{}?cursor={cursor}", frame.path("installations"))
    });
    let page = Page {
        rows: page.items.into_iter().map(shown).collect(),
        levels: people::has_levels(account),
        may_add: caller.has_somewhere(INSTALLATIONS_CREATE),
        later: asked.cursor.is_some(),
        next,
        frame,
    };
    Reply::page(&house.look, &page)
}

const SHOWN: &[&str] = &["name", "nodes"];

#[derive(Template)]
#[template(path = "installations/form.html")]
struct Form<'a> {
    frame: Frame<'a>,
    form: Filled,
    /// Of one that exists: its id and name.
    found: Option<(String, String)>,
    /// None where nothing can be chosen: the account's tree has no levels.
    places: Option<Places>,
    /// Places that it is linked to and that no choice shows.
    elsewhere: Vec<String>,
}

async fn show_new(call: Call<Signed, Account>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    caller.needs_somewhere(INSTALLATIONS_CREATE).map_err(Error::from)?;
    form_page(house, tongue, caller, None, Filled::new(SHOWN, Fields::default())).await
}

async fn form_page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    found: Option<&Installation>,
    form: Filled,
) -> Result<Reply, Problem> {
    let frame = Frame::of(house, tongue, caller, Section::Installations).await?;
    let places = match people::has_levels(&caller.account) {
        true => Some(Places::of(house, caller).await?),
        false => None,
    };
    let linked = found.map(|found| found.nodes.iter().map(ToString::to_string)).into_iter().flatten();
    let shown = |path: &String| places.as_ref().is_some_and(|places| places.has(path));
    let page = Form {
        elsewhere: linked.filter(|path| !shown(path)).collect(),
        found: found.map(|found| (found.id.to_string(), found.name.clone())),
        form,
        places,
        frame,
    };
    Reply::page(&house.look, &page)
}

/// The places that were ticked, or typed one a line; none where the form asks for none.
fn linked(fields: &Fields, caller: &Caller, tongue: Tongue) -> Result<Option<Vec<NodePath>>, Wrong> {
    if !people::has_levels(&caller.account) {
        return Ok(None);
    }
    let ticked = fields.under("node.").map(|(path, _)| path);
    let typed = fields.text("nodes").lines().map(str::trim).filter(|line| !line.is_empty());
    let all = ticked.chain(typed).map(str::parse).collect::<Result<Vec<NodePath>, _>>();
    all.map(Some).map_err(|_| Wrong::new("nodes", tongue.say("wrong-place")))
}

fn told(caller: &Caller, done: &str) -> String {
    frame::told(&format!("/{}/installations", caller.account.id), done)
}

async fn add(mut call: Call<Signed, Account, NoQuery, Fields>) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let account = &caller.account.id;
    let fields = std::mem::take(&mut call.body);
    let wrong = match linked(&fields, caller, tongue) {
        Err(wrong) => wrong,
        Ok(nodes) => {
            let (name, nodes) = (fields.text("name").to_owned(), nodes.unwrap_or_default());
            match house.desk.add_installation(caller.clone(), account, name, nodes, None).await {
                Ok(_) => return Ok(Reply::to(&house.look, &told(caller, "installations-added"))),
                Err(error) => people::again(tongue, "installations", error)?,
            }
        }
    };
    let page = form_page(house, tongue, caller, None, Filled::new(SHOWN, fields).but(wrong)).await?;
    Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
}

type One = Call<Signed, Within<InstallationId>>;
type Sent = Call<Signed, Within<InstallationId>, NoQuery, Fields>;

async fn find(house: &House, caller: &Caller, id: InstallationId) -> Result<Installation, Problem> {
    Ok(house.desk.installation(caller.clone(), &caller.account.id, id).await?)
}

/// The page of something that cannot be done with it, or not by the caller.
fn closed(tongue: Tongue) -> Problem {
    Error::from(Refusal::wrong_state(tongue.say("installations-closed"))).into()
}

async fn show_edit(call: One) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let found = find(house, caller, id).await?;
    if !installations::actions(caller, &found).edit {
        return Err(closed(tongue));
    }
    let mut fields = Fields::default();
    fields.put("name", found.name.as_str());
    fields.put("version", found.version.to_string());
    for node in &found.nodes {
        fields.put(&format!("node.{node}"), "on");
    }
    let lines: Vec<&str> = found.nodes.iter().map(NodePath::as_str).collect();
    fields.put("nodes", lines.join("\n"));
    form_page(house, tongue, caller, Some(&found), Filled::new(SHOWN, fields)).await
}

async fn edit(mut call: Sent) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let found = find(house, caller, id).await?;
    let fields = std::mem::take(&mut call.body);
    let wrong = match linked(&fields, caller, tongue) {
        Err(wrong) => wrong,
        Ok(nodes) => {
            // What stays as it is needs no right: whoever may link it need not be allowed to rename it.
            let name = Some(fields.text("name").to_owned()).filter(|name| *name != found.name);
            let (who, account) = (caller.clone(), &caller.account.id);
            let (version, edit) = (fields.text("version").parse().ok(), Edit { name, nodes });
            match house.desk.edit_installation(who, account, id, version, edit).await {
                Ok(_) => return Ok(Reply::to(&house.look, &told(caller, "installations-edited"))),
                Err(Error::Conflict) => Wrong::new("", tongue.say("installations-conflict")),
                Err(error) => people::again(tongue, "installations", error)?,
            }
        }
    };
    let page = form_page(house, tongue, caller, Some(&found), Filled::new(SHOWN, fields).but(wrong)).await?;
    Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
}

async fn ask(call: One) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let found = find(house, caller, id).await?;
    if !installations::actions(caller, &found).delete {
        return Err(closed(tongue));
    }
    page(house, tongue, caller, &found, None).await
}

async fn page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    found: &Installation,
    wrong: Option<String>,
) -> Result<Reply, Problem> {
    let frame = Frame::of(house, tongue, caller, Section::Installations).await?;
    let title = tongue.say_of("installations-delete-title", &[("name", found.name.as_str().into())]);
    let page = Asking {
        id: found.id.to_string(),
        action: format!("{}/{}/delete", frame.path("installations"), found.id),
        back: frame.path("installations"),
        title: title.into_owned(),
        sentences: vec![tongue.say("installations-delete-sentence").into_owned()],
        button: Some(tongue.say("installations-delete-button").into_owned()),
        danger: true,
        look: None,
        wrong,
        frame,
    };
    Reply::page(&house.look, &page)
}

async fn delete(call: Sent) -> Result<Reply, Problem> {
    let (house, Signed(caller), id) = (&*call.house, &call.who, call.at.1);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let found = find(house, caller, id).await?;
    match house.desk.delete_installation(caller.clone(), &caller.account.id, id).await {
        Ok(_) => Ok(Reply::to(&house.look, &told(caller, "installations-deleted"))),
        Err(error) => {
            let wrong = people::again(tongue, "installations", error)?;
            let page = page(house, tongue, caller, &found, Some(wrong.text)).await?;
            Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}
