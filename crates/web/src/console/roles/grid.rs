//! Permissions as tables: an entity a row, an action a column; what of it a role has, and what of it the
//! caller may give. The product's entities and the desk's stand apart.

use std::collections::BTreeSet;

use domain::permission::{CRUD, DESK, PermissionSet};
use domain::who::Caller;

use crate::console::people::Filled;
use crate::console::tongue::Tongue;

pub(super) struct Grid {
    pub(super) actions: Vec<String>,
    pub(super) rows: Vec<(String, Vec<Option<Cell>>)>,
}

/// An action that an entity has.
pub(super) struct Cell {
    /// `entity:action`
    pub(super) permission: String,
    pub(super) ticked: bool,
    /// The caller may give it.
    pub(super) givable: bool,
}

/// The entities of the product, and those of the desk, with their actions.
fn entities(caller: &Caller) -> [Vec<(String, Vec<String>)>; 2] {
    let own = caller.account.entities.iter();
    let crud = || CRUD.map(str::to_owned).to_vec();
    [
        own.map(|entity| (entity.name.clone(), entity.actions.clone())).collect(),
        DESK.iter().map(|entity| ((*entity).to_owned(), crud())).collect(),
    ]
}

/// Every permission that a role of the account can have.
pub(super) fn names(caller: &Caller) -> Vec<String> {
    let all = entities(caller).into_iter().flatten();
    let named = |(entity, actions): (String, Vec<String>)| {
        actions.into_iter().map(move |action| format!("{entity}:{action}")).collect::<Vec<_>>()
    };
    all.flat_map(named).collect()
}

/// The product's grid and the desk's, as the form has them.
pub(super) fn grids(caller: &Caller, form: &Filled) -> [Grid; 2] {
    let rights = caller.rights(&domain::node::NodePath::root());
    let cell = |permission: String| Cell {
        ticked: form.ticked("may", &permission),
        givable: caller.registry.find(&permission).is_some_and(|one| rights.contains(one)),
        permission,
    };
    entities(caller).map(|entities| {
        let mut actions: Vec<String> = Vec::new();
        for action in entities.iter().flat_map(|(_, own)| own) {
            if !actions.contains(action) {
                actions.push(action.clone());
            }
        }
        let row = |(entity, own): (String, Vec<String>)| {
            let cells =
                actions.iter().map(|action| own.contains(action).then(|| cell(format!("{entity}:{action}"))));
            let cells = cells.collect();
            (entity, cells)
        };
        let rows = entities.into_iter().map(row).collect();
        Grid { rows, actions }
    })
}

/// A set in a line: entities that allow the same actions together, `read: devices, files`.
pub(super) fn said(tongue: Tongue, caller: &Caller, set: PermissionSet) -> String {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for (entity, actions) in entities(caller).into_iter().flatten() {
        let has = |action: &&String| {
            let found = caller.registry.find(&format!("{entity}:{action}"));
            found.is_some_and(|one| set.contains(one))
        };
        let had: Vec<&String> = actions.iter().filter(has).collect();
        if had.is_empty() || !known.insert(entity.clone()) {
            continue;
        }
        let actions = match had.len() == actions.len() {
            true => tongue.say("all-actions").into_owned(),
            false => had.into_iter().map(String::as_str).collect::<Vec<_>>().join(", "),
        };
        match groups.iter_mut().find(|(same, _)| *same == actions) {
            Some((_, entities)) => entities.push(entity),
            None => groups.push((actions, vec![entity])),
        }
    }
    // What one may do all of comes first.
    let whole = tongue.say("all-actions");
    groups.sort_by_key(|(actions, _)| *actions != *whole);
    let lines = groups.into_iter().map(|(actions, entities)| format!("{actions}: {}", entities.join(", ")));
    lines.collect::<Vec<_>>().join(" · ")
}
