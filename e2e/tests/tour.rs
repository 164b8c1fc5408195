//! Runs the tour of README.md as a reader would paste it: the `sh` blocks of the section
//! "Two-minute tour", in one shell, in an empty directory, with `jeton` on the search path.

use e2e::{Tour, binary, repository};

const SECTION: &str = "Two-minute tour";

#[test]
fn the_tour_of_the_readme_works_as_written() {
    let readme = std::fs::read_to_string(repository().join("README.md")).expect("there is a README.md");
    let tour = Tour::of_section(&readme, SECTION);
    for told in ["jeton init", "jeton serve", "token create", "verify", "token revoke"] {
        assert!(tour.shows(told), "the tour does not show `{told}`");
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    assert_eq!(tour.run(directory.path(), &[binary().parent().expect("a directory")]), Ok(()));
}

#[test]
fn a_tour_that_prints_something_else_is_reported() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let ran = |block: &str| Tour::of_blocks(&[block.to_owned()]).run(directory.path(), &[]);
    for kept in [
        "echo one; echo two 2\n# => one\n# => two …\nx=3\necho $x\n# => 3",
        "printf 'no line break'\n# => no line break\necho next\n# => next",
        "seq 9\n# => 1\n# => …\n# => 9",
        "true\n# => …",
        "echo unpromised",
    ] {
        assert_eq!(ran(kept), Ok(()), "{kept}");
    }
    for broken in [
        "echo one\n# => two",
        "echo one\n# => one\n# => two",
        "echo one\necho two\n# => one",
        "false\n# => one",
        "seq 9\n# => 1\n# => …\n# => 8",
        "echo one; exit 3\necho two",
    ] {
        assert!(ran(broken).is_err(), "{broken}");
    }
}

#[test]
fn blocks_are_read_from_their_section_alone() {
    let text = "# A\n```sh\nno\n```\n## Two-minute tour\nWords.\n```sh\nyes\nand yes\n```\n```json\nno\n```\n### Below\n```sh\nyes too\n```\n## Next\n```sh\nno\n```\n";
    assert_eq!(e2e::blocks(text, Some(SECTION)), ["yes\nand yes\n", "yes too\n"]);
}
