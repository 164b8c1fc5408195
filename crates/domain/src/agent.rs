//! What a browser or program calls itself (`User-Agent`, RFC 9110 section 10.1.5), as far as people recognise
//! it. A guess for them, on which nothing rests: anybody can call themselves anything.

/// What each calls itself by, before those that it pretends to be.
const PROGRAMS: [(&str, &str); 11] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("jeton/", "jeton"),
    ("curl/", "curl"),
];

const SYSTEMS: [(&str, &str); 8] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// What is recognised of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent<'a> {
    /// A program and the system that it runs on.
    On(&'static str, &'static str),
    /// A program, by its own word where we know none, and without a version.
    Program(&'a str),
    Unknown,
}

impl<'a> Agent<'a> {
    pub fn of(text: &'a str) -> Self {
        let among = |known: &[(&str, &'static str)]| {
            known.iter().find(|(mark, _)| text.contains(mark)).map(|(_, name)| *name)
        };
        match (among(&PROGRAMS), among(&SYSTEMS)) {
            (Some(program), Some(system)) => Self::On(program, system),
            (Some(program), None) => Self::Program(program),
            (None, _) => match text.split(['/', ' ', '(']).next() {
                Some(name) if text.contains('/') && !name.is_empty() && name != "Mozilla" => {
                    Self::Program(name)
                }
                _ => Self::Unknown,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Agent;

    #[test]
    fn programs_are_told_apart_from_those_that_they_pretend_to_be() {
        for (text, expected) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
                Agent::On("Firefox", "Linux"),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                Agent::On("Edge", "Windows"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 \
                 Mobile Safari/537.36",
                Agent::On("Chrome", "Android"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like \
                 Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
                Agent::On("Safari", "iPhone"),
            ),
            ("jeton/0.1.0", Agent::Program("jeton")),
            ("deployer/2.1 (ci)", Agent::Program("deployer")),
            ("Mozilla/5.0 (who knows)", Agent::Unknown),
            ("robot", Agent::Unknown),
            ("", Agent::Unknown),
        ] {
            assert_eq!(Agent::of(text), expected, "{text}");
        }
    }
}
