//! `graph`: golden drawings of a small graph, and drawings of the example that hold exactly its nodes and edges.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use engine::{Address, Graph, Resource};
use provisioner::ui::views::graph;
use serde_json::{Value, json};

use crate::program::{Program, checkout};

/// Nodes, and edges from what needs to what is needed.
type Drawn = (BTreeSet<String>, BTreeSet<(String, String)>);

fn resource(address: &Address, tenant: Option<&str>, needs: &[&Address]) -> Resource {
    let depends_on = needs.iter().map(|needed| (*needed).clone()).collect();
    Resource { address: address.clone(), tenant: tenant.map(str::to_owned), desired: json!({}), depends_on }
}

/// Two tenants, a name with dots, and one that no manifest can have: quotes, a backslash, brackets, an escape.
fn small() -> Graph {
    let [table, role, function] =
        ["dynamodb_table.ledger", "iam_role.cost_sync", "lambda_function.cost_sync"].map(address);
    let price = address("stripe_price.portal.monthly");
    let product = address("stripe_product.portal");
    let odd = Address::new("secret", "a\"b\\c]#<\u{1b}[2J");
    let [acme, beta] = ["tenant_record.acme", "tenant_record.beta-2"].map(address);
    Graph::new(vec![
        resource(&beta, Some("beta-2"), &[&table]),
        resource(&acme, Some("acme"), &[&table]),
        resource(&function, None, &[&role, &table]),
        resource(&price, None, &[&product]),
        resource(&odd, None, &[]),
        resource(&role, None, &[&odd]),
        resource(&product, None, &[]),
        resource(&table, None, &[]),
    ])
    .expect("a graph")
}

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("BILLFORM_BLESS").is_some() {
        fs::write(&path, text).expect("is written");
    }
    assert_eq!(text, fs::read_to_string(&path).unwrap_or_default(), "{name}; BILLFORM_BLESS=1 takes it as right");
}

#[test]
fn drawings_are_as_their_files_say() {
    golden("graph.mmd", &graph::mermaid(&small()));
    golden("graph.dot", &graph::dot(&small()));
    golden("graph.json", &format!("{}\n", serde_json::to_string_pretty(&graph::json(&small())).expect("JSON")));
}

#[test]
fn a_tenant_more_adds_lines_and_moves_none() {
    let with = small();
    let without = with.resources().values().filter(|resource| resource.tenant.as_deref() != Some("acme"));
    let without = Graph::new(without.cloned().collect()).expect("a graph");
    for draw in [graph::mermaid, graph::dot] {
        let (with, without) = (draw(&with), draw(&without));
        let mut rest = with.lines();
        let kept = without.lines().all(|line| rest.any(|other| other == line));
        assert!(kept, "{without} is not within {with}");
    }
}

fn example() -> String {
    checkout("manifests/mmp-toledo.yaml").to_str().expect("UTF-8").to_owned()
}

fn run(arguments: &[&str]) -> String {
    let arguments: Vec<&str> = ["graph", "-f"].into_iter().chain(arguments.iter().copied()).collect();
    Program::new().run(&arguments).ok()
}

/// What JSON says of the example; the drawings must say the same.
fn expected() -> Drawn {
    let document: Value = serde_json::from_str(&run(&[&example(), "--format", "json"])).expect("JSON");
    assert_eq!(document["format"], "billform-graph/1");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let list = |key: &str| document[key].as_array().expect("a list").clone();
    let nodes: BTreeSet<String> = list("nodes").iter().map(|node| text(&node["address"])).collect();
    let edges = list("edges").iter().map(|edge| (text(&edge["from"]), text(&edge["needs"]))).collect();
    let of_tenant = list("nodes").into_iter().find(|node| node["address"] == "budget.mmp-toledo").expect("a budget");
    assert_eq!(of_tenant["tenant"], "mmp-toledo");
    assert!(nodes.len() > 20, "{nodes:?}");
    (nodes, edges)
}

#[test]
fn mermaid_of_the_example_has_every_node_and_edge_once() {
    let text = run(&[&example()]);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("flowchart LR"));
    let (mut nodes, mut edges) = (Vec::new(), Vec::new());
    let mut label_of = std::collections::BTreeMap::new();
    let mut open = false;
    for line in lines.map(str::trim) {
        if let Some(group) = line.strip_prefix("subgraph ") {
            assert!(!open && group.ends_with("\"]"), "{line}");
            open = true;
        } else if line == "end" {
            open = false;
        } else if let Some((from, needed)) = line.split_once(" --> ") {
            edges.push((from.to_owned(), needed.to_owned()));
        } else {
            let (id, label) = line.split_once("[\"").expect("a node");
            assert!(open && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{line}");
            let label = label.strip_suffix("\"]").expect("a label").to_owned();
            assert_eq!(label_of.insert(id.to_owned(), label.clone()), None, "{id} twice");
            nodes.push(label);
        }
    }
    let edges = edges.iter().map(|(from, needed)| (label_of[from].clone(), label_of[needed].clone())).collect();
    assert_eq!((nodes.into_iter().collect(), edges), expected());
}

