//! `/v1/accounts/{account}/tokens`

use api::tokens::{
    CreateToken, DeleteQuery, EditToken, IssuedToken, RevealToken, RevealedToken, RevokeQuery, RevokeToken,
    RotateToken, Token, TokenListQuery, TokenSort, Usage,
};
use api::{Empty, Maybe, Secret};
use domain::lifecycle::{AskedEnd, Create, Edit};
use service::tokens::{Issued, List, Sort};
use service::{OneTimeCode, Password, Proof};
use token::TokenId;

use super::call::{Account, Call, NoBody, NoQuery, Within};
use super::door::Holder;
use super::shape::{Created, Listed};
use super::table::Table;
use super::{bad_parameter, limit};
use crate::json::{EmptyOrJson, Json};
use crate::map;
use crate::problem::Problem;

type Answer<T> = Result<Json<T>, Problem>;
type At = Within<TokenId>;

pub(crate) fn routes(table: &mut Table) {
    const ALL: &str = "/v1/accounts/{account}/tokens";
    const ONE: &str = "/v1/accounts/{account}/tokens/{id}";
    table.get(ALL, "list_tokens", "Lists the tokens that the caller may see.", list);
    table.post(ALL, "create_token", "Creates a token; its secret is in this answer alone.", create);
    table.get(ONE, "show_token", "Shows a token.", show);
    table.patch(ONE, "edit_token", "Edits a token; its permissions may only narrow.", edit);
    table.delete(ONE, "delete_token", "Deletes a token.", delete);
    table.post(
        "/v1/accounts/{account}/tokens/{id}/revoke",
        "revoke_token",
        "Revokes a token at once.",
        revoke,
    );
    table.post(
        "/v1/accounts/{account}/tokens/{id}/approve",
        "approve_token",
        "Approves a token that waits for it or was revoked.",
        approve,
    );
    table.post(
        "/v1/accounts/{account}/tokens/{id}/rotate",
        "rotate_token",
        "Replaces a token by one with a new secret and the same grant.",
        rotate,
    );
    table.post(
        "/v1/accounts/{account}/tokens/{id}/reveal",
        "reveal_token",
        "Shows a secret again that the policy keeps; the journal tells of it.",
        reveal,
    );
    table.post(
        "/v1/accounts/{account}/tokens/{id}/report-leak",
        "report_token_leak",
        "Ends a token for good because others know it.",
        report_leak,
    );
    table.get(
        "/v1/accounts/{account}/tokens/{id}/usage",
        "show_token_usage",
        "Shows how a token was used in the last 90 days: what would break without it.",
        usage,
    );
}

async fn list(call: Call<Holder, Account, TokenListQuery>) -> Result<Listed<Token>, Problem> {
    let query = &call.query;
    let issued_by = query.issued_by.as_deref().map(str::parse).transpose();
    let list = List {
        issued_by: issued_by.map_err(|_| bad_parameter("issued_by", "expected the id of a holder"))?,
        role: query.role.clone(),
        status: query.status.map(map::state),
        kind: query.kind.map(map::kind),
        text: query.q.clone(),
        sort: query.sort.map(order),
        limit: limit(query.limit)?,
        cursor: query.cursor.clone(),
    };
    let page = call.house.desk.list_tokens(call.who.0, &call.at.0, list).await?;
    Ok(Listed(map::page(page, map::shown)))
}

/// What to sort by, and whether downwards.
pub(crate) fn order(sort: TokenSort) -> (Sort, bool) {
    match sort {
        TokenSort::Id => (Sort::Id, false),
        TokenSort::IdDescending => (Sort::Id, true),
        TokenSort::Name => (Sort::Name, false),
        TokenSort::NameDescending => (Sort::Name, true),
        TokenSort::CreatedAt => (Sort::CreatedAt, false),
        TokenSort::CreatedAtDescending => (Sort::CreatedAt, true),
        TokenSort::ExpiresAt => (Sort::ExpiresAt, false),
        TokenSort::ExpiresAtDescending => (Sort::ExpiresAt, true),
        TokenSort::LastUsedAt => (Sort::LastUsedAt, false),
        TokenSort::LastUsedAtDescending => (Sort::LastUsedAt, true),
    }
}

async fn create(
    call: Call<Holder, Account, NoQuery, Json<CreateToken>>,
) -> Result<Created<IssuedToken>, Problem> {
    let replay = call.replay()?;
    let (order, proof) = asked(call.body.0)?;
    let issued = call.house.desk.create_token(call.who.0, &call.at.0, order, proof, replay).await?;
    Ok(answer(issued))
}

/// The domain's order, and what came with it to show who asks.
fn asked(body: CreateToken) -> Result<(Create, Proof), Problem> {
    for (given, field) in [(body.conditions.is_some(), "conditions"), (body.limits.is_some(), "limits")] {
        if given {
            return Err(map::unknown_here(field));
        }
    }
    let holder = body.holder.as_deref().map(str::parse).transpose();
    let order = Create {
        name: body.name,
        description: body.description,
        permission: body.permission.map(map::asked_grant),
        node: body.node.map(|node| map::node("node", &node)).transpose()?,
        end: end(body.expires_at, body.expires_in)?,
        not_before: body.not_before.map(|at| map::time("not_before", &at)).transpose()?,
        holder: holder.map_err(|_| {
            Problem::invalid_field("holder", "Expected the id of a member or service account.")
        })?,
        metadata: body.metadata.map(map::object),
    };
    Ok((order, proof(body.password, body.one_time_code)))
}

