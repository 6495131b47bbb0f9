//! `graph`: what the manifest wants to exist and what needs what, drawn; asks no cloud.

use clap::{Args, ValueEnum};

use crate::project::Project;
use crate::stack;
use crate::ui::exit;
use crate::ui::failure::Outcome;
use crate::ui::options::{Format, Global};
use crate::ui::views::{graph, terminal};

/// Arguments of `graph`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The language to draw in; `--format json` gives nodes and edges instead.
    #[arg(long = "as", value_name = "LANGUAGE", default_value = "mermaid")]
    pub language: Language,
}

/// What a drawing is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Mermaid, which GitHub and many wikis show as a picture.
    Mermaid,
    /// DOT, for Graphviz: `billform graph --as dot | dot -Tsvg > graph.svg`.
    Dot,
}

/// Draws; an edge leads from a resource to what it needs.
pub fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let handlers = stack::handlers();
    let graph = stack::graph(&stack::Plan::of(&project.manifest, &handlers))?;
    match (global.format, arguments.language) {
        (Format::Json, _) => terminal::print_json(&graph::json(&graph))?,
        (Format::Human, Language::Mermaid) => print!("{}", graph::mermaid(&graph)),
        (Format::Human, Language::Dot) => print!("{}", graph::dot(&graph)),
    }
    Ok(exit::DONE)
}
