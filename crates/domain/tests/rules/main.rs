//! What the rules promise, told of whole lives: decisions are chained in a world of maps that
//! carries them out as a store does.
//!
//! Properties first (what holds whatever people do), then the tables (who hears what, and why).

mod acting;
mod approval;
mod cap;
mod ceiling;
mod forms;
mod journey;
mod life;
mod mails;
mod names;
mod notices;
mod outlook;
mod provisioning;
mod refusals;
mod room;
mod rotation;
mod stakes;
mod tree;
mod verdict;
#[path = "../world/mod.rs"]
mod world;
