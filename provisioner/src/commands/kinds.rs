//! `kinds`: what billform can manage, from the kinds' own data.

use serde_json::{Value, json};

use crate::cli::{Format, Global};
use crate::exit;
use crate::failure::Outcome;
use crate::kinds;

/// Lists them.
pub fn run(global: &Global) -> Outcome {
    let metas = kinds::metas();
    match global.format {
        Format::Human => {
            for meta in metas {
                println!("{:18} {:14} {}", meta.name, meta.service, meta.summary);
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
                    })
                })
                .collect();
            println!("{}", serde_json::to_string_pretty(&list)?);
        }
    }
    Ok(exit::DONE)
}
