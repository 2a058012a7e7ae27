//! What commands write to standard output: text for people, JSON for scripts, colours only where
//! somebody looks.

use std::io::{self, ErrorKind, IsTerminal, Write};

use anyhow::Context;
use clap::ValueEnum;

/// How a command prints its result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document, for scripts.
    Json,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The few colours that we use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// All is well.
    Green,
    /// Worth a look.
    Yellow,
    /// Not well.
    Red,
    /// A heading.
    Bold,
    /// Beside the point.
    Dim,
}

impl ColorWhen {
    /// True if colours are to be used on a stream (<https://no-color.org>).
    pub fn on(self, stream: &impl IsTerminal) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                !refused && stream.is_terminal()
            }
        }
    }
}

impl Color {
    /// The text in this colour, if colours are `on`.
    pub fn paint(self, text: &str, on: bool) -> String {
        let code = match self {
            Self::Green => 32,
            Self::Yellow => 33,
            Self::Red => 31,
            Self::Bold => 1,
            Self::Dim => 2,
        };
        if on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Writes to standard output. A reader that has gone (`| head`) is no mistake.
pub fn write(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}

/// Adds a table with a heading to a text; columns are as wide as their widest cell.
pub fn table<const COLUMNS: usize>(text: &mut String, rows: &[[String; COLUMNS]], color: bool) {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    for (number, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let padded = format!("{cell:<width$}", width = width(column));
            line.push_str(if column == 0 { "" } else { "  " });
            line.push_str(&padded);
        }
        let line = line.trim_end();
        text.push_str(&if number == 0 { Color::Bold.paint(line, color) } else { line.to_owned() });
        text.push('\n');
    }
}

/// Writes one JSON document and a line end to standard output.
pub fn write_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(value).context("cannot write the result as JSON")?;
    text.push('\n');
    write(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_only_where_they_are_wanted() {
        assert_eq!(Color::Red.paint("no", false), "no");
        assert_eq!(Color::Red.paint("no", true), "\x1b[31mno\x1b[0m");
        let (reader, _writer) = io::pipe().expect("the system has pipes");
        assert!(!ColorWhen::Auto.on(&reader_as_terminal(&reader)));
        assert!(ColorWhen::Always.on(&reader_as_terminal(&reader)));
    }

    fn reader_as_terminal(reader: &io::PipeReader) -> std::fs::File {
        let file = reader.try_clone().expect("a pipe can be cloned");
        std::fs::File::from(std::os::fd::OwnedFd::from(file))
    }
}
