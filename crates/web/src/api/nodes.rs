//! `/v1/accounts/{account}/nodes`: the places below the root.

use api::ListQuery;
use api::nodes::{CreateNode, Node as Shown};
use domain::facts::Node;

use super::call::{Account, Call, NoQuery};
use super::door::Holder;
use super::limit;
use super::shape::{Created, Listed};
use super::table::Table;
use crate::json::Json;
use crate::map;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    const ALL: &str = "/v1/accounts/{account}/nodes";
    table.get(ALL, "list_nodes", "Lists the places below an account's root, by path.", list);
    table.post(ALL, "create_node", "Creates a place below one that exists.", create);
}

async fn list(call: Call<Holder, Account, ListQuery>) -> Result<Listed<Shown>, Problem> {
    let limit = limit(call.query.limit)?;
    let desk = &call.house.desk;
    let account = call.who.0.account.clone();
    let nodes = desk.nodes(call.who.0, &call.at.0).await?;
    let place = |node: &Node| node.path.to_string();
    let page =
        desk.page(&format!("nodes {}", account.id), nodes, place, limit, call.query.cursor.as_deref())?;
    Ok(Listed(map::page(page, |node| map::node_shown(node, &account))))
}

async fn create(call: Call<Holder, Account, NoQuery, Json<CreateNode>>) -> Result<Created<Shown>, Problem> {
    let replay = call.replay()?;
    let Json(body) = call.body;
    let path = map::node("path", &body.path)?;
    // The slug, where no name is given.
    let name = body.name.unwrap_or_else(|| path.as_str().rsplit('/').next().unwrap_or_default().to_owned());
    let account = call.who.0.account.clone();
    let node = call.house.desk.add_node(call.who.0, &call.at.0, path, name, replay).await?;
    Ok(Created {
        location: format!("/v1/accounts/{}/nodes{}", account.id, node.path),
        body: map::node_shown(node, &account),
    })
}
