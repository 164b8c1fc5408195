//! What the command line promises whatever the command: examples first, and examples that work.

use super::*;

/// Every command below `jeton`, with the words that lead to it.
fn walk(command: &clap::Command, words: &[String], visit: &mut impl FnMut(&clap::Command, &[String])) {
    visit(command, words);
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        let words = [words, &[inner.get_name().to_owned()]].concat();
        walk(inner, &words, visit);
    }
}

#[test]
fn the_command_line_is_consistent() {
    tree().debug_assert();
}

#[test]
fn examples_come_first_in_every_help_and_every_one_is_taken() {
    let mut seen = 0;
    walk(&tree(), &["jeton".to_owned()], &mut |command, words| {
        for help in [command.clone().render_help(), command.clone().render_long_help()] {
            let help = help.to_string();
            let examples =
                help.strip_prefix("Examples:\n").unwrap_or_else(|| panic!("{words:?} begins with:\n{help}"));
            for line in examples.lines().take_while(|line| !line.is_empty()) {
                let example = line.strip_prefix("  ").expect("an example is indented by two");
                let taken = Cli::try_parse_from(arguments(example));
                assert!(taken.is_ok(), "{example}: {}", taken.unwrap_err());
                let own = arguments(example);
                assert!(own.starts_with(words), "the example `{example}` of {words:?} shows another command");
                seen += 1;
            }
        }
    });
    assert!(seen > 40, "{seen}");
}

/// The words of the `jeton` in a line of shell: without what is piped in or out, or redirected.
fn arguments(line: &str) -> Vec<String> {
    let runs_jeton = |part: &&str| part.starts_with("jeton ") || part.starts_with("JETON_");
    let part = line.split(" | ").find(runs_jeton).expect("an example runs jeton");
    let part = &part[part.find("jeton ").expect("variables stand before a command")..];
    let part = part.split(" && ").next().unwrap();
    let mut words = Vec::new();
    let mut rest = part.trim();
    while !rest.is_empty() && !rest.starts_with(['<', '>']) {
        let (word, after) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').expect("a quote closes"),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

#[test]
fn a_misspelt_command_or_flag_is_answered_with_the_nearest() {
    let said = |words: &[&str]| Cli::try_parse_from(words).unwrap_err().to_string();
    assert!(said(&["jeton", "tokn", "list"]).contains("'token'"));
    assert!(said(&["jeton", "token", "revok", "pat_0123456789ab"]).contains("'revoke'"));
    assert!(said(&["jeton", "token", "create", "ci", "--expire-in", "90d"]).contains("'--expires-in'"));
    assert!(said(&["jeton", "token", "list", "--status", "actve"]).contains("'active'"));
}

#[test]
fn no_secret_can_be_given_as_an_argument() {
    walk(&tree(), &["jeton".to_owned()], &mut |command, words| {
        for argument in command.get_arguments() {
            let name = argument.get_id().as_str();
            let secret = ["password", "token", "secret", "code"].iter().any(|word| name.contains(word));
            assert!(!secret || name.ends_with("_file"), "{words:?} takes {name}");
        }
    });
}

#[test]
fn every_command_but_serve_can_print_json() {
    walk(&tree(), &["jeton".to_owned()], &mut |command, words| {
        let json = command.get_arguments().any(|argument| argument.get_long() == Some("json"));
        let leaf = !command.has_subcommands() && words != ["jeton", "serve"];
        assert_eq!(json, leaf, "{words:?}");
    });
}

#[test]
fn grants_and_expiries_exclude_each_other() {
    let refused =
        |more: &[&str]| Cli::try_parse_from([&["jeton", "token", "create", "ci"], more].concat()).is_err();
    assert!(refused(&["--role", "Viewer", "--inherit"]));
    assert!(refused(&["--role", "Viewer", "--access", "read"]));
    assert!(refused(&["--permission", "devices:read", "--access", "read"]));
    assert!(refused(&["--entity", "devices"]));
    assert!(refused(&["--expires-in", "90d", "--never"]));
    assert!(refused(&["--expires-in", "90d", "--expires-at", "2030-01-01T00:00:00Z"]));
    assert!(refused(&["--metadata", "[1]"]));
    assert!(!refused(&["--access", "read", "--entity", "devices", "--entity", "files", "--never"]));
}
