//! `kinds`: what billform can manage, from the kinds' own data.

use serde_json::{Value, json};

use crate::kinds;
use crate::ui::exit;
use crate::ui::failure::Outcome;
use crate::ui::options::{Format, Global};
use crate::ui::views::terminal;
use crate::ui::views::wrap::wrapped;

/// The column of the summaries.
const SUMMARY_AT: usize = 39;

/// Lists them.
pub fn run(global: &Global) -> Outcome {
    let metas = kinds::metas();
    match global.format {
        Format::Human => {
            for meta in metas {
                let line = format!("{:23} {:14} {}", meta.name, meta.service, meta.summary);
                println!("{}", wrapped(&line, terminal::width(), SUMMARY_AT));
            }
        }
        Format::Json => {
            let list: Vec<Value> = metas
                .map(|meta| {
                    json!({
                        "kind": meta.name,
                        "service": meta.service,
                        "summary": meta.summary,
                        "create_only": meta.create_only,
                        "unlisted": meta.unlisted,
                        "guarded": meta.guarded,
                        "permissions": meta.permissions,
                        "stripe_scope": meta.stripe_scope,
                    })
                })
                .collect();
            terminal::print_json(&list)?;
        }
    }
    Ok(exit::DONE)
}