/// `expires_at` or `expires_in`, which exclude each other.
fn end(at: Maybe<String>, within: Option<String>) -> Result<Option<AskedEnd>, Problem> {
    match (at, within) {
        (Maybe::Absent, None) => Ok(None),
        (Maybe::Absent, Some(period)) => Ok(Some(AskedEnd::In(map::period("expires_in", &period)?))),
        (Maybe::Null, None) => Ok(Some(AskedEnd::Never)),
        (Maybe::Value(at), None) => Ok(Some(AskedEnd::At(map::time("expires_at", &at)?))),
        (_, Some(_)) => {
            Err(Problem::invalid_field("expires_in", "Give `expires_at` or `expires_in`, not both."))
        }
    }
}

pub(super) fn password(secret: Secret) -> Password {
    Password::new(secret.into_exposed())
}

pub(super) fn code(secret: Secret) -> OneTimeCode {
    OneTimeCode::new(secret.into_exposed())
}

/// Who asks, shown again.
pub(super) fn proof(given: Option<Secret>, one_time_code: Option<Secret>) -> Proof {
    Proof { password: given.map(password), code: one_time_code.map(code) }
}

/// A new token with its secret.
pub(super) fn answer(issued: Issued) -> Created<IssuedToken> {
    let secret = Secret::new(issued.text.expose());
    let token = map::shown(issued.shown);
    let location = format!("/v1/accounts/{}/tokens/{}", token.account, token.id);
    Created { location, body: IssuedToken { token, secret } }
}

async fn show(call: Call<Holder, At>) -> Answer<Token> {
    let Within(account, id) = &call.at;
    let shown = call.house.desk.token(call.who.0, account, *id).await?;
    Ok(Json(map::shown(shown)))
}

async fn edit(call: Call<Holder, At, NoQuery, Json<EditToken>>) -> Answer<Token> {
    let Within(account, id) = &call.at;
    let Json(body) = call.body;
    let edit = Edit {
        name: body.name,
        description: body.description.into_option(),
        end: end(body.expires_at, body.expires_in)?,
        metadata: match body.metadata {
            Maybe::Absent => None,
            Maybe::Null => Some(serde_json::Value::Null),
            Maybe::Value(metadata) => Some(map::object(metadata)),
        },
        permission: body.permission.map(map::asked_grant),
    };
    let shown = call.house.desk.edit_token(call.who.0, account, *id, body.version, edit).await?;
    Ok(Json(map::shown(shown)))
}

async fn delete(call: Call<Holder, At, DeleteQuery>) -> Answer<Token> {
    let Within(account, id) = &call.at;
    let shown = call.house.desk.delete_token(call.who.0, account, *id, call.query.confirm).await?;
    Ok(Json(map::shown(shown)))
}

async fn revoke(call: Call<Holder, At, RevokeQuery, EmptyOrJson<RevokeToken>>) -> Answer<Token> {
    // Not waited for yet (docs/postgres.md); only its range is checked.
    if call.query.wait.is_some_and(|seconds| seconds > 60) {
        return Err(bad_parameter("wait", "expected a number of seconds from 0 to 60"));
    }
    let Within(account, id) = &call.at;
    let shown = call.house.desk.revoke_token(call.who.0, account, *id, call.body.0.reason).await?;
    Ok(Json(map::shown(shown)))
}

async fn approve(call: Call<Holder, At, NoQuery, EmptyOrJson<Empty>>) -> Answer<Token> {
    let Within(account, id) = &call.at;
    let shown = call.house.desk.approve_token(call.who.0, account, *id).await?;
    Ok(Json(map::shown(shown)))
}

async fn rotate(
    call: Call<Holder, At, NoQuery, EmptyOrJson<RotateToken>>,
) -> Result<Created<IssuedToken>, Problem> {
    let replay = call.replay()?;
    let RotateToken { grace, password, one_time_code } = call.body.0;
    let grace = grace.map(|grace| map::period("grace", &grace)).transpose()?;
    let (desk, Within(account, id)) = (&call.house.desk, &call.at);
    let who = desk.reauthenticate(call.who.0, proof(password, one_time_code)).await?;
    let issued = desk.rotate_token(who, account, *id, grace, replay).await?;
    Ok(answer(issued))
}

async fn reveal(call: Call<Holder, At, NoQuery, EmptyOrJson<RevealToken>>) -> Answer<RevealedToken> {
    let Within(account, id) = &call.at;
    let RevealToken { password, one_time_code } = call.body.0;
    let proof = proof(password, one_time_code);
    let text = call.house.desk.reveal_token(call.who.0, account, *id, proof).await?;
    Ok(Json(RevealedToken { secret: Secret::new(text.expose()) }))
}

async fn report_leak(call: Call<Holder, At, NoQuery, EmptyOrJson<RevokeToken>>) -> Answer<Token> {
    let Within(account, id) = &call.at;
    let shown = call.house.desk.report_leak(call.who.0, account, *id, call.body.0.reason).await?;
    Ok(Json(map::shown(shown)))
}

async fn usage(call: Call<Holder, At, NoQuery, NoBody>) -> Answer<Usage> {
    const DAYS: i32 = 90;
    let Within(account, id) = &call.at;
    let used = call.house.desk.token_usage(call.who.0, account, *id, DAYS).await?;
    Ok(Json(map::usage(used)))
}