#[test]
fn dot_of_the_example_parses_to_every_node_and_edge() {
    assert_eq!(parse_dot(&run(&[&example(), "--as", "dot"])).expect("DOT"), expected());
}

#[test]
fn dot_of_odd_names_parses_and_a_broken_one_does_not() {
    let (nodes, edges) = parse_dot(&graph::dot(&small())).expect("DOT");
    assert!(nodes.contains("secret.a\"b\\c]#<␛[2J"), "{nodes:?}");
    assert_eq!((nodes.len(), edges.len()), (8, 6));
    for broken in
        ["digraph { \"a }", "digraph { a -> }", "digraph { subgraph x { a }", "graph { a }", "digraph { = a }"]
    {
        assert!(parse_dot(broken).is_err(), "{broken}");
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Id(String),
    Sign(&'static str),
}

/// The tokens of DOT (graphviz.org, "DOT Language"), as far as it is written here.
fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(c) = rest.chars().next() {
        if let Some(sign) = ["->", "{", "}", "[", "]", ";", "=", ","].into_iter().find(|sign| rest.starts_with(sign)) {
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else if c == '"' {
            let mut id = String::new();
            let mut characters = rest[1..].char_indices();
            loop {
                match characters.next() {
                    Some((_, '\\')) => id.extend(characters.next().map(|(_, c)| c)),
                    Some((at, '"')) => {
                        rest = &rest[at + 2..];
                        break;
                    }
                    Some((_, c)) => id.push(c),
                    None => return Err(format!("a quote is not closed: {id}")),
                }
            }
            tokens.push(Token::Id(id));
        } else {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            if end == 0 {
                return Err(format!("`{c}` stands alone"));
            }
            tokens.push(Token::Id(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// Nodes and edges of a digraph, or why it is none.
fn parse_dot(text: &str) -> Result<Drawn, String> {
    let mut tokens = tokens(text)?.into_iter().peekable();
    let mut drawn = Drawn::default();
    if tokens.next() != Some(Token::Id("digraph".to_owned())) {
        return Err("no digraph".to_owned());
    }
    tokens.next_if(|token| matches!(token, Token::Id(_)));
    parse_block(&mut tokens, &mut drawn)?;
    match tokens.next() {
        None => Ok(drawn),
        Some(token) => Err(format!("{token:?} after the end")),
    }
}

type Tokens = std::iter::Peekable<std::vec::IntoIter<Token>>;

fn parse_block(tokens: &mut Tokens, drawn: &mut Drawn) -> Result<(), String> {
    expect(tokens, "{")?;
    loop {
        match tokens.next() {
            Some(Token::Sign("}")) => return Ok(()),
            Some(Token::Sign(";")) => {}
            Some(Token::Id(word)) if word == "subgraph" => {
                tokens.next_if(|token| matches!(token, Token::Id(_)));
                parse_block(tokens, drawn)?;
            }
            Some(Token::Id(first)) => parse_statement(first, tokens, drawn)?,
            other => return Err(format!("{other:?} begins no statement")),
        }
    }
}

/// `a=b`, `node [a=b]`, `a` or `a -> b`.
fn parse_statement(first: String, tokens: &mut Tokens, drawn: &mut Drawn) -> Result<(), String> {
    match tokens.peek() {
        Some(Token::Sign("=")) => {
            tokens.next();
            id(tokens).map(drop)
        }
        Some(Token::Sign("[")) => {
            tokens.next();
            id(tokens)?;
            expect(tokens, "=")?;
            id(tokens)?;
            expect(tokens, "]")
        }
        Some(Token::Sign("->")) => {
            tokens.next();
            let needed = id(tokens)?;
            drawn.1.insert((first, needed));
            Ok(())
        }
        _ => {
            drawn.0.insert(first);
            Ok(())
        }
    }
}

fn id(tokens: &mut Tokens) -> Result<String, String> {
    match tokens.next() {
        Some(Token::Id(id)) => Ok(id),
        other => Err(format!("{other:?} where an id belongs")),
    }
}

fn expect(tokens: &mut Tokens, sign: &'static str) -> Result<(), String> {
    match tokens.next() {
        Some(Token::Sign(found)) if found == sign => Ok(()),
        other => Err(format!("{other:?} where `{sign}` belongs")),
    }
}
