//! What a browser or program calls itself, in words: "Firefox on Linux". A guess for people, on which
//! nothing rests: anybody can call themselves anything.

use crate::console::tongue::Tongue;

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

pub(super) fn words(tongue: Tongue, agent: &str) -> String {
    let among = |known: &[(&str, &'static str)]| {
        known.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    match (among(&PROGRAMS), among(&SYSTEMS)) {
        (Some(program), Some(system)) => {
            let about = [("program", program.into()), ("system", system.into())];
            tongue.say_of("me-agent", &about).into_owned()
        }
        (Some(program), None) => program.to_owned(),
        // By its own word, without a version; a sentence of ours where it gave none.
        (None, _) => match agent.split(['/', ' ', '(']).next() {
            Some(name) if agent.contains('/') && !name.is_empty() && name != "Mozilla" => name.to_owned(),
            _ => tongue.say("me-agent-unknown").into_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::words;
    use crate::console::look::Look;
    use crate::console::tongue::Tongue;

    #[test]
    fn programs_are_told_apart_from_those_that_they_pretend_to_be() {
        let tongue = Tongue::of(&Look::default(), &axum::http::HeaderMap::new());
        for (agent, expected) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 \
                 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like \
                 Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("jeton/0.1.0", "jeton"),
            ("deployer/2.1 (ci)", "deployer"),
            ("Mozilla/5.0 (who knows)", "A program that does not say what it is"),
            ("robot", "A program that does not say what it is"),
            ("", "A program that does not say what it is"),
        ] {
            assert_eq!(words(tongue, agent), expected);
        }
    }
}
