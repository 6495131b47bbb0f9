//! A month's invoice from its own lines and from what earlier months left: preview and draft are this one path.

use std::cmp::Reverse;

use rust_decimal::Decimal;

use super::{Derivation, Invoice, Line, Rule, Step};
use crate::Money;
use crate::balance::{Balance, EntryKind, Position};

/// Lines of all kinds that one Stripe invoice takes.
/// <https://docs.stripe.com/invoicing/overview>: at most 250 items.
pub const LINES_AT_MOST: usize = 250;
/// The line that the smallest services fold into.
const OTHER: &str = "Other services";

/// An invoice as it is sent, and what it takes from the balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// The month's own lines, then one for each position drawn.
    pub invoice: Invoice,
    /// What it takes from the balance.
    pub drawn: Vec<Position>,
}

/// Adds what earlier months left to a month's own invoice, and folds the smallest services where Stripe takes no more
/// lines. `balance` is without what this very month has drawn before.
pub fn compose(own: Invoice, balance: &Balance) -> Composed {
    let drawn = balance.drawn_by(own.total.amount);
    let mut invoice = own;
    for position in &drawn {
        invoice.carry(position);
    }
    invoice.fold(LINES_AT_MOST);
    Composed { invoice, drawn }
}

impl Invoice {
    fn carry(&mut self, position: &Position) {
        let rule = match position.kind {
            EntryKind::Credit => Rule::Credit,
            _ => Rule::Restated,
        };
        let (amount, description) = (position.amount, position.text.clone());
        self.total = Money::new(self.total.amount + amount.amount, self.currency);
        let derivation = Some(Derivation::Carried { from: position.id });
        self.steps.push(Step { rule, text: description.clone(), amount, running: self.total, derivation });
        self.lines.push(Line { rule, description, amount });
    }

    /// Folds the smallest cost lines into one, so that no more than `most` lines are left. Every other line stays.
    fn fold(&mut self, most: usize) {
        if self.lines.len() <= most {
            return;
        }
        let costs = self.lines.iter().filter(|line| line.rule == Rule::Cost).count();
        let kept = most.saturating_sub(self.lines.len() - costs + 1);
        let mut by_size: Vec<(usize, Decimal)> = self.lines.iter().enumerate().filter_map(cost).collect();
        // The sort is stable: of equal amounts the first by name stay.
        by_size.sort_by_key(|(_, amount)| Reverse(amount.abs()));
        let folded: Vec<usize> = by_size.into_iter().skip(kept).map(|(at, _)| at).collect();
        let sum: Decimal = folded.iter().map(|at| self.lines[*at].amount.amount).sum();
        let mut at = 0;
        self.lines.retain(|_| {
            at += 1;
            !folded.contains(&(at - 1))
        });
        if sum.is_zero() {
            return;
        }
        let after = self.lines.iter().rposition(|line| line.rule <= Rule::Cost).map_or(0, |at| at + 1);
        let amount = Money::new(sum, self.currency);
        self.lines.insert(after, Line { rule: Rule::Cost, description: OTHER.to_owned(), amount });
    }
}

fn cost((at, line): (usize, &Line)) -> Option<(usize, Decimal)> {
    (line.rule == Rule::Cost).then_some((at, line.amount.amount))
}
