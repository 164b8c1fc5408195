//! The ask and the verdict: `POST /v1/verify` and `/v1/verify/batch`.

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::tokens::{HolderKind, TokenKind};
use crate::{Metadata, Secret};

/// Is this token good, for this, here?
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "token": "jtn_pat_0123456789ab_<secret>", "permission": "devices:read", "node": "/", "address": "203.0.113.7" }))]
pub struct Ask {
    /// The whole text of the token.
    pub token: Secret,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<Expression>,
    /// Where the permission is needed; at the token's own node when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The token must belong to this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The address of whoever showed the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The HTTP method of what the bearer asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// How much this counts against the limits. Not taken yet: whatever is given here is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<u32>,
    /// The names of the limits it counts against. Not taken yet: whatever is given here is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Vec<String>>,
}

/// `"devices:read"`, `{"all": […]}` or `{"any": […]}`. At most three deep, which the server checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(example = json!("devices:read"))]
pub enum Expression {
    One(String),
    All {
        #[schema(no_recursion)]
        all: Vec<Expression>,
    },
    Any {
        #[schema(no_recursion)]
        any: Vec<Expression>,
    },
}

/// By hand, because an untagged enum answers a misspelt field with "did not match any variant".
impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Expression, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Expression;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a permission, {\"all\": […]} or {\"any\": […]}")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Expression, E> {
                Ok(Expression::One(text.to_owned()))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<Expression, E> {
                Ok(Expression::One(text))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Expression, A::Error> {
                #[derive(Deserialize)]
                #[serde(field_identifier, rename_all = "snake_case")]
                enum Operator {
                    All,
                    Any,
                }
                let expression = match map.next_key()? {
                    Some(Operator::All) => Expression::All { all: map.next_value()? },
                    Some(Operator::Any) => Expression::Any { any: map.next_value()? },
                    None => return Err(de::Error::invalid_length(0, &self)),
                };
                match map.next_key::<Operator>()? {
                    None => Ok(expression),
                    Some(_) => Err(de::Error::invalid_length(2, &self)),
                }
            }
        }

        from.deserialize_any(Reader)
    }
}

/// Up to 100 asks.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    #[schema(max_items = 100)]
    pub asks: Vec<Ask>,
}

/// The verdicts, in the order of the asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Verdicts {
    pub verdicts: Vec<Verdict>,
}

/// The answer to an ask. Every key is always there, null where it does not apply: nothing is told
/// of a token that the asking service may not know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    pub valid: bool,
    pub code: VerdictCode,
    pub token: Option<VerdictToken>,
    pub account: Option<VerdictAccount>,
    pub holder: Option<VerdictHolder>,
    /// The name of the role it was given, or of its holder's where it inherits; null for a level of
    /// access or a list, which is less than a role.
    pub role: Option<String>,
    /// What the token may do at `node`, each `entity:action`.
    pub permissions: Option<Vec<String>>,
    /// Where the token's permissions hold, and below.
    pub node: Option<String>,
    pub expires_at: Option<String>,
    /// The time for which the verdict was true.
    pub as_of: String,
    /// For how many milliseconds the asker may keep it.
    pub cacheable_for_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerdictCode {
    Valid,
    Malformed,
    NotFound,
    Expired,
    NotYetValid,
    Revoked,
    Suspended,
    Pending,
    InsufficientPermission,
    OutOfScope,
    WrongAccount,
    AddressNotAllowed,
    RateLimited,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VerdictToken {
    #[schema(example = "pat_0123456789ab")]
    pub id: String,
    #[schema(example = "deploy")]
    pub name: String,
    pub kind: TokenKind,
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerdictAccount {
    #[schema(example = "acme")]
    pub id: String,
    pub external_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerdictHolder {
    pub id: String,
    pub external_id: Option<String>,
    pub kind: HolderKind,
}

#[cfg(test)]
mod tests {
    use super::{Ask, Expression, Verdict, VerdictCode};

    #[test]
    fn an_expression_is_a_permission_or_all_or_any_of_expressions() {
        let text = r#"{"any":["devices:read",{"all":["files:read","files:update"]}]}"#;
        let expression: Expression = serde_json::from_str(text).unwrap();
        let one = |text: &str| Expression::One(text.to_owned());
        assert_eq!(
            expression,
            Expression::Any {
                any: vec![
                    one("devices:read"),
                    Expression::All { all: vec![one("files:read"), one("files:update")] }
                ]
            }
        );
        assert_eq!(serde_json::to_string(&expression).unwrap(), text);
    }

    #[test]
    fn an_expression_with_no_two_or_foreign_operators_is_refused() {
        for text in ["{}", r#"{"all":[],"any":[]}"#, r#"{"none":[]}"#, "[]", "null", "1", r#"{"all":"x"}"#] {
            assert!(serde_json::from_str::<Expression>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_ask_refuses_unknown_fields_and_does_not_print_its_token() {
        assert!(serde_json::from_str::<Ask>(r#"{"token":"t","org_id":1}"#).is_err());
        let ask: Ask = serde_json::from_str(r#"{"token":"jtn_pat_hush"}"#).unwrap();
        assert!(!format!("{ask:?}").contains("hush"));
    }

    #[test]
    fn a_verdict_has_every_key_even_when_it_knows_nothing() {
        let verdict = Verdict {
            valid: false,
            code: VerdictCode::NotFound,
            token: None,
            account: None,
            holder: None,
            role: None,
            permissions: None,
            node: None,
            expires_at: None,
            as_of: "2026-08-21T10:00:00.000000Z".into(),
            cacheable_for_ms: 0,
        };
        assert_eq!(
            serde_json::to_string(&verdict).unwrap(),
            concat!(
                r#"{"valid":false,"code":"not_found","token":null,"account":null,"holder":null,"role":null,"#,
                r#""permissions":null,"node":null,"expires_at":null,"as_of":"2026-08-21T10:00:00.000000Z","#,
                r#""cacheable_for_ms":0}"#
            )
        );
    }
}
