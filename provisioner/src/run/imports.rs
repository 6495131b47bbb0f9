//! Imports that cannot be carried out: one error that names where the manifest writes them.

use billing::manifest::model::Import;
use engine::import::{Progress, progress};
use engine::plan::Refused;
use engine::{Action, Address, Graph, Outcome, Plan, State};

use crate::ui::failure::Failure;

/// Fails when the plan refuses imports of the graph. `written` are the manifest's, for their places.
pub fn refuse(plan: &Plan, graph: &Graph, state: &State, written: &[Import]) -> Result<(), Failure> {
    let is_import = |refused: &&Refused| {
        let progress = progress(graph, state, &refused.address);
        progress.is_some_and(|progress| progress != Progress::Done)
    };
    let told: Vec<String> = plan.refused.iter().filter(is_import).map(|refused| told(refused, written)).collect();
    let message = match told.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        many => format!("{} imports cannot be carried out\n\n{}", many.len(), many.join("\n\n")),
    };
    Err(Failure::new(message).hint("nothing was changed"))
}

/// `billform.yaml:12:9: there is no cus_1 to import at stripe_customer.acme: …`.
fn told(refused: &Refused, written: &[Import]) -> String {
    let import = written.iter().find(|import| import.to == refused.address.to_string());
    match import.and_then(|import| import.place.as_ref()) {
        Some(place) => format!("{place}: {}", refused.message),
        None => refused.message.clone(),
    }
}

/// Returns the addresses of the imports that are done after a run: earlier ones and its own.
pub fn done(plan: &Plan, outcome: &Outcome) -> Vec<Address> {
    let is_done = |address: &Address| outcome.statuses.get(address).is_some_and(engine::Status::succeeded);
    let imports = plan.changes().filter(|step| step.action == Action::Import).map(|step| &step.address);
    let mut done: Vec<Address> = imports.filter(|address| is_done(address)).chain(&plan.imported).cloned().collect();
    done.sort();
    done
}
