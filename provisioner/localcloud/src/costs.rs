//! Cost Explorer and cost-allocation tags, which MiniStack lacks: answered by the gateway from a cost model that
//! tests can set.
//!
//! Everything is pure but [`Costs`], the handle that the gateway, its admin page and tests share. No clock is
//! read: the model says what day it is, and the local cloud's clock moves it.

pub mod allocation;
pub mod backfill;
pub mod example;
pub mod explorer;
pub mod fault;
pub mod filter;
pub mod lookup;
pub mod model;
pub mod monthly;
pub mod pages;
mod passing;
pub mod period;
pub mod row;
pub mod usage;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::civil::Date;
use serde_json::Value;

pub use explorer::Reply;
pub use model::CostModel;
pub use monthly::MonthlyCost;
pub use row::CostRow;

/// The shared cost model. Clones see the same model.
#[derive(Clone, Debug, Default)]
pub struct Costs {
    held: Arc<Mutex<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    model: CostModel,
    revision: u64,
}

impl Costs {
    /// A handle that starts with this model.
    pub fn new(model: CostModel) -> Costs {
        Costs { held: Arc::new(Mutex::new(Held { model, revision: 0 })) }
    }

    /// A copy of the present model.
    pub fn model(&self) -> CostModel {
        self.held().model.clone()
    }

    /// Puts another model in its place. Page tokens given out before expire (`BillExpirationException`).
    pub fn set(&self, model: CostModel) {
        let mut held = self.held();
        held.model = model;
        held.revision += 1;
    }

    /// Changes the model in place. Page tokens given out before expire.
    pub fn change(&self, change: impl FnOnce(&mut CostModel)) {
        let mut held = self.held();
        change(&mut held.model);
        held.revision += 1;
    }

    /// Lets time pass until `day` is today. Page tokens given out before expire when that changes anything.
    pub fn pass_to(&self, day: Date) {
        let mut held = self.held();
        if held.model.pass_to(day) {
            held.revision += 1;
        }
    }

    /// Changes whenever the model does.
    pub fn revision(&self) -> u64 {
        self.held().revision
    }

    /// Looks at the present model without copying it.
    pub fn look<T>(&self, look: impl FnOnce(&CostModel) -> T) -> T {
        look(&self.held().model)
    }

    /// Reads a model from JSON text and puts it in place; the error names line, column and field.
    pub fn set_json(&self, text: &[u8]) -> Result<(), serde_json::Error> {
        self.set(serde_json::from_slice(text)?);
        Ok(())
    }

    /// Answers one Cost Explorer operation (`GetCostAndUsage`) with its JSON body.
    pub fn answer(&self, operation: &str, body: &Value) -> Reply {
        let mut held = self.held();
        let revision = held.revision;
        explorer::answer(&mut held.model, revision, operation, body)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // A test that panicked while it changed the model leaves a whole model behind: nothing here is half done.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
