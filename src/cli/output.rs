//! Where text goes: data to standard output, everything else to standard error, colours only where they are wanted.

use std::io::{self, IsTerminal as _, Write as _};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::error::Error;
use crate::plan::display::{Look, wrap::wrap};

/// The width of text where there is no terminal.
const WIDTH: usize = 80;

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal that has them, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The program's output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    choice: ColorChoice,
    quiet: bool,
    width: Option<usize>,
}

impl Output {
    pub(super) fn new(color: Color, quiet: bool) -> Self {
        let choice = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        choice.write_global();
        Self {
            choice,
            quiet,
            width: width(&io::stdout()).or_else(|| width(&io::stderr())),
        }
    }

    /// How data for people is to look.
    pub(super) fn look(&self) -> Look {
        let resolved = match self.choice {
            ColorChoice::Auto => AutoStream::choice(&io::stdout()),
            ColorChoice::AlwaysAnsi | ColorChoice::Always | ColorChoice::Never => self.choice,
        };
        Look {
            colour: resolved != ColorChoice::Never,
            width: self.width(),
        }
    }

    /// Whether diagnostics have colours.
    pub(super) fn colour_of_errors(&self) -> bool {
        let resolved = match self.choice {
            ColorChoice::Auto => AutoStream::choice(&io::stderr()),
            ColorChoice::AlwaysAnsi | ColorChoice::Always | ColorChoice::Never => self.choice,
        };
        resolved != ColorChoice::Never
    }

    /// The most characters of a line.
    pub(super) fn width(&self) -> usize {
        self.width.unwrap_or(WIDTH)
    }

    /// The terminal's width, where data goes to one.
    pub(super) fn table_width(&self) -> Option<u16> {
        width(&io::stdout()).and_then(|w| u16::try_from(w).ok())
    }

    /// Whether progress can be drawn.
    pub(super) fn draws_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// What the command is for.
    pub(super) fn data(&self, text: &str) -> Result<(), Error> {
        let mut stream = AutoStream::new(io::stdout(), self.choice).lock();
        stream.write_all(text.as_bytes())?;
        Ok(stream.flush()?)
    }

    /// What the command is for, in place of what was there: on a terminal, for people, the screen is cleared before.
    pub(super) fn page(&self, text: &str, for_people: bool) -> Result<(), Error> {
        match for_people && io::stdout().is_terminal() {
            true => self.data(&format!("\x1b[H\x1b[2J\x1b[3J{text}")),
            false => self.data(text),
        }
    }

    /// Bytes, as they are.
    pub(super) fn bytes(&self, bytes: &[u8]) -> Result<(), Error> {
        let mut stream = io::stdout().lock();
        stream.write_all(bytes)?;
        Ok(stream.flush()?)
    }

    /// Bytes for standard error, as they are.
    pub(super) fn error_bytes(&self, bytes: &[u8]) -> Result<(), Error> {
        Ok(io::stderr().lock().write_all(bytes)?)
    }

    /// What is good to know.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            self.to_stderr(text);
        }
    }

    /// What should be looked at.
    pub(super) fn warn(&self, text: &str) {
        self.headed("warning", AnsiColor::Yellow.on_default().bold(), text);
    }

    /// Diagnostics, as they are.
    pub(super) fn show(&self, text: &str) {
        self.to_stderr(text.trim_end_matches('\n'));
    }

    /// Why it failed, and what to do.
    pub(super) fn error(&self, message: &str, hint: Option<&str>) {
        self.headed("error", AnsiColor::Red.on_default().bold(), message);
        if let Some(hint) = hint {
            self.to_stderr(wrap(hint, 2, self.width()).trim_end());
        }
    }

    fn headed(&self, head: &str, style: Style, message: &str) {
        let mut lines = message.lines();
        let first = lines.next().unwrap_or_default();
        let mut text = wrap(&format!("{head}: {first}"), 0, self.width());
        for line in lines {
            text.push_str(&format!("  {line}\n"));
        }
        let painted = text.replacen(head, &format!("{style}{head}{style:#}"), 1);
        self.to_stderr(painted.trim_end());
    }

    fn to_stderr(self, text: &str) {
        let mut stream = AutoStream::new(io::stderr(), self.choice).lock();
        // Where nobody reads it there is nothing left to say it to.
        let _ = writeln!(stream, "{text}");
    }
}

fn width(stream: &impl std::os::fd::AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

/// The forms of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LogForm {
    /// For people
    Human,
    /// One JSON object a line
    Json,
}

/// Logs on standard error, in place of what [`trace`] shows.
pub(super) fn log(form: LogForm, verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::INFO,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let own = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let registry = tracing_subscriber::registry();
    match form {
        LogForm::Human => registry
            .with(lines.with_ansi(io::stderr().is_terminal()).with_filter(own))
            .init(),
        LogForm::Json => registry.with(lines.json().with_filter(own)).init(),
    }
}

/// Shows what happens inside, on standard error.
pub(super) fn trace(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    // What libraries say of their connections would bury it.
    let own = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    tracing_subscriber::registry().with(lines.with_filter(own)).init();
}

/// So many of something.
pub(super) fn plural(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}
