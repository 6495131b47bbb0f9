//! `completions`: a shell's completion script, from the command line's own definition.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit;
use crate::failure::Outcome;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The shell it is for.
    pub shell: Shell,
}

/// Prints it, to be sourced: `source <(billform completions bash)`.
pub fn run(arguments: &Arguments) -> Outcome {
    let mut script = Vec::new();
    let mut command = Cli::command();
    clap_complete::generate(arguments.shell, &mut command, "billform", &mut script);
    print!("{}", String::from_utf8(script)?);
    Ok(exit::DONE)
}
