//! `/v1/sessions`: signing in and out.

use api::sessions::{ChangePassword, CreateSession, HandOff, Link, RefreshSession, Session, StartedSession};
use api::{Empty, Secret};
use axum::http::header::USER_AGENT;
use service::Renewing;
use service::sessions::{Login, Started};
use token::TokenId;

use super::call::{Call, NoQuery, One};
use super::door::{Acting, Anyone, Holder};
use super::shape::{Created, Listed};
use super::table::Table;
use super::{limit, tokens};
use crate::console::{handoff, session};
use crate::json::Json;
use crate::map;
use crate::problem::{Code, Problem};
use crate::server;

pub(crate) fn routes(table: &mut Table) {
    const ALL: &str = "/v1/sessions";
    table.post(ALL, "log_in", "Signs in with a password.", log_in);
    table.post(
        "/v1/sessions/refresh",
        "refresh_session",
        "Gives the next pair for a refresh token, which is good once: a second use ends the login.",
        refresh,
    );
    table.get(ALL, "list_sessions", "Lists where the caller is signed in, the newest first.", list);
    table.post(
        "/v1/sessions/handoff",
        "hand_off",
        "Makes a link to the console, good once and for a minute, for a member whom the service has before it.",
        hand_off,
    );
    table.delete("/v1/sessions/self", "log_out", "Ends the session that asks.", log_out);
    table.delete("/v1/sessions/{id}", "end_session", "Ends another session of the caller.", end);
    table.post(
        "/v1/members/self/password",
        "change_password",
        "Changes the caller's password; a new session takes the place of the one that asks.",
        change_password,
    );
}

async fn log_in(
    call: Call<Anyone, (), NoQuery, Json<CreateSession>>,
) -> Result<Created<StartedSession>, Problem> {
    let Json(body) = call.body;
    let account = body.account.as_deref().map(str::parse).transpose();
    let agent = call.parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    let login = Login {
        email: body.email,
        account: account.map_err(|_| Problem::invalid_field("account", "Expected the id of an account."))?,
        node: body.node.map(|node| map::node("node", &node)).transpose()?,
        agent: agent.map(str::to_owned),
        code: body.one_time_code.map(tokens::code),
        address: server::from(&call.parts),
        program: true,
    };
    let started = call.house.desk.log_in(login, tokens::password(body.password)).await;
    let started = started.map_err(|error| match error {
        // No token came, so none is called invalid.
        service::Error::Unauthenticated => Problem::unauthenticated(),
        other => other.into(),
    })?;
    Ok(Created { location: format!("/v1/sessions/{}", started.token.id), body: answer(started) })
}

fn answer(started: Started) -> StartedSession {
    StartedSession {
        token: Secret::new(started.text.expose()),
        expires_at: started.token.text_expires_at().map(|at| at.to_string()),
        member: map::member(started.holder, &started.account),
        refresh_token: started.refresh.map(|text| Secret::new(text.expose())),
    }
}

async fn refresh(
    call: Call<Anyone, (), NoQuery, Json<RefreshSession>>,
) -> Result<Json<StartedSession>, Problem> {
    let key = call.idempotency_key()?;
    let text = call.body.0.refresh_token.expose();
    match call.house.desk.refresh(text.as_bytes(), key).await {
        Ok(started) => Ok(Json(answer(started))),
        Err(service::Error::Unauthenticated) => Err(Problem::unauthenticated()),
        Err(service::Error::Conflict) => Err(Problem::new(
            Code::Conflict,
            "This refresh token was used a moment ago; go on with the pair that it brought, or sign in again.",
        )),
        Err(other) => Err(other.into()),
    }
}

async fn change_password(
    call: Call<Holder, (), NoQuery, Json<ChangePassword>>,
) -> Result<Json<StartedSession>, Problem> {
    let Json(body) = call.body;
    let agent = call.parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    let proof = tokens::proof(Some(body.password), body.one_time_code);
    let new = tokens::password(body.new_password);
    let desk = &call.house.desk;
    let renewing = Renewing { everything: body.end_everything, agent, program: true };
    let started = desk.change_password(call.who.0, proof, new, renewing).await?;
    Ok(Json(answer(started)))
}

async fn hand_off(call: Call<Acting, (), NoQuery, Json<HandOff>>) -> Result<Created<Link>, Problem> {
    let (house, Json(body)) = (&*call.house, call.body);
    let account = body.account.parse();
    let account = account.map_err(|_| Problem::invalid_field("account", "Expected the id of an account."))?;
    let address = session::address(&house.look, &call.parts.headers, &call.parts.uri)?;
    let Acting { service, actor } = &call.who;
    let (link, member) = house.desk.hand_off(service, &account, actor, body.path.as_deref()).await?;
    Ok(Created {
        // The link itself is a secret, and nothing else was made.
        location: format!("/v1/accounts/{account}/members/{member}"),
        body: map::link(&format!("{address}{}", handoff::path(&house.look, link.expose())), link.until),
    })
}

async fn list(call: Call<Holder, (), api::ListQuery>) -> Result<Listed<Session>, Problem> {
    let desk = call.desk();
    let limit = limit(call.query.limit)?;
    let sessions = desk.sessions(&call.who.0).await?;
    let list = format!("sessions {}", call.who.0.holder.id);
    let place = |session: &service::sessions::Session| session.token.id.to_string();
    let page = desk.page(&list, sessions, place, limit, call.query.cursor.as_deref())?;
    Ok(Listed(map::page(page, map::session)))
}

async fn log_out(call: Call<Holder>) -> Result<Json<Empty>, Problem> {
    call.house.desk.log_out(call.who.0).await?;
    Ok(Json(Empty {}))
}

async fn end(call: Call<Holder, One<TokenId>>) -> Result<Json<Empty>, Problem> {
    call.house.desk.end_session(call.who.0, call.at.0).await?;
    Ok(Json(Empty {}))
}
