//! The presets: for each product one policy, the levels of its account tree, its entities and roles.
//!
//! They are data (`presets/*.toml`), built in. Nothing here interprets a switch, and no rule asks which
//! preset an account came from: at its creation the account takes copies.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::permission::{CRUD, DESK};
use crate::policy::Policy;

/// A product's starting point for an account. Its words are in [`Policy::words`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preset {
    pub name: String,
    pub policy: Policy,
    /// What the levels of the account tree are called, the account itself first.
    pub levels: Vec<String>,
    /// The product's own; the desk's are in [`DESK`].
    pub entities: Vec<EntityDef>,
    /// Strongest first.
    pub roles: Vec<RoleDef>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntityDef {
    pub name: String,
    #[serde(default = "usual_actions")]
    pub actions: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleDef {
    pub name: String,
    /// `entity:action`; `*` is everything with the desk, `entity:*` all actions of one entity,
    /// `*:action` one action wherever it exists, of the desk's entities too.
    pub permissions: Vec<String>,
}

fn usual_actions() -> Vec<String> {
    CRUD.map(str::to_owned).to_vec()
}

const TEXTS: [(&str, &str); 6] = [
    ("default", include_str!("../../../presets/default.toml")),
    ("cockpit", include_str!("../../../presets/cockpit.toml")),
    ("qovery", include_str!("../../../presets/qovery.toml")),
    ("tagoio", include_str!("../../../presets/tagoio.toml")),
    ("arm", include_str!("../../../presets/arm.toml")),
    ("gcore", include_str!("../../../presets/gcore.toml")),
];

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    TEXTS
        .iter()
        .map(|(name, text)| Preset::parse(name, text).expect("built in, and a test parses each of them"))
        .collect()
});

impl Preset {
    /// All of them, `default` first.
    pub fn all() -> &'static [Preset] {
        &PRESETS
    }

    /// jeton's own, which the others fall back on for words.
    pub fn default_preset() -> &'static Preset {
        &PRESETS[0]
    }

    pub fn named(name: &str) -> Option<&'static Preset> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// Reads a preset's TOML. An error names the line and the key.
    pub fn parse(name: &str, text: &str) -> Result<Preset, toml::de::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            levels: Vec<String>,
            #[serde(default)]
            entities: Vec<EntityDef>,
            roles: Vec<RoleDef>,
            policy: Policy,
        }
        let Written { levels, entities, roles, policy } = toml::from_str(text)?;
        Ok(Preset { name: name.to_owned(), policy, levels, entities, roles })
    }

    pub fn role(&self, name: &str) -> Option<&RoleDef> {
        self.roles.iter().find(|role| role.name == name)
    }

    pub fn role_names(&self) -> Vec<&str> {
        self.roles.iter().map(|role| role.name.as_str()).collect()
    }
}

impl RoleDef {
    /// The permissions by full name, in the order of the desk and then of `entities`, each once. What
    /// names no entity or action of these is left out; presets' tests refuse such a name.
    pub fn expand(&self, entities: &[EntityDef]) -> Vec<String> {
        every_permission(entities)
            .filter(|(entity, action)| self.permissions.iter().any(|written| covers(written, entity, action)))
            .map(|(entity, action)| format!("{entity}:{action}"))
            .collect()
    }
}

/// The desk's permissions and those of `entities`, as entity and action.
pub fn every_permission(entities: &[EntityDef]) -> impl Iterator<Item = (&str, &str)> {
    let desk = DESK.into_iter().flat_map(|entity| CRUD.map(|action| (entity, action)));
    let own =
        entities.iter().flat_map(|entity| entity.actions.iter().map(|a| (entity.name.as_str(), a.as_str())));
    desk.chain(own)
}

/// Whether a permission as a preset writes it includes this one.
fn covers(written: &str, entity: &str, action: &str) -> bool {
    match written.split_once(':') {
        Some((e, a)) => (e == "*" || e == entity) && (a == "*" || a == action),
        None => written == "*",
    }
}
