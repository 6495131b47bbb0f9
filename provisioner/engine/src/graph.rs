//! The desired graph: resources and what each needs to exist first.

use std::collections::{BTreeMap, BTreeSet};

use crate::input::references;
use crate::{Address, Resource};

/// What is to exist. It has no cycle, no dangling reference and every address once.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    resources: BTreeMap<Address, Resource>,
    needs: BTreeMap<Address, BTreeSet<Address>>,
    order: Vec<Address>,
    imports: BTreeMap<Address, String>,
}

/// Why resources make no graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Two resources stand at one address.
    #[error("{0} is wanted twice; give one of the two another name")]
    Duplicate(Address),
    /// A resource refers to one that is not wanted.
    #[error("{from} needs {missing}, which nothing in the manifest makes")]
    Missing {
        /// Who refers.
        from: Address,
        /// To what.
        missing: Address,
    },
    /// Resources need each other in a circle.
    #[error("resources need each other in a circle: {}", path(.0))]
    Cycle(
        /// The circle; its first address is also its last.
        Vec<Address>,
    ),
}

fn path(cycle: &[Address]) -> String {
    cycle.iter().map(Address::to_string).collect::<Vec<_>>().join(" -> ")
}

impl Graph {
    /// The graph of these resources, whatever their order.
    pub fn new(resources: Vec<Resource>) -> Result<Graph, GraphError> {
        let mut by_address = BTreeMap::new();
        for resource in resources {
            let address = resource.address.clone();
            if by_address.insert(address.clone(), resource).is_some() {
                return Err(GraphError::Duplicate(address));
            }
        }
        let needs = by_address.iter().map(|(address, resource)| (address.clone(), needs_of(resource))).collect();
        find_missing(&by_address, &needs)?;
        let order = topological(&needs)?;
        Ok(Graph { resources: by_address, needs, order, imports: BTreeMap::new() })
    }

    /// The graph in which nothing is to exist: destroy.
    pub fn empty() -> Graph {
        Graph { resources: BTreeMap::new(), needs: BTreeMap::new(), order: Vec::new(), imports: BTreeMap::new() }
    }

    /// The same graph, in which some resources exist already under these ids of the cloud: they are taken over instead of
    /// created. Addresses that the graph does not have are left out. Imports given before no longer count.
    pub fn importing(mut self, imports: impl IntoIterator<Item = (Address, String)>) -> Graph {
        self.imports = imports.into_iter().filter(|(address, _)| self.resources.contains_key(address)).collect();
        self
    }

    /// The ids of the resources to take over, by the address that each is to get.
    pub fn imports(&self) -> &BTreeMap<Address, String> {
        &self.imports
    }

    /// The resources by address.
    pub fn resources(&self) -> &BTreeMap<Address, Resource> {
        &self.resources
    }

    /// The resource at an address.
    pub fn get(&self, address: &Address) -> Option<&Resource> {
        self.resources.get(address)
    }

    /// What a resource needs to exist first: what it refers to and what it says it depends on.
    pub fn needs(&self, address: &Address) -> &BTreeSet<Address> {
        static NOTHING: BTreeSet<Address> = BTreeSet::new();
        self.needs.get(address).unwrap_or(&NOTHING)
    }

    /// Every address after all it needs; among those that could come next, the smallest first.
    pub fn order(&self) -> &[Address] {
        &self.order
    }

    /// The resources of one tenant, by address.
    pub fn for_tenant<'a>(&'a self, tenant: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.resources.values().filter(move |resource| resource.tenant.as_deref() == Some(tenant))
    }
}

fn needs_of(resource: &Resource) -> BTreeSet<Address> {
    let referred = references(&resource.desired).into_iter().map(|reference| reference.of);
    referred.chain(resource.depends_on.iter().cloned()).collect()
}

