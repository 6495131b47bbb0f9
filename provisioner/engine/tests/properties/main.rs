//! Properties of planning and applying, over a cloud in memory whose time, delays and faults are simulated.

mod cloud;
mod convergence;
mod crash;
mod faults;
mod kinds;
mod manifest;
mod ownership;
mod planning;
mod sim;
mod store;
mod world;
