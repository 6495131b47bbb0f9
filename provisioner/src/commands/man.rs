//! `man`: manual pages, from the command line's own definition.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;
use serde_json::json;

use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Writes the page of every command into this folder; without it the main page is printed.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

/// One manual page.
struct Page {
    /// `billform-plan.1`.
    file: String,
    roff: Vec<u8>,
}

/// Prints the main page of `program`, or writes all.
pub fn run(global: &Global, arguments: &Arguments, program: Command) -> Outcome {
    let pages = pages(program)?;
    match &arguments.out {
        None => print!("{}", String::from_utf8_lossy(&pages[0].roff)),
        Some(folder) => {
            write(folder, &pages)?;
            match global.format {
                Format::Json => {
                    let written: Vec<PathBuf> = pages.iter().map(|page| folder.join(&page.file)).collect();
                    println!("{}", json!({ "written": written }));
                }
                Format::Human => println!("Written: {} pages in {}.", pages.len(), folder.display()),
            }
        }
    }
    Ok(exit::DONE)
}

/// The main page first, then one for every command and subcommand.
fn pages(program: Command) -> Result<Vec<Page>, Failure> {
    let mut command = program.disable_help_subcommand(true);
    // Fills in what subcommands take over from the program: their full names and the global options.
    command.build();
    let mut pages = Vec::new();
    add(&command, &mut pages)?;
    Ok(pages)
}

fn add(command: &Command, pages: &mut Vec<Page>) -> Result<(), Failure> {
    let page = Man::new(command.clone());
    let mut roff = Vec::new();
    page.render(&mut roff)?;
    pages.push(Page { file: page.get_filename(), roff });
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        add(below, pages)?;
    }
    Ok(())
}

fn write(folder: &Path, pages: &[Page]) -> Result<(), Failure> {
    let cannot = |path: &Path, error: std::io::Error| {
        Failure::new(format!("{} cannot be written: {error}", path.display())).hint("name another folder")
    };
    fs::create_dir_all(folder).map_err(|error| cannot(folder, error))?;
    for page in pages {
        let path = folder.join(&page.file);
        fs::write(&path, &page.roff).map_err(|error| cannot(&path, error))?;
    }
    Ok(())
}
