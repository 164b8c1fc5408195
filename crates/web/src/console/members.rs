//! Members and service accounts of an account: who there is, what they may do where, and how they come,
//! change and go. The two differ by a word and by who can sign in, so their pages are the same.

mod act;
mod edit;
mod new;
mod one;
mod roles;

use std::borrow::Cow;

use askama::Template;
use domain::facts::{Account as Row, Holder};
use domain::ids::HolderId;
use domain::members::{self, Actions};
use domain::permission::MEMBERS_CREATE;
use domain::time::Timestamp;
use domain::who::Caller;
use service::Visitor;
use service::members::HolderKind;
use unicode_normalization::UnicodeNormalization;

use self::act::Act;
use super::fields::Fields;
use super::frame::{self, Frame, Section};
use super::people::{After, Asked, PAGE};
use super::reply::Reply;
use super::session::Signed;
use super::sign_in::encoded;
use super::tongue::Tongue;
use crate::api::House;
use crate::api::call::{Account, Call, NoQuery, Within};
use crate::api::table::Table;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    pages(table, Noun::Member);
}

/// Whom the pages are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noun {
    Member,
    ServiceAccount,
}

impl Noun {
    fn section(self) -> Section {
        match self {
            Noun::Member => Section::Members,
            Noun::ServiceAccount => Section::ServiceAccounts,
        }
    }

    /// Of its path and, with `-` behind it, of its sentences.
    fn slug(self) -> &'static str {
        self.section().slug()
    }

    fn kind(self) -> HolderKind {
        match self {
            Noun::Member => HolderKind::Member,
            Noun::ServiceAccount => HolderKind::ServiceAccount,
        }
    }

    fn is_of(self, id: HolderId) -> bool {
        matches!(
            (self, id),
            (Noun::Member, HolderId::Member(_)) | (Noun::ServiceAccount, HolderId::ServiceAccount(_))
        )
    }

    fn signs_in(self) -> bool {
        self == Noun::Member
    }

    fn say(self, tongue: Tongue, name: &str) -> Cow<'static, str> {
        tongue.say(&format!("{}-{name}", self.slug()))
    }

    fn say_of(self, tongue: Tongue, name: &str, whom: &str) -> String {
        tongue.say_of(&format!("{}-{name}", self.slug()), &[("name", whom.into())]).into_owned()
    }

    /// A path below the console's root.
    fn path(self, caller: &Caller, id: HolderId) -> String {
        format!("/{}/{}/{id}", caller.account.id, self.slug())
    }

    /// Where one is led after something was done.
    fn done(self, path: &str, done: &str) -> String {
        frame::told(path, &format!("{}-{done}", self.slug()))
    }
}

/// The paths of one noun's pages.
struct Paths {
    all: &'static str,
    new: &'static str,
    one: &'static str,
    edit: &'static str,
    roles: &'static str,
    acts: [(&'static str, Act); 3],
}

macro_rules! paths {
    ($all:literal) => {
        Paths {
            all: $all,
            new: concat!($all, "/new"),
            one: concat!($all, "/{id}"),
            edit: concat!($all, "/{id}/edit"),
            roles: concat!($all, "/{id}/roles"),
            acts: [
                (concat!($all, "/{id}/deactivate"), Act::Deactivate),
                (concat!($all, "/{id}/reactivate"), Act::Reactivate),
                (concat!($all, "/{id}/remove"), Act::Remove),
            ],
        }
    };
}

type One = Call<Signed, Within<HolderId>>;
type Sent = Call<Signed, Within<HolderId>, NoQuery, Fields>;

pub(super) fn pages(table: &mut Table, noun: Noun) {
    let paths = match noun {
        Noun::Member => paths!("/console/{account}/members"),
        Noun::ServiceAccount => paths!("/console/{account}/service-accounts"),
    };
    table.page(paths.all, move |call: Call<Signed, Account, Asked>| list(call, noun));
    table.page(paths.new, move |call: Call<Signed, Account>| new::show(call, noun));
    table.form(paths.new, move |call: Call<Signed, Account, NoQuery, Fields>| new::add(call, noun));
    table.page(paths.one, move |call: Call<Signed, Within<HolderId>, After>| one::show(call, noun));
    table.page(paths.edit, move |call: One| edit::show(call, noun));
    table.form(paths.edit, move |call: Sent| edit::edit(call, noun));
    table.page(paths.roles, move |call: One| roles::show(call, noun));
    table.form(paths.roles, move |call: Sent| roles::change(call, noun));
    for (path, act) in paths.acts {
        table.page(path, move |call: One| act::ask(call, noun, act));
        table.form(path, move |call: Sent| act::carry_out(call, noun, act));
    }
}

#[derive(Template)]
#[template(path = "members.html")]
struct Page<'a> {
    frame: Frame<'a>,
    noun: Noun,
    rows: Vec<Shown>,
    may_add: bool,
    /// This is not the first page.
    later: bool,
    next: Option<String>,
}

impl Page<'_> {
    fn say(&self, name: &str) -> Cow<'static, str> {
        self.noun.say(self.frame.bare.tongue, name)
    }
}

