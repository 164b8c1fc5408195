//! How the operator made the console theirs: address, name, logo, colour, language, who may frame it.

use std::str::FromStr;

use super::ROOT;

/// What the operator set. The default is ours, on loopback.
#[derive(Clone, Debug)]
pub struct Look {
    /// The server's own address as browsers see it, such as `https://tokens.example.com`; none where
    /// nobody set it, and then the console is for loopback alone.
    pub public_url: Option<String>,
    /// The path of the console for those outside, without a slash at its end.
    pub base: String,
    /// What it calls itself.
    pub name: String,
    /// An SVG or PNG, and its type.
    pub logo: Option<(Vec<u8>, &'static str)>,
    pub accent: Accent,
    /// Back to the product.
    pub return_url: Option<String>,
    /// None: what the reader's browser asks for.
    pub locale: Option<Locale>,
    /// Origins that may show the console in a frame; nobody by default.
    pub framed_by: Vec<String>,
}

impl Default for Look {
    fn default() -> Self {
        Look {
            public_url: None,
            base: ROOT.to_owned(),
            name: "jeton".to_owned(),
            logo: None,
            accent: Accent::default(),
            return_url: None,
            locale: None,
            framed_by: Vec::new(),
        }
    }
}

impl Look {
    /// Whether browsers come over https, as far as the operator has said.
    pub(crate) fn is_secure(&self) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.starts_with("https://"))
    }

    /// The host, and the port if it is told, of the server's own address.
    pub(crate) fn authority(&self) -> Option<&str> {
        self.public_url.as_deref()?.split_once("://").map(|(_, authority)| authority.trim_end_matches('/'))
    }

    pub(crate) fn may_be_framed(&self) -> bool {
        !self.framed_by.is_empty()
    }

    /// The policy of every page: own files only, nothing inline, framed by whom the operator named.
    pub(crate) fn content_policy(&self) -> String {
        let ancestors =
            if self.framed_by.is_empty() { "'none'".to_owned() } else { self.framed_by.join(" ") };
        format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
        )
    }
}

/// Languages that the console speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Locale {
    English,
    German,
}

impl Locale {
    pub const ALL: [Locale; 2] = [Locale::English, Locale::German];

    /// BCP 47.
    pub fn tag(self) -> &'static str {
        match self {
            Locale::English => "en",
            Locale::German => "de",
        }
    }
}

impl FromStr for Locale {
    type Err = ();

    fn from_str(tag: &str) -> Result<Self, ()> {
        Locale::ALL.into_iter().find(|locale| locale.tag() == tag).ok_or(())
    }
}

/// The one colour: of what is primary, of links and of focus. sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accent([u8; 3]);

impl Default for Accent {
    fn default() -> Self {
        Accent([0x2f, 0x5b, 0xd0])
    }
}

impl FromStr for Accent {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a colour such as #2f5bd0";
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii());
        let digits = digits.ok_or(EXPECTED)?;
        let mut parts = [0; 3];
        for (part, at) in parts.iter_mut().zip([0, 2, 4]) {
            *part = u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| EXPECTED)?;
        }
        Ok(Accent(parts))
    }
}

/// The grounds of the style sheet's light theme: page, card, sunk, and what is good, to be heeded or bad.
const LIGHT: [[u8; 3]; 6] = [
    [0xfa, 0xf9, 0xf7],
    [0xff, 0xff, 0xff],
    [0xf2, 0xf0, 0xec],
    [0xeb, 0xf5, 0xef],
    [0xfb, 0xf3, 0xe2],
    [0xfc, 0xef, 0xed],
];

/// Those of its dark theme.
const DARK: [[u8; 3]; 6] = [
    [0x1d, 0x1c, 0x1a],
    [0x26, 0x25, 0x22],
    [0x17, 0x16, 0x14],
    [0x1f, 0x2f, 0x26],
    [0x35, 0x29, 0x1a],
    [0x3a, 0x23, 0x21],
];

impl Accent {
    /// Custom properties for both themes: the colour moved towards black or white until it can be read on
    /// all that links stand on (WCAG 2.2, 1.4.3: 4.5 to 1), and what can be read on it.
    pub(crate) fn css(self) -> String {
        let light = self.readable_on(&LIGHT, [0, 0, 0]);
        let dark = self.readable_on(&DARK, [255, 255, 255]);
        let (on_light, on_dark) = (light.ink(), dark.ink());
        format!(
            "@layer tokens{{:root{{--accent:light-dark({light},{dark});--on-accent:light-dark({on_light},{on_dark})}}}}\n"
        )
    }

    fn readable_on(self, grounds: &[[u8; 3]], towards: [u8; 3]) -> Accent {
        let steps = (0..=20).map(|step| self.mixed(towards, step as f64 / 20.0));
        let readable = |colour: &Accent| grounds.iter().all(|ground| contrast(colour.0, *ground) >= 4.5);
        let mut fitting = steps.filter(readable);
        fitting.next().unwrap_or(Accent(towards))
    }

    fn mixed(self, other: [u8; 3], share: f64) -> Accent {
        let mut parts = [0; 3];
        for (n, part) in parts.iter_mut().enumerate() {
            let mixed = f64::from(self.0[n]) * (1.0 - share) + f64::from(other[n]) * share;
            *part = mixed.round() as u8;
        }
        Accent(parts)
    }

    /// Black or white, whichever reads better on it.
    fn ink(self) -> Accent {
        let [black, white] = [[0x14, 0x13, 0x12], [255, 255, 255]];
        if contrast(self.0, white) >= contrast(self.0, black) { Accent(white) } else { Accent(black) }
    }
}

impl std::fmt::Display for Accent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

/// WCAG 2.2, contrast ratio.
fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// WCAG 2.2, relative luminance.
fn luminance(colour: [u8; 3]) -> f64 {
    let [r, g, b] = colour.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

#[cfg(test)]
mod tests {
    use super::{Accent, DARK, LIGHT, contrast};

    #[test]
    fn any_colour_can_be_read_on_every_ground_and_has_ink_that_can_be_read_on_it() {
        for text in ["#2f5bd0", "#ffff00", "#000000", "#ffffff", "#777777", "#e91e63"] {
            let accent: Accent = text.parse().unwrap();
            for (grounds, towards) in [(LIGHT, [0; 3]), (DARK, [255; 3])] {
                let shown = accent.readable_on(&grounds, towards);
                for ground in grounds {
                    assert!(contrast(shown.0, ground) >= 4.5, "{text} as {shown}");
                }
                assert!(contrast(shown.0, shown.ink().0) >= 4.5, "{text} as {shown}");
            }
        }
    }

    #[test]
    fn the_grounds_are_those_of_the_style_sheet() {
        let sheet = include_str!("../../assets/console.css");
        let names = ["page", "card", "sunk", "good-soft", "warn-soft", "bad-soft"];
        for ((name, light), dark) in names.iter().zip(LIGHT).zip(DARK) {
            let declared = format!("--{name}: light-dark({}, {});", Accent(light), Accent(dark));
            assert!(sheet.contains(&declared), "{declared}");
        }
    }

    #[test]
    fn what_is_no_colour_is_refused() {
        for text in ["", "blue", "#fff", "#12345g", "2f5bd0", "#é1234"] {
            assert!(text.parse::<Accent>().is_err(), "{text}");
        }
    }
}
