//! `jeton completions` and `jeton man`: what shells and readers of manuals want to know of the
//! command line, made from the one tree of commands.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::client::output;
use crate::exit::Failure;

/// Prints a script by which a shell completes jeton's commands.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton completions bash > /etc/bash_completion.d/jeton
  jeton completions zsh > /usr/local/share/zsh/site-functions/_jeton
  jeton completions fish > ~/.config/fish/completions/jeton.fish")]
pub(super) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// # Errors
/// When it cannot be written.
pub(super) fn completions(args: &CompletionsArgs, mut tree: Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut tree, "jeton", &mut script);
    print(&script)
}

/// Prints the manual page of jeton, or writes one of each command into a directory.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton man | man -l -
  jeton man --to /usr/local/share/man/man1")]
pub(super) struct ManArgs {
    /// The directory to write the pages of all commands into; it is made if it is not there.
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

/// # Errors
/// When a page cannot be written.
pub(super) fn man(args: &ManArgs, tree: Command) -> Result<(), Failure> {
    let mut tree = tree.disable_help_subcommand(true);
    // From here on each command knows its whole name.
    tree.build();
    let Some(directory) = &args.to else {
        return print(&page(tree));
    };
    let failed = |cause: io::Error| {
        Failure::failed(format!("could not write the pages to {}: {cause}", directory.display()))
    };
    std::fs::create_dir_all(directory).map_err(failed)?;
    let written = write_all(&tree, directory).map_err(failed)?;
    output::say(&format!("wrote {written} pages to {}", directory.display()));
    Ok(())
}

/// Writes the page of a command and of those below it, and says how many there are.
fn write_all(command: &Command, directory: &Path) -> io::Result<usize> {
    let name = Man::new(command.clone()).get_filename();
    std::fs::write(directory.join(name), page(command.clone()))?;
    command.get_subcommands().try_fold(1, |written, inner| Ok(written + write_all(inner, directory)?))
}

/// A page in roff. The examples stand before the options, as they do in `--help`.
fn page(command: Command) -> Vec<u8> {
    let said = |text: Option<&clap::builder::StyledStr>| text.map(ToString::to_string).unwrap_or_default();
    let before = said(command.get_before_help());
    let after = said(command.get_after_help());
    let (options, commands) = (command.get_arguments().count() > 0, command.has_subcommands());
    let man = Man::new(command).manual("jeton").source(concat!("jeton ", env!("CARGO_PKG_VERSION")));
    let mut out = Vec::new();
    let written = (|| -> io::Result<()> {
        man.render_title(&mut out)?;
        man.render_name_section(&mut out)?;
        man.render_synopsis_section(&mut out)?;
        man.render_description_section(&mut out)?;
        let lines = before.lines().skip_while(|line| *line == "Examples:");
        as_it_stands(&mut out, "EXAMPLES", lines.map(|line| line.strip_prefix("  ").unwrap_or(line)))?;
        if options {
            man.render_options_section(&mut out)?;
        }
        if commands {
            man.render_subcommands_section(&mut out)?;
        }
        as_it_stands(&mut out, "NOTES", after.lines())
    })();
    written.expect("memory takes what is written to it");
    out
}

/// A section whose lines are neither filled nor read as roff.
fn as_it_stands<'a>(
    out: &mut impl Write,
    title: &str,
    lines: impl Iterator<Item = &'a str>,
) -> io::Result<()> {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return Ok(());
    }
    writeln!(out, ".SH {title}\n.nf")?;
    for line in lines {
        // A hyphen that can be copied is a minus in roff, and a dot or quote may begin a request.
        let line = line.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
        writeln!(out, "\\&{line}")?;
    }
    writeln!(out, ".fi")
}

fn print(bytes: &[u8]) -> Result<(), Failure> {
    output::data(String::from_utf8_lossy(bytes).trim_end())
}