/// Somebody as the list shows them.
struct Shown {
    id: String,
    name: String,
    /// How they sign in, or what the product calls them.
    known_as: Option<String>,
    roles: Roles,
    /// None while they are active.
    inactive_since: Option<Timestamp>,
    created: Timestamp,
    is_you: bool,
    actions: Actions,
}

impl Shown {
    fn menu(&self) -> bool {
        let Actions { edit, roles, deactivate, reactivate, remove } = self.actions;
        edit || roles || deactivate || reactivate || remove
    }
}

/// Roles in words: the first of them, and how many more there are.
struct Roles {
    first: String,
    /// Where it holds, unless everywhere.
    at: Option<String>,
    others: usize,
}

impl Roles {
    fn more(&self) -> usize {
        self.others
    }

    fn of(account: &Row, holder: &Holder) -> Roles {
        let mut held = holder.bindings.iter();
        let first = held.next();
        Roles {
            first: first.map(|binding| role_name(account, binding.role)).unwrap_or_default(),
            at: first.filter(|binding| !binding.node.is_root()).map(|binding| binding.node.to_string()),
            others: held.count(),
        }
    }
}

fn role_name(account: &Row, id: domain::ids::RoleId) -> String {
    account.role(id).map_or_else(|| id.to_string(), |role| role.name.clone())
}

/// What a name is sorted by: without regard to case, and with Émile among the Es.
fn place(name: &str) -> String {
    let marks = |c: &char| !matches!(c, '\u{300}'..='\u{36F}');
    name.nfkd().filter(marks).collect::<String>().to_lowercase()
}

fn visitor(caller: &Caller) -> Visitor {
    Visitor::Holder(Box::new(caller.clone()))
}

/// Somebody of the noun's whom the caller may know of.
async fn find(house: &House, caller: &Caller, noun: Noun, id: HolderId) -> Result<Holder, Problem> {
    if !noun.is_of(id) {
        return Err(Problem::not_found());
    }
    let (_, holder) = house.desk.holder(&visitor(caller), &caller.account.id, id).await?;
    Ok(holder)
}

/// The page of something that cannot be done with somebody as they are now, or not by the caller.
fn closed(tongue: Tongue) -> Problem {
    service::Error::from(domain::refusal::Refusal::wrong_state(tongue.say("holders-closed"))).into()
}

async fn list(call: Call<Signed, Account, Asked>, noun: Noun) -> Result<Reply, Problem> {
    let (house, Signed(caller), asked) = (&*call.house, &call.who, &call.query);
    let tongue = Tongue::of(&house.look, &call.parts.headers);
    let (account, cursor) = (&caller.account.id, asked.cursor.clone());
    let (account, page) = house.desk.holders(&visitor(caller), account, noun.kind(), PAGE, cursor).await?;
    let mut frame = Frame::of(house, tongue, caller, noun.section()).await?;
    frame.said = frame::said(tongue, asked.done.as_deref());
    let shown = |holder: Holder| Shown {
        id: holder.id.to_string(),
        roles: Roles::of(&account, &holder),
        actions: members::actions(caller, &holder),
        inactive_since: holder.standing.inactive_since,
        created: holder.created_at,
        is_you: caller.is(holder.id),
        known_as: holder.email.or(holder.external_id),
        name: holder.name,
    };
    let next = page.next_cursor.map(|cursor| {
        let cursor = encoded(&cursor);
        format!("{}?cursor={cursor}", frame.path(noun.slug()))
    });
    let mut rows: Vec<Shown> = page.items.into_iter().map(shown).collect();
    if next.is_none() && asked.cursor.is_none() {
        // They are all here, and people look for a name.
        rows.sort_by_cached_key(|row| place(&row.name));
    }
    let page = Page {
        noun,
        rows,
        may_add: caller.has_somewhere(MEMBERS_CREATE),
        later: asked.cursor.is_some(),
        next,
        frame,
    };
    Ok(Reply::page(&house.look, &page)?.packable())
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn people_stand_where_one_looks_for_them() {
        let mut names = ["Zoë", "Émile", "bob", "Ada", "李 小龍", "Ångström", "eve", "Bela"];
        names.sort_by_key(|name| place(name));
        assert_eq!(names, ["Ada", "Ångström", "Bela", "bob", "Émile", "eve", "Zoë", "李 小龍"]);
    }
}
