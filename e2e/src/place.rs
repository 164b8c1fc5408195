//! Where the servers under test keep what they know, and how many of them there are: the same tests
//! run in each place.

/// What `JETON_TEST_STORE` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// One process over a file. The usual place, when nobody says.
    Sqlite,
    /// One process over a database of its own.
    Postgres,
    /// Three processes over one database, behind a round-robin.
    Peers,
}

impl Place {
    /// Where this run of the tests takes place.
    pub fn chosen() -> Place {
        match std::env::var("JETON_TEST_STORE").as_deref() {
            Err(_) | Ok("" | "sqlite") => Place::Sqlite,
            Ok("postgres") => Place::Postgres,
            Ok("peers") => Place::Peers,
            Ok(other) => panic!("JETON_TEST_STORE is sqlite, postgres or peers, not `{other}`"),
        }
    }

    /// How many processes make up a server.
    pub fn peers(self) -> usize {
        if self == Place::Peers { 3 } else { 1 }
    }
}

/// Whether this run takes place in one of these; says why not otherwise, for what a test leaves out it
/// has to name: `if !only_on(&[Place::Sqlite], "looks into the file") { return; }`
pub fn only_on(places: &[Place], because: &str) -> bool {
    let here = Place::chosen();
    let ours = places.contains(&here);
    if !ours {
        println!("left out on {here:?}: {because}");
    }
    ours
}
