//! The place where the commands that act on an installation itself plug in: `serve`, `init` and
//! `setup-link`. Until the server is wired to the rooms below, they say so and fail.

use anyhow::bail;

use crate::cli::{InitArgs, ServeArgs, SetupLinkArgs};
use crate::config::Config;

/// Answers HTTP until the process is told to stop.
pub fn serve(_args: &ServeArgs, _config: Config) -> anyhow::Result<()> {
    bail!("this build has no server")
}

/// Makes the first account, its administrator, a token and a service key.
pub fn init(_args: &InitArgs, _config: Config) -> anyhow::Result<()> {
    bail!("this build has no server")
}

/// Prints a fresh set-up link of an installation that has no account yet.
pub fn setup_link(_args: &SetupLinkArgs, _config: Config) -> anyhow::Result<()> {
    bail!("this build has no server")
}
