//! What the server says about itself: log lines on standard error, text on a terminal and JSON
//! elsewhere. Every line passes [`token::redact`] on its way out, whoever wrote it, so that no
//! token can stand in a log; control characters are escaped, so that no field can forge a line or
//! speak to a terminal. Panics are logged the same way.
//!
//! Metrics and audit do not live here.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write};
use std::panic::PanicHookInfo;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry, reload};

use crate::config::key::{LogFilter, LogFormat};

/// Starts logging for the rest of the process. Call it once, before anything that logs.
///
/// # Errors
/// When logging was started before.
pub fn start(filter: &LogFilter, format: LogFormat) -> anyhow::Result<Volume> {
    let terminal = io::stderr().is_terminal();
    let shape = match format {
        LogFormat::Text => Shape::Text { colour: terminal && colour_wanted() },
        LogFormat::Auto if terminal => Shape::Text { colour: colour_wanted() },
        LogFormat::Auto | LogFormat::Json => Shape::Json,
    };
    let (filter, handle) = reload::Layer::new(filter.0.clone());
    tracing::subscriber::set_global_default(subscriber(filter, shape, io::stderr))?;
    Ok(Volume(handle))
}

/// What is logged, changed while the process runs.
#[derive(Debug, Clone)]
pub struct Volume(reload::Handle<Targets, Registry>);

impl Volume {
    pub fn set(&self, filter: &LogFilter) {
        // The log lives as long as the process, so there is always one to change.
        let _ = self.0.reload(filter.0.clone());
    }
}

/// Reports a panic as one redacted line, in the log when there is one. Call it first in `main`.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let said = panic_sentence(panic);
        if tracing::dispatcher::has_been_set() {
            tracing::error!(panic = true, "{said}");
        } else {
            // Standard error may be closed; there is nowhere else to go.
            let _ = writeln!(io::stderr(), "{}", token::redact(&said));
        }
    }));
}

fn panic_sentence(panic: &PanicHookInfo<'_>) -> String {
    let cause = panic.payload_as_str().unwrap_or("no message");
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    format!("panicked at {place}: {}", one_line(cause))
}

/// <https://no-color.org>: set to anything but nothing.
pub fn colour_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

enum Shape {
    Text { colour: bool },
    Json,
}

fn subscriber<W>(
    filter: impl Layer<Registry> + Send + Sync,
    shape: Shape,
    writer: W,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(Redacting(writer));
    match shape {
        Shape::Json => Box::new(registry.with(lines.json().flatten_event(true))),
        Shape::Text { colour } => {
            // The fields are written plain, since `Line` escapes whatever they contain.
            Box::new(registry.with(lines.with_ansi(false).event_format(Line { colour })))
        }
    }
}

/// A line of text: time, level, module, spans, then the sentence and its fields.
struct Line {
    colour: bool,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        SystemTime.format_time(&mut out)?;
        let level = *event.metadata().level();
        match self.colour {
            true => write!(out, " \x1b[{}m{level:>5}\x1b[0m ", paint(level))?,
            false => write!(out, " {level:>5} ")?,
        }
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            write!(out, "{}", span.name())?;
            if let Some(fields) =
                span.extensions().get::<FormattedFields<N>>().filter(|fields| !fields.is_empty())
            {
                write!(out, "{{{}}}", one_line(fields))?;
            }
            out.write_str(": ")?;
        }
        let mut fields = String::new();
        context.format_fields(Writer::new(&mut fields), event)?;
        writeln!(out, "{}: {}", event.metadata().target(), one_line(&fields))
    }
}

fn paint(level: Level) -> u8 {
    match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    }
}

/// The same text with every control character written as its escape, so that it stays one line
/// and says nothing to a terminal.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            letter if letter.is_control() => {
                write!(line, "\\u{{{:x}}}", u32::from(letter)).expect("a string takes all that is written")
            }
            letter => line.push(letter),
        }
    }
    line
}

/// Passes each formatted line through [`token::redact`].
struct Redacting<W>(W);

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for Redacting<W> {
    type Writer = RedactedLine<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        RedactedLine { line: Vec::new(), out: self.0.make_writer() }
    }
}

/// Holds what is written until the whole line is there, since half a token could not be known for
/// one.
struct RedactedLine<W: Write> {
    line: Vec<u8>,
    out: W,
}

impl<W: Write> Write for RedactedLine<W> {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        self.out.write_all(without_high_controls(&token::redact(&line)).as_bytes())?;
        self.out.flush()
    }
}

