//! What a browser or program calls itself, in words: "Firefox on Linux". What is recognised of it is said in
//! `domain::agent`.

use domain::agent::Agent;

use crate::console::tongue::Tongue;

pub(super) fn words(tongue: Tongue, agent: &str) -> String {
    match Agent::of(agent) {
        Agent::On(program, system) => {
            let about = [("program", program.into()), ("system", system.into())];
            tongue.say_of("me-agent", &about).into_owned()
        }
        Agent::Program(name) => name.to_owned(),
        Agent::Unknown => tongue.say("me-agent-unknown").into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::words;
    use crate::console::look::Look;
    use crate::console::tongue::Tongue;

    #[test]
    fn what_signed_in_is_named_in_words() {
        let tongue = Tongue::of(&Look::default(), &axum::http::HeaderMap::new());
        for (agent, expected) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"),
            ("jeton/0.1.0", "jeton"),
            ("robot", "A program that does not say what it is"),
        ] {
            assert_eq!(words(tongue, agent), expected);
        }
    }
}
