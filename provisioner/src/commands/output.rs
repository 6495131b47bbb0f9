//! `output`: what the stack gives out, from the state.

use clap::Args;
use engine::state::StateStore as _;

use crate::project::Project;
use crate::run::portal;
use crate::stack::outputs;
use crate::store;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::terminal;

/// Arguments of `output`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Prints one value alone: `api_url`, `functions.costs`.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

/// Prints all outputs, or one.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let store = store::open(&project).await?;
    let outputs = outputs::of(&store.load(&project.manifest.stack()).await?);
    let mut lines = outputs.lines();
    let portal_url = match outputs.address("api_url") {
        Some(_) => portal::url(&project.manifest).await,
        None => None,
    };
    lines.extend(portal_url.as_ref().map(|url| ("portal_url".to_owned(), url.clone())));
    match (&arguments.name, global.format) {
        (Some(name), _) => {
            let found = lines.iter().find(|(known, _)| known == name);
            let (_, value) = found.ok_or_else(|| {
                let known: Vec<&str> = lines.iter().map(|(name, _)| name.as_str()).collect();
                let hint = match known.is_empty() {
                    true => "nothing is known to be deployed: apply first, or, if the state is lost, `billform state rebuild`"
                        .to_owned(),
                    false => format!("there are {}", known.join(", ")),
                };
                Failure::new(format!("there is no output `{name}`")).hint(hint)
            })?;
            terminal::print(&format!("{value}\n"));
        }
        (None, Format::Json) => {
            let mut shown = outputs.to_json();
            if let (Some(url), Some(shown)) = (portal_url, shown.as_object_mut()) {
                shown.insert("portal_url".to_owned(), url.into());
            }
            terminal::print_json(&shown)?;
        }
        (None, Format::Human) => {
            let wide = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
            lines.iter().for_each(|(name, value)| terminal::print(&format!("{name:wide$}  {value}\n")));
        }
    }
    Ok(exit::DONE)
}
