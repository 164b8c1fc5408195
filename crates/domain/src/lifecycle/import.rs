//! A token that was made elsewhere, taken over without a new text.

use token::{Digest, TokenId};

use super::create::{DESCRIPTION, NAME};
use super::permission::{freeze, named, usual};
use super::{AskedGrant, must_be_active};
use crate::conditions::Conditions;
use crate::facts::{Account, Holder, Token};
use crate::grant;
use crate::life::{Life, Surroundings, good_until};
use crate::node::NodePath;
use crate::permission::Registry;
use crate::refusal::Refusal;
use crate::text;
use crate::time::Timestamp;

/// What is known of such a token.
#[derive(Clone, Debug)]
pub struct Import {
    pub name: String,
    pub description: Option<String>,
    /// None: what the policy gives where nothing is asked, as if its holder made it.
    pub permission: Option<AskedGrant>,
    pub node: NodePath,
    pub created_at: Option<Timestamp>,
    /// None: never ends, but for the policy's `expiry.max`.
    pub expires_at: Option<Timestamp>,
    pub metadata: Option<serde_json::Value>,
}

/// Decides on a token that an operator takes over. What the account's policy says of tokens that
/// are made (who makes them, their limit, the forms of their permission and their end) is not asked:
/// it was made. What the policy says of their use holds for it as for any other. It counts as approved
/// now, so that what stopped its holder's tokens earlier does not mean it.
pub fn import(
    account: &Account,
    registry: &Registry,
    holder: &Holder,
    order: &Import,
    id: TokenId,
    digest: Digest,
    now: Timestamp,
) -> Result<Token, Refusal> {
    must_be_active(holder)?;
    let created_at = order.created_at.unwrap_or(now);
    if created_at > now {
        return Err(Refusal::invalid("created_at", format!("It lies in the future; it is {now} now.")));
    }
    let grant = match &order.permission {
        Some(asked) => named(account, registry, asked)?,
        None => {
            let rights = grant::of_holder(holder, account, &order.node);
            usual(account, registry, holder, rights, &order.node)?
        }
    };
    let grant = freeze(grant, holder, account, &order.node);
    let life = Life {
        approved_at: Some(holder.standing.clear_of_stops(now)),
        ..Life::from(created_at, order.expires_at)
    };
    if let Some(end) =
        good_until(&life, &Surroundings::of(account, holder, id.kind)).filter(|end| *end <= now)
    {
        let sentence = match order.expires_at {
            Some(own) if own == end => format!("It expired at {end}."),
            _ => format!("Under this account's policy it expired at {end}."),
        };
        return Err(Refusal::invalid("expires_at", sentence));
    }
    Ok(Token {
        id,
        number: 0,
        account: account.id.clone(),
        holder: holder.id,
        issued_by: holder.id,
        name: text::name("name", &order.name, NAME)?,
        description: order
            .description
            .as_deref()
            .map(|told| text::description("description", told, DESCRIPTION))
            .transpose()?,
        metadata: order.metadata.as_ref().map(text::metadata).transpose()?.flatten(),
        grant,
        node: order.node.clone(),
        desk: false,
        life,
        conditions: Conditions::default(),
        reason: None,
        digest,
        version: 0,
    })
}
