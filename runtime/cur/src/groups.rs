//! Sums by group: of each batch every row finds its group by the numbers of its fields, packed into one key.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::amount::Amount;
use crate::batch::{Batch, Figures};
use crate::names::Names;
use crate::problem::Fault;

/// Keys of up to so many bits index a table; longer ones are hashed.
const TABLE_BITS: u32 = 20;

/// What the rows of one group add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Cost in the chosen basis.
    pub cost: Amount,
    /// Usage, in whatever units the rows have.
    pub usage: Amount,
    /// Rows.
    pub rows: u64,
}

impl Sums {
    /// Adds others.
    pub fn add(&mut self, other: &Sums) {
        self.cost.add(other.cost);
        self.usage.add(other.usage);
        self.rows += other.rows;
    }
}

/// The groups that one thread has found.
#[derive(Debug)]
pub struct Groups {
    /// Which fields of a batch make up the key.
    fields: Vec<usize>,
    bits: Vec<u32>,
    index: Index,
    /// The numbers of every group's fields, group after group.
    members: Vec<u32>,
    sums: Vec<Sums>,
    keys: Vec<u128>,
    found: Vec<u32>,
}

#[derive(Debug)]
enum Index {
    /// The group's number plus one, zero for none.
    Table(Vec<u32>),
    Hashed(HashMap<u128, u32, BuildHasherDefault<Fold>>),
}

impl Groups {
    /// Groups by these fields.
    pub fn new(fields: Vec<usize>) -> Groups {
        let bits = vec![0; fields.len()];
        let (members, sums, keys, found) = Default::default();
        Groups { fields, bits, index: Index::Table(vec![0]), members, sums, keys, found }
    }

    /// Adds the rows of a batch to their groups.
    pub fn add(&mut self, batch: &Batch, costs: &Figures, names: &[Names]) -> Result<(), Fault> {
        self.fit(names)?;
        self.find(batch);
        for (row, group) in self.found.iter().enumerate() {
            let sums = &mut self.sums[*group as usize];
            sums.cost.coarse += costs.coarse[row];
            sums.usage.coarse += batch.usage.coarse[row];
            sums.rows += 1;
        }
        for (row, fine) in &costs.fine {
            self.sums[self.found[*row] as usize].cost.add_fine(*fine);
        }
        for (row, fine) in &batch.usage.fine {
            self.sums[self.found[*row] as usize].usage.add_fine(*fine);
        }
        Ok(())
    }

    /// The groups: the numbers of their fields, and their sums.
    pub fn iter(&self) -> impl Iterator<Item = (&[u32], &Sums)> {
        let width = self.fields.len();
        self.sums.iter().enumerate().map(move |(group, sums)| (&self.members[group * width..][..width], sums))
    }

    /// Makes the keys long enough for every number there is.
    fn fit(&mut self, names: &[Names]) -> Result<(), Fault> {
        let needed = |field: &usize| usize::BITS - (names[*field].len() - 1).leading_zeros();
        if self.fields.iter().zip(&self.bits).all(|(field, bits)| needed(field) <= *bits) {
            return Ok(());
        }
        // One bit to spare, so that the next values do not begin it again.
        self.bits = self.fields.iter().map(|field| needed(field) + 1).collect();
        let bits: u32 = self.bits.iter().sum();
        if bits > u128::BITS {
            return Err(
                Fault::new("the report has too many distinct values to group by all of this").remedy("group by less")
            );
        }
        self.index =
            if bits <= TABLE_BITS { Index::Table(vec![0; 1 << bits]) } else { Index::Hashed(HashMap::default()) };
        for group in 0..self.sums.len() {
            let members = &self.members[group * self.fields.len()..][..self.fields.len()];
            let key = members.iter().zip(&self.bits).fold(0, |key, (number, bits)| key << bits | u128::from(*number));
            match &mut self.index {
                Index::Table(table) => table[key as usize] = group as u32 + 1,
                Index::Hashed(map) => drop(map.insert(key, group as u32)),
            }
        }
        Ok(())
    }

    /// Finds the group of every row.
    fn find(&mut self, batch: &Batch) {
        self.found.clear();
        match &mut self.index {
            Index::Table(table) => {
                let mut keys = vec![0_u32; batch.rows];
                for (field, bits) in self.fields.iter().zip(&self.bits) {
                    keys.iter_mut().zip(&batch.keys[*field]).for_each(|(key, number)| *key = *key << bits | number);
                }
                for (row, key) in keys.into_iter().enumerate() {
                    let place = &mut table[key as usize];
                    if *place == 0 {
                        self.members.extend(self.fields.iter().map(|field| batch.keys[*field][row]));
                        self.sums.push(Sums::default());
                        *place = self.sums.len() as u32;
                    }
                    self.found.push(*place - 1);
                }
            }
            Index::Hashed(map) => {
                self.keys.clear();
                self.keys.resize(batch.rows, 0);
                for (field, bits) in self.fields.iter().zip(&self.bits) {
                    self.keys
                        .iter_mut()
                        .zip(&batch.keys[*field])
                        .for_each(|(key, number)| *key = *key << bits | u128::from(*number));
                }
                let mut last = None;
                for (row, key) in self.keys.iter().enumerate() {
                    let group = match last {
                        Some((known, group)) if known == *key => group,
                        _ => *map.entry(*key).or_insert_with(|| {
                            self.members.extend(self.fields.iter().map(|field| batch.keys[*field][row]));
                            self.sums.push(Sums::default());
                            self.sums.len() as u32 - 1
                        }),
                    };
                    last = Some((*key, group));
                    self.found.push(group);
                }
            }
        }
    }
}

/// A hash of packed numbers: they are small and chosen by us, not by others.
#[derive(Debug, Default)]
struct Fold(u64);

impl Hasher for Fold {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u128(u128::from(*byte));
        }
    }

    fn write_u128(&mut self, key: u128) {
        let mixed = (key as u64 ^ self.0).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ ((key >> 64) as u64).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
        self.0 = (mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93) ^ mixed >> 29;
    }
}
