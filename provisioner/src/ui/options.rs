//! Options of every command, and the formats that results are written in.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The manifest: a file, or a folder with billform.yaml, tenants/*.yaml and environments/*.yaml.
    #[arg(short = 'f', long = "manifest", value_name = "PATH", default_value = ".", global = true)]
    pub manifest: PathBuf,
    /// The environment whose file replaces keys of the manifest.
    #[arg(long, value_name = "NAME", global = true)]
    pub environment: Option<String>,
    /// How results are written to stdout.
    #[arg(long = "format", value_name = "FORMAT", default_value = "human", global = true)]
    pub written: Written,
    /// The same for commands that write for people and programs alone.
    #[arg(skip)]
    pub format: Format,
    /// Whether to colour what people read.
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub color: Color,
    /// Says more on stderr: each resource read and each step begun.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
}

/// How results are written, by commands that know no more than these two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
}

/// What can be asked for with `--format`. Not every command writes all of it: [`super::cli::Command::writes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Written {
    /// For people; `table` is another name for it.
    #[value(alias = "table")]
    Human,
    /// One JSON document.
    Json,
    /// Comma-separated values with every digit; cost reports only.
    Csv,
    /// A Parquet file with every digit; cost reports only.
    Parquet,
    /// For a comment on GitHub; plan and drift only.
    Markdown,
    /// For GitHub code scanning, SARIF 2.1.0; drift only.
    Sarif,
}

impl Written {
    /// The name it has on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

impl Format {
    /// What a command line asks for that does not parse, so that scripts get its error as they get any other.
    pub fn asked_for(arguments: impl Iterator<Item = OsString>) -> Format {
        let arguments: Vec<OsString> = arguments.collect();
        let apart = arguments.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json");
        let json = apart || arguments.iter().any(|argument| argument == "--format=json");
        if json { Format::Json } else { Format::Human }
    }
}

/// Whether to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal only, and not when NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Makes it hold for everything printed through `anstream`.
    pub fn write_global(self) {
        let choice = match self {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}
