//! `/v1/accounts/{account}/nodes`: the nodes below the root.
//!
//! A node's path stands at the end of a route as it is, `…/nodes/sales/prod`; clients that encode a
//! parameter's slashes (`…/nodes/%2Fsales%2Fprod`) are understood as well. The root is `…/nodes/%2F`.

use api::ListQuery;
use api::nodes::{CreateNode, EditNode, Node as Shown};
use domain::ids::AccountId;
use domain::node::NodePath;

use super::call::{Account, Call, NoQuery, Place};
use super::door::Holder;
use super::limit;
use super::shape::{Created, Listed};
use super::table::Table;
use crate::json::Json;
use crate::map;
use crate::problem::Problem;

pub(crate) fn routes(table: &mut Table) {
    const ALL: &str = "/v1/accounts/{account}/nodes";
    table.get(ALL, "list_nodes", "Lists the nodes below an account's root, by path.", list);
    table.post(ALL, "create_node", "Creates a node below one that exists.", create);
    const ONE: &str = "/v1/accounts/{account}/nodes/{*path}";
    table.get(ONE, "show_node", "Shows a node.", show);
    table.patch(ONE, "edit_node", "Renames a node; its path never changes.", edit);
}

/// `{account}/nodes/{*path}`
struct At(AccountId, NodePath);

impl Place for At {
    const NAMED: usize = 2;

    fn find(names: &[&str]) -> Option<At> {
        let [account, path] = names else { return None };
        let path = if path.starts_with('/') { path.parse() } else { format!("/{path}").parse() };
        Some(At(account.parse().ok()?, path.ok()?))
    }
}

async fn show(call: Call<Holder, At>) -> Result<Json<Shown>, Problem> {
    let account = call.who.0.account.clone();
    let At(at, path) = &call.at;
    let node = call.house.desk.node(call.who.0, at, path).await?;
    Ok(Json(map::node_shown(node, &account)))
}

async fn edit(call: Call<Holder, At, NoQuery, Json<EditNode>>) -> Result<Json<Shown>, Problem> {
    let Json(body) = call.body;
    let account = call.who.0.account.clone();
    let At(at, path) = &call.at;
    let node = call.house.desk.edit_node(call.who.0, at, path, body.version, body.name).await?;
    Ok(Json(map::node_shown(node, &account)))
}

async fn list(call: Call<Holder, Account, ListQuery>) -> Result<Listed<Shown>, Problem> {
    let limit = limit(call.query.limit)?;
    let account = call.who.0.account.clone();
    let page = call.house.desk.nodes(call.who.0, &call.at.0, limit, call.query.cursor).await?;
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
