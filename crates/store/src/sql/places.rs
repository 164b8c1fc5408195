//! Nodes and installations as they are written.

use domain::facts::{Installation, Node};

use super::query::{Query, values};
use super::writes::{Asked, json};

pub(super) fn insert_node(row: &Node) -> Query<'_> {
    let sql = "INSERT INTO node (account, path, name, created_at, version) VALUES (?1, ?2, ?3, ?4, 1)";
    Query::new(sql, values![row.account.as_str(), row.path.as_str(), &row.name, row.created_at])
}

pub(super) fn update_node(row: &Node) -> Query<'_> {
    let sql = "
        UPDATE node
        SET name = ?4, version = version + 1
        WHERE account = ?1 AND path = ?2 AND version = ?3";
    Query::new(sql, values![row.account.as_str(), row.path.as_str(), row.version, &row.name])
}

pub(super) fn insert_installation(row: &Installation) -> Asked<'_> {
    let sql = "
        INSERT INTO installation (account, id, name, nodes, created_at, version)
        VALUES (?1, ?2, ?3, ?4, ?5, 1)";
    let nodes = json(&row.nodes)?;
    let values = values![row.account.as_str(), row.id.to_string(), &row.name, nodes, row.created_at];
    Ok(Query::new(sql, values))
}

pub(super) fn update_installation(row: &Installation) -> Asked<'_> {
    let sql = "
        UPDATE installation
        SET name = ?4, nodes = ?5, version = version + 1
        WHERE account = ?1 AND id = ?2 AND version = ?3";
    let nodes = json(&row.nodes)?;
    Ok(Query::new(sql, values![row.account.as_str(), row.id.to_string(), row.version, &row.name, nodes]))
}

pub(super) fn delete_installation(row: &Installation) -> Query<'_> {
    let sql = "DELETE FROM installation WHERE account = ?1 AND id = ?2 AND version = ?3";
    Query::new(sql, values![row.account.as_str(), row.id.to_string(), row.version])
}
