//! The desired graph, drawn: Mermaid for a README or an issue, DOT for Graphviz, JSON for programs. An edge leads from
//! a resource to what it needs. Everything follows from addresses alone, so one tenant more adds lines and moves none.

use std::collections::BTreeMap;
use std::fmt::Write;

use engine::{Address, Graph};
use serde_json::{Value, json};

/// The addresses of what all share (none) and of each tenant, in the order they are drawn.
type Groups<'a> = BTreeMap<Option<&'a str>, Vec<&'a Address>>;

fn groups(graph: &Graph) -> Groups<'_> {
    let mut groups = Groups::new();
    for (address, resource) in graph.resources() {
        groups.entry(resource.tenant.as_deref()).or_default().push(address);
    }
    groups
}

fn edges(graph: &Graph) -> impl Iterator<Item = (&Address, &Address)> {
    graph.resources().keys().flat_map(|from| graph.needs(from).iter().map(move |needed| (from, needed)))
}

fn title(tenant: Option<&str>) -> String {
    tenant.map_or_else(|| "Shared".to_owned(), |tenant| format!("Tenant {tenant}"))
}

/// A Mermaid flowchart.
pub fn mermaid(graph: &Graph) -> String {
    let mut out = "flowchart LR\n".to_owned();
    for (tenant, addresses) in groups(graph) {
        let group = tenant.map_or_else(|| "shared".to_owned(), |tenant| format!("tenant_{}", mermaid_id(tenant)));
        let _ = writeln!(out, "  subgraph {group}[\"{}\"]", mermaid_text(&title(tenant)));
        for address in addresses {
            let address = address.to_string();
            let _ = writeln!(out, "    {}[\"{}\"]", mermaid_id(&address), mermaid_text(&address));
        }
        out.push_str("  end\n");
    }
    for (from, needed) in edges(graph) {
        let _ = writeln!(out, "  {} --> {}", mermaid_id(&from.to_string()), mermaid_id(&needed.to_string()));
    }
    out
}

/// Letters and digits; anything else as its code point between underscores, so that no two addresses share an id.
fn mermaid_id(text: &str) -> String {
    let mut id = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => id.push(c),
            c => {
                let _ = write!(id, "_{:x}_", u32::from(c));
            }
        }
    }
    id
}

/// Text between quotes: Mermaid reads entities in it, and Markdown between backquotes.
fn mermaid_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '#' | '&' | '<' | '>' | '`' | ';' | '\\' => {
                let _ = write!(out, "#{};", u32::from(c));
            }
            c => out.push(billing::manifest::picture(c)),
        }
    }
    out
}

/// A Graphviz digraph with a cluster for what is shared and one for each tenant.
pub fn dot(graph: &Graph) -> String {
    let mut out = "digraph billform {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
    for (tenant, addresses) in groups(graph) {
        let group = tenant.map_or_else(|| "cluster shared".to_owned(), |tenant| format!("cluster tenant {tenant}"));
        let _ = writeln!(out, "  subgraph {} {{\n    label={};", quoted(&group), quoted(&title(tenant)));
        for address in addresses {
            let _ = writeln!(out, "    {};", quoted(&address.to_string()));
        }
        out.push_str("  }\n");
    }
    for (from, needed) in edges(graph) {
        let _ = writeln!(out, "  {} -> {};", quoted(&from.to_string()), quoted(&needed.to_string()));
    }
    out.push_str("}\n");
    out
}

/// A quoted id of DOT. A backslash starts an escape in labels, and a node's id is its label.
fn quoted(text: &str) -> String {
    let text: String = text.chars().map(billing::manifest::picture).collect();
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `billform-graph/1`: nodes and edges.
pub fn json(graph: &Graph) -> Value {
    let nodes: Vec<Value> = graph
        .resources()
        .iter()
        .map(|(address, resource)| json!({ "address": address, "kind": address.kind(), "tenant": resource.tenant }))
        .collect();
    let edges: Vec<Value> = edges(graph).map(|(from, needed)| json!({ "from": from, "needs": needed })).collect();
    json!({ "format": "billform-graph/1", "nodes": nodes, "edges": edges })
}
