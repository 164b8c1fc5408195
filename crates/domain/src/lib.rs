//! The rules: what an account is, who may do what in it, what may happen to a token, and
//! whether one is good.
//!
//! Everything here is a pure function of facts, an ask and the time. This crate never reads a
//! clock, draws a number, waits, or knows SQL and HTTP. Three places to start:
//!
//! - [`admit`]: the one place that says whether a token is good;
//! - [`lifecycle`]: every change a token can go through, as a decision that returns a
//!   [`Change`](change::Change) or a [`Refusal`](refusal::Refusal);
//! - [`policy`]: the switches by which one server can be many products.

pub mod accounts;
pub mod admit;
pub mod agent;
pub mod bindings;
pub mod change;
pub mod conditions;
pub mod erasure;
pub mod facts;
pub mod forgotten;
pub mod grant;
pub mod ids;
pub mod installations;
pub mod life;
pub mod lifecycle;
pub mod links;
pub mod mail;
pub mod members;
pub mod news;
pub mod node;
pub mod nodes;
pub mod notices;
pub mod outlook;
pub mod permission;
pub mod policy;
pub mod preset;
pub mod proofs;
pub mod provision;
pub mod recovery;
pub mod refusal;
pub mod roles;
pub mod sessions;
pub mod text;
pub mod time;
pub mod usage;
pub mod webhooks;
pub mod who;
