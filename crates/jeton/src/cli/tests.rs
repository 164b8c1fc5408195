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
            let lines = examples.lines().take_while(|line| !line.is_empty());
            let shown: Vec<_> = lines
                .map(|line| line.strip_prefix("  ").expect("an example is indented by two"))
                .map(|example| (example, commands(example)))
                .collect();
            for (example, own) in shown.iter().flat_map(|(line, all)| all.iter().map(move |own| (line, own)))
            {
                let taken = Cli::try_parse_from(own);
                assert!(taken.is_ok(), "{example}: {}", taken.unwrap_err());
                seen += 1;
            }
            let first = &shown.first().expect("an example").1[0];
            assert!(first.starts_with(words), "{first:?} shows another command than {words:?}");
        }
    });
    assert!(seen > 40, "{seen}");
}

/// The words of each `jeton` in a line of shell: without what is piped in or out, or redirected.
fn commands(line: &str) -> Vec<Vec<String>> {
    let runs_jeton = |part: &&str| part.starts_with("jeton ") || part.starts_with("JETON_");
    // Variables stand before a command.
    let own = |part: &str| arguments(&part[part.find("jeton ").expect("it runs jeton")..]);
    let found: Vec<_> =
        line.split(" | ").flat_map(|part| part.split(" && ")).filter(runs_jeton).map(own).collect();
    assert!(!found.is_empty(), "an example runs jeton: {line}");
    found
}

fn arguments(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = command.trim();
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
fn every_command_that_a_page_shows_is_one() {
    use clap::error::ErrorKind;
    // The first line of what a checkpoint signs reads like one.
    const NONE: [&str; 1] = ["jeton checkpoint 1"];
    let repository = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let docs = std::fs::read_dir(repository.join("docs")).unwrap().map(|page| page.unwrap().path());
    let docs = docs.filter(|page| page.is_file());
    let others = ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"].map(|name| repository.join(name));
    let (mut seen, mut faults) = (0, Vec::new());
    for page in docs.chain(others) {
        let text = std::fs::read_to_string(&page).unwrap();
        for shown in shown(&text).into_iter().filter(|shown| !NONE.contains(&shown.trim())) {
            seen += 1;
            // The running text leaves out what a command needs, and says `…` for it.
            let words = arguments(&shown).into_iter().filter(|word| word != "…");
            let Err(wrong) = Cli::try_parse_from(words) else { continue };
            let incomplete = [
                ErrorKind::MissingRequiredArgument,
                ErrorKind::MissingSubcommand,
                ErrorKind::DisplayHelp,
                ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
                ErrorKind::InvalidValue,
            ];
            if !incomplete.contains(&wrong.kind()) {
                faults.push(format!("{}: {shown}: {wrong}", page.display()));
            }
        }
    }
    assert!(seen > 80, "{seen}");
    assert_eq!(faults, Vec::<String>::new());
}

/// What a page shows of the command line: in its running text, in its shell blocks, and in lines that are
/// set in. What the shell makes of a line (pipes, variables, comments) ends it.
fn shown(page: &str) -> Vec<String> {
    let until_shell = |text: &str| {
        let end = text.find([';', '|', '<', '>', '#', '&', '$', '"', '\\', ')', '+']).unwrap_or(text.len());
        text[..end].trim().to_owned()
    };
    let mut found = Vec::new();
    let mut block: Option<bool> = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), block) {
            (Some(language), None) => block = Some(language == "sh"),
            (Some(_), Some(_)) => block = None,
            (None, Some(false)) => {}
            (None, Some(true)) => {
                let line = line.replace("sudo -u jeton ", "");
                found.extend(line.strip_prefix("jeton ").map(|rest| until_shell(&format!("jeton {rest}"))));
            }
            (None, None) if line.starts_with("    jeton ") => found.push(until_shell(line.trim())),
            (None, None) => {
                let code = line.split('`').skip(1).step_by(2);
                found.extend(code.filter(|code| code.starts_with("jeton ")).map(until_shell));
            }
        }
    }
    found
}

