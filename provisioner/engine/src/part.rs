//! One tenant's part of a state, so that a run for one tenant alone can keep what it does without holding the rest.
//!
//! A part begins as a copy with the state's serial, and each run for the tenant raises its own. A run over the whole
//! stack takes all parts in and raises the state's serial above theirs. So a part counts exactly while its serial is not
//! below the state's: taking parts in is one write of the state, and a part that stays behind after it says nothing.

use std::collections::BTreeMap;

use crate::{Address, State};

impl State {
    /// A tenant's part: its records and intents, and where all of it stands.
    pub fn part_of(&self, tenant: &str) -> State {
        let is_theirs = |of: &Option<String>| of.as_deref() == Some(tenant);
        let is_their_record = |address: &&Address| self.records.get(*address).is_some_and(|of| is_theirs(&of.tenant));
        State {
            version: self.version,
            stack: self.stack.clone(),
            // None is 0: what is read where no part was begun must not pass for one.
            serial: self.serial.max(1),
            records: self.records.iter().filter(|(_, record)| is_theirs(&record.tenant)).map(cloned).collect(),
            intents: self.intents.iter().filter(|(_, intent)| is_theirs(&intent.tenant)).map(cloned).collect(),
            places: self.places.clone(),
            renamed: BTreeMap::new(),
            rebuilt: self.rebuilt.iter().filter(is_their_record).cloned().collect(),
        }
    }

    /// Whether a part still counts. Without a state nothing is known of the rest, so that a part alone would pass for
    /// all there is.
    pub fn counts(&self, part: &State) -> bool {
        part.serial >= self.serial.max(1) && !self.is_blank()
    }

    /// Puts the parts that count in place of what is remembered of their tenants. The serial stays.
    pub fn with_parts(mut self, parts: &BTreeMap<String, State>) -> State {
        for (tenant, part) in parts {
            if !self.counts(part) {
                continue;
            }
            let is_theirs = |of: &Option<String>| of.as_ref() == Some(tenant);
            let records = &self.records;
            self.rebuilt.retain(|address| !records.get(address).is_some_and(|record| is_theirs(&record.tenant)));
            self.records.retain(|_, record| !is_theirs(&record.tenant));
            self.intents.retain(|_, intent| !is_theirs(&intent.tenant));
            self.records.extend(part.records.iter().map(cloned));
            self.intents.extend(part.intents.iter().map(cloned));
            self.rebuilt.extend(part.rebuilt.iter().cloned());
        }
        self
    }

    /// Takes the parts in for good: the state's serial is above those that counted, so that they count no more.
    /// Whether any did.
    pub fn take_in(&mut self, parts: &BTreeMap<String, State>) -> bool {
        let counting = parts.values().filter(|part| self.counts(part));
        let Some(highest) = counting.map(|part| part.serial).max() else { return false };
        let before = std::mem::replace(self, State::empty(""));
        *self = before.with_parts(parts);
        self.serial = highest + 1;
        true
    }
}

