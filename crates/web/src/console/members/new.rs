//! Adding a member, or a service account. With a password a member can sign in at once; with an address
//! alone they can as soon as they have one; with neither they are known by what the product calls them.

use askama::Template;
use axum::http::StatusCode;
use domain::bindings::{self, Bound};
use domain::facts::Binding;
use domain::members::Join;
use domain::node::NodePath;
use domain::permission::MEMBERS_CREATE;
use domain::who::Caller;
use service::Password;

use super::Noun;
use crate::api::House;
use crate::api::call::{Account, Call, NoQuery};
use crate::console::fields::Fields;
use crate::console::frame::Frame;
use crate::console::people::{self, Filled, Places};
use crate::console::reauth::{self, FIRST_PASSWORD};
use crate::console::reply::Reply;
use crate::console::session::Signed;
use crate::console::tokens::form::Wrong;
use crate::console::tokens::{Once, nonce};
use crate::console::tongue::Tongue;
use crate::problem::Problem;

const SHOWN: &[&str] = &["name", "email", FIRST_PASSWORD, "role", "node", "external_id", "metadata"];

#[derive(Template)]
#[template(path = "members/new.html")]
struct Page<'a> {
    frame: Frame<'a>,
    noun: Noun,
    form: Filled,
    /// Those that the caller may give at the root, or somewhere below.
    roles: Vec<&'a str>,
    /// None where the account's tree has no levels.
    places: Option<Places>,
    /// Whoever may do everything may say what the product calls somebody.
    names: bool,
}

impl Page<'_> {
    fn say(&self, name: &str) -> std::borrow::Cow<'static, str> {
        self.noun.say(self.frame.bare.tongue, name)
    }

    /// The rest of the form, which few need, stands open.
    fn more(&self) -> bool {
        ["external_id", "metadata"].iter().any(|name| !self.form.typed(name).is_empty())
    }
}

pub(super) async fn show(call: Call<Signed, Account>, noun: Noun) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    caller.needs_somewhere(MEMBERS_CREATE).map_err(service::Error::from)?;
    let mut fields = Fields::default();
    // The least is what a form begins with.
    fields.put("role", givable(caller).last().copied().unwrap_or_default());
    fields.put("node", "/");
    fields.put("form", nonce(&house.desk, caller.now));
    page(house, tongue, caller, noun, Filled::new(SHOWN, fields)).await
}

/// The roles that the caller may give, somewhere.
fn givable(caller: &Caller) -> Vec<&str> {
    let root = NodePath::root();
    let places = || std::iter::once(&root).chain(caller.holder.bindings.iter().map(|own| &own.node));
    let may_give = |role, at: &NodePath| {
        bindings::may_give(caller, MEMBERS_CREATE, &[Binding { role, node: at.clone() }]).is_ok()
    };
    let roles = caller.account.roles.iter();
    roles.filter(|role| places().any(|at| may_give(role.id, at))).map(|role| role.name.as_str()).collect()
}

async fn page(
    house: &House,
    tongue: Tongue,
    caller: &Caller,
    noun: Noun,
    form: Filled,
) -> Result<Reply, Problem> {
    let places = match people::has_levels(&caller.account) {
        true => Some(Places::of(house, caller).await?),
        false => None,
    };
    let frame = Frame::of(house, tongue, caller, noun.section()).await?;
    let names = caller.lacks().is_empty();
    Reply::page(&house.look, &Page { noun, form, roles: givable(caller), places, names, frame })
}

pub(super) async fn add(
    mut call: Call<Signed, Account, NoQuery, Fields>,
    noun: Noun,
) -> Result<Reply, Problem> {
    let (house, Signed(caller)) = (&*call.house, &call.who);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let mut fields = std::mem::take(&mut call.body);
    let typed = fields.text(FIRST_PASSWORD).to_owned();
    let password = Some(typed).filter(|text| !text.is_empty()).map(Password::new);
    let sent = Once::read(&house.desk, caller, &format!("{}/new", noun.slug()), fields.text("form"));
    let wrong = match (order(&fields, tongue), sent) {
        (Err(wrong), _) => wrong,
        (_, None) => Wrong::new("", tongue.say("form-old")),
        (Ok(order), Some(Once { replay })) => {
            let (desk, account) = (&house.desk, &caller.account.id);
            let added = async {
                let who = reauth::shown(house, caller, &mut fields).await?;
                match noun {
                    Noun::Member => desk.add_member(who, account, order, password, Some(replay)).await,
                    Noun::ServiceAccount => desk.add_service_account(who, account, order, Some(replay)).await,
                }
            };
            match added.await {
                Ok(holder) => {
                    let path = noun.done(&noun.path(caller, holder.id), "added");
                    return Ok(Reply::to(&house.look, &path));
                }
                Err(error) if reauth::is_needed(&error) => {
                    let place = (noun.section(), &*format!("{}/new", noun.slug()));
                    return reauth::ask(house, tongue, caller, place, fields, error).await;
                }
                Err(error) => of_form(people::again(tongue, "holders", error)?),
            }
        }
    };
    fields.take(FIRST_PASSWORD);
    let page = page(house, tongue, caller, noun, Filled::new(SHOWN, fields).but(wrong)).await?;
    Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY))
}

/// The form has one role at one place, which the API calls bindings; and a password that is not the
/// sender's own.
fn of_form(wrong: Wrong) -> Wrong {
    let fields = [("bindings", "node"), ("password", FIRST_PASSWORD)];
    match fields.into_iter().find(|(field, _)| wrong.is_of(field)) {
        Some((_, field)) => Wrong::new(field, wrong.text),
        None => wrong,
    }
}

fn order(fields: &Fields, tongue: Tongue) -> Result<Join, Wrong> {
    let node = fields.given("node").unwrap_or_else(|| "/".to_owned());
    let node: NodePath = node.parse().map_err(|_| Wrong::new("node", tongue.say("wrong-place")))?;
    let role = fields.given("role").ok_or_else(|| Wrong::new("role", tongue.say("wrong-role")))?;
    let (role, bindings) = match node.is_root() {
        true => (Some(role), Vec::new()),
        false => (None, vec![Bound { role, node }]),
    };
    Ok(Join {
        name: fields.text("name").to_owned(),
        email: fields.given("email"),
        external_id: fields.given("external_id"),
        role,
        bindings,
        metadata: Filled::metadata(fields, tongue)?,
    })
}
