//! Announcing steps and their times, on stdout.

use std::cell::Cell;
use std::time::Instant;

use crate::ui::views::apply::seconds;
use crate::ui::views::style::{BOLD, DIM, GREEN, paint};

/// The steps of one run.
pub struct Steps {
    total: usize,
    number: Cell<usize>,
    began: Instant,
    step_began: Cell<Instant>,
}

impl Steps {
    /// A run of so many steps.
    pub fn new(total: usize) -> Steps {
        Steps { total, number: Cell::new(0), began: Instant::now(), step_began: Cell::new(Instant::now()) }
    }

    /// Announces the next one.
    pub fn begin(&self, title: &str) {
        self.number.set(self.number.get() + 1);
        self.step_began.set(Instant::now());
        anstream::println!("\n{}", paint(BOLD, format!("[{}/{}] {title}", self.number.get(), self.total)));
    }

    /// Says something about it.
    pub fn note(&self, line: &str) {
        anstream::println!("    {line}");
    }

    /// Says how long it took.
    pub fn end(&self) {
        anstream::println!("{}", paint(DIM, format!("    took {}", seconds(self.step_began.get().elapsed()))));
    }

    /// Says how long all took.
    pub fn finish(&self) {
        anstream::println!("\n{} the whole arc in {}.", paint(GREEN.bold(), "Done:"), seconds(self.began.elapsed()));
    }
}