fn cloned<K: Clone, V: Clone>((key, value): (&K, &V)) -> (K, V) {
    (key.clone(), value.clone())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::Record;
    use crate::state::{Entry, Intent};

    const TENANTS: [&str; 3] = ["acme", "beta", "zeta"];

    fn record(kind: &str, tenant: Option<&str>, version: u32) -> Record {
        Record {
            address: Address::new(kind, tenant.unwrap_or("main")),
            id: format!("{kind}-{}", tenant.unwrap_or("main")),
            tenant: tenant.map(str::to_owned),
            fields: json!({ "version": version }).into(),
            outputs: BTreeMap::new(),
            depends_on: BTreeSet::new(),
            pending: None,
            generation: None,
        }
    }

    /// What a run does to one resource.
    fn entry() -> impl Strategy<Value = (usize, Entry)> {
        let tenant = 0..=TENANTS.len();
        (tenant, prop::sample::select(vec!["budget", "tenant_record"]), 0_u32..3, 0_u32..9).prop_map(
            |(at, kind, what, version)| {
                let record = record(kind, TENANTS.get(at).copied(), version);
                let Record { address, tenant, fields, depends_on, .. } = record.clone();
                let entry = match what {
                    0 => Entry::Intent(Intent {
                        address,
                        tenant,
                        fields,
                        depends_on,
                        generation: Some(4),
                        takes_over: false,
                        replaces: None,
                    }),
                    1 => Entry::Exists(Box::new(record)),
                    _ => Entry::Removed(address),
                };
                (at, entry)
            },
        )
    }

    fn taken(mut state: State, entries: &[(usize, Entry)], of: impl Fn(usize) -> bool) -> State {
        entries.iter().filter(|(at, _)| of(*at)).for_each(|(_, entry)| state.take(entry.clone()));
        state
    }

    proptest! {
        /// Runs for single tenants, each on its part, come to what one run over all would have come to.
        #[test]
        fn parts_come_to_what_one_run_comes_to(
            before in prop::collection::vec(entry(), 0..12),
            during in prop::collection::vec(entry(), 0..24),
            runs in prop::array::uniform3(0_u64..3),
        ) {
            let state = State { serial: 4, ..taken(State::empty("s"), &before, |_| true) };
            let mut parts = BTreeMap::new();
            for (at, tenant) in TENANTS.iter().enumerate() {
                let part = taken(state.part_of(tenant), &during, |of| of == at);
                parts.insert((*tenant).to_owned(), State { serial: 4 + runs[at], ..part });
            }
            let expected = taken(state.clone(), &during, |at| at < TENANTS.len());
            prop_assert_eq!(&state.clone().with_parts(&parts), &expected);
            let mut whole = state;
            prop_assert!(whole.take_in(&parts));
            prop_assert_eq!(&whole.records, &expected.records);
            prop_assert_eq!(&whole.intents, &expected.intents);
            let highest = parts.values().map(|part| part.serial).max();
            prop_assert!(Some(whole.serial) > highest, "no idempotency token comes twice");
            let settled = whole.clone();
            prop_assert!(!whole.take_in(&parts), "what was taken in says nothing more");
            prop_assert_eq!(&whole, &settled);
        }
    }

    #[test]
    fn what_a_rebuild_found_goes_with_its_tenant_until_it_is_settled() {
        let records = TENANTS.map(|tenant| (0, Entry::Exists(Box::new(record("budget", Some(tenant), 1)))));
        let mut state = State { serial: 4, ..taken(State::empty("s"), &records, |_| true) };
        let [acme, beta, _] = TENANTS.map(|tenant| Address::new("budget", tenant));
        state.rebuilt = [acme.clone(), beta.clone()].into();
        let mut part = state.part_of("acme");
        assert_eq!(part.rebuilt, [acme].into());
        part.take(Entry::Exists(Box::new(record("budget", Some("acme"), 2))));
        assert_eq!(state.with_parts(&[("acme".to_owned(), part)].into()).rebuilt, [beta].into());
    }

    /// A first apply was killed, so that its state counts 0; a part that was never begun reads as nothing with count 0.
    #[test]
    fn a_part_that_was_never_begun_does_not_count() {
        let record = record("budget", Some("acme"), 1);
        let state = taken(State::empty("s"), &[(0, Entry::Exists(Box::new(record)))], |_| true);
        let parts = BTreeMap::from([("acme".to_owned(), State::empty("s"))]);
        assert_eq!(state.clone().with_parts(&parts), state);
        assert!(state.counts(&state.part_of("acme")));
    }

    #[test]
    fn a_part_without_its_state_is_not_all_there_is() {
        let state =
            taken(State::empty("s"), &[(0, Entry::Exists(Box::new(record("budget", Some("acme"), 1))))], |_| true);
        let parts = BTreeMap::from([("acme".to_owned(), state.part_of("acme"))]);
        assert_eq!(State::empty("s").with_parts(&parts), State::empty("s"));
    }
}
