//! A question put to a layout: which fields and columns it takes, and where a file has them.

use crate::charge::Amortisation;
use crate::layout::{Column, Costs, Field, FieldAt, Layout, position};
use crate::problem::Fault;
use crate::query::{Dimension, Query};

/// A question in terms of a layout's fields.
#[derive(Debug)]
pub struct Ask {
    pub layout: Layout,
    pub fields: Vec<Field>,
    /// Whether a file must have the field.
    needed: Vec<bool>,
    /// The fields to group by.
    pub by: Vec<usize>,
    pub costs: Costs,
    pub amortisation: Option<Amortisation>,
    pub month: usize,
    pub invoice: usize,
    pub currency: usize,
    /// The field of the day, if days are limited.
    pub day: Option<usize>,
}

/// Where a file has what is asked for.
#[derive(Debug)]
pub struct Resolved {
    pub fields: Vec<FieldAt>,
    pub costs: Vec<Option<usize>>,
    pub usage: usize,
}

impl Ask {
    /// Puts a question to a layout.
    pub fn new(query: &Query, layout: Layout) -> Ask {
        let mut ask = Ask {
            layout,
            fields: Vec::new(),
            needed: Vec::new(),
            by: Vec::new(),
            costs: layout.costs(query.basis),
            amortisation: None,
            month: 0,
            invoice: 0,
            currency: 0,
            day: None,
        };
        ask.by = query
            .by
            .iter()
            .map(|dimension| ask.field(field(dimension, query), *dimension != Dimension::Currency))
            .collect();
        ask.month = ask.field(Field::Month, false);
        ask.invoice = ask.field(Field::Invoice, false);
        ask.currency = ask.field(Field::Currency, false);
        if query.from.is_some() || query.to.is_some() {
            ask.day = Some(ask.field(Field::Day, true));
        }
        if ask.costs.by_line_type {
            let (line_type, reservation) = (ask.field(Field::LineType, true), ask.field(Field::Reservation, false));
            ask.amortisation = Some(Amortisation { line_type, reservation });
        }
        ask
    }

    fn field(&mut self, field: Field, is_needed: bool) -> usize {
        let known = self.fields.iter().position(|known| *known == field).unwrap_or_else(|| {
            self.fields.push(field);
            self.needed.push(false);
            self.fields.len() - 1
        });
        self.needed[known] |= is_needed;
        known
    }

    /// Finds the fields and columns in a file.
    pub fn resolve(&self, columns: &[Column]) -> Result<Resolved, Fault> {
        let find = |(field, is_needed): (&Field, &bool)| self.layout.find(columns, field, *is_needed);
        let fields: Vec<FieldAt> = self.fields.iter().zip(&self.needed).map(find).collect::<Result<_, _>>()?;
        if let Some((one, two)) = same_entry(&fields) {
            let cause = format!("{:?} and {:?} are one tag in this report", self.fields[one], self.fields[two]);
            return Err(Fault::new(cause).remedy("group by one of them"));
        }
        let costs: Vec<Option<usize>> =
            self.costs.columns.iter().map(|name| position(columns, name)).collect::<Result<_, _>>()?;
        // The columns of amortised cost are there if a row ever needed them; the first is always needed.
        if costs[0].is_none() {
            return Err(self.layout.missing(self.costs.columns[0]));
        }
        let usage = position(columns, self.layout.usage())?.ok_or_else(|| self.layout.missing(self.layout.usage()))?;
        Ok(Resolved { fields, costs, usage })
    }

    /// The tags and categories to group by, which some file should have.
    pub fn tags(&self) -> impl Iterator<Item = (usize, &Field)> {
        let by = self.by.iter().map(|field| (*field, &self.fields[*field]));
        by.filter(|(_, field)| matches!(field, Field::Tag(_) | Field::Category(_)))
    }
}

fn field(dimension: &Dimension, query: &Query) -> Field {
    match dimension {
        Dimension::Tenant => Field::Tag(query.tenant_tag.clone()),
        Dimension::Project => Field::Tag(query.project_tag.clone()),
        Dimension::Service => Field::Service,
        Dimension::Account => Field::Account,
        Dimension::Day => Field::Day,
        Dimension::Month => Field::Month,
        Dimension::LineType => Field::LineType,
        Dimension::Invoice => Field::Invoice,
        Dimension::Currency => Field::Currency,
        Dimension::Tag(key) => Field::Tag(key.clone()),
        Dimension::Category(name) => Field::Category(name.clone()),
    }
}

/// Two fields that one entry of a map would answer.
fn same_entry(fields: &[FieldAt]) -> Option<(usize, usize)> {
    let entry = |at: &FieldAt| match at {
        FieldAt::Entry { column, keys } => Some((*column, keys.clone())),
        _ => None,
    };
    (0..fields.len()).find_map(|two| {
        let (column, keys) = entry(&fields[two])?;
        let overlaps = |one: &usize| {
            entry(&fields[*one]).is_some_and(|(of, others)| of == column && others.iter().any(|key| keys.contains(key)))
        };
        (0..two).find(overlaps).map(|one| (one, two))
    })
}
