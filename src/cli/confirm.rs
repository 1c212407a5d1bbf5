//! Asking before something is done.

use std::io::{self, IsTerminal as _, Write as _};

use super::error::Error;

/// Asks on the terminal; elsewhere it is refused, for a pipeline must say what it wants.
pub(super) fn confirm(question: &str) -> Result<(), Error> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(
            Error::new("nobody can be asked here: standard input is no terminal")
                .hint("--yes goes ahead without asking."),
        );
    }
    // The question is no data, and --quiet must not hide what is waited for.
    let mut stream = io::stderr().lock();
    write!(stream, "{question} [y/N] ")?;
    stream.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Error::new("not confirmed; nothing was changed"))
}
