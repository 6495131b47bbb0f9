//! `completions`: a shell's completion script, from the command line's own definition.

use clap::{Args, Command};
use clap_complete::Shell;

use crate::ui::exit;
use crate::ui::failure::Outcome;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The shell it is for.
    pub shell: Shell,
}

/// Prints the script for `program`, to be sourced: `source <(billform completions bash)`.
pub fn run(arguments: &Arguments, mut program: Command) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut program, "billform", &mut script);
    print!("{}", String::from_utf8(script)?);
    Ok(exit::DONE)
}
