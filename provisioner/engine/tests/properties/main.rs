//! Properties of planning and applying, over a cloud in memory whose time, delays and faults are simulated.

mod cloud;
mod convergence;
mod crash;
mod drift;
mod faults;
mod imports;
mod kinds;
mod manifest;
mod ownership;
mod planning;
mod rebuild;
mod renames;
mod sim;
mod store;
mod world;