#[test]
fn a_misspelt_command_or_flag_is_answered_with_the_nearest() {
    let said = |words: &[&str]| Cli::try_parse_from(words).unwrap_err().to_string();
    assert!(said(&["jeton", "tokn", "list"]).contains("'token'"));
    assert!(said(&["jeton", "token", "revok", "pat_0123456789ab"]).contains("'revoke'"));
    assert!(said(&["jeton", "token", "create", "ci", "--expire-in", "90d"]).contains("'--expires-in'"));
    assert!(said(&["jeton", "token", "list", "--status", "actve"]).contains("'active'"));
    assert!(said(&["jeton", "memebr", "list"]).contains("'member'"));
    assert!(said(&["jeton", "service", "create", "x", "--scope", "verfy"]).contains("'verify'"));
    assert!(said(&["jeton", "completions", "bahs"]).contains("'bash'"));
}

#[test]
fn each_state_of_a_token_is_explained_where_one_filters_by_it() {
    for words in [["jeton", "token", "list", "--help"], ["jeton", "token", "inventory", "--help"]] {
        let help = Cli::try_parse_from(words).unwrap_err().to_string();
        for state in domain::life::State::ALL {
            let explained = format!("- {}:", state.as_str());
            assert!(help.contains(&explained), "{explained} is not in:\n{help}");
        }
    }
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
fn every_command_with_data_to_print_can_print_json() {
    // They run a server, or print what another program reads.
    let none = ["serve", "completions", "man"];
    walk(&tree(), &["jeton".to_owned()], &mut |command, words| {
        let json = command.get_arguments().any(|argument| argument.get_long() == Some("json"));
        // A noun that does something by itself prints what that is.
        let acts = !command.has_subcommands() || !command.is_subcommand_required_set();
        assert_eq!(json, acts && !none.contains(&words[1..].join(" ").as_str()), "{words:?}");
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

#[test]
fn each_noun_has_the_verbs_of_its_routes() {
    let tree = tree();
    let verbs = |noun: &str| -> Vec<String> {
        let noun = tree.find_subcommand(noun).unwrap_or_else(|| panic!("no {noun}"));
        noun.get_subcommands().map(|verb| verb.get_name().to_owned()).collect()
    };
    let holder = ["list", "show", "create", "edit", "deactivate", "reactivate", "remove"];
    let member =
        ["list", "show", "create", "invite", "edit", "deactivate", "reactivate", "remove", "erase", "sync"];
    assert_eq!(verbs("member"), member);
    assert_eq!(verbs("service-account"), holder);
    assert_eq!(verbs("account"), ["list", "show", "create", "edit", "deactivate", "reactivate", "sync"]);
    assert_eq!(verbs("role"), ["list", "show", "create", "edit", "delete"]);
    assert_eq!(verbs("node"), ["list", "show", "create", "edit"]);
    assert_eq!(verbs("installation"), ["list", "show", "create", "edit", "delete"]);
    assert_eq!(verbs("policy"), ["show", "set"]);
    assert_eq!(verbs("service"), ["list", "create", "revoke"]);
    assert_eq!(verbs("session"), ["list", "end"]);
    assert_eq!(verbs("notice"), ["list", "mail"]);
    let webhook = ["list", "show", "create", "edit", "rotate-secret", "deliveries", "redeliver", "delete"];
    assert_eq!(verbs("webhook"), webhook);
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let directory = tempfile::tempdir().unwrap();
    let to = directory.path().to_str().unwrap();
    let Command::Man(args) = Cli::try_parse_from(["jeton", "man", "--to", to]).unwrap().command else {
        panic!("another command");
    };
    pages::man(&args, tree()).unwrap();
    let mut pages = 0;
    walk(&tree(), &["jeton".to_owned()], &mut |_, words| {
        let page = directory.path().join(format!("{}.1", words.join("-")));
        let text = std::fs::read_to_string(&page).unwrap_or_else(|_| panic!("no {}", page.display()));
        for section in [".SH NAME", ".SH SYNOPSIS", ".SH EXAMPLES"] {
            assert!(text.contains(section), "{words:?} has no {section}");
        }
        let example = words.join(" ").replace('-', "\\-");
        assert!(text.contains(&format!("\\&{example}")) || text.contains(" jeton "), "{words:?}:\n{text}");
        pages += 1;
    });
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), pages);
}
