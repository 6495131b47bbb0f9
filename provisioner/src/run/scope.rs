//! Which part of a stack a run looks at and may change: all of it, one tenant, or chosen resources; and how much it
//! reads.

use std::collections::BTreeSet;

use clap::ValueEnum;
use engine::drift::Unapplied;
use engine::kind::Depth;
use engine::{Address, Graph, State};
use serde::{Deserialize, Serialize};

use crate::ui::failure::Failure;

/// What was asked for on the command line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Scope {
    /// Everything.
    #[default]
    Whole,
    /// One tenant's resources and no others.
    Tenant(String),
    /// These resources, and what they need to exist.
    Targets(BTreeSet<Address>),
}

impl Scope {
    /// The scope of `--tenant` and `--target`, which exclude each other.
    pub fn new(tenant: Option<&str>, targets: &[Address]) -> Scope {
        match tenant {
            Some(tenant) => Scope::Tenant(tenant.to_owned()),
            None if targets.is_empty() => Scope::Whole,
            None => Scope::Targets(targets.iter().cloned().collect()),
        }
    }

    /// The tenant that is looked at alone.
    pub fn tenant(&self) -> Option<&str> {
        match self {
            Scope::Tenant(tenant) => Some(tenant),
            Scope::Whole | Scope::Targets(_) => None,
        }
    }

    /// The addresses looked at; none when that is all of them. What neither the manifest nor the state knows is an
    /// error that names it.
    pub fn addresses(&self, graph: &Graph, state: &State) -> Result<Option<BTreeSet<Address>>, Failure> {
        match self {
            Scope::Whole => Ok(None),
            Scope::Tenant(id) => tenants(id, graph, state).map(Some),
            Scope::Targets(targets) => with_needs(targets, graph, state).map(Some),
        }
    }

    /// A run for one tenant alone must leave everything else as the manifest wants it: what is unapplied elsewhere
    /// refuses it, so that nobody takes the tenant for up to date when it stands on something old.
    pub fn refuse_others(&self, unapplied: &[Unapplied]) -> Result<(), Failure> {
        let Scope::Tenant(id) = self else { return Ok(()) };
        let others: Vec<String> = unapplied
            .iter()
            .filter(|one| one.tenant.as_deref() != Some(id))
            .map(|one| format!("{} ({})", one.address, one.action))
            .collect();
        if others.is_empty() {
            return Ok(());
        }
        let shown = others.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        let more = others.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        Err(Failure::new(format!("more than tenant {id} would change: {shown}{more}; nothing was changed"))
            .hint("apply those first, without --tenant"))
    }
}

/// How much a plan reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refresh {
    /// What lists and batches give; the rest comes from the state.
    #[default]
    Lists,
    /// Every managed field.
    Full,
    /// Only what would be made; of everything else the state is believed.
    None,
}

impl Refresh {
    /// The engine's word for it.
    pub fn depth(self) -> Depth {
        match self {
            Refresh::Lists | Refresh::None => Depth::Lists,
            Refresh::Full => Depth::Full,
        }
    }
}

/// How many addresses an error names.
const SHOWN: usize = 8;

fn tenants(id: &str, graph: &Graph, state: &State) -> Result<BTreeSet<Address>, Failure> {
    let is_theirs = |tenant: &Option<String>| tenant.as_deref() == Some(id);
    let wanted = graph.for_tenant(id).map(|resource| &resource.address);
    let records = state.records.values().filter(|record| is_theirs(&record.tenant)).map(|record| &record.address);
    let intents = state.intents.values().filter(|intent| is_theirs(&intent.tenant)).map(|intent| &intent.address);
    let found: BTreeSet<Address> = wanted.chain(records).chain(intents).cloned().collect();
    if found.is_empty() {
        return Err(unknown_tenant(id));
    }
    Ok(found)
}

/// Nobody has heard of the tenant.
pub fn unknown_tenant(id: &str) -> Failure {
    Failure::new(format!("neither the manifest nor the state has a tenant `{id}`"))
        .hint("`billform tenant list` shows the manifest's")
}

fn with_needs(targets: &BTreeSet<Address>, graph: &Graph, state: &State) -> Result<BTreeSet<Address>, Failure> {
    let mut found = BTreeSet::new();
    let mut open: Vec<Address> = targets.iter().cloned().collect();
    while let Some(address) = open.pop() {
        let known = graph.get(&address).is_some() || state.records.contains_key(&address);
        if !known && !state.intents.contains_key(&address) {
            return Err(Failure::new(format!("neither the manifest nor the state has {address}"))
                .hint("`billform plan` and `billform state list` show the addresses there are"));
        }
        open.extend(graph.needs(&address).iter().filter(|needed| !found.contains(*needed)).cloned());
        found.insert(address);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use engine::{Action, Resource};
    use serde_json::json;

    use super::*;

    fn address(text: &str) -> Address {
        text.parse().expect("an address")
    }

    fn graph() -> Graph {
        let resource = |at: &str, tenant: Option<&str>, needs: &[&str]| Resource {
            address: address(at),
            tenant: tenant.map(str::to_owned),
            desired: json!({}),
            depends_on: needs.iter().map(|at| address(at)).collect(),
        };
        Graph::new(vec![
            resource("dynamodb_table.ledger", None, &[]),
            resource("tenant_record.acme", Some("acme"), &["dynamodb_table.ledger", "stripe_customer.acme"]),
            resource("stripe_customer.acme", Some("acme"), &[]),
            resource("budget.beta", Some("beta"), &[]),
        ])
        .expect("a graph")
    }

    fn names(scope: &Scope) -> Vec<String> {
        let found = scope.addresses(&graph(), &State::empty("s")).expect("known").expect("a part");
        found.iter().map(Address::to_string).collect()
    }

    #[test]
    fn a_tenant_is_its_own_resources_and_a_target_brings_what_it_needs() {
        assert_eq!(names(&Scope::new(Some("acme"), &[])), ["stripe_customer.acme", "tenant_record.acme"]);
        let target = Scope::new(None, &[address("tenant_record.acme")]);
        assert_eq!(names(&target), ["dynamodb_table.ledger", "stripe_customer.acme", "tenant_record.acme"]);
        assert_eq!(Scope::new(None, &[]).addresses(&graph(), &State::empty("s")).expect("all"), None);
    }

    #[test]
    fn what_nobody_knows_is_named() {
        for (scope, said) in [
            (Scope::new(Some("acne"), &[]), "no tenant `acne`"),
            (Scope::new(None, &[address("budget.gone")]), "budget.gone"),
        ] {
            let error = scope.addresses(&graph(), &State::empty("s")).expect_err("unknown");
            assert!(error.message.replace("has a tenant", "no tenant").contains(said), "{}", error.message);
        }
    }

    #[test]
    fn another_tenants_change_refuses_a_tenants_run() {
        let unapplied = |at: &str, tenant: Option<&str>| Unapplied {
            address: address(at),
            tenant: tenant.map(str::to_owned),
            action: Action::Update,
            fields: Vec::new(),
        };
        let scope = Scope::new(Some("acme"), &[]);
        assert!(scope.refuse_others(&[unapplied("tenant_record.acme", Some("acme"))]).is_ok());
        let error = scope.refuse_others(&[unapplied("budget.beta", Some("beta"))]).expect_err("another");
        assert!(error.message.contains("budget.beta (update)"), "{}", error.message);
        assert!(Scope::Whole.refuse_others(&[unapplied("budget.beta", Some("beta"))]).is_ok());
    }
}
