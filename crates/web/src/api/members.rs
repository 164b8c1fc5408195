//! `/v1/accounts/{account}/members`

use api::members::{CreateMember, EditMember, Member};
use api::sessions::Link;
use api::{Empty, ListQuery, Maybe};
use domain::facts::Holder as Row;
use domain::ids::{HolderId, MemberId};
use domain::members::{Edit, Join};
use service::Visitor;
use service::members::HolderKind;

use super::call::{Account, Call, NoQuery, Within};
use super::door::{Holder, Reader};
use super::shape::{Created, Listed};
use super::table::Table;
use super::{limit, tokens};
use crate::console::{invite, session};
use crate::json::{EmptyOrJson, Json};
use crate::map;
use crate::problem::Problem;

type Answer = Result<Json<Member>, Problem>;

pub(crate) fn routes(table: &mut Table) {
    const ALL: &str = "/v1/accounts/{account}/members";
    const ONE: &str = "/v1/accounts/{account}/members/{id}";
    table.get(ALL, "list_members", "Lists the members of an account.", list);
    table.post(
        ALL,
        "create_member",
        "Adds a member; with an `email` and a `password` a person who can sign in.",
        create,
    );
    table.get(ONE, "show_member", "Shows a member.", show);
    table.patch(ONE, "edit_member", "Edits a member.", edit);
    table.delete(
        ONE,
        "remove_member",
        "Removes a member; the policy says what becomes of the tokens.",
        remove,
    );
    table.post(
        "/v1/accounts/{account}/members/{id}/invite",
        "invite_member",
        "Makes a link by which a member with an `email` gets a login; one made before opens nothing any more.",
        invite_member,
    );
    table.post(
        "/v1/accounts/{account}/members/{id}/deactivate",
        "deactivate_member",
        "Deactivates a member; sessions stop at once, and tokens as the policy says.",
        deactivate,
    );
    table.post(
        "/v1/accounts/{account}/members/{id}/reactivate",
        "reactivate_member",
        "Activates a member again; the policy says what becomes of the tokens.",
        reactivate,
    );
}

async fn invite_member(
    call: Call<Holder, Within<MemberId>, NoQuery, EmptyOrJson<Empty>>,
) -> Result<Created<Link>, Problem> {
    let house = &*call.house;
    let address = session::address(&house.look, &call.parts.headers, &call.parts.uri)?;
    let Within(at, id) = &call.at;
    let link = house.desk.invite(call.who.0, at, *id).await?;
    Ok(Created {
        location: format!("/v1/accounts/{at}/members/{id}"),
        body: map::link(&format!("{address}{}", invite::path(&house.look, link.expose())), link.until),
    })
}

async fn list(call: Call<Reader, Account, ListQuery>) -> Result<Listed<Member>, Problem> {
    let limit = limit(call.query.limit)?;
    let (desk, kind) = (&call.house.desk, HolderKind::Member);
    let (account, page) = desk.holders(&call.who.0, &call.at.0, kind, limit, call.query.cursor).await?;
    Ok(Listed(map::page(page, |holder| map::member(holder, &account))))
}

async fn create(
    call: Call<Holder, Account, NoQuery, Json<CreateMember>>,
) -> Result<Created<Member>, Problem> {
    let replay = call.replay()?;
    let Json(body) = call.body;
    born_active(body.active)?;
    let order = Join {
        name: body.name,
        email: body.email,
        external_id: body.external_id,
        role: body.role,
        bindings: map::bound(&body.bindings)?,
        metadata: body.metadata.map(map::object),
    };
    // Not always the caller's own: operators add members anywhere.
    let visitor = Visitor::Holder(call.who.0.clone().into());
    let account = call.house.desk.account(&visitor, &call.at.0).await?;
    let password = body.password.map(tokens::password);
    let holder = call.house.desk.add_member(call.who.0, &call.at.0, order, password, replay).await?;
    let location = format!("/v1/accounts/{}/members/{}", holder.account, holder.id);
    Ok(Created { location, body: map::member(holder, &account) })
}

async fn show(call: Call<Reader, Within<MemberId>>) -> Answer {
    let Within(at, id) = &call.at;
    let (account, holder) = call.house.desk.holder(&call.who.0, at, HolderId::Member(*id)).await?;
    Ok(Json(map::member(holder, &account)))
}

async fn edit(call: Call<Holder, Within<MemberId>, NoQuery, Json<EditMember>>) -> Answer {
    let Json(body) = call.body;
    let change = Change {
        name: body.name,
        role: body.role,
        bindings: body.bindings,
        active: body.active,
        metadata: body.metadata,
        version: body.version,
    };
    let account = call.who.0.account.clone();
    let Within(at, id) = &call.at;
    let holder = change.make(&call.house.desk, call.who.0, at, HolderId::Member(*id)).await?;
    Ok(Json(map::member(holder, &account)))
}

async fn remove(call: Call<Holder, Within<MemberId>>) -> Answer {
    let account = call.who.0.account.clone();
    let Within(at, id) = &call.at;
    let holder = call.house.desk.remove_holder(call.who.0, at, HolderId::Member(*id)).await?;
    Ok(Json(map::member(holder, &account)))
}

async fn deactivate(call: Call<Holder, Within<MemberId>, NoQuery, EmptyOrJson<Empty>>) -> Answer {
    let account = call.who.0.account.clone();
    let Within(at, id) = &call.at;
    let holder = call.house.desk.deactivate_holder(call.who.0, at, HolderId::Member(*id)).await?;
    Ok(Json(map::member(holder, &account)))
}

async fn reactivate(call: Call<Holder, Within<MemberId>, NoQuery, EmptyOrJson<Empty>>) -> Answer {
    let account = call.who.0.account.clone();
    let Within(at, id) = &call.at;
    let holder = call.house.desk.reactivate_holder(call.who.0, at, HolderId::Member(*id)).await?;
    Ok(Json(map::member(holder, &account)))
}

/// Nobody begins deactivated: that would be two changes under one answer.
pub(super) fn born_active(active: Option<bool>) -> Result<(), Problem> {
    match active {
        Some(false) => Err(Problem::invalid_field("active", "Add them first and deactivate them then.")),
        _ => Ok(()),
    }
}

/// What a PATCH changes, of a member or a service account.
pub(super) struct Change {
    pub(super) name: Option<String>,
    pub(super) role: Option<String>,
    pub(super) bindings: Option<Vec<api::members::Binding>>,
    pub(super) active: Option<bool>,
    pub(super) metadata: Maybe<api::Metadata>,
    pub(super) version: Option<i64>,
}

impl Change {
    pub(super) async fn make(
        self,
        desk: &service::Desk,
        caller: domain::who::Caller,
        account: &domain::ids::AccountId,
        id: HolderId,
    ) -> Result<Row, Problem> {
        let edit = Edit {
            name: self.name,
            role: self.role,
            bindings: self.bindings.as_deref().map(map::bound).transpose()?,
            metadata: map::metadata_asked(self.metadata),
        };
        let edits =
            edit.name.is_some() || edit.role.is_some() || edit.bindings.is_some() || edit.metadata.is_some();
        let Some(active) = self.active else {
            return Ok(desk.edit_holder(caller, account, id, self.version, edit).await?);
        };
        if edits || self.version.is_some() {
            // They are decided, journalled and refused apart.
            return Err(Problem::invalid_field("active", "Send `active` alone."));
        }
        Ok(if active {
            desk.reactivate_holder(caller, account, id).await?
        } else {
            desk.deactivate_holder(caller, account, id).await?
        })
    }
}
