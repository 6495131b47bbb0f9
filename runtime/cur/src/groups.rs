//! Sums by group: of each batch every row finds its group by the numbers of its fields, packed into one key.

use std::collections::{BTreeMap, HashMap};
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

/// The amounts of a group that fit into 64 bits, added up in 96: enough for 2^32 of them. Every row touches one, so they
/// are half a cache line: thousands of groups stay near.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(32))]
struct Short {
    cost: u64,
    usage: u64,
    rows: u64,
    /// The upper parts.
    cost_high: i32,
    usage_high: i32,
}

impl Short {
    #[inline]
    fn add(&mut self, cost: i64, usage: i64) {
        fn add(low: &mut u64, high: &mut i32, amount: i64) {
            let (sum, carries) = low.overflowing_add(amount as u64);
            *low = sum;
            *high += i32::from(carries) + (amount >> 63) as i32;
        }
        add(&mut self.cost, &mut self.cost_high, cost);
        add(&mut self.usage, &mut self.usage_high, usage);
        self.rows += 1;
    }

    fn sums(&self) -> Sums {
        let amount = |low: u64, high: i32| Amount { coarse: i128::from(high) << 64 | i128::from(low), fine: 0 };
        let (cost, usage) = (amount(self.cost, self.cost_high), amount(self.usage, self.usage_high));
        Sums { cost, usage, rows: self.rows }
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
    sums: Vec<Short>,
    /// What the other amounts add up to, for the groups that have any.
    long: BTreeMap<u32, Sums>,
    keys: Vec<u32>,
    long_keys: Vec<u128>,
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
        let (members, sums, long, keys, long_keys, found) = Default::default();
        Groups { fields, bits, index: Index::Table(vec![0]), members, sums, long, keys, long_keys, found }
    }

    /// Adds the rows of a batch to their groups.
    pub fn add(&mut self, batch: &Batch, costs: &Figures, names: &[Names]) -> Result<(), Fault> {
        self.fit(names)?;
        self.find(batch, (&costs.short, &batch.usage.short));
        for (row, cost) in &costs.long {
            self.long.entry(self.found[*row]).or_default().cost.add(*cost);
        }
        for (row, usage) in &batch.usage.long {
            self.long.entry(self.found[*row]).or_default().usage.add(*usage);
        }
        Ok(())
    }

    /// The groups: the numbers of their fields, and their sums.
    pub fn iter(&self) -> impl Iterator<Item = (&[u32], Sums)> {
        let width = self.fields.len();
        self.sums.iter().enumerate().map(move |(group, short)| {
            let mut sums = short.sums();
            if let Some(long) = self.long.get(&(group as u32)) {
                sums.add(long);
            }
            (&self.members[group * width..][..width], sums)
        })
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

    /// Finds the group of every row and adds its amounts.
    fn find(&mut self, batch: &Batch, (costs, usages): (&[i64], &[i64])) {
        let width = self.fields.len();
        self.found.resize(batch.rows, 0);
        match &mut self.index {
            Index::Table(table) => {
                self.keys.resize(batch.rows, 0);
                for (at, (field, bits)) in self.fields.iter().zip(&self.bits).enumerate() {
                    let numbers = self.keys.iter_mut().zip(&batch.keys[*field]);
                    match at {
                        0 => numbers.for_each(|(key, number)| *key = *number),
                        _ => numbers.for_each(|(key, number)| *key = *key << bits | number),
                    }
                }
                if self.fields.is_empty() {
                    self.keys.fill(0);
                }
                let amounts = costs.iter().zip(usages);
                for (row, ((group, key), (cost, usage))) in
                    self.found.iter_mut().zip(&self.keys).zip(amounts).enumerate()
                {
                    let place = &mut table[*key as usize];
                    if *place == 0 {
                        self.members.extend(self.fields.iter().map(|field| batch.keys[*field][row]));
                        self.sums.push(Short::default());
                        *place = self.sums.len() as u32;
                    }
                    *group = *place - 1;
                    self.sums[*group as usize].add(*cost, *usage);
                }
            }
            Index::Hashed(map) => {
                self.long_keys.clear();
                self.long_keys.resize(batch.rows, 0);
                for (field, bits) in self.fields.iter().zip(&self.bits) {
                    let numbers = self.long_keys.iter_mut().zip(&batch.keys[*field]);
                    numbers.for_each(|(key, number)| *key = *key << bits | u128::from(*number));
                }
                let mut last = None;
                let amounts = costs.iter().zip(usages);
                for (row, ((group, key), (cost, usage))) in
                    self.found.iter_mut().zip(&self.long_keys).zip(amounts).enumerate()
                {
                    *group = match last {
                        Some((known, group)) if known == *key => group,
                        _ => *map.entry(*key).or_insert_with(|| {
                            self.members.extend(self.fields.iter().map(|field| batch.keys[*field][row]));
                            self.sums.push(Short::default());
                            self.sums.len() as u32 - 1
                        }),
                    };
                    last = Some((*key, *group));
                    self.sums[*group as usize].add(*cost, *usage);
                }
            }
        }
        debug_assert_eq!(self.members.len(), self.sums.len() * width);
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
