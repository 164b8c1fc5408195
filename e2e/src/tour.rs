//! A page of the documentation that a reader can paste, run as written: its `sh` blocks, in one shell, in
//! a directory of its own, with what it needs on the search path.
//!
//! A line `# => pattern` says what the lines before it print; `…` in it stands for any text, and
//! alone for any number of lines. The lines printed since the last such line must match, one for
//! one.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a page has its reader do, in its order.
pub struct Tour {
    steps: Vec<Step>,
}

impl Tour {
    /// All blocks of a page.
    pub fn of_page(markdown: &str) -> Tour {
        Tour::of_blocks(&blocks(markdown, None))
    }

    /// The blocks under one heading.
    ///
    /// # Panics
    /// Where there is none.
    pub fn of_section(markdown: &str, heading: &str) -> Tour {
        let blocks = blocks(markdown, Some(heading));
        assert!(!blocks.is_empty(), "there is no `sh` block under \"{heading}\"");
        Tour::of_blocks(&blocks)
    }

    pub fn of_blocks(blocks: &[String]) -> Tour {
        Tour { steps: blocks.iter().flat_map(|block| steps(block)).collect() }
    }

    /// Whether some command contains the text.
    pub fn shows(&self, text: &str) -> bool {
        self.steps.iter().any(|step| step.commands.contains(text))
    }

    /// Walks it in [`READER`], below a home of its own in the directory, which may be there already with what the
    /// page says that the reader has. `path` comes before the usual search path.
    ///
    /// # Errors
    /// What was printed where the page promises something else.
    pub fn run(&self, directory: &Path, path: &[&Path]) -> Result<(), String> {
        run(&self.steps, directory, path)
    }
}

/// Where in its directory whoever walks a tour types.
pub const READER: &str = "home/reader";

/// Commands, and what they must print when that is said.
struct Step {
    commands: String,
    expected: Option<Vec<String>>,
}

/// The `sh` blocks under the heading, up to the next heading of its level or above; without one, all.
pub fn blocks(markdown: &str, heading: Option<&str>) -> Vec<String> {
    let mut found = Vec::new();
    let mut section = heading.is_none().then_some(0);
    let mut block: Option<(bool, String)> = None;
    for line in markdown.lines() {
        if let Some((wanted, text)) = block.take() {
            match (line.starts_with("```"), wanted) {
                (true, true) => found.push(text),
                (true, false) => {}
                (false, _) => block = Some((wanted, text + line + "\n")),
            }
        } else if let Some(language) = line.strip_prefix("```") {
            block = Some((section.is_some() && language.trim() == "sh", String::new()));
        } else if line.starts_with('#') {
            let level = line.chars().take_while(|c| *c == '#').count();
            if Some(line[level..].trim()) == heading {
                section = Some(level);
            } else if section.is_some_and(|own| level <= own) {
                section = None;
            }
        }
    }
    found
}

fn steps(block: &str) -> Vec<Step> {
    let mut steps = vec![Step { commands: String::new(), expected: None }];
    for line in block.lines() {
        let last = steps.last_mut().expect("never empty");
        match (line.strip_prefix("# => "), &mut last.expected) {
            (Some(pattern), Some(patterns)) => patterns.push(pattern.trim_end().to_owned()),
            (Some(pattern), none) => *none = Some(vec![pattern.trim_end().to_owned()]),
            (None, None) => last.commands += &format!("{line}\n"),
            (None, Some(_)) => steps.push(Step { commands: format!("{line}\n"), expected: None }),
        }
    }
    steps
}

/// Runs the steps in one bash and compares. What is left in the background is ended with it.
fn run(steps: &[Step], directory: &Path, path: &[&Path]) -> Result<(), String> {
    const MARK: &str = "--- end of step";
    let mut script = String::new();
    for step in steps {
        // On a line of its own even after output that does not end in a line break.
        script += &format!("{}printf '\\n%s\\n' '{MARK}'\n", step.commands);
    }
    let script_file = directory.join("tour.sh");
    let output_file = directory.join("tour.out");
    std::fs::write(&script_file, script).expect("the directory is ours");
    let output = std::fs::File::create(&output_file).expect("the directory is ours");
    let (home, reader) = (directory.join("home"), directory.join(READER));
    std::fs::create_dir_all(&reader).expect("the directory is ours");
    let usual = std::env::var_os("PATH").expect("a search path");
    let path =
        std::env::join_paths(path.iter().map(|p| p.to_path_buf()).chain(std::env::split_paths(&usual)));

    let mut shell = Command::new("bash");
    shell.arg(&script_file).current_dir(&reader).env_clear();
    shell.env("HOME", &home).env("PATH", path.expect("no colon in our paths")).env("NO_COLOR", "1");
    // A file rather than a pipe: a server left in the background would hold a pipe open.
    shell.stdin(Stdio::null()).stdout(output).stderr(Stdio::inherit());
    // A process group of its own, so that what the tour started can be ended by its id.
    let mut shell = shell.process_group(0).spawn().expect("bash is there");
    let group = rustix::process::Pid::from_child(&shell);
    let status = shell.wait().expect("our own child");
    // Nothing left to end is the usual outcome of a tour that tidies up.
    let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);

    let printed = std::fs::read_to_string(&output_file).expect("the file we gave it");
    let mark = format!("\n{MARK}\n");
    let mut parts = printed.split(mark.as_str());
    for step in steps {
        let part = parts.next().unwrap_or_default();
        compare(step, part)?;
    }
    match printed.matches(MARK).count() {
        count if count == steps.len() => Ok(()),
        count => Err(format!("the shell ended early, {status}, after {count} of {} steps", steps.len())),
    }
}

fn compare(step: &Step, printed: &str) -> Result<(), String> {
    let Some(patterns) = &step.expected else { return Ok(()) };
    let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    if fit(&lines, &patterns) {
        return Ok(());
    }
    Err(format!(
        "printed\n{}\nwhere the tour promises\n{}\nby\n{}",
        printed.trim_end(),
        patterns.join("\n"),
        step.commands
    ))
}

/// Whether the lines are the patterns, a lone `…` standing for any number of lines.
fn fit(lines: &[&str], patterns: &[&str]) -> bool {
    match patterns.split_first() {
        None => lines.is_empty(),
        Some((&"…", rest)) => (0..=lines.len()).any(|skipped| fit(&lines[skipped..], rest)),
        Some((pattern, rest)) => {
            lines.split_first().is_some_and(|(line, left)| matches(line, pattern) && fit(left, rest))
        }
    }
}

/// Whether the line is the pattern, `…` standing for any text.
fn matches(line: &str, pattern: &str) -> bool {
    match pattern.split_once('…') {
        None => line == pattern,
        Some((before, rest)) => line.strip_prefix(before).is_some_and(|after| {
            let ends = after.char_indices().map(|(at, _)| at).chain([after.len()]);
            ends.into_iter().any(|at| matches(&after[at..], rest))
        }),
    }
}
