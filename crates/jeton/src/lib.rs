//! The program `jeton`: its commands, its configuration, its log, and the wiring of the rooms below
//! into a running server. Rules, SQL and routes never live here.
//!
//! [`cli`] is the command line. What acts on an installation (`serve`, `init`, `setup-link`,
//! `migrate`, `doctor`, `move`, `config`) reads the [`config`]; everything else speaks HTTP to a server and lives in
//! [`client`].

mod access;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
mod dev;
pub mod exit;
mod hooks;
mod init;
mod look;
pub mod metrics;
mod nearest;
mod notify;
mod operations;
mod owner;
mod post;
pub mod reload;
mod scanner;
mod serve;
mod sockets;
pub mod telemetry;
mod wiring;