fn find_missing(
    resources: &BTreeMap<Address, Resource>,
    needs: &BTreeMap<Address, BTreeSet<Address>>,
) -> Result<(), GraphError> {
    let mut edges = needs.iter().flat_map(|(from, needed)| needed.iter().map(move |needed| (from, needed)));
    match edges.find(|(_, needed)| !resources.contains_key(*needed)) {
        Some((from, missing)) => Err(GraphError::Missing { from: from.clone(), missing: missing.clone() }),
        None => Ok(()),
    }
}

/// Kahn's algorithm over a set of ready addresses, so that the order follows from the graph alone.
fn topological(needs: &BTreeMap<Address, BTreeSet<Address>>) -> Result<Vec<Address>, GraphError> {
    let mut needed_by: BTreeMap<&Address, Vec<&Address>> = BTreeMap::new();
    let mut open: BTreeMap<&Address, usize> = BTreeMap::new();
    for (from, needed) in needs {
        open.insert(from, needed.len());
        for needed in needed {
            needed_by.entry(needed).or_default().push(from);
        }
    }
    let mut ready: BTreeSet<&Address> =
        open.iter().filter(|(_, count)| **count == 0).map(|(address, _)| *address).collect();
    let mut order = Vec::with_capacity(needs.len());
    while let Some(next) = ready.pop_first() {
        open.remove(next);
        order.push(next.clone());
        for dependant in needed_by.get(next).into_iter().flatten() {
            let count = open.get_mut(dependant).expect("an address with open needs is still open");
            *count -= 1;
            if *count == 0 {
                ready.insert(dependant);
            }
        }
    }
    match open.keys().next() {
        None => Ok(order),
        Some(start) => Err(GraphError::Cycle(cycle_from(start, needs, &open))),
    }
}

/// Walks from need to need among what never became ready, until an address comes up again.
fn cycle_from(
    start: &Address,
    needs: &BTreeMap<Address, BTreeSet<Address>>,
    open: &BTreeMap<&Address, usize>,
) -> Vec<Address> {
    let mut trail: Vec<&Address> = Vec::new();
    let mut met: BTreeMap<&Address, usize> = BTreeMap::new();
    let mut here = start;
    loop {
        if let Some(from) = met.get(here) {
            return trail[*from..].iter().copied().chain([here]).cloned().collect();
        }
        met.insert(here, trail.len());
        trail.push(here);
        here = needs[here]
            .iter()
            .find(|needed| open.contains_key(needed))
            .expect("what never becomes ready needs something that never does");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Input;
    use serde_json::json;

    fn resource(name: &str, needs: &[&str]) -> Resource {
        Resource {
            address: Address::new("item", name),
            tenant: None,
            desired: json!({}),
            depends_on: needs.iter().map(|name| Address::new("item", *name)).collect(),
        }
    }

    #[test]
    fn a_cycle_is_told_as_a_path() {
        let error = Graph::new(vec![resource("z", &["a"]), resource("a", &["b"]), resource("b", &["a"])]);
        assert_eq!(
            error.expect_err("a cycle").to_string(),
            "resources need each other in a circle: item.a -> item.b -> item.a"
        );
        let own = Graph::new(vec![resource("a", &["a"])]).expect_err("a cycle");
        assert_eq!(own, GraphError::Cycle(vec![Address::new("item", "a"), Address::new("item", "a")]));
    }

    #[test]
    fn a_reference_is_an_edge_and_must_lead_somewhere() {
        let mut from = resource("a", &[]);
        let id: Input<String> = Input::output(Address::new("item", "z"), "id");
        from.desired = json!({"deep": [{"id": id}]});
        let graph = Graph::new(vec![from.clone(), resource("z", &[])]).expect("a graph");
        assert_eq!(graph.order(), [Address::new("item", "z"), Address::new("item", "a")]);
        let missing = Graph::new(vec![from]).expect_err("dangling");
        assert_eq!(missing.to_string(), "item.a needs item.z, which nothing in the manifest makes");
    }

    #[test]
    fn an_address_stands_once() {
        let twice = Graph::new(vec![resource("a", &[]), resource("a", &[])]);
        assert_eq!(twice.expect_err("twice"), GraphError::Duplicate(Address::new("item", "a")));
    }
}
