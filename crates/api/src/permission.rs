//! What a token is granted, as the API says it.

use serde::{Deserialize, Serialize};
use utoipa::{PartialSchema, ToSchema};

/// The grant of a token, in exactly one of four forms:
/// `{"inherit": true}`, `{"role": "<name>"}`, `{"access": "full" | "write" | "read", "entities"?: […]}`,
/// `{"list": ["devices:read", …]}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub enum Permission {
    /// Whatever the holder may do.
    Inherit,
    /// What the role of this name may do, and its later edits.
    Role(String),
    /// An access level over these entities, all of the account's when absent.
    Access { access: Access, entities: Option<Vec<String>> },
    /// These permissions, each `entity:action`.
    List(Vec<String>),
}

/// full: all actions. write: create and update. read: read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    Full,
    Write,
    Read,
}

/// What a token may do, in exactly one of four forms: `inherit`, `role`, `access`, perhaps with
/// `entities`, or `list`.
// The forms share one object rather than being an untagged enum, so that a wrong field is refused by
// its name.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Permission, example = json!({ "list": ["devices:read"] }))]
struct Fields {
    /// `true`, and never `false`: whatever the holder may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inherit: Option<bool>,
    /// The name of a role: what it may do, and its later edits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    /// An access level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access: Option<Access>,
    /// The entities that `access` is limited to; all of the account's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entities: Option<Vec<String>>,
    /// Permissions, each `entity:action`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    list: Option<Vec<String>>,
}

impl TryFrom<Fields> for Permission {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<Permission, &'static str> {
        match fields {
            Fields { inherit: Some(true), role: None, access: None, entities: None, list: None } => {
                Ok(Permission::Inherit)
            }
            Fields { inherit: None, role: Some(role), access: None, entities: None, list: None } => {
                Ok(Permission::Role(role))
            }
            Fields { inherit: None, role: None, access: Some(access), entities, list: None } => {
                Ok(Permission::Access { access, entities })
            }
            Fields { inherit: None, role: None, access: None, entities: None, list: Some(list) } => {
                Ok(Permission::List(list))
            }
            _ => Err("exactly one of {\"inherit\": true}, {\"role\": …}, \
                      {\"access\": …, \"entities\"?: […]} and {\"list\": […]}"),
        }
    }
}

impl From<Permission> for Fields {
    fn from(permission: Permission) -> Fields {
        match permission {
            Permission::Inherit => Fields { inherit: Some(true), ..Fields::default() },
            Permission::Role(role) => Fields { role: Some(role), ..Fields::default() },
            Permission::Access { access, entities } => {
                Fields { access: Some(access), entities, ..Fields::default() }
            }
            Permission::List(list) => Fields { list: Some(list), ..Fields::default() },
        }
    }
}

impl PartialSchema for Permission {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        Fields::schema()
    }
}

impl ToSchema for Permission {
    fn name() -> std::borrow::Cow<'static, str> {
        "Permission".into()
    }

    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>) {
        Fields::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, Permission};

    #[test]
    fn each_of_the_four_forms_is_read_and_written() {
        for (text, permission) in [
            (r#"{"inherit":true}"#, Permission::Inherit),
            (r#"{"role":"Viewer"}"#, Permission::Role("Viewer".into())),
            (r#"{"access":"read"}"#, Permission::Access { access: Access::Read, entities: None }),
            (
                r#"{"access":"write","entities":["devices"]}"#,
                Permission::Access { access: Access::Write, entities: Some(vec!["devices".into()]) },
            ),
            (r#"{"list":["devices:read"]}"#, Permission::List(vec!["devices:read".into()])),
        ] {
            assert_eq!(serde_json::from_str::<Permission>(text).unwrap(), permission, "{text}");
            assert_eq!(serde_json::to_string(&permission).unwrap(), text);
        }
    }

    #[test]
    fn none_or_two_forms_or_a_field_of_another_are_refused() {
        for text in [
            "{}",
            r#"{"inherit":false}"#,
            r#"{"inherit":true,"role":"Owner"}"#,
            r#"{"role":"Owner","list":[]}"#,
            r#"{"entities":["devices"]}"#,
            r#"{"role":"Owner","entities":["devices"]}"#,
            r#"{"access":"admin"}"#,
            r#"{"rolle":"Owner"}"#,
            r#""inherit""#,
            "null",
        ] {
            assert!(serde_json::from_str::<Permission>(text).is_err(), "{text}");
        }
    }
}
