//! The oracle's own tests: the contract's figures, its laws on generated facts, and every kind of violation planted by
//! hand.

mod close;
mod facts;
mod finality;
mod golden;
mod laws;
mod leavers;
mod planted;
mod restatement;
mod scene;