/// JSON leaves DEL and the control characters from U+0080 as they are, and some terminals obey them.
/// Written as JSON's escapes they mean the same; lines of text have none left.
fn without_high_controls(line: &str) -> Cow<'_, str> {
    let high = |letter: char| matches!(letter, '\u{7f}'..='\u{9f}');
    if !line.contains(high) {
        return Cow::Borrowed(line);
    }
    let mut escaped = String::with_capacity(line.len() + 8);
    for letter in line.chars() {
        if high(letter) {
            write!(escaped, "\\u{:04x}", u32::from(letter)).expect("a string takes all that is written");
        } else {
            escaped.push(letter);
        }
    }
    Cow::Owned(escaped)
}

impl<W: Write> Drop for RedactedLine<W> {
    fn drop(&mut self) {
        // A log that cannot be written must not stop the server, and there is no one to tell.
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A well-formed token of a made-up brand.
    const TOKEN: &str = "jtn_pat_0123456789ab_ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, part: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(part);
            Ok(part.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(shape: Shape, filter: &str, speak: impl FnOnce()) -> String {
        let page = Page::default();
        let writer = page.clone();
        let subscriber = subscriber(filter.parse::<Targets>().unwrap(), shape, move || writer.clone());
        tracing::subscriber::with_default(subscriber, speak);
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn no_token_reaches_the_log_from_a_message_a_field_or_a_span() {
        for json in [true, false] {
            let shape = if json { Shape::Json } else { Shape::Text { colour: true } };
            let said = logged(shape, "info", || {
                let _span = tracing::info_span!("request", authorization = TOKEN).entered();
                tracing::info!(token = TOKEN, again = ?TOKEN, "refused Bearer {TOKEN}");
            });
            assert!(!said.contains("ABCDEFGH"), "{said}");
            assert!(said.contains("jtn_pat_0123456789ab_…"), "{said}");
        }
    }

    #[test]
    fn a_field_can_neither_forge_a_line_nor_speak_to_the_terminal() {
        let evil = "x\n2026-01-01 INFO all is well\r\x1b[2J\u{9b}1m\u{7f}\0";
        for json in [true, false] {
            let shape = if json { Shape::Json } else { Shape::Text { colour: false } };
            let said = logged(shape, "info", || {
                let _span = tracing::info_span!("request", name = evil).entered();
                tracing::info!(name = %evil, "{evil}");
            });
            let line = said.strip_suffix('\n').expect("a line ends");
            assert!(!line.chars().any(char::is_control), "{line:?}");
            if json {
                let parsed: serde_json::Value = serde_json::from_str(line).unwrap();
                assert_eq!(parsed["name"], evil);
            }
        }
    }

    #[test]
    fn a_line_of_text_reads_aloud_and_a_line_of_json_has_its_fields() {
        let speak = || tracing::info!(token.id = "pat_0123456789ab", "revoked token");
        let text = logged(Shape::Text { colour: false }, "info", speak);
        assert!(
            text.ends_with("  INFO jeton::telemetry::tests: revoked token token.id=\"pat_0123456789ab\"\n"),
            "{text}"
        );
        let json: serde_json::Value = serde_json::from_str(&logged(Shape::Json, "info", speak)).unwrap();
        assert_eq!(json["message"], "revoked token");
        assert_eq!(json["token.id"], "pat_0123456789ab");
        assert_eq!(json["level"], "INFO");
    }

    #[test]
    fn the_filter_speaks_by_module() {
        let said = logged(Shape::Json, "warn,store=debug", || {
            tracing::info!("not this");
            tracing::debug!(target: "store::sqlite", "this");
        });
        assert_eq!(said.lines().count(), 1);
        assert!(said.contains("store::sqlite"));
    }

    #[test]
    fn the_message_of_a_panic_is_logged_without_its_secret() {
        let said = Arc::new(Mutex::new(String::new()));
        let heard = said.clone();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| *heard.lock().unwrap() = panic_sentence(panic)));
        let _ = std::panic::catch_unwind(|| panic!("could not take\n{TOKEN}"));
        std::panic::set_hook(before);
        let sentence = said.lock().unwrap().clone();
        assert!(
            sentence.contains("telemetry.rs") && sentence.contains("could not take\\njtn_pat_"),
            "{sentence}"
        );
        let logged = logged(Shape::Json, "info", || tracing::error!("{sentence}"));
        assert!(!logged.contains("ABCDEFGH"), "{logged}");
    }
}
