//! The values of the webhooks' keys.

use domain::webhooks::target::Allowed;

use super::key::Setting;

impl Setting for Allowed {
    const ACCEPTS: &'static str = "networks with a space between them, as in `127.0.0.0/8 fd00::/8`";

    fn parse(text: &str) -> Option<Self> {
        Allowed::parse(text).ok().filter(|allowed| *allowed != Self::default())
    }

    fn why_not(text: &str) -> Option<String> {
        Allowed::parse(text).err().map(|why| why.to_string())
    }
}
