//! The `billform` command line: parses, runs one command, tells its outcome.

use std::process::ExitCode;

use clap::error::ErrorKind;
use provisioner::commands;
use provisioner::ui::cli::Cli;
use provisioner::ui::failure::Failure;
use provisioner::ui::options::Format;
use provisioner::ui::views::terminal;
use provisioner::ui::{exit, views};

fn main() -> ExitCode {
    terminal::end_quietly_without_a_reader();
    let cli = match Cli::from_command_line() {
        Ok(cli) => cli,
        Err(error) => {
            // Usage errors exit 1 by contract; help and version are no errors.
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            match Format::asked_for(std::env::args_os()) {
                Format::Json if !asked => views::failure::print(&Failure::of_usage(&error), Format::Json),
                _ => drop(error.print()),
            }
            return ExitCode::from(if asked { exit::DONE } else { exit::ERROR });
        }
    };
    cli.global.color.write_global();
    let format = cli.global.format;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(commands::run(cli)),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            views::failure::print(&failure, format);
            ExitCode::from(failure.code)
        }
    }
}
