//! The values of the console's keys: where it is, how it looks, who may show it in a frame. Nothing here
//! reads the logo; see [`crate::look`].

use web::console::{Accent, Locale};

use super::key::Setting;

/// The path of the console as browsers see it, such as `/console` or `/account/tokens`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsolePath(pub String);

/// The first parts of paths that are something else here.
const TAKEN: [&str; 11] =
    ["v1", "setup", "gateway", "oauth2", "scim", "sso", "docs", "openapi.json", "livez", "readyz", "metrics"];

impl Setting for ConsolePath {
    const ACCEPTS: &'static str = "a path without a slash at its end, as in `/console` or `/account/tokens`";

    fn parse(text: &str) -> Option<Self> {
        let part = |part: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
            !part.is_empty() && part.bytes().all(plain) && part != "." && part != ".."
        };
        let below = text.strip_prefix('/').filter(|_| text.len() <= 100)?;
        let good = below.split('/').all(part) && !is_taken(below) && !below.starts_with("console/");
        good.then(|| Self(text.to_owned()))
    }

    fn why_not(text: &str) -> Option<String> {
        let below = text.strip_prefix('/')?;
        (is_taken(below) || below.starts_with("console/"))
            .then(|| "this server has something else there; choose another path".to_owned())
    }
}

fn is_taken(below: &str) -> bool {
    below.split('/').next().is_some_and(|first| TAKEN.contains(&first))
}

/// What the console calls itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleName(pub String);

impl Setting for ConsoleName {
    const ACCEPTS: &'static str = "a name of 1 to 60 characters, in which nothing is hidden";

    fn parse(text: &str) -> Option<Self> {
        domain::text::name("name", text, 60).ok().map(Self)
    }
}

impl Setting for Accent {
    const ACCEPTS: &'static str = "a colour as red, green and blue in hexadecimal digits, as in `#2f5bd0`";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Setting for Locale {
    const ACCEPTS: &'static str = "`en` or `de`";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// Where the way back to the product leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnUrl(pub String);

impl Setting for ReturnUrl {
    const ACCEPTS: &'static str = "a URL of scheme http or https, as in `https://app.example.com/settings`";

    fn parse(text: &str) -> Option<Self> {
        let url: ureq::http::Uri = text.parse().ok()?;
        let authority = url.authority()?;
        let good = matches!(url.scheme_str(), Some("http" | "https"))
            && !authority.as_str().contains('@')
            && !authority.host().is_empty();
        good.then(|| Self(text.to_owned()))
    }
}

/// Origins, one after the other (RFC 6454).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origins(pub Vec<String>);

impl Setting for Origins {
    const ACCEPTS: &'static str = "origins with a space between them, https but for this machine, as in `https://app.example.com https://example.com:8443`";

    fn parse(text: &str) -> Option<Self> {
        let origins: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        (!origins.is_empty() && origins.iter().all(|origin| is_origin(origin))).then_some(Self(origins))
    }
}

/// It stands in a header between others, so it is made of nothing that could end it.
fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    let Ok(url) = text.parse::<ureq::http::Uri>() else { return false };
    let host = url.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    let here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    !host.is_empty() && authority.bytes().all(plain) && (scheme == "https" || (scheme == "http" && here))
}

#[cfg(test)]
mod tests {
    use web::console::{Accent, Locale};

    use super::{ConsoleName, ConsolePath, Origins, ReturnUrl};
    use crate::config::key::Setting;

    fn check<T: Setting>(good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(T::parse(text).is_some(), "{text:?} should be {}", T::ACCEPTS);
        }
        for text in bad {
            assert!(T::parse(text).is_none(), "{text:?} should not be {}", T::ACCEPTS);
        }
    }

    #[test]
    fn each_key_of_the_console_takes_what_it_says_and_nothing_else() {
        check::<ConsolePath>(
            &["/console", "/tokens", "/account/api-tokens"],
            &[
                "",
                "/",
                "console",
                "/console/",
                "/console/acme",
                "/a//b",
                "/a/../b",
                "/v1",
                "/setup/x",
                "/a b",
                "/{a}",
                "/é",
            ],
        );
        check::<ConsoleName>(&["Acme", "Zoë & Söhne"], &["", " ", "a\u{202e}b", &"x".repeat(61)]);
        check::<Accent>(&["#2f5bd0", "#FFFFFF"], &["", "blue", "#fff", "2f5bd0"]);
        check::<Locale>(&["en", "de"], &["", "EN", "fr", "de-AT"]);
        check::<ReturnUrl>(
            &["https://app.example.com", "http://localhost:3000/settings?tab=api"],
            &["", "/settings", "javascript:alert(1)", "ftp://x", "https://u:p@x"],
        );
        check::<Origins>(
            &[
                "https://app.example.com",
                "https://a.example  https://b.example:8443",
                "http://localhost:3000",
                "http://127.0.0.1:1",
            ],
            &[
                "",
                " ",
                "app.example.com",
                "http://app.example.com",
                "https://a.example/path",
                "https://a.example;",
                "https://a'b",
                "*",
                "https://*.example.com",
                "'self'",
                "https://u@a.example",
                "https://a.example,https://b",
            ],
        );
    }

    #[test]
    fn a_path_that_is_something_else_here_is_told_so() {
        assert!(ConsolePath::why_not("/v1/tokens").unwrap().contains("something else"));
        assert_eq!(ConsolePath::why_not("/a b"), None);
    }
}
